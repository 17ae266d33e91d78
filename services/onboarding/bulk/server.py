"""The RPCs of cho.onboarding.v1.BulkService: proto in, proto out."""

from __future__ import annotations

import hashlib
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from threading import BoundedSemaphore

from cho.onboarding.v1 import bulk_pb2 as pb
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.json_format import MessageToJson

from kit import clock, log
from kit.errors import InvalidArgument, Overloaded, SheetInvalid
from kit.ids import key_time_ms
from kit.rpc.call import Call
from services.onboarding.bulk import job, result, rows, store
from services.onboarding.bulk.job import Import, Row, RowState, State
from services.onboarding.bulk.template import FILE_NAME, template

LIST_MAX, LIST_USUAL = 100, 20
ROWS_MAX, ROWS_USUAL = 200, 100
# A watcher holds one of the server's 16 threads.
WATCHERS_MAX = 4
LOOK_EVERY_S, HEARTBEAT_S = 0.5, 15.0
# After this a watcher makes room for another, and a server that stops does not wait long for it.
WATCH_S_MAX = 60.0
# Of a file that goes out, a message.
PIECE_BYTES = 256 * 1024
# A result is written in memory up to this, beyond it to a file that nobody can find: unlinked as it is opened.
SPOOLED_BYTES = 8 * 1024 * 1024

_SHA256 = re.compile(r"[0-9a-f]{64}")
_STATES = {state: getattr(pb, f"IMPORT_STATE_{state.name}") for state in State}
_ROW_STATES = {state: getattr(pb, f"ROW_STATE_{state.name}") for state in RowState}
_ROW_STATE_OF = {number: state for state, number in _ROW_STATES.items()}
_RESTING = (State.DONE, State.REFUSED, State.CANCELLED, State.CHECKED, State.DRAFT)

_logger = log.logger(__name__)


class BulkServicer:
    """Roles are enforced before these are called; an import is its maker's, and operators and auditors may look."""

    def __init__(self) -> None:
        self._watchers = BoundedSemaphore(WATCHERS_MAX)

    def GetImportTemplate(self, request: pb.GetImportTemplateRequest, call: Call) -> HttpBody:
        call.set_header("content-disposition", f'attachment; filename="{FILE_NAME}"')
        return HttpBody(content_type=result.XLSX_TYPE, data=template())

    def CreateImport(self, request: pb.CreateImportRequest, call: Call) -> pb.CreateImportResponse:
        if key_time_ms(request.request_id) is None:
            raise InvalidArgument("request_id must be a UUIDv7 in lower case")
        new = Import(
            f"imp_{request.request_id.replace('-', '')}",
            call.caller.sub,
            job.check_file_name(request.file_name),
            State.DRAFT,
            clock.now_ms(),
        )
        return pb.CreateImportResponse(**{"import": _view(store.begin(new))})

    def UploadImportPart(self, request: pb.UploadImportPartRequest, call: Call) -> pb.UploadImportPartResponse:
        found = _own(request.import_id, call)
        found.may("upload")
        if not 1 <= request.number <= job.PARTS_MAX:
            raise InvalidArgument(f"number: 1 to {job.PARTS_MAX}; a file has at most 4 MB")
        if not 1 <= len(request.content) <= job.PART_BYTES_MAX:
            raise InvalidArgument(f"content: 1 to {job.PART_BYTES_MAX} bytes")
        store.put_part(found.id, request.number, request.content)
        return pb.UploadImportPartResponse()

    def CheckImport(self, request: pb.CheckImportRequest, call: Call) -> pb.CheckImportResponse:
        found = _own(request.import_id, call)
        if not 1 <= request.parts <= job.PARTS_MAX or _SHA256.fullmatch(request.sha256) is None:
            raise InvalidArgument(f"parts: 1 to {job.PARTS_MAX}; sha256: 64 hex digits in lower case")
        if found.state is not State.DRAFT and (found.parts, found.sha256) == (request.parts, request.sha256):
            return pb.CheckImportResponse(**{"import": _view(found)})
        found.may("check")
        store.require_room(found.made_by)
        content = store.whole_file(found.id, request.parts)
        if hashlib.sha256(content).hexdigest() != request.sha256:
            raise SheetInvalid(
                "the parts are not the file that sha256 names: send them again",
                vi="Tệp tải lên bị lỗi: hãy tải lại.",
            )
        changed = replace(found, state=State.CHECKING, parts=request.parts, sha256=request.sha256)
        return pb.CheckImportResponse(**{"import": _view(store.save(changed))})

    def StartImport(self, request: pb.StartImportRequest, call: Call) -> pb.StartImportResponse:
        found = _own(request.import_id, call)
        if found.state not in (State.RUNNING, State.DONE):
            found.may("start")
            store.require_room(found.made_by)
            found = store.save(job.started(found))
        return pb.StartImportResponse(**{"import": _view(found)})

    def CancelImport(self, request: pb.CancelImportRequest, call: Call) -> pb.CancelImportResponse:
        found = _own(request.import_id, call)
        if found.state is not State.CANCELLED:
            found.may("cancel")
            found = store.save(replace(found, state=State.CANCELLED, ended_ms=clock.now_ms()))
            store.forget_file(found)
        return pb.CancelImportResponse(**{"import": _view(found)})

    def GetImport(self, request: pb.GetImportRequest, call: Call) -> pb.GetImportResponse:
        return pb.GetImportResponse(**{"import": _view(_visible(request.import_id, call))})

    def WatchImport(self, request: pb.WatchImportRequest, call: Call) -> Iterator[HttpBody]:
        found = _visible(request.import_id, call)
        last = call.metadata.get("last-event-id", "0")
        if not (last.isascii() and last.isdigit() and len(last) <= 16):
            raise InvalidArgument("Last-Event-ID must be the id of an event of this stream")
        if not self._watchers.acquire(blocking=False):
            raise Overloaded(f"{WATCHERS_MAX} imports are watched already: ask GET /v1/imports/{found.id} instead")
        try:
            yield from _progress(found, int(last), call)
        finally:
            self._watchers.release()

    def ListImports(self, request: pb.ListImportsRequest, call: Call) -> pb.ListImportsResponse:
        limit = _limit(request.limit, LIST_USUAL, LIST_MAX)
        return pb.ListImportsResponse(imports=[_view(found) for found in store.of(call.caller.sub, limit)])

    def ListImportRows(self, request: pb.ListImportRowsRequest, call: Call) -> pb.ListImportRowsResponse:
        limit = _limit(request.limit, ROWS_USUAL, ROWS_MAX)
        found = _visible(request.import_id, call)
        wanted = _ROW_STATE_OF.get(request.state) if request.state else None
        if request.state and wanted is None:
            raise InvalidArgument("state is not one of a row's")
        page = list(islice(store.rows(found, wanted, request.after), limit + 1))
        shown = [_row_view(row, found.heading) for row in page[:limit]]
        return pb.ListImportRowsResponse(rows=shown, more=len(page) > limit)

    def DownloadImportResult(self, request: pb.DownloadImportResultRequest, call: Call) -> Iterator[HttpBody]:
        found = _own(request.import_id, call)
        if request.format not in ("", "xlsx", "csv"):
            raise InvalidArgument("format: xlsx or csv")
        found.may("result")
        _logger.info("personal data read: result of an import", by=call.caller.sub, import_id=found.id, rows=found.rows)
        chosen = request.format or "xlsx"
        call.set_header("content-disposition", f'attachment; filename="{found.id}.{chosen}"')
        if chosen == "csv":
            return _pieces(result.as_csv(found.heading, store.rows(found)), result.CSV_TYPE)
        return _workbook(found)


