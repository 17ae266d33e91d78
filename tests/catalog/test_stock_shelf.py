"""Lots and what is set aside of them, without a database: invented mornings, and the cases that were thought of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kit.errors import IdempotencyConflict, InvalidArgument, LimitExceeded, NotFound, OutOfStock, TooManyOpen
from services.catalog.stock import shelf as shelves
from services.catalog.stock.facts import Facts, Loss
from services.catalog.stock.shelf import (
    HOLDS_MAX,
    LOSSES_MAX,
    LOTS_MAX,
    REMEMBERED,
    REMEMBERED_MAX,
    Hold,
    Lot,
    Shelf,
    Take,
)

TODAY = date(2026, 3, 1)
NOW = datetime(2026, 3, 1, 2, tzinfo=UTC)
SOON = NOW + timedelta(minutes=15)


def hold(order_id: str, turn: int = 1, price: int = 1_000) -> Hold:
    return Hold(order_id, turn, SOON, price, ())


def lot(number: int, quantity: int, sell_by: date | None = None) -> Lot:
    return Lot(f"lot_{number}", quantity, quantity, sell_by=sell_by)


def aside(shelf: Shelf, order_id: str, quantity: int, turn: int = 1) -> Shelf:
    return shelves.set_aside(shelf, hold(order_id, turn), quantity, TODAY)


def test_the_lot_that_has_to_be_sold_first_is_taken_first_and_never_one_past_its_day() -> None:
    shelf = Shelf((lot(1, 5), lot(2, 5, TODAY + timedelta(days=9)), lot(3, 5, TODAY), lot(4, 5, date(2026, 2, 28))))
    assert shelf.available(TODAY) == 15
    taken = aside(shelf, "a", 12).hold("a")
    assert taken is not None
    assert taken.takes == (Take("lot_3", 5), Take("lot_2", 5), Take("lot_1", 2))
    with pytest.raises(OutOfStock) as refused:
        aside(shelf, "a", 16)
    assert refused.value.details == {"left": "15"}


def test_what_is_set_aside_counts_and_only_what_is_missing_is_taken_at_the_first_price() -> None:
    shelf = aside(Shelf((lot(1, 10),)), "a", 4)
    assert aside(shelf, "a", 4) == aside(shelf, "a", 3) == shelf
    more = shelves.set_aside(shelf, hold("a", price=9_999), 9, TODAY)
    assert more.hold("a") == replace(hold("a"), takes=(Take("lot_1", 9),))
    with pytest.raises(OutOfStock) as refused:
        aside(shelf, "a", 11)
    assert refused.value.details == {"left": "6"}


def test_an_earlier_attempt_neither_gives_back_nor_takes_what_a_later_one_holds() -> None:
    shelf = aside(Shelf((lot(1, 10),)), "a", 4, turn=2)
    assert shelves.give_back(shelf, "a", 1) == shelf
    assert aside(shelf, "a", 9, turn=1) == shelf
    assert shelves.look_again(shelf, "a", 1, NOW) == shelf
    assert shelves.give_back(shelf, "a", 2) == Shelf((lot(1, 10),))


def test_a_sale_gives_back_what_was_not_weighed_out_and_is_remembered_for_a_while() -> None:
    shelf = aside(Shelf((lot(1, 3, TODAY), lot(2, 9))), "a", 8)
    sold = shelves.sell(shelf, "a", 5, NOW)
    assert [(one.on_hand, one.reserved, one.sold) for one in sold.lots] == [(0, 0, 3), (7, 0, 2)]
    assert shelves.sell(sold, "a", 5, NOW) == sold
    assert aside(sold, "a", 8) == sold
    assert shelves.give_back(sold, "a", 1) == sold
    assert sold.due_at(TODAY) is None
    later = shelves.sell(aside(sold, "b", 1), "b", 1, NOW + REMEMBERED)
    assert [one.order_id for one in later.holds] == ["b"]


def test_no_more_sales_are_remembered_than_so_many() -> None:
    shelf = Shelf((lot(1, 10_000),))
    for number in range(REMEMBERED_MAX + 3):
        shelf = shelves.sell(aside(shelf, f"o{number}", 1), f"o{number}", 1, NOW)
    assert len(shelf.holds) == REMEMBERED_MAX
    assert shelf.hold("o2") is None
    assert shelf.hold("o3") is not None


def test_what_nothing_is_sold_of_goes_back_whole() -> None:
    shelf = aside(Shelf((lot(1, 3),)), "a", 3)
    assert shelves.sell(shelf, "a", 0, NOW).lots == (lot(1, 3),)


def test_orders_and_lots_have_limits() -> None:
    shelf = Shelf((lot(1, 10_000),))
    for number in range(HOLDS_MAX):
        shelf = aside(shelf, f"o{number}", 1)
    with pytest.raises(TooManyOpen):
        aside(shelf, "one more", 1)
    assert aside(shelf, "o1", 2) != shelf
    with pytest.raises(LimitExceeded):
        shelves.receive(Shelf(tuple(lot(number, 1) for number in range(LOTS_MAX))), lot(LOTS_MAX, 1))


def test_a_stall_counts_less_or_more_and_the_lots_agree() -> None:
    shelf = Shelf((lot(1, 5), lot(2, 5, TODAY), lot(3, 7, date(2026, 2, 28))))
    less = shelves.counted(shelf, 3, TODAY, "lot_1")
    assert [(one.on_hand, one.written_off) for one in less.lots] == [(3, 2), (0, 5), (7, 0)]
    more = shelves.counted(less, 20, TODAY, "lot_1")
    assert [(one.received, one.on_hand) for one in more.lots] == [(22, 20), (5, 0), (7, 7)]
    assert shelves.counted(more, 20, TODAY, "lot_1") == more
    assert shelves.counted(Shelf(), 4, TODAY, "lot_9").lots == (lot(9, 4),)


def test_only_what_is_on_hand_is_written_off() -> None:
    shelf = aside(Shelf((lot(1, 5),)), "a", 4)
    spoilt = Loss("key", 1, "dập", "usr_1", NOW)
    after = shelves.write_off(shelf, "lot_1", spoilt)
    assert after.lots == (Lot("lot_1", 5, 0, reserved=4, written_off=1, losses=(spoilt,)),)
    assert shelves.write_off(after, "lot_1", replace(spoilt, at=SOON)) == after
    with pytest.raises(IdempotencyConflict):
        shelves.write_off(after, "lot_1", replace(spoilt, quantity=2))
    for quantity, error in ((2, OutOfStock), (0, InvalidArgument), (-1, InvalidArgument)):
        with pytest.raises(error):
            shelves.write_off(shelf, "lot_1", replace(spoilt, quantity=quantity))
    with pytest.raises(NotFound):
        shelves.write_off(shelf, "lot_2", spoilt)


def test_something_is_written_off_so_many_times() -> None:
    shelf = Shelf((lot(1, 1_000),))
    for number in range(LOSSES_MAX):
        shelf = shelves.write_off(shelf, "lot_1", Loss(f"key{number}", 1, "dập", "usr_1", NOW))
    with pytest.raises(LimitExceeded):
        shelves.write_off(shelf, "lot_1", Loss("one more", 1, "dập", "usr_1", NOW))


def test_a_spent_lot_makes_room_for_a_new_one_and_one_with_something_left_does_not() -> None:
    full = Shelf(tuple(lot(number, 1 if number else 0) for number in range(LOTS_MAX)))
    assert shelves.oldest_spent(full) == lot(0, 0)
    after = shelves.receive(full, lot(LOTS_MAX, 7))
    assert (len(after.lots), after.lots[0], after.lots[-1]) == (LOTS_MAX, lot(1, 1), lot(LOTS_MAX, 7))
    assert shelves.receive(after, lot(LOTS_MAX, 7)) == after
    with pytest.raises(IdempotencyConflict):
        shelves.receive(after, lot(LOTS_MAX, 8))
    with pytest.raises(LimitExceeded):
        shelves.receive(after, lot(LOTS_MAX + 1, 1))


def test_a_growers_lots_are_sold_as_long_as_the_grower_lets_the_stall() -> None:
    theirs = replace(lot(1, 5), facts=Facts(grower_id="ent_1", ocop_stars=4))
    shelf = Shelf((theirs, lot(2, 5)))
    assert (shelf.available(TODAY), shelf.stars(TODAY)) == (10, 0)
    ended = shelves.sold_until(shelf, "ent_1", TODAY - timedelta(days=1))
    assert ended.available(TODAY) == 5
    assert shelves.sold_until(shelf, "ent_2", TODAY - timedelta(days=1)) == shelf
    today = shelves.sold_until(ended, "ent_1", TODAY)
    assert today.available(TODAY) == 10
    assert shelves.set_aside(today, hold("a"), 6, TODAY).hold("a") == replace(
        hold("a"), takes=(Take("lot_1", 5), Take("lot_2", 1))
    )
    assert Shelf((theirs,)).stars(TODAY) == 4
    assert Shelf((replace(theirs, on_hand=0, sold=5),)).stars(TODAY) == 0


def test_the_worker_looks_when_something_ends_or_a_days_last_hour_is_over() -> None:
    end_of_day = datetime(2026, 3, 1, 17, tzinfo=UTC)
    shelf = Shelf((lot(1, 5, TODAY), lot(2, 5)))
    assert shelf.due_at(TODAY) == end_of_day
    assert aside(shelf, "a", 1).due_at(TODAY) == SOON
    assert shelf.due_at(TODAY + timedelta(days=1)) is None
    assert aside(shelf, "a", 5).due_at(TODAY) == SOON
    assert shelves.look_again(aside(shelf, "a", 1), "a", 1, end_of_day).due_at(TODAY) == end_of_day


@pytest.mark.parametrize(
    "broken",
    [
        Shelf((Lot("lot_1", 5, 4),)),
        Shelf((Lot("lot_1", 5, 6, sold=-1),)),
        Shelf((Lot("lot_1", 5, 4, reserved=1),)),
        Shelf((Lot("lot_1", 5, 5),), (replace(hold("a"), takes=(Take("lot_1", 1),)),)),
        Shelf((Lot("lot_1", 5, 5),), (replace(hold("a"), takes=(Take("lot_2", 1),)),)),
        Shelf((), (replace(hold("a"), sold=True), replace(hold("a"), sold=True))),
    ],
)
def test_an_audit_finds_what_does_not_hold(broken: Shelf) -> None:
    assert shelves.findings(broken)


ORDERS = st.sampled_from("abcd")
QUANTITIES = st.integers(1, 12)


class Morning(RuleBasedStateMachine):
    """Orders set aside, give back and buy in any sequence while the stall brings lots in, counts, and days pass."""

    @initialize()
    def open(self) -> None:
        self.shelf, self.today, self.lots, self.came_in = Shelf(), TODAY, 0, 0
        self.sold: dict[str, int] = {}

    @rule(quantity=st.integers(0, 30), days=st.one_of(st.none(), st.integers(-1, 3)))
    def bring(self, quantity: int, days: int | None) -> None:
        if self.lots < 20:
            self.lots += 1
            self.came_in += quantity
            sell_by = None if days is None else self.today + timedelta(days=days)
            self.shelf = shelves.receive(self.shelf, lot(self.lots, quantity, sell_by))

    @rule(order=ORDERS, quantity=QUANTITIES, turn=st.integers(1, 2))
    def set_aside(self, order: str, quantity: int, turn: int) -> None:
        free, known = self.shelf.available(self.today), self.shelf.hold(order)
        try:
            self.shelf = shelves.set_aside(self.shelf, hold(order, turn), quantity, self.today)
        except OutOfStock:
            assert known is None or known.turn <= turn
            assert quantity - (known.quantity if known else 0) > free
            return
        now = self.shelf.hold(order)
        assert now is not None
        assert now.sold or now.turn > turn or now.quantity >= quantity

    @rule(order=ORDERS, turn=st.integers(1, 2))
    def give_back(self, order: str, turn: int) -> None:
        self.shelf = shelves.give_back(self.shelf, order, turn)

    @rule(order=ORDERS, part=st.integers(0, 100))
    def sell(self, order: str, part: int) -> None:
        known = self.shelf.hold(order)
        if known is not None and not known.sold:
            quantity = known.quantity * part // 100
            self.sold[order] = self.sold.get(order, 0) + quantity
            self.shelf = shelves.sell(self.shelf, order, quantity, NOW)

    @rule(quantity=st.integers(0, 40))
    def count(self, quantity: int) -> None:
        before = self.shelf.available(self.today)
        self.shelf = shelves.counted(self.shelf, quantity, self.today, "lot_count")
        self.came_in += max(0, quantity - before)
        assert self.shelf.available(self.today) == quantity

    @rule()
    def sleep(self) -> None:
        self.today += timedelta(days=1)

    @invariant()
    def nothing_is_lost_and_nothing_comes_from_nowhere(self) -> None:
        assert shelves.findings(self.shelf) == []
        assert sum(lot.received for lot in self.shelf.lots) == self.came_in
        assert sum(lot.sold for lot in self.shelf.lots) == sum(self.sold.values())


TestMorning = Morning.TestCase
