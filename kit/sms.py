"""Text messages: a port to whoever sends them, and a courier that keeps the sender's pace from showing.

With `CHO_SMS_URL` a message is POSTed there as JSON (`id`, `to`, `text`). Without it, where CHO_ENV=local, it is a line
of `<home>/sms.jsonl`, which is the phone in a developer's hand: anybody who reads that file reads the codes. Elsewhere
nothing can be sent. What is said, and to whom, is never logged.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import BoundedSemaphore
from typing import Protocol

import httpx

from kit import clock, log, tls
from kit.config import settings
from kit.errors import Unavailable
from kit.ids import new_id

# Messages that wait to be sent in one process; one more is dropped, and its receiver asks again.
WAITING_MAX = 200
# At once. A provider that hangs holds two threads, and then the messages above.
SENDERS = 2
TIMEOUT_S = 5.0
# HTTP statuses that are about the message. Any other is about the provider, or about us (401, 403, 404, 429).
REFUSED = frozenset({400, 422})
# The local file starts anew at this size; one older file is kept.
FILE_BYTES_MAX = 1 << 20

_logger = log.logger(__name__)


class RefusedError(Exception):
    """The provider takes no such message, or none for that number: sent again, it would be refused again."""


class Sender(Protocol):
    """Sends `text` to `to` (+84 form). Raises Unavailable, RefusedError."""

    def __call__(self, to: str, text: str) -> None: ...


class FileSender:
    """A line of JSON a message, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, to: str, text: str) -> None:
        """Raises Unavailable where the file cannot be written."""
        line = json.dumps({"at": clock.now().isoformat(), "to": to, "text": text}, ensure_ascii=False) + "\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists() and self._path.stat().st_size > FILE_BYTES_MAX:
                self._path.replace(self._path.with_suffix(".old.jsonl"))
            # One write to a file opened for appending: lines of several processes do not mix.
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, line.encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            raise Unavailable("the message could not be written") from error


class HttpSender:
    """A provider's HTTP address. An id of our own lets it tell a repeated message from a new one."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._headers = url, {"authorization": f"Bearer {token}"} if token else {}

    def __call__(self, to: str, text: str) -> None:
        """Raises RefusedError where the provider says one of REFUSED, Unavailable where it does not say 2xx in time."""
        body = {"id": new_id("sms"), "to": to, "text": text}
        try:
            reply = httpx.post(self._url, json=body, headers=self._headers, timeout=TIMEOUT_S, verify=tls.context())
            if reply.status_code in REFUSED:
                raise RefusedError(f"the SMS provider refuses the message: {reply.status_code}")
            reply.raise_for_status()
        except httpx.HTTPError as error:
            # Without its cause: httpx repeats URLs.
            raise Unavailable(f"the SMS provider failed: {type(error).__name__}") from None


def sender() -> Sender:
    """The one that the settings name. Raises Unavailable outside CHO_ENV=local where there is none."""
    chosen = settings()
    if chosen.sms_url:
        return HttpSender(chosen.sms_url, chosen.sms_token)
    if chosen.env == "local":
        return FileSender(chosen.home / "sms.jsonl")
    raise Unavailable("no SMS provider is connected: set CHO_SMS_URL")


class Courier:
    """Sends in the background, so that an answer takes as long whether there was somebody to write to or not."""

    def __init__(self, send: Sender | None = None) -> None:
        self._send = send
        self._room = BoundedSemaphore(WAITING_MAX)
        self._pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="sms")

    def post(self, to: str, text: str) -> bool:
        """Takes a message; False where WAITING_MAX wait already and it was dropped."""
        if not self._room.acquire(blocking=False):
            _logger.warning("message dropped: too many wait", waiting=WAITING_MAX)
            return False
        self._pool.submit(self._carry, to, text)
        return True

    def close(self) -> None:
        """Sends what waits, and ends."""
        self._pool.shutdown(wait=True)

    def _carry(self, to: str, text: str) -> None:
        try:
            (self._send or sender())(to, text)
        except Unavailable as error:
            _logger.warning("message not sent", error=error.message)
        except Exception as error:
            # Without the traceback, which would say to whom.
            _logger.error("message not sent", error=type(error).__name__)  # noqa: TRY400
        finally:
            self._room.release()
