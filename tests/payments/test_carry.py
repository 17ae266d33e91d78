"""Card work in the server while the card provider hangs: what is stored is never told as undone, and few wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from cho.payments.v1 import cards_pb2 as pb

from kit.clock import now_ms
from kit.errors import OutcomeUnknown, Unavailable
from kit.ids import new_id, new_key
from kit.rpc.admission import FLIGHT_MIN
from kit.rpc.call import Call, Caller
from services.payments import transfer
from services.payments.card.failures import Unknown
from services.payments.server import carry
from services.payments.server.cards import CardServicer
from services.payments.server.carry import Carrier
from services.payments.server.documents import Documents
from services.payments.steps import State
from services.payments.store import topups as store
from services.payments.topup import TopUp
from tests.payments.api import WAIT_S_MAX
from tests.payments.conftest import Bench

pytestmark = pytest.mark.anyio

SHOPPER = Call(Caller("usr_1", frozenset({"shopper"})), "", "", {}, None)


class Hanging:
    """A card provider that says nothing until it is let."""

    def __init__(self) -> None:
        self.asked, self.says = 0, asyncio.Event()

    async def send(self, call: Any) -> Any:
        self.asked += 1
        await self.says.wait()
        raise Unknown("no answer")

    every = send


@pytest.fixture
async def provider() -> Hanging:
    return Hanging()


@pytest.fixture
async def carrier(bench: Bench, documents: None, provider: Hanging) -> AsyncIterator[Carrier]:
    opened = asyncio.Event()
    opened.set()
    carrier = Carrier(bench.ledger, provider, Documents(opened))  # type: ignore[arg-type]
    yield carrier
    await carrier.stop()


@pytest.fixture
async def top_up(bench: Bench, carrier: Carrier) -> Callable[..., Any]:
    """Tops a wallet up, under the key that is given: the answer."""
    await bench.post("fund", 1_000_000, transfer.fund("VIETTEL", transfer.reserve("VIETTEL"), 1_000_000))
    wallet, servicer = await bench.wallet(owner="usr_1"), CardServicer(bench.ledger, carrier, "secret")

    async def send(key: str) -> pb.CardTopUp:
        request = pb.TopUpRequest(
            wallet_id=wallet, amount=50_000, payment_method="pm_card_visa", return_url="https://cho.example/",
            idempotency_key=key,
        )  # fmt: skip
        return (await servicer.TopUp(request, SHOPPER)).top_up

    return send


async def stored(carrier: Carrier) -> TopUp:
    """A work that was begun."""
    at_ms = now_ms()
    work = TopUp(
        id=new_id("top"), owner_id="usr_1", wallet_id="wal_1", telecom="VIETTEL", amount=50_000, state=State.CREATED,
        created_ms=at_ms, since_ms=at_ms, due_ms=at_ms, payment_method="pm_card_visa", return_url="https://cho.example/",
    )  # fmt: skip
    return await carrier.stored(store.begin, work, work.id, "h")


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S_MAX
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        await asyncio.sleep(0.005)


async def test_a_top_up_that_is_stored_is_told_as_pending_where_too_many_cards_are_asked(
    carrier: Carrier, provider: Hanging, top_up: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carry, "AT_ONCE_MAX", 1)
    first, key = asyncio.create_task(top_up(new_key())), new_key()
    await until(lambda: provider.asked == 1)
    told = await asyncio.wait_for(top_up(key), 5)
    assert told.state == pb.TOP_UP_STATE_CREATED
    assert (await top_up(key)).top_up_id == told.top_up_id, "the same request is the same top-up"
    assert provider.asked == 1
    assert await carrier.stored(store.load, TopUp, told.top_up_id) is not None
    assert not first.done()
    first.cancel()


async def test_all_who_ask_for_one_work_wait_for_one_task_and_hear_the_same(
    carrier: Carrier, provider: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carry, "AT_ONCE_MAX", 1)
    work = await stored(carrier)
    asking = [asyncio.create_task(carrier.carry(work)) for _ in range(5)]
    await until(lambda: carrier._waiting == len(asking) and provider.asked > 0)
    assert provider.asked == 1
    provider.says.set()
    heard = await asyncio.gather(*asking)
    assert len({one.version for one in heard}) == 1
    assert heard[0].state is State.LOST
    assert carrier.start(heard[0]) is not None, "a task that ended makes room"


async def test_who_joins_a_task_that_has_just_ended_is_not_told_of_less_than_they_stored(carrier: Carrier) -> None:
    work = await stored(carrier)
    ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    ended.set_result(work)
    carrier._tasks[work.id] = ended  # type: ignore[assignment]
    newer = replace(work, version=1, giving_up="asked")
    assert await carrier.carry(newer) == newer
    carrier._tasks.clear()


async def test_callers_of_a_provider_that_hangs_hold_at_most_half_of_the_calls_that_are_let_in(
    carrier: Carrier, provider: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert carry.WAITING_MAX <= FLIGHT_MIN // 2
    monkeypatch.setattr(carry, "WAITING_MAX", 2)
    works = [await stored(carrier) for _ in range(4)]
    asking = [asyncio.create_task(carrier.carry(work)) for work in works]
    await until(lambda: provider.asked == 4)  # all are carried on
    done, waiting = await asyncio.wait(asking, timeout=1)
    assert (len(done), len(waiting)) == (2, 2)
    assert all(task.result().state is State.CREATED for task in done)
    for task in waiting:  # who leaves makes room
        task.cancel()
    await asyncio.wait(waiting)
    assert carrier._waiting == 0


async def test_a_top_up_whose_documents_are_lost_after_its_key_was_burned_is_not_said_to_be_undone(
    carrier: Carrier, provider: Hanging, top_up: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: Any) -> None:
        raise Unavailable("not possible now; nothing was done")

    monkeypatch.setattr(store, "save", away)
    provider.says.set()
    with pytest.raises(OutcomeUnknown):
        await top_up(new_key())
