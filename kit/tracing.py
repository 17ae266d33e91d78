"""One payment is one trace (W3C Trace Context): its `traceparent` goes from the gateway into the ledger's event, and
from there with every event that follows from it. Spans leave as OTLP/JSON over HTTP.

    tracing.start("payments.serve")                                   # after any fork; nothing without CHO_TRACES_URL
    if (tracer := tracing.tracer()) is not None:
        span = tracer.follow("journal", traceparent, Kind.CONSUMER)   # None where it is not sampled
        ...
        if span: span.end("OK", seq=7)

Without CHO_TRACES_URL there is no tracer, `httpx` is not imported and what clients send is carried along as it is. A
collector that is away costs spans, never a payment: the queue is bounded, and what does not fit is counted.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from prometheus_client import Counter

from kit import log
from kit.config import settings
from kit.errors import DomainError

# Spans that wait; at the limit new ones are dropped. About 1 KB each.
WAITING_MAX = 8192
BATCH_MAX = 512
EVERY_S = 1.0
# A collector that refuses or is away is asked again after so long, at most.
BACKOFF_S_MAX = 30.0
ANSWER_S_MAX = 5.0
# What stopping may take.
STOP_S_MAX = 2.0

SPANS = Counter("cho_traces_spans_total", "Spans by what became of them.", ["outcome"])

# Version 00 only, as we write it; an id of zeros is none (W3C Trace Context, section 3.2).
_PARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")

# Fields of replies that hold the transfer that was made.
_MOVED = ("payment", "transfer", "refund", "hold")

_logger = log.logger(__name__)


class Kind(IntEnum):
    """What a span is of (OTLP's SpanKind)."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class Parent(NamedTuple):
    """A traceparent, read."""

    trace_id: str
    span_id: str
    sampled: bool


def parse(traceparent: str) -> Parent | None:
    """What a traceparent says; None where it is none."""
    found = _PARENT.fullmatch(traceparent)
    return Parent(found[1], found[2], bool(int(found[3], 16) & 1)) if found else None


def trace_id(traceparent: str) -> str:
    """The trace's id, 32 hex digits; "" where there is none."""
    found = parse(traceparent)
    return found.trace_id if found else ""


def _new_id(bits: int) -> str:
    while True:
        # Told apart, not kept secret; the generator is seeded anew in a forked process.
        if number := random.getrandbits(bits):
            return f"{number:0{bits // 4}x}"


class Span:
    """Something that takes time. `end` sends it; one that is never ended is never told."""

    __slots__ = ("_tracer", "kind", "name", "parent_id", "span_id", "started_ns", "trace_id")

    def __init__(self, tracer: Tracer, name: str, kind: Kind, trace_id: str, parent_id: str, started_ns: int) -> None:
        self._tracer = tracer
        self.name, self.kind = name, kind
        self.trace_id, self.span_id, self.parent_id = trace_id, _new_id(64), parent_id
        self.started_ns = started_ns

    @property
    def traceparent(self) -> str:
        """For what follows from it."""
        return f"00-{self.trace_id}-{self.span_id}-01"

    def end(self, code: str = "OK", **about: str | int) -> None:
        """It is over. `code`: "OK", or a code of kit/errors.py; `about`: ids and numbers, nothing personal."""
        self._tracer.take(self, time.time_ns(), code, about)


class Tracer:
    """Makes this process's spans and sends them, in a thread of its own from `start` to `stop`."""

    def __init__(
        self, process: str, ratio: float, send: Callable[[bytes], None], close: Callable[[], None] = lambda: None
    ) -> None:
        self._process, self._send, self._close = process, send, close
        # As OpenTelemetry's TraceIdRatioBased: every process decides the same of a trace.
        self._below = int(ratio * (1 << 64))
        self._waiting: deque[dict[str, Any]] = deque()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def enter(self, name: str, traceparent: str, kind: Kind = Kind.SERVER) -> Span | None:
        """A span of what comes in: of the trace that it says, or of a new one. None where it is not sampled."""
        parent = parse(traceparent)
        if parent is None:
            new = _new_id(128)
            return Span(self, name, kind, new, "", time.time_ns()) if int(new[16:], 16) < self._below else None
        return self._of(name, parent, kind, 0)

    def follow(self, name: str, traceparent: str, kind: Kind, started_ms: int = 0) -> Span | None:
        """A span of what follows from a traced request, begun at `started_ms` (Unix ms) or now; None from any other."""
        parent = parse(traceparent)
        return self._of(name, parent, kind, started_ms) if parent is not None else None

    def _of(self, name: str, parent: Parent, kind: Kind, started_ms: int) -> Span | None:
        if not parent.sampled:
            return None
        return Span(self, name, kind, parent.trace_id, parent.span_id, started_ms * 1_000_000 or time.time_ns())

    def take(self, span: Span, ended_ns: int, code: str, about: dict[str, str | int]) -> None:
        """Queues an ended span."""
        if len(self._waiting) >= WAITING_MAX:
            SPANS.labels("dropped").inc()
            return
        self._waiting.append(_as_otlp(span, ended_ns, code, about))

    # ---------------------------------------------------------------- sending

    def start(self) -> None:
        """From now on spans leave."""
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Sends what waits, for STOP_S_MAX at most."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_S_MAX)
        self._close()

    def _run(self) -> None:
        failures = 0
        batch: list[dict[str, Any]] = []
        while True:
            stopping = self._stopping.wait(min(EVERY_S * 2**failures, BACKOFF_S_MAX))
            while batch or self._waiting:
                batch = batch or [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
                try:
                    self._send(payload(self._process, batch))
                except Exception as error:  # whatever it is, it must not end this thread
                    if not failures:
                        _logger.warning("spans wait", error=f"{type(error).__name__}: {error}")
                    failures = min(failures + 1, 10)
                    break
                if failures:
                    _logger.info("spans leave again")
                failures = 0
                SPANS.labels("sent").inc(len(batch))
                batch = []
            if stopping:
                return


def payload(process: str, spans: list[dict[str, Any]]) -> bytes:
    """An ExportTraceServiceRequest as OTLP writes it in JSON (opentelemetry-proto, section JSON Protobuf Encoding)."""
    resource = {"attributes": _attributes({"service.name": process, "service.namespace": "cho"})}
    scoped = [{"scope": {"name": "kit.tracing"}, "spans": spans}]
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": scoped}]}).encode()


def _as_otlp(span: Span, ended_ns: int, code: str, about: dict[str, str | int]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": span.name,
        "kind": int(span.kind),
        "startTimeUnixNano": str(span.started_ns),
        "endTimeUnixNano": str(max(ended_ns, span.started_ns)),
        "attributes": _attributes({"cho.code": code, **{f"cho.{name}": value for name, value in about.items()}}),
        "status": {"code": 1} if code == "OK" else {"code": 2, "message": code},
    }
    if span.parent_id:
        made["parentSpanId"] = span.parent_id
    return made


def _attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in values.items()
    ]


def _sender(url: str) -> tuple[Callable[[bytes], None], Callable[[], None]]:
    """What posts a batch, and what ends it. Imported here: a process that traces nothing has no HTTP client."""
    import httpx

    from kit import tls

    trusted = tls.context() if urlsplit(url).scheme == "https" else False
    client = httpx.Client(timeout=ANSWER_S_MAX, verify=trusted, trust_env=False)
    target = f"{url.rstrip('/')}/v1/traces"

    def send(body: bytes) -> None:
        client.post(target, content=body, headers={"content-type": "application/json"}).raise_for_status()

    return send, client.close


# -------------------------------------------------------------------- this process's tracer

_tracer: Tracer | None = None


def tracer() -> Tracer | None:
    """This process's; None where nothing is traced."""
    return _tracer


def start(process: str) -> None:
    """Traces from now on, where CHO_TRACES_URL says where to. Once a process, after any fork."""
    global _tracer
    if settings().traces_url and _tracer is None:
        _tracer = Tracer(process, settings().traces_ratio, *_sender(settings().traces_url))
        _tracer.start()


def stop() -> None:
    """Sends what waits."""
    global _tracer
    if _tracer is not None:
        _tracer.stop()
        _tracer = None


# -------------------------------------------------------------------- RPCs


def traced(method: str, handler: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The handler in a span of its own; the handler itself where nothing is traced, so that a call pays nothing.

    From then on `call.traceparent` is that span's, "" where the request is not sampled: it goes into the ledger.
    """
    here = _tracer
    if here is None:
        return handler

    def run(request: Any, call: Any) -> Any:
        with _served(here, method, call) as about:
            reply = handler(request, call)
            about |= _about(reply)
            return reply

    return run


def traced_aio(method: str, handler: Callable[[Any, Any], Awaitable[Any]]) -> Callable[[Any, Any], Awaitable[Any]]:
    """`traced` for coroutines."""
    here = _tracer
    if here is None:
        return handler

    async def run(request: Any, call: Any) -> Any:
        with _served(here, method, call) as about:
            reply = await handler(request, call)
            about |= _about(reply)
            return reply

    return run


@contextmanager
def _served(here: Tracer, method: str, call: Any) -> Iterator[dict[str, str | int]]:
    span, about = here.enter(method, call.traceparent), dict[str, str | int]()
    call.traceparent = span.traceparent if span else ""
    if span is None:
        yield about
        return
    about["request_id"] = call.request_id[:64]
    code = "INTERNAL"
    try:
        yield about
        code = "OK"
    except DomainError as error:
        code = error.code
        raise
    finally:
        span.end(code, **about)


def _about(reply: Any) -> dict[str, str | int]:
    """What moved, where the reply is of a transfer."""
    for name in _MOVED:
        made = getattr(reply, name, None)
        if transfer_id := getattr(made, "transfer_id", ""):
            return {"payment_id": transfer_id, "seq": int(getattr(made, "seq", 0))}
    return {}


@dataclass(slots=True)
class Step:
    """What is being done in a span: `traceparent` is for what follows from it, `code` is how it ends."""

    traceparent: str
    code: str = "OK"


@contextmanager
def followed(name: str, traceparent: str, kind: Kind, **about: str | int) -> Iterator[Step]:
    """What follows from a traced request, as a span. Where nothing is traced, or that request is not, there is none,
    and the traceparent is the one that was given.
    """
    span = _tracer.follow(name, traceparent, kind) if _tracer is not None else None
    step = Step(span.traceparent if span else traceparent)
    try:
        yield step
    except DomainError as error:
        step.code = error.code
        raise
    except BaseException:
        step.code = "INTERNAL"
        raise
    finally:
        if span is not None:
            span.end(step.code, **about)
