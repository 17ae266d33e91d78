"""The default way to the tax authority: two folders, where a provider's own program takes and leaves files.

`out/<message id>.xml` is a message, whole or not there. `in/<message id>.json` is what came of it:
{"message_id": "...", "result": "accepted" or "refused", "reason": "..."}; what was taken goes to `in/taken/`, what
cannot be read or is of no message of ours to `in/bad/`. Messages hold tax codes: nobody else on the machine reads them.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from services.orders.invoices.delivery import REASON_CHARACTERS_MAX, Answer, CannotSend

# Of an answer: it is a few words.
ANSWER_BYTES_MAX = 64 << 10
_NAME = re.compile(r"[0-9A-Z]{1,14}[0-9A-F]{32}\.json")
_MESSAGE_ID = re.compile(r"[0-9A-Z]{1,14}[0-9A-F]{32}")


class Folder:
    """A delivery.Channel. Makes its folders where they are missing."""

    def __init__(self, home: Path) -> None:
        self._out, self._in = home / "out", home / "in"
        self._taken, self._bad = self._in / "taken", self._in / "bad"

    def send(self, message_id: str, data: bytes) -> None:
        """Writes the file beside its place and renames it. Raises CannotSend."""
        if _MESSAGE_ID.fullmatch(message_id) is None:
            raise CannotSend("the message's id is none")
        part = self._out / f".{message_id}.{secrets.token_hex(4)}.part"
        try:
            self._make()
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(self._out / f"{message_id}.xml")
            except BaseException:
                with suppress(FileNotFoundError):
                    part.unlink()
                raise
            _sync(self._out)
        except OSError as error:
            raise CannotSend(f"the folder cannot be written to: {error.strerror or 'unknown'}") from error

    def answers(self, most: int) -> Iterator[Answer]:
        """Answers that can be read, at most `most` files; what cannot is put aside. Raises OSError."""
        self._make()
        seen = 0
        with os.scandir(self._in) as entries:
            for entry in entries:
                # Links are not followed: who may write here may not read through us.
                if entry.name.startswith(".") or not entry.is_file(follow_symlinks=False):
                    continue
                if seen == most:
                    return
                seen += 1
                answer = _read(self._in / entry.name)
                if answer is None:
                    self._move(entry.name, self._bad)
                else:
                    yield answer

    def taken(self, answer: Answer, known: bool) -> None:
        """Puts its file away. Raises OSError."""
        self._move(answer.name, self._taken if known else self._bad)

    def _make(self) -> None:
        for folder in (self._out, self._taken, self._bad):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _move(self, name: str, to: Path) -> None:
        # Another worker may have been faster.
        with suppress(FileNotFoundError):
            (self._in / name).replace(to / name)


def _read(path: Path) -> Answer | None:
    """What a file says; None where it says nothing that can be understood."""
    if _NAME.fullmatch(path.name) is None:
        return None
    try:
        with path.open("rb") as file:
            said = json.loads(file.read(ANSWER_BYTES_MAX + 1)[:ANSWER_BYTES_MAX])
        message_id, result, reason = said["message_id"], said["result"], said.get("reason", "")
    except (FileNotFoundError, PermissionError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if message_id != path.name.removesuffix(".json") or result not in ("accepted", "refused"):
        return None
    reason = " ".join(str(reason).split())[:REASON_CHARACTERS_MAX]
    return Answer(message_id, result == "accepted", reason, path.name)


def _sync(folder: Path) -> None:
    """Without it, a power cut could undo the rename."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
