"""Files that come in pieces: what is here of each, until it is whole.

    uploads.begin(box, upload_id, File(name, size, sha256), now_s)
    known = uploads.append(box, upload_id, offset, piece)      # known.received: where the next one starts
    with uploads.ending(box, upload_id) as path: ...           # all of it, and its SHA-256 is right

`<box>/uploads/<id>.json` says which file it is, `<id>.part` is what is here of it: as much was received as that is
long, so that nothing can contradict it. An upload without its part is done, and known for as long as an open one would
be: who never heard the last answer asks again. What a power cut may do to the end of a part, its SHA-256 finds.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from kit.errors import Contention, IdempotencyConflict, InvalidArgument, NotFound, TooManyOpen
from services.settlement import whole_file
from services.settlement.exchange import Box
from services.settlement.proof.files import digest

BYTES_MAX = 256 << 20
PIECE_BYTES_MAX = 4 << 20
# Of an institution at once: a gigabyte of its parts, at most.
OPEN_MAX = 4
# After its last piece.
EXPIRES_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class File:
    """What is to come: the name in the drop folder, bytes, and SHA-256 (hex)."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way. `expires_s`: Unix time."""

    file: File
    received: int
    expires_s: float

    @property
    def is_whole(self) -> bool:
        """Whether every byte is here, right or wrong."""
        return self.received == self.file.bytes


def find(box: Box, upload_id: str) -> Upload | None:
    """An upload, open or done; None where there is none of this id, or it has expired."""
    record, part = _paths(box, upload_id)
    try:
        file = File(**json.loads(record.read_bytes()))
        try:
            status = part.stat()
            received = status.st_size
        except FileNotFoundError:
            status = record.stat()
            received = file.bytes
    except FileNotFoundError:
        return None
    return Upload(file, received, status.st_mtime + EXPIRES_S)


def begin(box: Box, upload_id: str, file: File, now_s: float) -> Upload:
    """The upload, new or known. Raises IdempotencyConflict (the id is another file's), TooManyOpen."""
    expire(box, now_s)
    record, part = _paths(box, upload_id)
    with _locked(box.uploads):
        known = find(box, upload_id)
        if known is None:
            if sum(1 for path in box.uploads.glob("[!.]*.part") if path != part) >= OPEN_MAX:
                raise TooManyOpen(
                    f"{OPEN_MAX} files are on their way: end one, or wait a day for those given up",
                    vi=f"Đang có {OPEN_MAX} tệp gửi dở. Hãy gửi cho xong một tệp, hoặc chờ một ngày.",
                )
            # The part first: a record without one is of an upload that is done. Empty, whatever a crash left of it.
            part.write_bytes(b"")
            with whole_file.whole(record) as out:
                out.write(json.dumps(asdict(file)).encode())
            known = find(box, upload_id)
            assert known is not None
    if known.file != file:
        raise IdempotencyConflict("upload_id was used for another file: make a new one")
    return known


def append(box: Box, upload_id: str, offset: int, piece: bytes) -> Upload:
    """Adds bytes, on disk when it returns. What came before is left as it is.

    Raises NotFound, Contention (the next piece starts elsewhere: `received`), InvalidArgument (more than announced).
    """
    with _opened(box, upload_id) as part:
        known = _known(box, upload_id)
        end = offset + len(piece)
        if end > known.file.bytes:
            raise InvalidArgument(f"the file has {known.file.bytes} bytes, the piece ends at {end}")
        if end > known.received:
            if offset != known.received:
                raise Contention(f"the next piece starts at {known.received}", received=str(known.received))
            part.seek(offset)
            part.write(piece)
            part.flush()
            os.fsync(part.fileno())
    return _known(box, upload_id)


@contextmanager
def ending(box: Box, upload_id: str) -> Iterator[Path | None]:
    """The whole file, for one at a time; it is done when the block ends well. None where it was done before.

    Raises InvalidArgument where its SHA-256 is another: it is thrown away then.
    """
    path = _paths(box, upload_id)[1]
    try:
        part = path.open("rb")
    except FileNotFoundError:
        yield None
        return
    with part:
        fcntl.flock(part, fcntl.LOCK_EX)
        if not path.exists():  # who had the lock before has ended it
            yield None
            return
        file = _known(box, upload_id).file
        if digest(path) != (file.bytes, file.sha256):
            discard(box, upload_id)
            raise InvalidArgument(
                "what came is not what was announced (SHA-256): send it again from the start",
                vi="Tệp nhận được không khớp tệp đã chọn (SHA-256). Hãy gửi lại từ đầu.",
            )
        yield path
        path.unlink(missing_ok=True)


def discard(box: Box, upload_id: str) -> None:
    """Forgets it. The record first: without its part, it would be taken for done."""
    record, part = _paths(box, upload_id)
    record.unlink(missing_ok=True)
    part.unlink(missing_ok=True)


def expire(box: Box, now_s: float) -> int:
    """Forgets what nothing came of for EXPIRES_S (Unix time, seconds). How many files went."""
    gone = 0
    # Records first: see `discard`.
    for path in sorted(box.uploads.iterdir(), key=lambda path: path.suffix):
        with suppress(FileNotFoundError):
            newest = max(path.stat().st_mtime, _mtime(path.with_suffix(".part")))
            if now_s - newest > EXPIRES_S:
                path.unlink()
                gone += 1
    return gone


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _known(box: Box, upload_id: str) -> Upload:
    known = find(box, upload_id)
    if known is None:
        raise NotFound("there is no such upload, or it has expired: begin anew")
    return known


def _paths(box: Box, upload_id: str) -> tuple[Path, Path]:
    """(what it is, what is here of it). `upload_id` is a UUID: the server has looked."""
    return box.uploads / f"{upload_id}.json", box.uploads / f"{upload_id}.part"


@contextmanager
def _opened(box: Box, upload_id: str) -> Iterator[BinaryIO]:
    """The part, for one writer at a time, whatever process it is in. Raises NotFound."""
    try:
        file = _paths(box, upload_id)[1].open("r+b")
    except FileNotFoundError as error:
        raise NotFound("there is no such upload, or it is done: begin anew, and hear what became of it") from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process, and one thread, at a time."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
