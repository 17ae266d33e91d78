"""How calls that move money are answered: counted by every server, told by any."""

from __future__ import annotations

import asyncio
from collections import Counter

import grpc
import pytest
import redis
from cho.payments.v1 import codes_pb2, holds_pb2
from cho.payments.v1 import levels_pb2 as pb
from cho.payments.v1 import payments_pb2 as payments
from cho.payments.v1.levels_pb2_grpc import LevelsServiceStub
from hypothesis import given
from hypothesis import strategies as st

from kit.clock import now_ms
from kit.errors import BY_CODE
from kit.rpc.aio import Server
from kit.streams import names
from services.payments.levels import BOUNDS_MS, FAILED, MINUTE_MS, PLATFORMS, REFUSED, counted, fields, level, together
from services.payments.server.levels import LevelsServicer
from services.payments.store import levels as stored
from services.payments.store.levels import Levels
from tests.payments.api import Person, person
from tests.payments.conftest import Bench

NAME = "cho.payments.v1.LevelsService.GetServiceLevels"


# ------------------------------------------------------------------------ rules


def test_what_moves_money_is_counted_and_what_reads_is_not() -> None:
    found = counted(
        [
            payments.DESCRIPTOR.services_by_name["PaymentsService"],
            holds_pb2.DESCRIPTOR.services_by_name["HoldService"],
            codes_pb2.DESCRIPTOR.services_by_name["CodeService"],
        ]
    )
    assert {"cho.payments.v1.PaymentsService.Pay", "cho.payments.v1.HoldService.HoldPayment"} <= found
    assert not {name for name in found if name.rpartition(".")[2].startswith(("Get", "List", "Watch"))}
    assert "cho.payments.v1.PaymentsService.Echo" not in found


def test_who_has_too_little_was_refused_and_who_got_no_answer_was_failed() -> None:
    assert fields("INSUFFICIENT_FUNDS", 0.1) == fields("LIMIT_EXCEEDED", 0.1) == (REFUSED,)
    assert {fields(code, 0.1) for code in ("OVERLOADED", "UNAVAILABLE", "OUTCOME_UNKNOWN", "INTERNAL")} == {(FAILED,)}
    assert set(BY_CODE) >= PLATFORMS


@given(st.lists(st.floats(0, 10), max_size=200), st.sampled_from([1, 50, 90, 99, 100]))
def test_a_percentile_is_the_lowest_bound_that_so_many_did_not_exceed(took_s: list[float], percent: int) -> None:
    counts: Counter[str] = Counter(name for seconds in took_s for name in fields("OK", seconds))
    told = level(counts)
    assert told.done == len(took_s)
    bound = told.percentile(percent)
    within = [sum(s * 1000 <= one for s in took_s) for one in BOUNDS_MS]
    wanted = len(took_s) * percent / 100
    assert bound == (next(b for b, n in zip(BOUNDS_MS, within, strict=True) if n and n >= wanted) if took_s else 0)


def test_minutes_together_are_as_if_they_were_one() -> None:
    one, two = level({"done": 2, "ms:5": 2, "failed": 1}), level({"done": 3, "ms:5": 1, "ms:100": 2, "refused": 4})
    both = together([one, two])
    assert (both.done, both.refused, both.failed) == (5, 4, 1)
    assert (both.percentile(50), both.percentile(99)) == (5, 100)


# ----------------------------------------------------------------------- stored


@pytest.mark.anyio
async def test_two_servers_answers_are_told_together_and_gone_after_two_hours(valkey: str) -> None:
    one, two = Levels(valkey), Levels(valkey)
    for levels in (one, two):
        await levels.start()
    for _ in range(3):
        one("OK", 0.004)
        two("INSUFFICIENT_FUNDS", 0.002)
    two("UNAVAILABLE", 1.0)
    await one.stop()
    await two.stop()
    reader = Levels(valkey)
    hour = await reader.hour()
    await reader.stop()
    assert len(hour) == 60
    told = together([found for _, found in hour])
    assert (told.done, told.refused, told.failed, told.percentile(99)) == (3, 3, 1, 5)
    with redis.Redis.from_url(valkey, decode_responses=True) as client:
        (written,) = {found for at, _ in hour[-2:] if client.exists(found := stored.key(at // MINUTE_MS))}
        assert 0 < int(client.ttl(written)) <= stored.KEPT_S  # type: ignore[arg-type]


@pytest.mark.anyio
async def test_what_cannot_be_written_waits_and_not_for_ever() -> None:
    levels = Levels("redis://127.0.0.1:1/0")
    for minute in range(stored.WAITING_MAX + 5):
        levels._waiting[minute] = Counter({"done": 1})
    levels("OK", 0.001)
    await levels.start()
    await levels.stop()
    assert len(levels._waiting) == stored.WAITING_MAX
    assert max(levels._waiting) >= now_ms() // MINUTE_MS - 1, "the newest is kept"


# ------------------------------------------------------------------------ asked


@pytest.mark.anyio
async def test_the_operations_centre_is_told_and_a_shopper_is_not(bench: Bench) -> None:
    levels = Levels(bench.url)
    descriptor = pb.DESCRIPTOR.services_by_name["LevelsService"]
    server = Server("127.0.0.1:0", [(descriptor, LevelsServicer(bench.ledger, levels))], {NAME: levels})
    await server.start()
    with bench.redis() as client:
        client.sadd(names.readers(), "books", "announcer")
        client.set(names.cursor("books"), "1")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = LevelsServiceStub(channel)

        async def ask(who: Person) -> pb.GetServiceLevelsResponse:
            return await stub.GetServiceLevels(pb.GetServiceLevelsRequest(), metadata=who.claims())  # type: ignore[no-any-return]

        for _ in range(2):
            await ask(person("auditor"))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await ask(person("shopper"))
        assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED
        await levels.start()
        async with asyncio.timeout(30):
            while not (told := await ask(person("operator"))).hour.done:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    await server.stop()
    await levels.stop()
    assert told.hour.done >= 2
    assert told.hour.refused == 1
    assert told.hour.p50_ms in BOUNDS_MS
    assert len(told.minutes) == 60
    assert sum(one.done for one in told.minutes) == told.hour.done
    assert told.ledger_seq > 1
    assert {one.purpose: told.ledger_seq - one.behind for one in told.readers} == {"books": 1, "announcer": 0}
