"""Files that are sent in pieces: into the same folder, and by the same door, as those that come at once."""

from __future__ import annotations

import re
import time
from contextlib import suppress

from cho.settlement.v1 import exchange_pb2
from cho.settlement.v1 import uploads_pb2 as pb

from kit.errors import AlreadyExists, InvalidArgument
from kit.ids import key_time_ms
from kit.rpc.call import Call
from services.settlement import uploads
from services.settlement.exchange import Box, hand_over
from services.settlement.server.submitted import Found, box_of, check_name, put, standing, view
from services.settlement.uploads import File, Upload

_SHA256 = re.compile(r"[0-9a-f]{64}")


class UploadServicer:
    """The RPCs of cho.settlement.v1.UploadService; roles are enforced before they are called."""

    def BeginUpload(self, request: pb.BeginUploadRequest, call: Call) -> pb.BeginUploadResponse:
        """Raises InvalidArgument, NotFound (another's institution), AlreadyExists (the name has another content),
        IdempotencyConflict (the id is another file's), TooManyOpen, Contention."""
        box = box_of(request.institution, call)
        upload_id, file = _id(request.upload_id), _file(request)
        if uploads.find(box, upload_id) is None and (there := _came(box, file)):
            whole = Upload(file, file.bytes, time.time() + uploads.EXPIRES_S)
            return pb.BeginUploadResponse(upload=_view(upload_id, whole, there))
        known = uploads.begin(box, upload_id, file, time.time())
        return pb.BeginUploadResponse(upload=_stands(box, upload_id, known, call))

    def AppendUpload(self, request: pb.AppendUploadRequest, call: Call) -> pb.AppendUploadResponse:
        """Raises InvalidArgument (also where the whole has another SHA-256), NotFound, AlreadyExists, Contention."""
        box = box_of(request.institution, call)
        upload_id, piece = _id(request.upload_id), request.content
        if not 1 <= len(piece) <= uploads.PIECE_BYTES_MAX:
            raise InvalidArgument(f"content must be 1 to {uploads.PIECE_BYTES_MAX} bytes: send smaller pieces")
        if request.offset < 0:
            raise InvalidArgument("offset is where the piece starts, from 0")
        known = uploads.append(box, upload_id, request.offset, piece)
        return pb.AppendUploadResponse(upload=_stands(box, upload_id, known, call))


def _stands(box: Box, upload_id: str, known: Upload, call: Call) -> pb.Upload:
    """An upload as it is, put into its place where it is whole: also by who only asks, after a crash in between."""
    if not known.is_whole:
        return _view(upload_id, known, None)
    with uploads.ending(box, upload_id) as path:
        if path is None:
            return _view(upload_id, known, _where(box, known.file))
        try:
            there = put(box, known.file, lambda: hand_over(box, known.file.name, path), call)
        except AlreadyExists:
            # Somebody else has put another content there meanwhile: it can go nowhere.
            uploads.discard(box, upload_id)
            raise
    return _view(upload_id, known, there)


def _where(box: Box, file: File) -> Found | None:
    """Where a file is by now. None while it moves, and once somebody has taken it out of the folder."""
    with suppress(FileNotFoundError):
        return standing(box, file)
    return None


def _came(box: Box, file: File) -> Found | None:
    """What came whole before, in whichever way, and was not refused: it is not sent again. Raises AlreadyExists."""
    there = _where(box, file)
    return None if there is None or there.state == exchange_pb2.SUBMITTED_STATE_REFUSED else there


def _id(upload_id: str) -> str:
    if key_time_ms(upload_id) is None:
        raise InvalidArgument("upload_id must be a UUIDv7, lower case, made by the client")
    return upload_id


def _file(request: pb.BeginUploadRequest) -> File:
    if not 1 <= request.bytes <= uploads.BYTES_MAX:
        raise InvalidArgument(f"bytes must be 1 to {uploads.BYTES_MAX}; larger files go into the drop folder")
    if not _SHA256.fullmatch(request.sha256):
        raise InvalidArgument("sha256 is of the whole file: 64 hex digits, lower case")
    return File(check_name(request.name), request.bytes, request.sha256)


def _view(upload_id: str, known: Upload, there: Found | None) -> pb.Upload:
    reply = pb.Upload(
        upload_id=upload_id, name=known.file.name, bytes=known.file.bytes, sha256=known.file.sha256,
        received=known.received,
    )  # fmt: skip
    reply.expires_at.FromMilliseconds(int(known.expires_s * 1000))
    if there is not None:
        reply.file.CopyFrom(view(there))
    return reply
