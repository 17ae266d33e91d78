"""What the overload bench counts, against a gateway that accepts some, sheds some and breaks now and then."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import Any, cast

import pytest

from cli.bench import overload

PAID = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
_BODY = b'{"details":[{"reason":"OVERLOADED"}]}'
SHED = b"HTTP/1.1 503 x\r\nretry-after: 1\r\ncontent-length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
UNCODED = b"HTTP/1.1 503 x\r\ncontent-length: 2\r\n\r\n{}"


async def _run(answers: list[bytes | None], connections: int) -> tuple[overload.Phase, overload.Phase]:
    """A gateway that answers in turn; None for never."""
    asked = 0
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        writers.append(writer)
        while await reader.read(65_536):
            answer = answers[asked % len(answers)]
            asked += 1
            if answer is not None:
                writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        phases = await overload._arrive("127.0.0.1", port, [lambda: b"x"], connections, 400, 0.25, 400)
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.05)
    return phases


def test_every_payment_is_accepted_shed_or_something_that_must_not_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overload, "CALM_S", 0.1)
    trouble, calm = asyncio.run(_run([PAID, PAID, SHED, UNCODED], 64))
    for phase in (trouble, calm):
        counted = len(phase.accepted_s) + len(phase.shed_s) + sum(phase.other.values()) + phase.unsent
        assert counted == phase.offered > 0
    offered = trouble.offered + calm.offered
    assert len(trouble.accepted_s) + len(calm.accepted_s) == -(-offered // 4) + (offered + 2) // 4
    assert len(trouble.shed_s) + len(calm.shed_s) == (offered + 1) // 4
    assert sum(trouble.other.values()) + sum(calm.other.values()) == offered // 4
    assert all("503" in what for what in trouble.other)
    assert len(trouble.late) >= len(trouble.shed_s) + sum(trouble.other.values())


def test_who_finds_no_free_connection_gives_up_and_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overload, "CALM_S", 0.1)
    monkeypatch.setattr(overload, "GIVE_UP_S", 0.02)
    monkeypatch.setattr(overload, "ANSWER_S_MAX", 0.2)
    trouble, calm = asyncio.run(_run([None], 4))
    assert trouble.unsent > 0
    assert not trouble.accepted_s
    assert calm.other["no answer"] == 4


def test_what_is_accepted_a_second_was_answered_in_that_second_and_not_only_due_in_it() -> None:
    trouble, calm = overload.Phase(400, 2.0, begin_s=10.0), overload.Phase(200, 1.0, begin_s=12.0)
    arrivals = overload._Arrivals()
    with pytest.MonkeyPatch.context() as patch:
        for due_s, answered_s in ((10.5, 11.0), (11.9, 12.0), (11.9, 12.1)):
            patch.setattr(overload.time, "perf_counter", lambda at=answered_s: at)
            arrivals.answered(trouble, due_s, due_s, 200, PAID)
    row = overload._row(trouble, calm, {})
    assert row["accepted_per_s"] == 1.0
    assert len(trouble.accepted_s) == 3
    assert row["accepted_ms"]["p99"] == 500.0


def test_a_run_holds_only_where_warm_up_and_capacity_had_no_answer_but_payments_and_coded_refusals() -> None:
    good = {"balanced": True, "tied": True, "broken": 0, "times": {"2": {"other": {}}}, "herd": {"other": {}}}
    assert overload.held(good)
    assert not overload.held(good | {"broken": 1})
    assert not overload.held(good | {"times": {"2": {"other": {"500 x": 1}}}})


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core is all there is")
def test_apart_the_gateway_and_the_phones_have_the_last_core_and_all_others_the_rest() -> None:
    cores, me = sorted(os.sched_getaffinity(0)), os.getpid()
    gateway, payments = (subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) for _ in range(2))

    class Stack:
        def processes(self) -> list[dict[str, Any]]:
            pids = {"gateway": gateway.pid, "payments.serve": payments.pid, "held": None}
            return [{"name": name, "pid": pid} for name, pid in pids.items()]

    try:
        overload._set_apart(cast("Any", Stack()))
        assert os.sched_getaffinity(gateway.pid) == os.sched_getaffinity(me) == {cores[-1]}
        assert os.sched_getaffinity(payments.pid) == set(cores[:-1])
    finally:
        os.sched_setaffinity(0, cores)
        for process in (gateway, payments):
            process.communicate(b"\n")


def test_what_spins_beside_payments_has_their_cores_and_ends_with_the_bench() -> None:
    core = min(os.sched_getaffinity(0))
    with overload._spinning_on([core]) as process:
        assert os.sched_getaffinity(process.pid) == {core}
        assert process.poll() is None
    assert process.poll() is not None