def _progress(found: Import, last: int, call: Call) -> Iterator[HttpBody]:
    """Events until the import rests, the client leaves, or WATCH_S_MAX is over: then the client comes again."""
    began = told_at = time.monotonic()
    while True:
        if found.version > last:
            body = MessageToJson(_view(found), preserving_proto_field_name=True, indent=None)
            yield _event_stream(f"id: {found.version}\nevent: progress\ndata: {body}\n\n")
            last, told_at = found.version, time.monotonic()
        elif time.monotonic() - told_at >= HEARTBEAT_S:
            yield _event_stream(": \n\n")
            told_at = time.monotonic()
        if found.state in _RESTING or time.monotonic() - began >= WATCH_S_MAX:
            return
        time.sleep(LOOK_EVERY_S)
        if not call.context.is_active():
            return
        found = store.load(found.id)


def _workbook(found: Import) -> Iterator[HttpBody]:
    with tempfile.SpooledTemporaryFile(max_size=SPOOLED_BYTES) as file:
        result.write_xlsx(file, found.heading, store.rows(found))
        file.seek(0)
        while piece := file.read(PIECE_BYTES):
            yield HttpBody(content_type=result.XLSX_TYPE, data=piece)


def _pieces(lines: Iterable[bytes], content_type: str) -> Iterator[HttpBody]:
    held = bytearray()
    for line in lines:
        held += line
        if len(held) >= PIECE_BYTES:
            yield HttpBody(content_type=content_type, data=bytes(held))
            held.clear()
    yield HttpBody(content_type=content_type, data=bytes(held))


def _event_stream(text: str) -> HttpBody:
    return HttpBody(content_type="text/event-stream", data=text.encode())


def _own(import_id: str, call: Call) -> Import:
    found = store.load(import_id)
    call.require_owner(found.made_by)
    return found


def _visible(import_id: str, call: Call) -> Import:
    found = store.load(import_id)
    call.require_owner(found.made_by, "operator", "auditor")
    return found


def _limit(asked: int, usual: int, most: int) -> int:
    if not 0 <= asked <= most:
        raise InvalidArgument(f"limit: 1 to {most}, or 0 for {usual}")
    return asked or usual


def _view(found: Import) -> pb.Import:
    view = pb.Import(
        import_id=found.id, file_name=found.file_name, state=_STATES[found.state], rows=found.rows, done=found.done,
        good=found.good, bad=found.bad, submitted=found.submitted, existing=found.existing, refused=found.refused,
        code=found.code, message=found.message, message_vi=found.message_vi, sha256=found.sha256,
        same_as=found.same_as, made_by=found.made_by, version=found.version,
    )  # fmt: skip
    view.created_at.FromMilliseconds(found.created_ms)
    if found.ended_ms:
        view.ended_at.FromMilliseconds(found.ended_ms)
    return view


def _row_view(row: Row, heading: tuple[str, ...]) -> pb.ImportRow:
    names = rows.titles(heading)
    problems = []
    for remark in row.remarks:
        vi, en = rows.words(remark)
        problems.append(
            pb.RowProblem(
                column=names.get(remark.field, ""), field=remark.field, code=remark.code, vi=vi, en=en,
                note=rows.is_note(remark),
            )
        )  # fmt: skip
    return pb.ImportRow(number=row.number, state=_ROW_STATES[row.state], merchant_id=row.merchant_id, problems=problems)
