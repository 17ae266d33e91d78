"""Streams that hold no thread: a server of threads gives thousands of listeners to one that tells all of them.

    @pushed
    def WatchSale(self, request, call, push: Push) -> None:
        self._hub.join(request.sale_id, push)     # returns at once; `push` stays

grpc calls such a handler with something to send by (`experimental_non_blocking`), and the stream goes on after it has
returned. Without it every listener would hold one of the server's few threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

from kit.errors import DomainError
from kit.rpc.status import status_of


class Push:
    """One listener. Its methods may be called from any thread, by one at a time (`cut` by any)."""

    __slots__ = ("_context", "_send")

    def __init__(self, send: Callable[[Any], None], context: grpc.ServicerContext) -> None:
        self._send, self._context = send, context

    def send(self, message: Any) -> bool:
        """Sends, and waits until it is on its way; whether the listener is still there."""
        if not self._context.is_active():
            return False
        self._send(message)
        return bool(self._context.is_active())

    def end(self, error: DomainError | None = None) -> None:
        """Ends the stream, as broken off where there is an error."""
        if not self._context.is_active():
            return
        if error is not None:
            code, message, trailing = status_of(error)
            self._context.set_code(code)
            self._context.set_details(message)
            self._context.set_trailing_metadata(trailing)
        self._send(None)

    def cut(self) -> None:
        """Ends it for a listener that takes nothing any more: a `send` that waits for it returns."""
        cancel: Any = getattr(self._context, "cancel", None)
        if cancel is not None:
            cancel()

    def when_over(self, tell: Callable[[], None]) -> bool:
        """Has somebody told when the stream has ended; False where it has already."""
        return bool(self._context.add_callback(tell))


def pushed(handler: Callable[..., None]) -> Callable[..., None]:
    """Marks a handler of a server-streaming RPC: (request, call, push), which returns at once."""
    handler.pushed = True  # type: ignore[attr-defined]
    return handler
