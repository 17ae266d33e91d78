"""Asks a server on loopback whether it is ready, over a bare socket.

The supervisor stays small by importing no client: the client libraries would weigh more than it does.
Every probe answers False while the server says "not yet", and raises OSError or EOFError while it says nothing.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kit.ports import LOOPBACK

ANSWER_BYTES_MAX = 1 << 20

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def _connected(port: int) -> AsyncIterator[_Streams]:
    reader, writer = await asyncio.open_connection(LOOPBACK, port, limit=ANSWER_BYTES_MAX)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def redis_ready(port: int) -> bool:
    """Valkey or Redis: it answers PING, so it has loaded its data."""
    async with _connected(port) as (reader, writer):
        writer.write(b"PING\r\n")
        return await reader.readline() == b"+PONG\r\n"


async def redis_replica_ready(port: int) -> bool:
    """A replica: it holds a copy and its link to the primary is up."""
    async with _connected(port) as (reader, writer):
        writer.write(b"INFO replication\r\n")
        head = await reader.readline()
        if not head.startswith(b"$"):
            return False
        return b"master_link_status:up" in await reader.readexactly(int(head[1:]))


# OP_MSG (opcode 2013), flags 0, one section of kind 0: {"hello": 1, "$db": "admin"}.
_HELLO_BODY = b"\x10hello\x00\x01\x00\x00\x00\x02$db\x00\x06\x00\x00\x00admin\x00\x00"
_HELLO = struct.pack("<iiiiIB", 25 + len(_HELLO_BODY), 1, 0, 2013, 0, 0) + struct.pack("<i", 4 + len(_HELLO_BODY))


async def mongo_ready(port: int) -> bool:
    """A MongoDB-wire server: it answers `hello` as one that takes writes."""
    async with _connected(port) as (reader, writer):
        writer.write(_HELLO + _HELLO_BODY)
        (length,) = struct.unpack("<i", await reader.readexactly(4))
        if not 16 <= length <= ANSWER_BYTES_MAX:
            return False
        return b"\x08isWritablePrimary\x00\x01" in await reader.readexactly(length - 4)


async def http(port: int, target: str, method: str = "GET") -> tuple[int, str]:
    """Status and body of a plain HTTP/1.1 request. Raises EOFError, and OSError, where there is no whole answer."""
    async with _connected(port) as (reader, writer):
        head = f"{method} {target} HTTP/1.1\r\nHost: {LOOPBACK}\r\nContent-Length: 0\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode())
        status_line, *headers = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
        chunked = b"transfer-encoding: chunked" in headers
        body = await _chunks(reader) if chunked else await reader.read(ANSWER_BYTES_MAX)
        return int(status_line.split()[1]), body.decode(errors="replace")


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while (size := int(await reader.readline(), 16)) and len(body) + size <= ANSWER_BYTES_MAX:
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    return body


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _literal(name: bytes, value: bytes) -> bytes:
    return bytes((0, len(name))) + name + bytes((len(value),)) + value


_DATA, _HEADERS, _SETTINGS = 0, 1, 4
_END_STREAM, _END_HEADERS = 1, 4
_SERVING = b"\x08\x01"  # grpc.health.v1.HealthCheckResponse(status=SERVING)
_HEALTH_CHECK = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    + _frame(_SETTINGS, 0, 0, b"")
    + _frame(
        _HEADERS,
        _END_HEADERS,
        1,
        _literal(b":method", b"POST")
        + _literal(b":scheme", b"http")
        + _literal(b":path", b"/grpc.health.v1.Health/Check")
        + _literal(b":authority", LOOPBACK.encode())
        + _literal(b"te", b"trailers")
        + _literal(b"content-type", b"application/grpc"),
    )
    + _frame(_DATA, _END_STREAM, 1, bytes(5))
)


async def grpc_ready(port: int) -> bool:
    """A gRPC server: grpc.health.v1 says SERVING for the server as a whole."""
    async with _connected(port) as (reader, writer):
        writer.write(_HEALTH_CHECK)
        while True:
            head = await reader.readexactly(9)
            payload = await reader.readexactly(min(int.from_bytes(head[:3], "big"), ANSWER_BYTES_MAX))
            kind, flags, stream = head[3], head[4], int.from_bytes(head[5:9], "big")
            if stream == 1 and kind == _DATA and payload[5:]:
                return payload[5:] == _SERVING
            if stream == 1 and flags & _END_STREAM and kind in (_DATA, _HEADERS):
                return False
