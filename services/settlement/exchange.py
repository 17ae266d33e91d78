"""Exchange folders: what an institution gets from us and what it sends, as files that are whole or not there.

    box = open_box(home, "VIETTEL")                       # <home>/exchange/VIETTEL
    sent = send(box, "report.W000012-VIETTEL.csv", pieces)
    for found in came(box, now_s).files: ...              # then take(box, name) or refuse(box, name, why)

`out/` is ours to write, `in/` the institution's; what was read goes to `in/taken/` or `in/refused/`. A file is written
under a dot-name, fsynced and renamed, and a name never gets another content. One process at a time sends to a box.
Symbolic links are not followed: whoever may write to `in/` may not read through us.
"""

from __future__ import annotations

import errno
import hashlib
import heapq
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kit import log
from services.settlement.people.refusal import reason_text
from services.settlement.proof.files import NotAFile, check_file_name, check_institution, digest, is_file_name
from services.settlement.proof.finding import Finding
from services.settlement.records import FileRefused
from services.settlement.whole_file import is_part, whole

# Files of a box that one listing gives; the rest come with the next, when these are moved away.
FILES_MAX = 1000
BYTES_MAX = 4 << 30
# A file that was changed this short ago may still be growing: not everybody renames.
QUIET_S = 1.0
# Files of one name that may be refused, each with another content.
REFUSED_SAME_NAME_MAX = 100
REASON_SUFFIX = ".reason.txt"
# A file that is being written is changed more often than that; what is older was left by a process that was killed.
PART_AGE_S = 3600.0

# How programs call a file that they are still sending: never read.
UNFINISHED = (".part", ".tmp", ".filepart", ".partial", ".crdownload")

# What this process has told of, and how much that may be.
TOLD_MAX = 10_000
_told: set[tuple[str, ...]] = set()

_logger = log.logger(__name__)


class NameTaken(ValueError):
    """The name has another content already. What was sent is never changed: send a correction under a new name."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.name} is there already with another content: use a new name")


class _ThereAlready(Exception):
    """The same content under the same name."""


@dataclass(frozen=True, slots=True)
class Box:
    """One institution's folders."""

    institution: str
    root: Path

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def incoming(self) -> Path:
        return self.root / "in"

    @property
    def uploads(self) -> Path:
        """What came of files that are sent in pieces: ours alone."""
        return self.root / "uploads"

    @property
    def taken(self) -> Path:
        return self.incoming / "taken"

    @property
    def refused(self) -> Path:
        return self.incoming / "refused"


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that is out. `new`: it was not there before."""

    name: str
    bytes: int
    sha256: str
    new: bool


@dataclass(frozen=True, slots=True)
class Came:
    """A whole file in `in/`."""

    name: str
    path: Path
    bytes: int


@dataclass(frozen=True, slots=True)
class Listing:
    """What is in `in/`: files to read, by name, and what is there that cannot be read."""

    files: tuple[Came, ...]
    findings: tuple[Finding, ...]


def open_box(home: Path, institution: str) -> Box:
    """An institution's folders, made where they are missing. Raises NameInvalid, and NotAFile where one is a link."""
    box = Box(institution, home / "exchange" / check_institution(institution))
    box.root.mkdir(parents=True, exist_ok=True)
    for folder in (box.root, box.out, box.incoming, box.uploads, box.taken, box.refused):
        folder.mkdir(exist_ok=True)
        with _directory(folder):
            pass
    return box


class Sending:
    """A file on its way out: give it its bytes. `sent` is there once it is out."""

    def __init__(self, file: BinaryIO) -> None:
        self.sent: Sent | None = None
        self._file = file
        self._sha256 = hashlib.sha256()
        self._size = 0

    def write(self, piece: bytes) -> int:
        """Adds bytes. Raises ValueError beyond BYTES_MAX."""
        self._size += len(piece)
        if self._size > BYTES_MAX:
            raise ValueError(f"more than {BYTES_MAX} bytes in a file: send a shorter window")
        self._sha256.update(piece)
        return self._file.write(piece)

    def done(self, name: str, new: bool) -> Sent:
        """What was written."""
        self.sent = Sent(name, self._size, self._sha256.hexdigest(), new)
        return self.sent


