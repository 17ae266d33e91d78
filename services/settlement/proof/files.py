"""Names and files of the exchange: what may be called what, and files that are read without being led elsewhere."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_INSTITUTION = re.compile(r"[A-Z0-9]{2,20}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
_PIECE = 1 << 20


class NameInvalid(ValueError):
    """A name of an institution or a file that is not one."""


class NotAFile(ValueError):
    """A link, folder, pipe or device where a file was expected: remove it."""


def check_institution(name: str) -> str:
    """The name, if it is one ("970418", "VIETTEL"). Raises NameInvalid."""
    if not _INSTITUTION.fullmatch(name):
        raise NameInvalid(f"{name[:40]!r} is no institution: 2 to 20 of A-Z and 0-9")
    return name


def is_file_name(name: str) -> bool:
    """Whether a file of an exchange may be called so: no folders, no dot-names, no spaces."""
    return _FILE.fullmatch(name) is not None


def check_file_name(name: str) -> str:
    """The name, if a file here may have it. Raises NameInvalid."""
    if not is_file_name(name):
        raise NameInvalid(f"{name[:40]!r} is no file's name here: up to 120 of A-Z, a-z, 0-9, '.', '_', '-'")
    return name


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """A regular file, open to read. Raises NotAFile for a link and everything else, OSError as ever."""
    try:
        # Not blocking: a pipe without a writer would keep us for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if path.is_symlink():
            raise NotAFile(f"{path.name} is a link: send the file itself") from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotAFile(f"{path.name} is not a file: remove it")
    with open(descriptor, "rb") as file:
        yield file


def digest(path: Path) -> tuple[int, str]:
    """A file's size in bytes and its SHA-256, hex. Raises as open_regular does."""
    hashed, size = hashlib.sha256(), 0
    with open_regular(path) as file:
        while piece := file.read(_PIECE):
            hashed.update(piece)
            size += len(piece)
    return size, hashed.hexdigest()
