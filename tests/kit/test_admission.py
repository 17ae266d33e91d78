"""Servers that are asked for more than they can do: who is let in, who is told to come back, and that it ends."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from cho.identity.v1 import identity_pb2 as pb
from cho.identity.v1.identity_pb2_grpc import IdentityServiceStub
from google.rpc import error_details_pb2, status_pb2

from kit.config import settings
from kit.errors import Overloaded
from kit.rpc import admission, threads
from kit.rpc.admission import FLIGHT_MAX, FLIGHT_MIN, INTERVAL_S, PATIENCE_S, STANDING_S, Flight, Line
from kit.rpc.status import error_code
from tests.kit.test_rpc import IDENTITY, SHOPPER, Servicer, _AioProcess


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def _interval(flight: Flight, clock: Clock, calls: int, seconds: float) -> None:
    """So many come at once and take so long; the interval ends with the last of them."""
    let_in = sum(flight.enter() for _ in range(calls))
    for number in range(let_in):
        if number == 0:
            clock.now_s += INTERVAL_S
        flight.leave(seconds)


def test_a_flight_lets_in_so_many_and_one_more_for_each_that_leaves() -> None:
    flight = Flight(Clock())
    assert [flight.enter() for _ in range(FLIGHT_MAX + 1)] == [True] * FLIGHT_MAX + [False]
    flight.leave(0.0)
    assert [flight.enter(), flight.enter()] == [True, False]


def test_while_a_queue_stands_fewer_are_let_in_but_never_too_few_and_more_again_when_it_is_gone() -> None:
    clock = Clock()
    flight = Flight(clock)
    for _ in range(40):
        _interval(flight, clock, 2 * FLIGHT_MAX, STANDING_S * 2)
    assert flight.most == FLIGHT_MIN
    for _ in range(100):
        _interval(flight, clock, 2 * FLIGHT_MAX, STANDING_S / 10)
    assert flight.most == FLIGHT_MAX


def test_a_few_slow_calls_are_no_queue() -> None:
    clock = Clock()
    flight = Flight(clock)
    for _ in range(40):
        _interval(flight, clock, FLIGHT_MIN - 1, 5.0)
    assert flight.most == FLIGHT_MAX


@pytest.mark.parametrize(("answered_soon_ms", "most"), [("80", FLIGHT_MIN), ("0", FLIGHT_MAX)])
def test_where_all_are_let_in_calls_that_take_long_are_no_queue(
    answered_soon_ms: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """256 connections waited for 0.25 s each on a slow machine: a bench of what a path can carry was sent away."""
    monkeypatch.setenv("CHO_ANSWERED_SOON_MS", answered_soon_ms)
    settings.cache_clear()
    clock = Clock()
    try:
        flight = admission.new_flight(clock)
    finally:
        settings.cache_clear()
    for _ in range(40):
        _interval(flight, clock, 2 * FLIGHT_MAX, STANDING_S * 2)
    assert flight.most == most


def test_a_line_is_too_long_where_a_call_would_wait_longer_than_it_may() -> None:
    release = threading.Event()
    line = Line(1, "test")
    try:
        line.submit(release.wait, 10)
        line.took(PATIENCE_S)  # a tenth counts
        waiting: list[Future[Any]] = []
        while not line.too_long:
            waiting.append(line.submit(line.check))
            assert len(waiting) < 50
        assert len(waiting) in (10, 11)  # the first of all may not have its thread yet
    finally:
        release.set()
        line.shutdown()
    assert [one.result() for one in waiting] == [None] * len(waiting)
    assert not line.too_long


def test_a_line_is_too_long_where_too_many_wait_however_quick_they_are() -> None:
    release = threading.Event()
    line = Line(1, "test")
    try:
        line.submit(release.wait, 10)
        for _ in range(admission.WAITING_MAX + 1):
            line.submit(int)
        assert line.too_long
    finally:
        release.set()
        line.shutdown()


def test_who_has_waited_too_long_after_all_is_refused_by_the_thread_that_has_it() -> None:
    clock, release = Clock(), threading.Event()
    line = Line(1, "test", clock)
    try:
        line.submit(release.wait, 10)
        late = line.submit(line.check)
        clock.now_s = PATIENCE_S + 0.1
        release.set()
        with pytest.raises(Overloaded):
            late.result(10)
    finally:
        release.set()
        line.shutdown()


class Herd(Servicer):
    """Signing in takes until it is released."""

    def SignIn(self, request: pb.SignInRequest, call: Any) -> pb.SignInResponse:
        self.entered.set()
        assert self.release.wait(20)
        return pb.SignInResponse()


@pytest.fixture
def herd() -> Iterator[tuple[Herd, threads.Server, grpc.Channel]]:
    servicer = Herd()
    server = threads.Server("127.0.0.1:0", [(IDENTITY, servicer)])
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        try:
            yield servicer, server, channel
        finally:
            servicer.release.set()
            server.stop()


def _refusal(of: Any) -> tuple[str, float]:
    """A failed call's code, and after how long to try again, s."""
    metadata: dict[str, Any] = dict(of.trailing_metadata())
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    again = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(again) for detail in status.details)
    assert metadata["retry-after"] == str(again.retry_delay.seconds)
    return error_code(of), again.retry_delay.seconds