@contextmanager
def sending(box: Box, name: str) -> Iterator[Sending]:
    """Writes a file to `out/`: it is there, whole and on disk, when the block ends; after an error there is nothing.

    The same name with the same content is left as it is. Raises NameTaken where the content is another.
    """
    path = box.out / check_file_name(name)
    for left in box.out.glob(f".{name}.????????.part"):
        # From a process that was killed: nobody else sends here now.
        left.unlink(missing_ok=True)
    with suppress(_ThereAlready), whole(path) as file:
        going = Sending(file)
        yield going
        sent = going.done(name, new=not os.path.lexists(path))
        if not sent.new:
            # Both leave what is there as it is.
            raise _ThereAlready if digest(path) == (sent.bytes, sent.sha256) else NameTaken(path)


def send(box: Box, name: str, pieces: Iterable[bytes]) -> Sent:
    """`sending` for bytes that are at hand."""
    with sending(box, name) as going:
        for piece in pieces:
            going.write(piece)
    assert going.sent is not None
    return going.sent


def hand_in(box: Box, name: str, data: bytes) -> None:
    """Puts a whole file into `in/` in the institution's place. Raises FileExistsError where the name is there by then,
    whoever put it there; NameInvalid."""
    with whole(box.incoming / check_file_name(name), replace=False) as file:
        file.write(data)


def hand_over(box: Box, name: str, path: Path) -> None:
    """`hand_in` for a whole file that is on disk already: it has both names then. Raises as `hand_in`."""
    os.link(path, box.incoming / check_file_name(name), follow_symlinks=False)
    with _directory(box.incoming) as folder:
        os.fsync(folder)


def is_news(*what: str) -> bool:
    """Whether this process has not told of it yet: what lies in a folder is seen again each time."""
    if what in _told or len(_told) >= TOLD_MAX:
        return False
    _told.add(what)
    return True


def sweep(box: Box, now_s: float) -> int:
    """Removes what writers left that were killed before their file was whole (Unix time, seconds). How many. What
    cannot be removed stays, and is told of."""
    removed = 0
    for folder in (box.out, box.incoming, box.refused):
        for path in folder.iterdir():
            if not is_part(path.name):
                continue
            try:
                if now_s - path.lstat().st_mtime > PART_AGE_S:
                    path.unlink()
                    removed += 1
            except FileNotFoundError:
                continue
            except OSError as error:
                # A folder of such a name, or one that we may not change: it keeps nothing else from being done.
                if is_news("sweep", str(path)):
                    _logger.warning(
                        "what is left of a file cannot be removed", institution=box.institution, file=_shown(path.name),
                        reason=f"{type(error).__name__}: remove it",
                    )  # fmt: skip
    return removed


def came(box: Box, now_s: float) -> Listing:
    """What is in `in/` now (Unix time, seconds), by name, FILES_MAX at most.

    Passed over: dot-names, names of unfinished transfers (".part", ...), and files that were changed within QUIET_S.
    """
    with os.scandir(box.incoming) as entries:
        # What can be none of ours comes last: however much of it there is, every file is read.
        wanted = (
            (not _has_name(entry.name) or not entry.is_file(follow_symlinks=False), entry.name)
            for entry in entries
            if not entry.name.startswith(".")
            and not entry.name.endswith(UNFINISHED)
            and not (entry.name in ("taken", "refused") and entry.is_dir(follow_symlinks=False))
        )
        names = [name for _, name in heapq.nsmallest(FILES_MAX + 1, wanted)]
    files, findings = [], []
    for name in names[:FILES_MAX]:
        looked = _look(box.incoming / name, now_s)
        if isinstance(looked, Came):
            files.append(looked)
        elif looked is not None:
            findings.append(looked)
    if len(names) > FILES_MAX:
        text = f"more than {FILES_MAX} are there: the others follow when these are moved"
        findings.append(Finding("TOO_MANY", "", text))
    return Listing(tuple(files), tuple(findings))


