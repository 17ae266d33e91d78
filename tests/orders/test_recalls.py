"""A lot is recalled: who took from it is listed and stopped, and gets the money back once a second person agrees."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kit import clock
from kit.errors import FourEyes, IdempotencyConflict, InvalidArgument, OutOfStock, RefundExceedsPayment, WrongState
from kit.ids import new_key
from services.orders import checkout, store
from services.orders.cart import Cart
from services.orders.life import Actor, Who
from services.orders.order import Credit, Pay, State, Stock
from services.orders.ports import Taker
from services.orders.recalls import recall as rules
from services.orders.recalls import store as recalls
from services.orders.recalls.recall import LineState, Tally
from services.orders.recalls.recall import State as RecallState
from services.orders.saga import commands
from services.orders.worker import end_overdue
from tests.orders.conftest import Market, pickup
from tests.orders.recall_office import OPENER, PRICE, REASON, SECOND, Office, events, states, told
from tests.orders.world import lot_of


@pytest.fixture
def office(market: Market) -> Office:
    return Office.of(market)


def seller(office: Office) -> Actor:
    return Actor(Who.SELLER, office.merchant.owner_id)


def test_every_order_that_took_from_the_lot_is_listed_and_nothing_of_it_is_sold_any_more(office: Office) -> None:
    fetched, paid, placed = office.fetched(2), office.paid(1, tea=1), office.placed()
    office.paid(0, tea=1)
    recall = office.opened()
    assert recall.state is RecallState.OPENED
    with pytest.raises(OutOfStock):
        office.placed()
    recall = office.work(recall)
    assert recall.state is RecallState.LISTED
    found = {one.order_id: (one.state, one.quantity) for one in recalls.lines(recall.id, "", 50)}
    assert found == {
        fetched.id: (LineState.STOPPED, 2), paid.id: (LineState.STOPPED, 1), placed.id: (LineState.STOPPED, 1)
    }  # fmt: skip
    assert recall.tallies == {LineState.STOPPED: Tally(3, 0)}
    assert told(recall) == ["recall.opened", "recall.listed"]
    assert office.market.purse.kept == 5 * PRICE, "no money moves before a second person agrees"


def test_a_stopped_order_leaves_the_stall_for_nobody_by_no_hand_and_no_clock(office: Office) -> None:
    order, ready = office.paid(1, tea=1), office.paid()
    store.change(ready.id, office.seller(State.READY))
    office.listed()
    for which, target in ((order, State.READY), (ready, State.PICKED_UP)):
        with pytest.raises(WrongState):
            store.change(which.id, office.seller(target))
    store.change(order.id, office.seller(State.PREPARING))
    office.market.clock.add(timedelta(days=2))
    end_overdue()
    assert store.order(order.id).state is State.PREPARING
    assert store.order(order.id).deadline > clock.now()  # type: ignore[operator]
    office.market.clock.add(timedelta(days=2))
    end_overdue()
    assert store.order(ready.id).state is State.READY
    assert events(order)[-2:] == ["stopped", "preparing"]


def test_who_opened_it_cannot_release_it(office: Office) -> None:
    recall = office.listed()
    with pytest.raises(FourEyes):
        recalls.change(recall.id, lambda found, now: rules.release(found, OPENER, now))
    after = office.released(recall)
    assert (after.state, after.decided_by) == (RecallState.FINISHED, SECOND)
    assert recalls.change(recall.id, lambda found, now: rules.release(found, SECOND, now)) == after, "sent again"


def test_nobody_releases_what_is_not_listed_yet(office: Office) -> None:
    office.paid()
    recall = office.opened()
    with pytest.raises(WrongState):
        recalls.change(recall.id, lambda found, now: rules.release(found, SECOND, now))


def test_what_was_paid_for_the_lot_goes_back_in_bulk_and_nothing_else(office: Office) -> None:
    fetched, paid, both = office.fetched(2), office.paid(1), office.paid(1, tea=3)
    recall = office.released(office.listed())
    assert states(recall) == {
        fetched.id: ("refunded", 2 * PRICE, ""), paid.id: ("refunded", PRICE, ""), both.id: ("refunded", PRICE, "")
    }  # fmt: skip
    assert recall.tallies == {LineState.REFUNDED: Tally(3, 4 * PRICE)}
    assert (recall.state, told(recall)[2:]) == (RecallState.FINISHED, ["recall.released", "recall.finished"])
    assert office.market.purse.kept == 3 * PRICE
    assert store.order(fetched.id).state is State.REFUNDED
    assert (store.order(paid.id).state, store.order(paid.id).stock) == (State.CANCELLED, Stock.RELEASED)
    left = store.order(both.id)
    assert (left.state, left.due, left.paid) == (State.PAID, 3 * PRICE, 3 * PRICE)
    store.change(both.id, office.seller(State.READY))
    store.change(both.id, office.seller(State.PICKED_UP))
    after = office.market.settle(both)
    assert (after.state, after.stock) == (State.PICKED_UP, Stock.SOLD)
    assert office.market.shelf.sold == {office.greens: 2, office.tea: 3}


def test_why_money_came_back_stands_on_the_order(office: Office) -> None:
    order = office.fetched(1, tea=1)
    office.released(office.listed())
    after = store.order(order.id)
    (happened,) = [one for one in after.history if one.event == "recalled"]
    assert (happened.reason, happened.who) == (REASON, "operator")
    assert [line.recalled for line in after.lines] == [True, False]
    document = store.OrdersOrder.objects(id=order.id).get()
    assert "order.recalled" in [one.type for one in document.outbox]


def test_nothing_is_refunded_twice(office: Office) -> None:
    part, returned, cancelled, by_itself = office.fetched(2), office.fetched(), office.paid(), office.fetched(1, tea=1)
    some = Credit(new_key(), office.greens, 30_000)
    store.change(part.id, lambda order, at: commands.give_back(order, some, seller(office), "dập", at))
    buyer = Actor(Who.BUYER, returned.buyer_id)
    store.change(returned.id, lambda order, at: commands.ask_return(order, [], buyer, "héo", at))
    store.change(returned.id, lambda order, at: commands.decide_return(order, True, seller(office), "", at))
    store.change(cancelled.id, lambda order, at: commands.cancel(order, seller(office), "hết", at))
    office.market.purse.give_back(by_itself.payments[0].transfer_id, 40_000)
    for order in (part, returned, cancelled, by_itself):
        office.market.settle(order)
    recall = office.released(office.listed())
    assert states(recall) == {
        part.id: ("refunded", 2 * PRICE - 30_000, ""), returned.id: ("already", 0, ""),
        by_itself.id: ("refunded", PRICE - 40_000, ""),
    }  # fmt: skip
    assert office.market.purse.kept == PRICE, "the tea"
    assert [store.order(one.id).paid for one in (part, returned, cancelled, by_itself)] == [0, 0, 0, PRICE]
    again = Credit(new_key(), office.greens, 1)
    with pytest.raises(RefundExceedsPayment):
        store.change(by_itself.id, lambda order, at: commands.give_back(order, again, seller(office), "nữa", at))


def test_who_has_not_paid_pays_for_nothing_and_gets_back_what_comes_late(office: Office) -> None:
    order = office.placed(1, tea=1)
    recall = office.released(office.listed())
    assert states(recall) == {order.id: ("unpaid", 0, "")}
    assert store.order(order.id).state is State.CANCELLED
    office.market.purse.pay(order.total, order.code)
    office.market.settle(order)
    assert office.market.purse.kept == 0


def test_money_that_is_set_aside_for_the_lot_is_free_again_and_the_rest_is_taken(office: Office) -> None:
    whole = office.placed_by_hold(1)
    part = office.placed_by_hold(1, tea=2)
    recall = office.released(office.listed())
    assert states(recall) == {whole.id: ("unpaid", 0, ""), part.id: ("unpaid", 0, "")}
    assert (store.order(whole.id).state, store.order(whole.id).hold) == (State.CANCELLED, None)
    store.change(part.id, office.seller(State.PREPARING))
    assert office.market.settle(part).paid == 2 * PRICE


def test_a_stall_without_the_money_keeps_the_line_open_until_it_has_it(office: Office) -> None:
    order = office.fetched()
    office.market.purse.poor = True
    recall = office.released(office.listed())
    assert (recall.state, states(recall)) == (
        RecallState.RELEASED, {order.id: ("open", PRICE, "INSUFFICIENT_FUNDS")}
    )  # fmt: skip
    office.market.purse.poor = False
    office.market.clock.add(timedelta(hours=1))
    recall = office.work(recall)
    assert (recall.state, states(recall)) == (RecallState.FINISHED, {order.id: ("refunded", PRICE, "")})
    assert office.market.purse.kept == 0


def test_a_recall_that_is_withdrawn_puts_the_lot_back_and_lets_its_orders_go_on(office: Office) -> None:
    paid, fetched = office.paid(), office.fetched()
    recall = office.listed()
    with pytest.raises(InvalidArgument):
        recalls.change(recall.id, lambda found, now: rules.withdraw(found, OPENER, "", now))
    recalls.change(recall.id, lambda found, now: rules.withdraw(found, OPENER, "Mẫu kiểm lại đạt", now))
    recall = office.work(recall)
    assert (recall.state, recall.withdrawn_for) == (RecallState.LIFTED, "Mẫu kiểm lại đạt")
    assert states(recall) == {paid.id: ("lifted", 0, ""), fetched.id: ("lifted", 0, "")}
    assert told(recall)[2:] == ["recall.withdrawn"]
    for target in (State.READY, State.PICKED_UP):
        store.change(paid.id, office.seller(target))
    assert office.market.settle(paid).stock is Stock.SOLD
    assert office.market.purse.kept == 2 * PRICE
    with pytest.raises(WrongState):
        recalls.change(recall.id, lambda found, now: rules.release(found, SECOND, now))


def test_what_is_released_cannot_be_withdrawn(office: Office) -> None:
    recall = office.released(office.listed())
    with pytest.raises(WrongState):
        recalls.change(recall.id, lambda found, now: rules.withdraw(found, SECOND, "nhầm", now))


def test_an_order_that_is_being_placed_is_stopped_and_refunded_as_soon_as_it_is(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    cart, key = Cart((pickup(office.merchant, {office.greens: 1}),), Pay.QR), new_key()
    with monkeypatch.context() as patch:
        patch.setattr(checkout.checkouts, "agree", _died)
        with pytest.raises(RuntimeError):
            checkout.place("usr_1", key, cart, office.market.shelf)
    recall = office.listed()
    assert (recall.state, recall.tallies) == (RecallState.LISTED, {LineState.UNPLACED: Tally(1, 0)})
    (order,) = checkout.place("usr_1", key, cart, office.market.shelf)
    recall = office.work(recall)
    assert states(recall) == {order.id: ("stopped", 0, "")}
    office.market.purse.pay(order.total, order.code)
    office.market.settle(order)
    recall = office.released(recall)
    assert (recall.state, states(recall)) == (RecallState.FINISHED, {order.id: ("refunded", PRICE, "")})


def test_an_order_that_never_was_placed_is_dropped(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    cart = Cart((pickup(office.merchant, {office.greens: 1}),), Pay.QR)
    with monkeypatch.context() as patch:
        patch.setattr(checkout.checkouts, "agree", _died)
        with pytest.raises(RuntimeError):
            checkout.place("usr_1", new_key(), cart, office.market.shelf)
    store.OrdersCheckout.objects.delete()
    recall = office.released(office.listed())
    assert recall.state is RecallState.RELEASED
    office.market.clock.add(rules.PLACED_WITHIN)
    recall = office.work(recall)
    assert (recall.state, recall.lines) == (RecallState.FINISHED, 0)


def test_a_line_that_two_recalls_name_is_refunded_once(office: Office) -> None:
    order = office.fetched()
    first = office.listed()
    second = recalls.open_(OPENER, new_key(), office.greens, "lot_2", REASON)
    recalls.put_takers(second.id, [Taker(order.id, 1)])
    recalls.change(second.id, lambda found, _: rules.listed(found))
    office.work(second)
    assert states(office.released(first)) == {order.id: ("refunded", PRICE, "")}
    assert states(office.released(second)) == {order.id: ("already", 0, "")}
    assert office.market.purse.kept == 0


def test_a_lot_that_is_not_there_or_recalled_already_is_refused_for_good(office: Office) -> None:
    key = new_key()
    for _ in range(2):
        recall = recalls.open_(OPENER, key, office.greens, "lot_none", REASON)
        assert office.clerk.begin(recall).refused == "NOT_FOUND"
    office.opened()
    assert office.opened().refused == "WRONG_STATE"
    with pytest.raises(IdempotencyConflict):
        recalls.open_(OPENER, key, office.greens, "lot_other", REASON)


def test_the_same_request_is_the_same_recall(office: Office) -> None:
    key = new_key()
    assert office.opened(key).id == office.opened(key).id


def test_a_catalog_that_cannot_be_reached_is_asked_again(office: Office) -> None:
    order = office.paid()
    office.lots.fail = ["before", "after", "", "after"]
    recall = office.opened()
    assert recall.state is RecallState.OPENED
    recall = office.work(office.work(office.work(recall)))
    assert (recall.state, states(recall)) == (RecallState.LISTED, {order.id: ("stopped", 0, "")})


def test_many_orders_are_seen_to_a_batch_at_a_time(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.orders.recalls.clerk.BATCH", 2)
    placed = [office.paid() for _ in range(5)]
    recall = office.released(office.listed())
    assert recall.tallies == {LineState.REFUNDED: Tally(5, 5 * PRICE)}
    page = recalls.lines(recall.id, "", 3)
    rest = recalls.lines(recall.id, page[-1].order_id, 3)
    assert [one.order_id for one in (*page, *rest)] == sorted(one.id for one in placed)


def test_recalls_that_wait_for_a_second_person_keep_none_that_was_just_opened_waiting(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recalls, "RUNNING_MAX", 1)
    office.paid(0, tea=1)
    office.listed()
    later = recalls.open_(OPENER, new_key(), office.tea, lot_of(office.tea), REASON)
    assert office.work(later).state is RecallState.LISTED


def test_an_order_or_a_recall_that_breaks_off_keeps_no_other_waiting(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, whole = office.paid(), office.paid()
    tea = office.paid(0, tea=1)
    change, take = store.change, office.lots.recall

    def changed(order_id: str, *rest: Any) -> Any:
        return _died() if order_id == broken.id else change(order_id, *rest)

    recall = office.listed()
    with monkeypatch.context() as patch:
        patch.setattr(store, "change", changed)
        released = office.released(recall)
    assert states(released)[whole.id] == ("refunded", PRICE, "")
    assert states(released)[broken.id][2] == "INTERNAL"
    assert states(office.work(released))[broken.id] == ("refunded", PRICE, "")

    first = recalls.open_(OPENER, new_key(), office.greens, "lot_another", REASON)
    second = recalls.open_(OPENER, new_key(), office.tea, lot_of(office.tea), REASON)
    monkeypatch.setattr(office.lots, "recall", lambda *args: _died() if args[2] == first.id else take(*args))
    assert office.work(second).state is RecallState.LISTED
    assert states(second) == {tea.id: ("stopped", 0, "")}


def _died(*_: Any) -> None:
    raise RuntimeError("died")
