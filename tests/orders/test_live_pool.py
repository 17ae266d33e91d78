"""Claims on a real Valkey: who comes first, nobody twice, never more than there is."""

from __future__ import annotations

import threading
from collections import Counter as Tally
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from kit import clock
from kit.errors import (
    CapReached,
    IdempotencyConflict,
    NotFound,
    NotOpen,
    OutcomeUnknown,
    OutOfStock,
    SoldOut,
    Unavailable,
    WrongState,
)
from kit.ids import new_id, new_key
from kit.streams.clients import connect
from services.orders.live import claims
from services.orders.live.pool import CLAIMS_MAX, GIVEN_BACK, HELD, KEPT, Claim, Pool
from services.orders.live.sale import Line, Sale, State

TEA, PORK = "prd_tea", "prd_pork"


def sale(lots: int = 10, cap: int = 1, **fields: Any) -> Sale:
    now = clock.from_ms(clock.now_ms())
    lines = (Line(TEA, "Chè", "gói", lots, 1, 50_000, cap), Line(PORK, "Thịt", "kg", 5, 1_000, 90_000, 5))
    return Sale(
        **{
            "id": new_id("liv"), "merchant_id": "mer_1", "merchant_name": "Cô Hạnh", "owner_id": "usr_s",
            "title": "Phiên", "opens_at": now - timedelta(minutes=1), "closes_at": now + timedelta(hours=1),
            "pay_within": timedelta(minutes=10), "lines": lines, "state": State.OPEN, "set_aside": True, **fields,
        }
    )  # fmt: skip


class Counted:
    """A sale whose counter is in Valkey."""

    def __init__(self, pool: Pool, of: Sale, known: tuple[Claim, ...] = ()) -> None:
        self.pool, self.sale = pool, of
        assert pool.load(of, known)

    def claim(self, buyer: str = "", lots: int = 1, key: str = "", product: str = TEA) -> Claim:
        key, buyer = key or new_key(), buyer or new_id("usr")
        wish = claims.wish(claims.order_id(self.sale.id, buyer, key), key, "", "")
        return self.pool.claim(
            self.sale.id, buyer, (product, lots), claims.fingerprint(product, lots, ""), wish
        )  # fmt: skip

    def left(self, product: str = TEA) -> int:
        (counter,) = self.pool.counters([self.sale.id])
        assert counter is not None
        return counter.left[product]

    def keep(self, claim: Claim) -> None:
        self.pool.keep(self.sale.id, claim.order_id, claim.buyer_id, (claim.product_id, claim.lots))

    def give_back(self, claim: Claim) -> None:
        self.pool.give_back(self.sale.id, claim.order_id)

    def ordered(self) -> None:
        """Every claim is an order now."""
        self.pool.made(self.sale.id, [token for token, _, _ in self.pool.waiting(self.sale.id, 1_000)])


@pytest.fixture
def pool(valkey: str) -> Pool:
    client = connect(valkey)
    return Pool(lambda: client)


@pytest.fixture
def counted(pool: Pool) -> Callable[..., Counted]:
    return lambda **fields: Counted(pool, sale(**fields))


def test_two_hundred_at_once_for_ten_lots_are_ten_claims_numbered_as_they_came(
    counted: Callable[..., Counted],
) -> None:
    tea, start = counted(lots=10), threading.Barrier(50)
    got: list[Claim] = []
    refused: Tally[tuple[str, str]] = Tally()

    def buy(_: int) -> None:
        start.wait()
        for _ in range(4):
            try:
                got.append(tea.claim())
            except SoldOut as error:
                refused[error.code, error.details["left"]] += 1

    with ThreadPoolExecutor(50) as threads:
        list(threads.map(buy, range(50)))
    assert (len(got), refused["SOLD_OUT", "0"], tea.left()) == (10, 190, 0)
    assert sorted(one.number for one in got) == list(range(1, 11))
    waiting = [claim for _, _, claim in tea.pool.waiting(tea.sale.id, 100)]
    assert waiting == sorted(got, key=lambda one: one.number)


