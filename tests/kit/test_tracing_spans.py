"""Traces: what is sampled, what a span says, and that a collector that is away costs nobody anything."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import tracing
from kit.config import settings
from kit.errors import InsufficientFunds
from kit.rpc.call import ANONYMOUS, Call, service_metadata
from kit.tracing import Kind, Tracer
from tests.kit.span_collector import Collector, attributes, collecting

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = PARENT[:-2] + "00"
_hex = st.text("0123456789abcdef", min_size=32, max_size=32)


def call_of(traceparent: str = "") -> Call:
    return Call(ANONYMOUS, "req-1", traceparent, {}, None)


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


@pytest.fixture
def tracing_on(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    monkeypatch.setenv("CHO_TRACES_URL", collector.url)
    settings.cache_clear()
    tracing.start("payments.serve")
    yield collector
    tracing.stop()
    settings.cache_clear()


def test_a_traceparent_says_trace_span_and_whether_it_is_sampled() -> None:
    assert tracing.parse(PARENT) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", True)
    assert tracing.parse(UNSAMPLED) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", False)
    assert tracing.trace_id(PARENT) == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "req-1",
        PARENT.upper(),
        PARENT[:-1],
        PARENT + "-00",
        "01" + PARENT[2:],
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
        PARENT + "\n",
    ],
)
def test_what_is_no_traceparent_is_none(text: str) -> None:
    assert tracing.parse(text) is None
    assert tracing.trace_id(text) == ""


@given(_hex, st.floats(0, 1), st.floats(0, 1))
def test_a_trace_that_a_smaller_share_keeps_a_larger_one_keeps_too(trace: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    kept = [int(trace[16:], 16) < Tracer("p", ratio, lambda _: None)._below for ratio in (low, high)]
    assert kept[0] <= kept[1]


def test_a_new_trace_is_begun_for_the_share_that_is_set() -> None:
    none, some, every = (Tracer("p", ratio, lambda _: None) for ratio in (0.0, 0.25, 1.0))
    counts = [sum(1 for _ in range(2000) if tracer.enter("x", "") is not None) for tracer in (none, some, every)]
    assert (counts[0], counts[2]) == (0, 2000)
    assert 350 < counts[1] < 650


def test_what_others_decided_is_kept_whatever_our_share() -> None:
    never, always = Tracer("p", 0.0, lambda _: None), Tracer("p", 1.0, lambda _: None)
    span = never.enter("x", PARENT)
    assert span is not None
    assert (span.trace_id, span.parent_id) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    assert tracing.parse(span.traceparent) == (span.trace_id, span.span_id, True)
    assert always.enter("x", UNSAMPLED) is None
    assert always.follow("x", "", Kind.CONSUMER) is None


def test_without_a_collector_a_handler_is_itself_and_no_http_client_is_there() -> None:
    def handler(request: Any, call: Any) -> Any:
        return request

    assert tracing.tracer() is None
    assert tracing.traced("m", handler) is handler
    assert tracing.traced_aio("m", handler) is handler
    code = "import sys, kit.tracing as t; t.start('x'); sys.exit('httpx' in sys.modules or t.tracer() is not None)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_a_call_is_a_span_that_names_request_payment_and_outcome(tracing_on: Collector) -> None:
    seen = []

    def pay(request: Any, call: Call) -> Any:
        seen.append(call.traceparent)
        if request == "poor":
            raise InsufficientFunds("too little")
        return SimpleNamespace(payment=SimpleNamespace(transfer_id="pay_1", seq=7))

    handle = tracing.traced("cho.Pay", pay)
    handle("rich", call_of(PARENT))
    with pytest.raises(InsufficientFunds):
        handle("poor", call_of(PARENT))
    tracing_on.wait_for(lambda: len(tracing_on.spans) == 2)
    good, bad = tracing_on.spans
    assert (good["name"], good["kind"], good["process"]) == ("cho.Pay", Kind.SERVER, "payments.serve")
    assert (good["traceId"], good["parentSpanId"]) == (PARENT[3:35], PARENT[36:52])
    assert seen[0] == f"00-{good['traceId']}-{good['spanId']}-01"
    assert int(good["startTimeUnixNano"]) <= int(good["endTimeUnixNano"])
    wanted = {"cho.code": "OK", "cho.request_id": "req-1", "cho.payment_id": "pay_1", "cho.seq": 7}
    assert attributes(good) == wanted
    assert (attributes(bad)["cho.code"], bad["status"]) == (
        "INSUFFICIENT_FUNDS",
        {"code": 2, "message": "INSUFFICIENT_FUNDS"},
    )


def test_a_request_that_is_not_sampled_leaves_no_traceparent_in_the_ledger(tracing_on: Collector) -> None:
    call = call_of(UNSAMPLED)

    async def pay(request: Any, call: Call) -> str:
        return call.traceparent

    assert asyncio.run(tracing.traced_aio("cho.Pay", pay)("", call)) == ""  # type: ignore[arg-type]
    assert call.traceparent == ""


def test_what_follows_is_a_child_and_hands_its_own_traceparent_on(tracing_on: Collector) -> None:
    with tracing.followed("journal", PARENT, Kind.CONSUMER, seq=3) as step:
        onward = step.traceparent
    with tracing.followed("journal", UNSAMPLED, Kind.CONSUMER) as step:
        assert step.traceparent == UNSAMPLED
    with pytest.raises(RuntimeError), tracing.followed("broken", onward, Kind.CLIENT):
        raise RuntimeError
    tracing_on.wait_for(lambda: len(tracing_on.spans) == 2)
    first, second = tracing_on.spans
    assert second["parentSpanId"] == first["spanId"] == onward[36:52]
    assert attributes(second)["cho.code"] == "INTERNAL"


def test_spans_wait_for_a_collector_that_is_away_up_to_a_limit(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "WAITING_MAX", 10)
    monkeypatch.setattr(tracing, "EVERY_S", 0.02)
    collector.status = 503
    dropped = tracing.SPANS.labels("dropped")._value.get()
    tracer = Tracer("p", 1.0, *tracing._sender(collector.url))
    for number in range(15):
        span = tracer.enter(f"{number}", "")
        assert span
        span.end()
    assert tracing.SPANS.labels("dropped")._value.get() - dropped == 5
    tracer.start()
    collector.wait_for(lambda: collector.posts > 1)
    assert collector.spans == []
    collector.status = 200
    collector.wait_for(lambda: len(collector.spans) == 10)
    tracer.stop()
    assert [span["name"] for span in collector.spans] == [str(number) for number in range(10)]


def test_stopping_sends_what_waits(collector: Collector) -> None:
    tracer = Tracer("p", 1.0, *tracing._sender(collector.url))
    tracer.start()
    span = tracer.enter("last", "")
    assert span
    span.end()
    tracer.stop()
    assert [one["name"] for one in collector.spans] == ["last"]


def test_a_service_that_asks_another_hands_the_trace_on() -> None:
    assert ("traceparent", PARENT) in service_metadata("settlement", call_of(PARENT))
    assert "traceparent" not in dict(service_metadata("settlement", call_of()))
    assert "traceparent" not in dict(service_metadata("settlement"))