def _look(path: Path, now_s: float) -> Came | Finding | None:
    """A file, what is wrong with it, or None where it may still be growing or is gone."""
    shown = _shown(path.name)
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    except PermissionError:
        # Its folder may be listed and not entered: that keeps nobody else's files from being read.
        return Finding("UNREADABLE", shown, "we may not look at it: let us enter its folder")
    if stat.S_ISLNK(status.st_mode):
        return Finding("SYMLINK", shown, "a link is not followed: remove it and send the file itself")
    if not stat.S_ISREG(status.st_mode):
        return Finding("NOT_A_FILE", shown, "only files are taken: remove it")
    if not _has_name(path.name):
        return Finding("BAD_NAME", shown, "the name is not one of the exchange's: rename it")
    if status.st_size > BYTES_MAX:
        return Finding("TOO_LARGE", shown, f"more than {BYTES_MAX} bytes: send it in parts")
    if now_s - status.st_mtime < QUIET_S:
        return None
    return Came(path.name, path, status.st_size)


def _has_name(name: str) -> bool:
    """Whether a file that comes in may be called so."""
    return is_file_name(name) and not name.endswith(REASON_SUFFIX)


def _shown(name: str) -> str:
    """A name as it can be told, whatever is in it."""
    return name.encode("ascii", "backslashreplace").decode()[:140]


def check_new(box: Box, name: str) -> None:
    """Raises NameTaken where the name was taken before with another content, NotAFile, FileNotFoundError."""
    target = box.taken / check_file_name(name)
    if os.path.lexists(target) and digest(target) != digest(box.incoming / name):
        raise NameTaken(target)


def take(box: Box, name: str) -> Path:
    """Moves a file that was read to `in/taken/`, once: again is no error. Raises NameTaken where that name was taken
    before with another content (then refuse it), NotAFile, FileNotFoundError."""
    source, target = box.incoming / check_file_name(name), box.taken / name
    if os.path.lexists(target) and (not os.path.lexists(source) or digest(source) == digest(target)):
        with suppress(FileNotFoundError):
            os.unlink(source)
        return target
    if os.path.lexists(target):
        raise NameTaken(target)
    return _move(box, name, box.taken, name)


def refuse(box: Box, name: str, why: FileRefused) -> Path:
    """Moves a file to `in/refused/`, beside a text in Vietnamese and English that says why and what to do.

    Another content under a name that was refused before gets ".2" (up to REFUSED_SAME_NAME_MAX). Raises as `take`.
    """
    source = box.incoming / check_file_name(name)
    size, sha256 = digest(source)
    for number in range(1, REFUSED_SAME_NAME_MAX + 1):
        kept = name if number == 1 else f"{name}.{number}"
        target = box.refused / kept
        if not os.path.lexists(target) or digest(target) == (size, sha256):
            break
    else:
        raise NameTaken(box.refused / name)
    # The reason first: a refused file is never without one. Killed in between, the file is read and refused again.
    with whole(box.refused / f"{kept}{REASON_SUFFIX}") as file:
        file.write(reason_text(name, size, sha256, why).encode())
    return _move(box, name, box.refused, kept)


def _move(box: Box, name: str, folder: Path, new_name: str) -> Path:
    # By descriptors of folders that are no links: `in/` is not only ours.
    with _directory(box.incoming) as source, _directory(folder) as target:
        if not stat.S_ISREG(os.stat(name, dir_fd=source, follow_symlinks=False).st_mode):
            raise NotAFile(f"{name} is not a file: remove it")
        os.rename(name, new_name, src_dir_fd=source, dst_dir_fd=target)
        os.fsync(target)
        os.fsync(source)
    return folder / new_name


@contextmanager
def _directory(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        raise NotAFile(f"{path} must be a folder and no link: remove it") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)
