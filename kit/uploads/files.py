"""Where uploaded files lie: under `<home>/<kind>`, a folder for each that they belong to, named by their SHA-256.

What must not be read by others is handed in here encrypted. One machine has one `home`; where several processes on
several machines serve, `home` has to be a shared volume, or another port like this one puts them into an object store.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from kit.config import settings
from kit.errors import Unavailable


class Files(Protocol):
    """Keeps bytes under a folder and a name. Raises Unavailable."""

    def put(self, folder: str, name: str, content: bytes) -> None: ...

    def get(self, folder: str, name: str) -> bytes: ...


class LocalFiles:
    """A file is there whole or not at all, and readable by its owner alone."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, folder: str, name: str, content: bytes) -> None:
        """Writing the same again changes nothing. Raises Unavailable."""
        path = self._root / folder / name
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = path.with_name(f"{name}.{os.getpid()}.{id(content):x}.part")
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            raise Unavailable("the file cannot be kept now; send it again") from error

    def get(self, folder: str, name: str) -> bytes:
        """Raises Unavailable, also where the file is gone: its record says that it was kept."""
        try:
            return (self._root / folder / name).read_bytes()
        except OSError as error:
            raise Unavailable("the file cannot be read now") from error


def files(kind: str) -> Files:
    """This process's, of one kind: "documents", "photos"."""
    return LocalFiles(settings().home / kind)
