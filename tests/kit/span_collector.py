"""A collector of spans on loopback: OTLP over HTTP, our JSON and Envoy's protobuf."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WAIT_S = 60


class Collector:
    """`spans`: what came as JSON, each with its `process`; `protobuf`: bodies of what came otherwise."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.spans: list[dict[str, Any]] = []
        self.protobuf: list[bytes] = []
        self.status = 200
        self.posts = 0

    def of_trace(self, trace_id: str) -> list[dict[str, Any]]:
        return [span for span in list(self.spans) if span["traceId"] == trace_id]

    def wait_for(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_S
        while not holds():
            assert time.monotonic() < deadline, [(span["process"], span["name"]) for span in self.spans]
            time.sleep(0.02)

    def take(self, body: bytes, content_type: str) -> None:
        self.posts += 1
        if self.status != 200:
            return
        if content_type != "application/json":
            self.protobuf.append(body)
            return
        for resource in json.loads(body)["resourceSpans"]:
            about = attributes(resource["resource"])
            for scope in resource["scopeSpans"]:
                self.spans += [span | {"process": about["service.name"]} for span in scope["spans"]]


def attributes(of: dict[str, Any]) -> dict[str, Any]:
    """A span's, or a resource's, by their names."""
    found: dict[str, Any] = {}
    for one in of["attributes"]:
        ((kind, value),) = one["value"].items()
        found[one["key"]] = int(value) if kind == "intValue" else value
    return found


@contextmanager
def collecting() -> Iterator[Collector]:
    """One that listens."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            collector.take(self._body(), self.headers.get("content-type", ""))
            self.send_response(collector.status)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def _body(self) -> bytes:
            if "chunked" not in self.headers.get("transfer-encoding", ""):
                return self.rfile.read(int(self.headers.get("content-length", 0)))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            pass  # a client that was stopped in the middle

    server = Server(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