def test_a_hall_that_signs_in_at_once_keeps_nobody_waiting_who_is_signed_in_and_the_last_are_told_to_come_back(
    herd: tuple[Herd, threads.Server, grpc.Channel],
) -> None:
    servicer, server, channel = herd
    stub = IdentityServiceStub(channel)
    server._lines.hashing.took(PATIENCE_S * 10)  # a sign-in is known to take PATIENCE_S
    calls = [stub.SignIn.future(pb.SignInRequest(), timeout=20) for _ in range(threads.HASHING_THREADS * 3)]
    assert servicer.entered.wait(10)

    assert stub.GetMe(pb.GetMeRequest(), metadata=SHOPPER, timeout=60).user.user_id == "usr_1"
    until = time.monotonic() + 60
    while not any(call.done() for call in calls):
        assert time.monotonic() < until
    servicer.release.set()
    ends = [_ended(call) for call in calls]

    assert set(ends) == {"", "OVERLOADED"}
    assert ends.count("") >= threads.HASHING_THREADS
    assert _refusal(calls[ends.index("OVERLOADED")].exception()) == ("OVERLOADED", 1)


def _asked(stub: IdentityServiceStub) -> grpc.RpcError | None:
    """What a call of somebody else is told; None where it is let in."""
    try:
        stub.GetMe(pb.GetMeRequest(), metadata=SHOPPER, timeout=60)
    except grpc.RpcError as error:
        return error
    return None


def _ended(call: Any) -> str:
    error = call.exception(timeout=20)
    return error_code(error) if error else ""


def test_an_event_loop_that_has_too_much_in_flight_refuses_before_anything_is_read_and_serves_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admission, "FLIGHT_MAX", 2)
    servicer = Servicer()

    class Slow:
        """Waits on the loop, as for the ledger."""

        def __getattribute__(self, name: str) -> Any:
            async def handler(request: Any, call: Any) -> Any:
                while name == "SignOut" and not servicer.release.is_set():
                    servicer.entered.set()
                    await asyncio.sleep(0.01)
                return pb.SignOutResponse() if name == "SignOut" else pb.GetMeResponse()

            return handler

    process = _AioProcess(Slow())
    try:
        with grpc.insecure_channel(f"127.0.0.1:{process.port}") as channel, ThreadPoolExecutor(2) as pool:
            stub = IdentityServiceStub(channel)
            slow = [pool.submit(stub.SignOut, pb.SignOutRequest(), timeout=20) for _ in range(2)]
            while (refused := _asked(stub)) is None:  # until both are in
                assert not any(call.done() for call in slow)
            assert _refusal(refused) == ("OVERLOADED", 1)
            servicer.release.set()
            assert [call.result(20) for call in slow] == [pb.SignOutResponse()] * 2
            stub.GetMe(pb.GetMeRequest(), metadata=SHOPPER, timeout=60)
    finally:
        servicer.release.set()
        process.stop()