def test_one_claim_sent_by_many_at_once_is_one_claim(counted: Callable[..., Counted]) -> None:
    tea, key, buyer = counted(), new_key(), new_id("usr")
    with ThreadPoolExecutor(20) as threads:
        found = set(threads.map(lambda _: tea.claim(buyer, key=key), range(60)))
    assert len(found) == 1
    assert (tea.left(), len(tea.pool.waiting(tea.sale.id, 100))) == (9, 1)
    with pytest.raises(IdempotencyConflict):
        tea.claim(buyer, key=key, product=PORK)
    assert tea.claim("usr_other", key=key).order_id != found.pop().order_id, "a key is its sender's own"


def test_nobody_has_more_than_the_cap_however_they_send(counted: Callable[..., Counted]) -> None:
    tea, buyer = counted(cap=3), new_id("usr")

    def buy(_: int) -> str:
        try:
            tea.claim(buyer)
        except CapReached as error:
            return error.code
        return "OK"

    with ThreadPoolExecutor(20) as threads:
        assert Tally(threads.map(buy, range(40))) == {"OK": 3, "CAP_REACHED": 37}
    with pytest.raises(CapReached):
        tea.claim(lots=4)
    assert tea.claim(buyer, product=PORK).state == HELD, "a cap is a product's"


def test_what_is_given_back_goes_to_the_next_and_counts_for_nobody(counted: Callable[..., Counted]) -> None:
    tea, buyer = counted(lots=1), new_id("usr")
    first = tea.claim(buyer)
    with pytest.raises(SoldOut):
        tea.claim()
    for _ in range(2):
        tea.give_back(first)
    assert tea.left() == 1, "given back twice it is one lot"
    assert tea.claim(buyer).number == 2
    found = tea.pool.find(tea.sale.id, first.order_id)
    assert found is not None
    assert found.state == GIVEN_BACK


def test_who_claims_and_gives_back_all_day_is_stopped(counted: Callable[..., Counted]) -> None:
    tea, buyer = counted(), new_id("usr")
    for _ in range(CLAIMS_MAX):
        tea.give_back(tea.claim(buyer))
    with pytest.raises(CapReached):
        tea.claim(buyer)
    assert tea.claim().state == HELD


def test_it_opens_and_closes_by_the_clock_of_the_counter(counted: Callable[..., Counted]) -> None:
    now = clock.from_ms(clock.now_ms())
    early = counted(opens_at=now + timedelta(minutes=1))
    with pytest.raises(NotOpen) as told:
        early.claim()
    assert told.value.details["state"] == "scheduled"
    over = counted(closes_at=now - timedelta(seconds=1))
    closed = counted()
    first = closed.claim()
    closed.pool.close(closed.sale.id)
    for one in (over, closed):
        with pytest.raises(NotOpen) as told:
            one.claim()
        assert told.value.details["state"] == "closed"
    assert closed.pool.find(closed.sale.id, first.order_id) == first, "what was claimed stays claimed"
    with pytest.raises(NotFound):
        counted().claim(product="prd_none")


def test_paid_late_it_has_lots_where_any_are_left_and_within_its_cap(counted: Callable[..., Counted]) -> None:
    tea = counted(lots=2)
    late, other = tea.claim(), tea.claim()
    tea.give_back(late)
    tea.keep(late)
    tea.keep(late)
    assert tea.left() == 0
    tea.give_back(other)
    third = tea.claim()
    with pytest.raises(SoldOut):
        tea.keep(other)
    tea.give_back(third)
    tea.claim(other.buyer_id)
    with pytest.raises(SoldOut):
        tea.keep(other)
    few = counted(lots=5)
    first = few.claim()
    few.give_back(first)
    few.claim(first.buyer_id)
    with pytest.raises(CapReached):
        few.keep(first)


