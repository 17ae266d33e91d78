"""Files that institutions send by the API: into the same folder that they could drop them into."""

from __future__ import annotations

import hashlib
import heapq
import stat
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cho.settlement.v1 import exchange_pb2 as pb

from kit import banks, log
from kit.config import settings
from kit.errors import AlreadyExists, Contention, InvalidArgument, NotFound
from kit.rpc.call import Call
from services.settlement.clerk import wake
from services.settlement.exchange import REASON_SUFFIX, UNFINISHED, Box, hand_in, open_box
from services.settlement.names import TELECOMS
from services.settlement.proof.files import NameInvalid, NotAFile, check_file_name, digest
from services.settlement.uploads import File

LISTED_MAX = 200
# In base 64 it still fits what the gateway lets through (body_kib).
BYTES_MAX = 6_000_000
REASON_CHARACTERS_MAX = 2_000
# A file moves at most twice while it is looked for; more are others who send the name, too.
TRIES_MAX = 10
_logger = log.logger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """A file that came, where it is by now."""

    path: Path
    state: int
    # Unix time, seconds: when it was last changed.
    at: float
    bytes: int


class ExchangeServicer:
    """The RPCs of cho.settlement.v1.ExchangeService; roles are enforced before they are called."""

    def SubmitFile(self, request: pb.SubmitFileRequest, call: Call) -> pb.SubmitFileResponse:
        """Raises InvalidArgument, NotFound (another's institution), AlreadyExists (the name has another content),
        Contention."""
        box = box_of(request.institution, call)
        data = request.content
        if not 1 <= len(data) <= BYTES_MAX:
            raise InvalidArgument(f"content must be 1 to {BYTES_MAX} bytes; larger files are sent in pieces")
        file = File(check_name(request.name), len(data), hashlib.sha256(data).hexdigest())
        found = put(box, file, lambda: hand_in(box, file.name, data), call)
        return pb.SubmitFileResponse(file=view(found), sha256=file.sha256)

    def ListSubmitted(self, request: pb.ListSubmittedRequest, call: Call) -> pb.ListSubmittedResponse:
        """Raises InvalidArgument, NotFound (another's institution)."""
        box = box_of(request.institution, call)
        newest = heapq.nlargest(LISTED_MAX, _all(box), key=lambda found: (found.at, found.path.name))
        return pb.ListSubmittedResponse(files=[view(found) for found in newest])


def box_of(institution: str, call: Call) -> Box:
    """The folders of an institution that sends us files and that the caller may speak for."""
    if institution not in TELECOMS and banks.lookup(institution) is None:
        raise NotFound("there is no such institution, or it is not yours")
    if not call.has("operator", "auditor") and call.caller.institution != institution:
        raise NotFound("there is no such institution, or it is not yours")
    return open_box(settings().home, institution)


def check_name(name: str) -> str:
    """The name, if a file that is sent to us may have it. Raises InvalidArgument."""
    try:
        check_file_name(name)
    except NameInvalid as error:
        raise InvalidArgument(
            f"name: {error}", vi="Tên tệp chỉ gồm chữ không dấu, chữ số và các dấu . _ - (nhiều nhất 120 ký tự)."
        ) from error
    if name.endswith(REASON_SUFFIX):
        raise InvalidArgument(f"names that end in {REASON_SUFFIX} are ours")
    if name.endswith(UNFINISHED):
        raise InvalidArgument(f"names that end in {', '.join(UNFINISHED)} are of files on their way: none is read")
    return name


def put(box: Box, file: File, hand: Callable[[], None], call: Call) -> Found:
    """The file as it is there now, put there by `hand` where it was not. Of many that send a name at once, one puts it
    there, and the others are told what became of it. Raises AlreadyExists, Contention."""
    for _ in range(TRIES_MAX):
        try:
            there = standing(box, file)
        except FileNotFoundError:
            continue  # the clerk is done with it just now: it is elsewhere
        # What was refused may be sent again: it is read anew, by rules that may have changed.
        if there is not None and there.state != pb.SUBMITTED_STATE_REFUSED:
            return there
        with suppress(FileExistsError):
            hand()
            _logger.info(
                "file submitted", institution=box.institution, file=file.name, bytes=file.bytes, by=call.caller.sub
            )
            wake.clerk()
            return Found(box.incoming / file.name, pb.SUBMITTED_STATE_WAITING, time.time(), file.bytes)
    raise Contention(f"{file.name} is sent by several at once; send it again")


def standing(box: Box, file: File) -> Found | None:
    """The file, wherever it is by now; None where its name is free. Raises AlreadyExists where the name has another
    content, FileNotFoundError where it was moved while it was read."""
    there = _there(box, file.name)
    if there is None:
        return None
    try:
        same = digest(there.path) == (file.bytes, file.sha256)
    except NotAFile as error:
        raise AlreadyExists(f"{file.name} is in the folder and is no file: remove it, or use a new name") from error
    if not same:
        raise AlreadyExists(
            f"{file.name} was sent before with another content: use a new name",
            vi=f"Đã có tệp {file.name} với nội dung khác. Hãy đặt tên mới rồi gửi lại.",
        )
    return there


def _folders(box: Box) -> tuple[tuple[Path, int], ...]:
    """In the order in which a file moves through them: whoever looks in this order misses none that moves meanwhile."""
    return (
        (box.incoming, pb.SUBMITTED_STATE_WAITING),
        (box.taken, pb.SUBMITTED_STATE_TAKEN),
        (box.refused, pb.SUBMITTED_STATE_REFUSED),
    )


def _there(box: Box, name: str) -> Found | None:
    for folder, state in _folders(box):
        with suppress(FileNotFoundError):
            status = (folder / name).lstat()
            return Found(folder / name, state, status.st_mtime, status.st_size)
    return None


def _all(box: Box) -> Iterable[Found]:
    found: dict[int, Found] = {}
    for folder, state in _folders(box):
        for path in folder.iterdir():
            if path.name.startswith(".") or path.name.endswith(REASON_SUFFIX):
                continue
            with suppress(FileNotFoundError):  # moved away just now
                status = path.lstat()
                if stat.S_ISREG(status.st_mode):  # moved meanwhile, it is the same file, and where it is seen last
                    found[status.st_ino] = Found(path, state, status.st_mtime, status.st_size)
    return found.values()


def view(found: Found) -> pb.SubmittedFile:
    """As the API shows it, with why it was refused."""
    reply = pb.SubmittedFile(name=found.path.name, state=found.state, bytes=found.bytes)  # type: ignore[arg-type]
    reply.at.FromMilliseconds(int(found.at * 1000))
    if found.state == pb.SUBMITTED_STATE_REFUSED:
        with suppress(FileNotFoundError):
            text = found.path.with_name(found.path.name + REASON_SUFFIX).read_text("utf-8")
            reply.reason = text[:REASON_CHARACTERS_MAX]
    return reply
