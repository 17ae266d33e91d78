"""The institutions' side of the exchange folders: what is new in `out`, and files put whole into `in`."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
# A folder that changed this short ago may have changed again within the same tick of the file system's clock.
_SETTLED_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Given:
    """A file in `out`. `mark` tells whether it was put there anew."""

    name: str
    path: Path
    mark: str


class Folders:
    """One institution's folders, made where they are missing."""

    def __init__(self, home: Path, institution: str) -> None:
        self.institution = institution
        self.root = home / "exchange" / institution
        self.given = self.root / "out"
        self.answers = self.root / "in"
        for folder in (self.given, self.answers):
            folder.mkdir(parents=True, exist_ok=True)
        self._looked_ns = -1

    def new(self, wanted: re.Pattern[str], known: dict[str, str], now_ns: int) -> list[Given]:
        """Files of wanted names that are not known by their mark, as they came. One stat where nothing changed.

        `now_ns` is the clock of the files' times, not of the business.
        """
        changed_ns = self.given.stat().st_mtime_ns
        if changed_ns == self._looked_ns:
            return []
        found = []
        with os.scandir(self.given) as entries:
            for entry in entries:
                if not wanted.fullmatch(entry.name) or not entry.is_file(follow_symlinks=False):
                    continue
                status = entry.stat(follow_symlinks=False)
                mark = f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"
                if known.get(entry.name) != mark:
                    found.append((status.st_mtime_ns, Given(entry.name, Path(entry.path), mark)))
        if not found and now_ns - changed_ns > _SETTLED_NS:
            self._looked_ns = changed_ns
        return [given for _, given in sorted(found, key=lambda one: (one[0], one[1].name))]


def read_whole(path: Path, bytes_max: int) -> bytes:
    """A small file's content. Raises ValueError beyond `bytes_max`, OSError as ever."""
    with path.open("rb") as file:
        content = file.read(bytes_max + 1)
    if len(content) > bytes_max:
        raise ValueError(f"{path.name}: more than {bytes_max} bytes: send it in parts")
    return content


def sha256_of(path: Path) -> str:
    """A file's SHA-256, hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_whole(path: Path, pieces: Iterable[bytes], cut: bool = False) -> int:
    """Puts a file there at once and on disk, over what had its name; its size in bytes. `cut`: only its first half."""
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with unfinished.open("wb") as file:
            for piece in pieces:
                file.write(piece)
            size = file.tell()
            if cut:
                size //= 2
                file.truncate(size)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return size