def test_it_is_sealed_when_the_last_claim_is_decided_and_changes_no_more(counted: Callable[..., Counted]) -> None:
    tea = counted()
    paid, unpaid = tea.claim(), tea.claim()
    assert tea.pool.seal(tea.sale.id) is None, "it is open"
    tea.pool.close(tea.sale.id)
    tea.keep(paid)
    tea.give_back(unpaid)
    assert tea.pool.seal(tea.sale.id) is None, "claims are to become orders first"
    tea.ordered()
    sold = tea.pool.seal(tea.sale.id)
    assert sold is not None
    assert [(one.order_id, one.product_id, one.lots) for one in sold] == [(paid.order_id, TEA, 1)]
    tea.keep(paid)
    tea.give_back(unpaid)
    with pytest.raises(OutOfStock):
        tea.keep(unpaid)
    with pytest.raises(WrongState):
        tea.give_back(paid)
    assert tea.pool.seal(tea.sale.id) == sold
    tea.pool.drop(tea.sale.id)
    assert tea.pool.counters([tea.sale.id]) == [None]


def test_without_its_counter_a_sale_refuses_until_it_is_loaded_again(pool: Pool, valkey: str) -> None:
    tea = Counted(pool, sale(lots=3, cap=2))
    held, kept, gone = tea.claim(), tea.claim(), tea.claim()
    version = pool.counters([tea.sale.id])[0].version  # type: ignore[union-attr]
    Redis.from_url(valkey).flushall()
    for act in (tea.claim, lambda: tea.keep(kept), lambda: tea.give_back(kept), lambda: pool.seal(tea.sale.id)):
        with pytest.raises(Unavailable):
            act()
    known = (held, replace(kept, state=KEPT), replace(gone, state=GIVEN_BACK))
    assert pool.load(tea.sale, known)
    assert not pool.load(tea.sale, ()), "one that is there is never loaded over"
    assert tea.left() == 1
    counter = pool.counters([tea.sale.id])[0]
    assert counter is not None
    assert counter.version > version, "who listens hears of it"
    assert tea.claim(held.buyer_id).number == 4
    with pytest.raises(CapReached):
        tea.claim(held.buyer_id)


def test_where_valkey_gives_no_answer_nobody_claims_to_know(valkey: str) -> None:
    nobody = Pool(lambda: connect("redis://127.0.0.1:1/0"))
    with pytest.raises(OutcomeUnknown):
        nobody.close("liv_1")
    for act in (
        lambda: nobody.counters(["liv_1"]), lambda: nobody.find("liv_1", "ord_1"),
        lambda: nobody.waiting("liv_1", 1), lambda: nobody.made("liv_1", [b"x"]), lambda: nobody.drop("liv_1"),
    ):  # fmt: skip
        with pytest.raises(Unavailable):
            act()


_ACTS = st.tuples(
    st.sampled_from(["claim", "claim", "again", "keep", "give_back", "lose"]), st.integers(0, 3), st.integers(1, 3)
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_ACTS, max_size=40))
def test_whatever_happens_what_is_left_and_what_people_have_is_what_there_was(
    pool: Pool, acts: list[tuple[str, int, int]]
) -> None:
    """Against a model of three lines: lots by order."""
    tea = Counted(pool, sale(lots=6, cap=3))
    have: dict[str, int] = {}
    made: list[tuple[Claim, str]] = []
    buyers = [f"usr_{n}" for n in range(4)]

    def of(buyer: str) -> int:
        return sum(have.get(claim.order_id, 0) for claim, _ in made if claim.buyer_id == buyer)

    for act, who, lots in acts:
        picked = made[who % len(made)] if made else None
        with suppress(SoldOut, CapReached):
            if act == "claim":
                key = new_key()
                claim = tea.claim(buyers[who], lots, key)
                assert of(buyers[who]) + lots <= 3
                assert sum(have.values()) + lots <= 6
                made.append((claim, key))
                have[claim.order_id] = lots
            elif picked is None:
                continue
            elif act == "again":
                claim, key = picked
                assert tea.claim(claim.buyer_id, claim.lots, key).number == claim.number
            elif act == "keep":
                tea.keep(picked[0])
                have[picked[0].order_id] = picked[0].lots
            elif act == "give_back":
                tea.give_back(picked[0])
                have[picked[0].order_id] = 0
            else:
                known = tuple(pool.find(tea.sale.id, claim.order_id) for claim, _ in made)
                pool.drop(tea.sale.id)
                assert pool.load(tea.sale, [one for one in known if one is not None])
        assert tea.left() == 6 - sum(have.values()) >= 0
        assert all(of(buyer) <= 3 for buyer in buyers)
