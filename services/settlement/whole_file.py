"""Files that appear whole or not at all: written beside their place under a dot-name, synced, then renamed."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_PART = re.compile(r"\..+\.[0-9a-f]{8}\.part", re.DOTALL)


@contextmanager
def whole(path: Path, *, replace: bool = True) -> Iterator[BinaryIO]:
    """A file to write; it is at `path`, on disk, once the block has ended, and replaces what was there.

    Without `replace` it raises FileExistsError where something is there by then: of many that write at once, one does.
    After an error `path` is as it was, and nothing is left behind. A process that is killed leaves a dot-file
    (".<name>.<8 hex digits>.part"), which nobody reads. Raises FileNotFoundError where the folder is missing.
    """
    # A name of its own for each writer: two of them never write into one file.
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        if replace:
            part.replace(path)
        else:
            # A rename would write over what somebody else has put there meanwhile.
            os.link(part, path)
            part.unlink()
    except BaseException:
        with suppress(FileNotFoundError):
            part.unlink()
        raise
    _sync_folder(path.parent)


def is_part(name: str) -> bool:
    """Whether a file is one that is being written by `whole`, or was when its process was killed."""
    return _PART.fullmatch(name) is not None


def _sync_folder(folder: Path) -> None:
    """Without it, a power cut could undo the rename."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
