"""gRPC server of sheets: proto in, proto out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cho.catalog.v1 import sheets_pb2 as pb
from google.api.httpbody_pb2 import HttpBody

from kit.errors import InvalidArgument, LimitExceeded, SheetTooLarge
from kit.ids import key_time_ms
from kit.rpc.call import Call
from kit.rpc.threads import Servicers
from kit.sheets.writing import CSV_TYPE, XLSX_TYPE
from services.catalog import store as catalog
from services.catalog.merchant import Merchant
from services.catalog.product import NAME_LENGTH_MAX
from services.catalog.sheets import export, store, work
from services.catalog.sheets.columns import TITLES
from services.catalog.sheets.rows import Action, Row
from services.catalog.sheets.store import Sheet
from services.catalog.visible import KEEPERS

FILE_BYTES_MAX = 700 * 1024
# What is taken out fits what gRPC takes (1 MB).
TAKEN_BYTES_MAX = 1_000 * 1024
# Of a text, characters that are shown: a thousand rows, before and after, fit what gRPC takes (1 MB).
SHOWN_MAX = NAME_LENGTH_MAX
_STATES = {
    store.CHECKED: pb.SHEET_STATE_CHECKED,
    store.APPLYING: pb.SHEET_STATE_APPLYING,
    store.DONE: pb.SHEET_STATE_DONE,
}
_ACTIONS = {action: getattr(pb, f"SHEET_ACTION_{action.name}") for action in Action}


class SheetServicer:
    """The RPCs of cho.catalog.v1.SheetService; roles are enforced before they are called."""

    def GetProductSheet(self, request: pb.GetProductSheetRequest, call: Call) -> HttpBody:
        if request.format not in ("", "xlsx", "csv"):
            raise InvalidArgument("format: xlsx or csv")
        products = work.known(_kept(request.merchant_id, call))
        chosen = request.format or "xlsx"
        call.set_header("content-disposition", f'attachment; filename="mat-hang.{chosen}"')
        kind, written = (CSV_TYPE, export.as_csv) if chosen == "csv" else (XLSX_TYPE, export.as_xlsx)
        data = written(products)
        if len(data) > TAKEN_BYTES_MAX:
            raise LimitExceeded("the stall says more than fits one file; xlsx packs it smaller than csv")
        return HttpBody(content_type=kind, data=data)

    def CheckProductSheet(self, request: pb.CheckProductSheetRequest, call: Call) -> pb.CheckProductSheetResponse:
        if key_time_ms(request.request_id) is None:
            raise InvalidArgument("request_id must be a UUIDv7")
        merchant = _kept(request.merchant_id, call)
        if len(request.content) > FILE_BYTES_MAX:
            raise SheetTooLarge(f"a sheet has at most {FILE_BYTES_MAX // 1024} KiB", vi="Tệp quá lớn.")
        sheet_id = f"sht_{request.request_id.replace('-', '')}"
        return pb.CheckProductSheetResponse(
            sheet=_view(work.check(sheet_id, merchant, request.content, call.caller.sub))
        )

    def ApplySheet(self, request: pb.ApplySheetRequest, call: Call) -> pb.ApplySheetResponse:
        return pb.ApplySheetResponse(sheet=_view(store.begin(_visible(request.sheet_id, call))))

    def GetSheet(self, request: pb.GetSheetRequest, call: Call) -> pb.GetSheetResponse:
        return pb.GetSheetResponse(sheet=_view(_visible(request.sheet_id, call)))


def _kept(merchant_id: str, call: Call) -> Merchant:
    merchant = catalog.merchant(merchant_id)
    call.require_owner(merchant.owner_id, *KEEPERS)
    return merchant


def _visible(sheet_id: str, call: Call) -> Sheet:
    found = store.sheet(sheet_id)
    call.require_owner(catalog.merchant(found.merchant_id).owner_id, *KEEPERS)
    return found


def _view(sheet: Sheet) -> pb.Sheet:
    view = pb.Sheet(
        sheet_id=sheet.id,
        merchant_id=sheet.merchant_id,
        state=_STATES[sheet.state],
        rows=[_row(row) for row in sheet.rows],
        tried=sheet.tried,
        wanted=sheet.wanted,
    )
    view.created_at.FromDatetime(sheet.created_at)
    return view


def _row(row: Row) -> pb.SheetRow:
    return pb.SheetRow(
        number=row.number,
        action=_ACTIONS[row.action],
        product_id=_cut(row.product_id),
        name=_cut(row.name),
        values=_texts(row.values),
        before=_texts(row.before),
        problems=[
            pb.SheetProblem(column=TITLES.get(one.field, ""), code=one.code, vi=one.vi, en=one.en)
            for one in row.problems
        ],
        done=row.done,
    )


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {field: _cut(str(value)) for field, value in values.items()}


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"


def sheet_servicers() -> Servicers:
    """What this room serves, by service descriptor."""
    return [(pb.DESCRIPTOR.services_by_name["SheetService"], SheetServicer())]
