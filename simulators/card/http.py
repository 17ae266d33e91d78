"""HTTP/1.1 on loopback: requests in, answers out, or, where a fault says so, no answer. The protocol is h11's."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import h11

from kit import log
from simulators.card.faults import HOLD_S_MAX

CONNECTIONS_MAX = 512
HEAD_BYTES_MAX = 16 * 1024
BODY_BYTES_MAX = 64 * 1024
READ_BYTES = 64 * 1024
IDLE_S_MAX = 75
REQUEST_S_MAX = 30

_log = log.logger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """`path` and `query` as they came, still percent-encoded; names of headers in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """`fate`: sent; or kept back until the caller leaves ("silence"); or the connection is broken ("cut")."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    fate: Literal["send", "silence", "cut"] = "send"


def dump(body: Mapping[str, Any]) -> bytes:
    """An object as it is sent."""
    return json.dumps(body, ensure_ascii=False, indent=2).encode()


def json_answer(status: int, body: Mapping[str, Any], *headers: tuple[str, str]) -> Answer:
    """An answer that holds an object."""
    return Answer(status, dump(body), (("Content-Type", "application/json"), *headers))


App = Callable[[Request], Awaitable[Answer]]


class _TooLarge(Exception):
    pass


async def serve(app: App, host: str, port: int) -> asyncio.Server:
    """Listens. Past CONNECTIONS_MAX connections a new one is closed at once."""
    open_now: set[asyncio.StreamWriter] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(open_now) >= CONNECTIONS_MAX:
            writer.transport.abort()
            return
        open_now.add(writer)
        try:
            await _converse(app, reader, writer)
        except (OSError, EOFError, TimeoutError):
            pass  # the caller left, or said nothing for too long
        except asyncio.CancelledError:
            pass  # the server stops
        finally:
            open_now.discard(writer)
            writer.transport.abort()

    return await asyncio.start_server(connected, host, port, limit=READ_BYTES)


async def _converse(app: App, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES_MAX)
    while True:
        try:
            request = await _read(connection, reader)
        except h11.RemoteProtocolError as error:
            return await _send(connection, writer, Answer(error.error_status_hint, b"{}"))
        except _TooLarge:
            return await _send(connection, writer, Answer(413, b"{}"))
        if request is None:
            return None
        answer = await app(request)
        if answer.fate == "silence":
            return await _until_gone(reader)
        if answer.fate == "cut":
            return None
        await _send(connection, writer, replace(answer, body=b"") if request.method == "HEAD" else answer)
        if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
            await _flush(writer)
            return None
        connection.start_next_cycle()


async def _read(connection: h11.Connection, reader: asyncio.StreamReader) -> Request | None:
    """The next request; None where the caller is done. Raises RemoteProtocolError, TimeoutError, _TooLarge."""
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            async with asyncio.timeout(REQUEST_S_MAX if head else IDLE_S_MAX):
                connection.receive_data(await reader.read(READ_BYTES))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > BODY_BYTES_MAX:
                raise _TooLarge
        elif isinstance(event, h11.EndOfMessage) and head:
            path, _, query = head.target.decode("ascii", "replace").partition("?")
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
            return Request(head.method.decode("ascii"), path, query, headers, bytes(body))
        else:
            return None


async def _send(connection: h11.Connection, writer: asyncio.StreamWriter, answer: Answer) -> None:
    headers = [*answer.headers, ("Content-Length", str(len(answer.body)))]
    response = h11.Response(status_code=answer.status, headers=headers)
    for event in (response, h11.Data(data=answer.body), h11.EndOfMessage()):
        writer.write(connection.send(event) or b"")
    await _flush(writer)


async def _flush(writer: asyncio.StreamWriter) -> None:
    async with asyncio.timeout(REQUEST_S_MAX):
        await writer.drain()


async def _until_gone(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HOLD_S_MAX):
            while await reader.read(READ_BYTES):
                pass
