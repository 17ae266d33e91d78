"""Orders' lives, with their steps and events, on a real MongoDB-wire server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cho.events.v1 import events_pb2

from kit.errors import (
    Contention,
    DomainError,
    FinalPriceTooHigh,
    HoldExpired,
    HoldVoided,
    InvalidArgument,
    LimitExceeded,
    MerchantNotPayable,
    NotFound,
    RefundTooLate,
    WrongState,
)
from kit.ids import new_id, new_key
from kit.outbox import WAITING_MAX
from services.orders import store
from services.orders.cart import Basket, Item
from services.orders.life import CARRY_WITHIN, PREPARE_WITHIN, READY_WITHIN, RETURN_WITHIN, Actor, Who
from services.orders.order import MOVES_MAX, Credit, Fulfilment, HoldState, Kind, Order, Pay, State, Stock
from services.orders.saga import commands, hearing, recalled
from services.orders.saga.steps import GRACE
from services.orders.store import told as told_store
from services.orders.worker import end_overdue
from tests.orders.conftest import Market, tell
from tests.orders.world import Told

BUYER = new_id("usr")
SELLER_ = Actor(Who.SELLER, "usr_seller")
BUYER_ = Actor(Who.BUYER, BUYER)
PORK = {"unit": "kg", "price": 130_000, "grams_per_unit": 1_000}


def told(order: Order) -> list[str]:
    """What the order told so far, without "order."; each names it, and its versions rise."""
    waiting = store.OrdersOrder.objects(id=order.id).get().outbox
    facts = [events_pb2.OrderChanged.FromString(event.data) for event in waiting]
    assert all(fact.order_id == order.id and fact.code == order.code for fact in facts)
    versions = [fact.version for fact in facts]
    assert versions == sorted(versions)
    return [event.type.removeprefix("order.") for event in waiting]


def pay(market: Market, order: Order, amount: int) -> str:
    payment = market.purse.pay(amount, order.code)
    market.hear(order)
    return payment


def advance(order: Order, *states: State) -> None:
    for to in states:
        store.change(order.id, _advancing(to))


def _advancing(to: State) -> store.Rule:
    return lambda order, now: commands.advance(order, to, SELLER_, now, "Viettel Post", "VT-1")


# --- paid by code


def test_what_is_paid_keeps_its_stock_until_it_leaves_and_is_sold_then(market: Market) -> None:
    order = market.order()
    pay(market, order, 200_000)
    after = market.settle(order)
    assert (after.state, after.paid, after.stock) == (State.PAID, 200_000, Stock.RESERVED)
    assert after.reserved_until > after.deadline == market.clock.now + PREPARE_WITHIN
    market.clock.add(timedelta(hours=1))
    for state in (State.PREPARING, State.READY, State.PICKED_UP):
        advance(order, state)
        after = market.settle(order)
    assert (after.state, after.stock, after.deadline, after.steps) == (State.PICKED_UP, Stock.SOLD, None, ())
    assert market.shelf.sold == {order.lines[0].product_id: 2}
    assert told(order) == ["placed", "paid", "preparing", "ready", "picked_up"]
    assert [(one.event, one.who) for one in after.history] == [
        ("paid", "ledger"), ("preparing", "seller"), ("ready", "seller"), ("picked_up", "seller"),
    ]  # fmt: skip


def test_an_order_that_nobody_pays_ends_and_gives_its_stock_back(market: Market) -> None:
    order = market.order()
    market.clock.add(timedelta(minutes=15, seconds=-1))
    assert end_overdue() == 0
    market.clock.add(timedelta(seconds=1))
    assert end_overdue() == 1
    after = market.settle(order)
    assert (after.state, after.stock, after.deadline) == (State.EXPIRED, Stock.RELEASED, None)
    assert market.shelf.state(order.id) == "released"
    assert end_overdue() == 0
    assert told(order) == ["placed", "expired"]


def test_who_may_have_paid_in_time_is_waited_for_while_the_stock_is_aside(market: Market) -> None:
    """The workers were away, and the ledger told of things that nobody has heard yet."""
    paid, unpaid, late = market.order(left=2), market.order(), market.order()
    due = market.clock.add(timedelta(minutes=15))
    assert end_overdue(lambda: due) == 3
    assert {store.order(one.id).state for one in (paid, unpaid, late)} == {State.PLACED}
    pay(market, paid, 200_000)
    assert market.settle(paid).state is State.PAID
    assert market.shelf.sold == {}, "its stock was never given back"
    end_overdue(lambda: due + timedelta(seconds=1))  # all of what was told in time is heard
    assert store.order(unpaid.id).state is State.EXPIRED
    other = market.order()
    market.clock.add(timedelta(minutes=15) + GRACE)
    end_overdue(lambda: due)
    assert store.order(other.id).state is State.EXPIRED, "its stock is not aside any more"


def test_what_is_paid_too_late_is_sold_where_there_still_is_any(market: Market) -> None:
    order = market.order()
    market.clock.add(timedelta(minutes=16))
    end_overdue()
    market.settle(order)
    pay(market, order, 200_000)
    after = market.settle(order)
    assert (after.state, after.paid, after.stock) == (State.PAID, 200_000, Stock.SOLD)
    assert market.shelf.sold == {order.lines[0].product_id: 2}


def test_what_is_paid_too_late_goes_back_where_there_is_none_left(market: Market) -> None:
    order = market.order(left=2)
    market.clock.add(timedelta(minutes=16))
    end_overdue()
    market.settle(order)
    market.shelf.left[order.lines[0].product_id] = 1
    pay(market, order, 200_000)
    after = market.settle(order)
    assert (after.state, after.paid, after.stock, market.purse.kept) == (State.EXPIRED, 0, Stock.SHORT, 0)
    assert market.shelf.sold == {}


def test_what_is_paid_too_late_and_short_goes_back_at_once(market: Market) -> None:
    order = market.order()
    market.clock.add(timedelta(minutes=16))
    end_overdue()
    pay(market, order, 199_999)
    after = market.settle(order)
    assert (after.state, after.paid, market.purse.kept) == (State.EXPIRED, 0, 0)
    assert market.shelf.sold == {}


def test_what_is_paid_twice_is_kept_once(market: Market) -> None:
    order = market.order()
    first, second = pay(market, order, 200_000), pay(market, order, 200_000)
    after = market.settle(order)
    assert (after.state, after.paid) == (State.PAID, 200_000)
    refunded = {one: paid.refunded for one, paid in market.purse.payments.items()}
    assert refunded == {first: 0, second: 200_000}


def test_what_is_paid_over_is_given_back_to_the_dong(market: Market) -> None:
    order = market.order()
    pay(market, order, 150_000)
    pay(market, order, 60_000)
    after = market.settle(order)
    assert (after.state, after.paid, market.purse.kept) == (State.PAID, 200_000, 200_000)
    assert told(order) == ["placed", "underpaid", "paid"]


def test_what_is_paid_short_waits_for_the_rest_and_goes_back_without_it(market: Market) -> None:
    rest, never = market.order(), market.order()
    for order in (rest, never):
        pay(market, order, 150_000)
        assert market.settle(order).state is State.UNDERPAID
    market.clock.add(timedelta(minutes=29))
    assert end_overdue() == 0
    pay(market, rest, 50_000)
    market.clock.add(timedelta(minutes=1))
    assert end_overdue() == 1
    assert market.settle(rest).state is State.PAID
    after = market.settle(never)
    assert (after.state, after.paid, after.history[-1].who) == (State.CANCELLED, 0, "clock")
    assert after.history[-1].reason
    assert market.shelf.state(never.id) == "released"
    assert market.shelf.state(rest.id) == "held"


def test_a_refund_that_is_refused_for_want_of_money_is_tried_again_until_it_is_there(market: Market) -> None:
    order = market.order()
    pay(market, order, 300_000)
    market.purse.poor = True
    after = market.settle(order)
    assert (after.paid, after.refunding) == (300_000, 100_000)
    keys = set(market.purse.keys)
    market.clock.add(timedelta(minutes=5))
    market.settle(order)
    assert len(market.purse.keys) > len(keys), "a key that was answered so is answered so for ever"
    market.purse.poor = False
    market.clock.add(timedelta(hours=2))
    after = market.settle(order)
    assert (after.paid, after.refunding, market.purse.kept) == (200_000, 0, 200_000)


def test_what_the_stall_gives_back_by_hand_is_not_given_back_again(market: Market) -> None:
    order = market.order()
    payment = pay(market, order, 300_000)
    market.purse.give_back(payment, 100_000)  # while our own refund is about to go
    after = market.settle(order)
    assert (after.paid, market.purse.kept) == (200_000, 200_000)


def test_a_refund_without_reference_finds_its_order_by_the_payment(market: Market) -> None:
    order = market.order()
    payment = pay(market, order, 200_000)
    market.purse.give_back(payment, 200_000)
    after = market.settle(order)
    assert (after.state, after.paid) == (State.REFUNDED, 0)
    assert told(order) == ["placed", "paid", "refunded"]
    assert market.shelf.state(order.id) == "released"


def test_an_early_refund_counts_when_its_payment_is_known(market: Market) -> None:
    order = market.order()
    payment = market.purse.pay(200_000, order.code)
    market.purse.give_back(payment, 200_000)
    paid, refund = market.purse.events
    market.purse.events = []
    early = events_pb2.PaymentMoved(
        transfer_id=refund.id, payment_id=payment, merchant_id=order.merchant_id, amount=200_000, reference=order.code
    )
    store.apply_payment(early)
    assert store.order(order.id).state is State.PLACED
    tell(paid, order.merchant_id)
    assert market.settle(order).state is State.REFUNDED


@pytest.mark.parametrize(
    "fields", [{"reference": ""}, {"reference": "HD 42/2026"}, {"reference": "ZZZZZZZZ"}, {"merchant_id": "mer_other"}]
)
def test_a_payment_that_names_none_of_the_merchants_orders_is_ignored(market: Market, fields: dict[str, str]) -> None:
    order = market.order()
    payment = events_pb2.PaymentMoved(
        **{
            "transfer_id": new_id("pay"), "merchant_id": order.merchant_id, "amount": 200_000, "reference": order.code,
            **fields,
        }
    )  # fmt: skip
    assert store.apply_payment(payment) is None
    assert store.order(order.id) == order


def test_a_code_that_was_typed_in_small_letters_is_understood_and_refunded_as_it_was_typed(market: Market) -> None:
    order = market.order()
    market.purse.pay(300_000, order.code.lower())
    after = market.settle(order)
    assert (after.state, after.paid, after.payments[0].reference) == (State.PAID, 200_000, order.code.lower())


def test_payments_heard_at_once_and_twice_all_count_once(market: Market) -> None:
    order = market.order()
    for _ in range(4):
        market.purse.pay(50_000, order.code)
    events = market.purse.events
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda told: tell(told, order.merchant_id), [*events, *events]))
    after = store.order(order.id)
    assert (after.state, after.paid, len(after.payments)) == (State.PAID, 200_000, 4)


def test_an_order_with_too_many_payments_leaves_the_next_to_a_person(market: Market) -> None:
    order = market.order()
    many = [store.OrdersPayment(transfer_id=new_id("pay"), amount=1) for _ in range(MOVES_MAX)]
    store.OrdersOrder.objects(id=order.id).update(set__payments=many)
    market.purse.pay(1, order.code)
    with pytest.raises(LimitExceeded):
        market.hear(order)


# --- paid by money that is set aside


def held(market: Market, grams: int = 1_000, amount: int = 150_000) -> tuple[Order, str]:
    order = market.order(grams, Pay.HOLD, BUYER, **PORK)
    hold_id = market.purse.hold(amount, reference=order.code)
    return market.settle(order), hold_id


def weigh(order: Order, grams: int) -> Order:
    weights = {order.lines[0].product_id: grams}
    return store.change(order.id, lambda found, now: commands.weigh(found, weights, SELLER_, now))


def test_what_was_weighed_is_taken_of_the_hold_and_the_rest_is_free(market: Market) -> None:
    order, hold_id = held(market)
    assert (order.state, order.total, order.paid) == (State.HELD, 130_000, 0)
    weighed = weigh(order, 1_080)
    assert (weighed.state, weighed.total) == (State.PREPARING, 140_400)
    assert [(one.kind, one.amount) for one in weighed.steps] == [(Kind.CAPTURE, 140_400)], "written before it is done"
    after = market.settle(order)
    assert (after.paid, market.purse.kept, market.purse.holds[hold_id].state) == (140_400, 140_400, "captured")
    assert told(order) == ["placed", "held", "preparing", "weighed", "paid"]
    advance(order, State.READY, State.PICKED_UP)
    after = market.settle(order)
    assert market.shelf.sold == {order.lines[0].product_id: 1_080}
    assert after.stock is Stock.SOLD


def test_weights_that_cost_more_than_is_held_change_nothing(market: Market) -> None:
    order, _ = held(market)
    with pytest.raises(FinalPriceTooHigh) as refused:
        weigh(order, 1_154)
    assert refused.value.details == {"due": "150020", "there": "150000"}
    assert store.order(order.id) == order
    assert weigh(order, 1_153).total == 149_890


def test_a_weight_is_given_once(market: Market) -> None:
    order, _ = held(market)
    first = weigh(order, 900)
    assert weigh(order, 900) == first
    with pytest.raises(WrongState):
        weigh(order, 901)


def test_a_capture_whose_answer_was_lost_is_asked_again_and_taken_once(market: Market) -> None:
    order, _ = held(market)
    weigh(order, 1_000)
    market.purse.fail = ["after", "before", "after"]
    for _ in range(4):
        market.carrier.tick()
        market.clock.add(timedelta(minutes=1))
    after = store.order(order.id)
    assert (after.paid, market.purse.kept, len(market.purse.payments)) == (130_000, 130_000, 1)
    assert market.settle(order).paid == 130_000, "and told of it, too, it is one payment"


def test_a_capture_that_is_told_before_it_is_answered_is_one_payment(market: Market) -> None:
    order, _ = held(market)
    weigh(order, 1_000)
    market.purse.fail = ["after"]
    market.carrier.tick()
    market.hear(order)
    after = store.order(order.id)
    assert (after.paid, after.steps, after.holds[0].state) == (130_000, (), HoldState.CAPTURED)


def test_too_small_a_hold_is_given_up_and_so_is_a_second_one(market: Market) -> None:
    order, small = held(market, amount=129_999)
    assert (order.state, market.purse.holds[small].state) == (State.PLACED, "voided")
    good, second = market.purse.hold(130_000, reference=order.code), market.purse.hold(130_000, reference=order.code)
    order = market.settle(order)
    assert order.state is State.HELD
    assert {one: market.purse.holds[one].state for one in (good, second)} == {good: "held", second: "voided"}


def test_a_hold_that_comes_too_late_or_outlives_its_order_is_given_up(market: Market) -> None:
    order, hold_id = held(market)
    store.change(order.id, lambda found, now: commands.cancel(found, BUYER_, "đổi ý", now))
    assert market.settle(order).state is State.CANCELLED
    assert market.purse.holds[hold_id].state == "voided"
    late = market.order(pay=Pay.HOLD)
    market.clock.add(timedelta(minutes=16))
    end_overdue()
    hold_id = market.purse.hold(200_000, reference=late.code)
    assert market.settle(late).state is State.EXPIRED
    assert market.purse.holds[hold_id].state == "voided"


def test_an_order_whose_hold_ends_is_cancelled(market: Market) -> None:
    order, hold_id = held(market)
    market.purse.holds[hold_id] = replace(market.purse.holds[hold_id], expires_at=market.clock.now)
    market.purse.sweep()
    after = market.settle(order)
    assert (after.state, after.history[-1].who, market.shelf.state(order.id)) == (State.CANCELLED, "ledger", "released")


@pytest.mark.parametrize("ended", ["hold.voided", "hold.expired"])
def test_a_hold_whose_end_is_heard_before_it_holds_nothing(market: Market, ended: str) -> None:
    order = market.order(1_000, Pay.HOLD, BUYER, **PORK)
    hold_id = market.purse.hold(150_000, reference=order.code)
    over = events_pb2.HoldMoved(hold_id=hold_id, merchant_id=order.merchant_id)
    placed = market.purse.events.pop()
    store.apply_hold(ended, over)
    tell(placed, order.merchant_id)
    after = store.order(order.id)
    assert (after.state, after.hold_id, after.steps) == (State.PLACED, "", ())
    assert [(one.id, one.state) for one in after.holds] == [(hold_id, HoldState.ENDED)]
    for _ in range(2):  # delivered again, in either sequence
        tell(placed, order.merchant_id)
        store.apply_hold(ended, over)
    assert store.order(order.id) == after
    good = market.purse.hold(150_000, reference=order.code)
    after = market.settle(order)
    assert (after.state, after.hold_id, told(order)) == (State.HELD, good, ["placed", "held"])


def test_a_hold_that_is_heard_of_after_the_stall_took_it_is_paid_and_not_live(market: Market) -> None:
    order = market.order(1_000, Pay.HOLD, BUYER, **PORK)
    market.purse.take(market.purse.hold(150_000, reference=order.code), 130_000)
    placed, captured, paid = market.purse.events
    market.purse.events[:] = [captured, placed, paid]
    after = market.settle(order)
    assert (after.state, after.paid, market.purse.kept) == (State.PAID, 130_000, 130_000)
    assert [one.state for one in after.holds] == [HoldState.CAPTURED]


@pytest.mark.parametrize("first", ["placed", "ended"])
def test_a_hold_and_its_end_that_are_heard_at_once_leave_no_order_held(
    market: Market, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    order = market.order(1_000, Pay.HOLD, BUYER, **PORK)
    market.purse._end(market.purse.hold(150_000, reference=order.code), "voided")
    placed, ended = market.purse.events
    market.purse.events.clear()
    # One of them is all heard between the other's look and its write.
    writer, name, meanwhile = (hearing, "hold", ended) if first == "placed" else (told_store, "_keep_end", placed)
    write = getattr(writer, name)

    def interrupted(*args: Any) -> Any:
        monkeypatch.setattr(writer, name, write)
        tell(meanwhile, order.merchant_id)
        return write(*args)

    monkeypatch.setattr(writer, name, interrupted)
    tell(placed if first == "placed" else ended, order.merchant_id)
    after = market.settle(order)
    assert [one.state for one in after.holds] == [HoldState.ENDED]
    assert (after.state, market.shelf.state(order.id)) == (State.CANCELLED, "released")


def test_the_end_of_a_hold_for_no_order_is_forgotten_in_time(market: Market) -> None:
    nobody = Told("held", new_id("hld"), 150_000, reference="Tiền hàng", expires_at=market.clock.now)
    for _ in range(2):
        tell(nobody, new_id("mer"))
        tell(replace(nobody, kind="hold_ended"), new_id("mer"))
    assert [one.id for one in store.OrdersHoldEnd.objects] == [nobody.id]
    (index,) = [one for one in store.OrdersHoldEnd._get_collection().list_indexes() if "heard_at" in one["key"]]
    assert index["expireAfterSeconds"] == 2 * 86_400


def test_cancelled_while_it_is_being_taken_it_is_given_back(market: Market) -> None:
    order, hold_id = held(market)
    weigh(order, 1_000)
    market.purse.fail = ["after"]  # taken, and nobody knows
    market.carrier.tick()
    store.change(order.id, lambda found, now: commands.cancel(found, SELLER_, "rơi mất", now))
    market.clock.add(timedelta(minutes=2))
    after = market.settle(order)
    assert (after.state, after.paid, market.purse.kept) == (State.CANCELLED, 0, 0)
    assert market.purse.holds[hold_id].state == "captured"


@pytest.mark.parametrize(
    ("error", "hold_then"), [(MerchantNotPayable, "voided"), (HoldExpired, "expired"), (HoldVoided, "voided")]
)
def test_where_the_money_cannot_be_taken_the_order_is_cancelled_and_nothing_is_left(
    market: Market, monkeypatch: pytest.MonkeyPatch, error: type[DomainError], hold_then: str
) -> None:
    order, hold_id = held(market)
    weigh(order, 1_000)

    def refuse(*_: object) -> None:  # the stall was suspended, or the hold ended, between cart and scales
        if error is not MerchantNotPayable:
            market.purse._end(hold_id, hold_then)
        raise error("not now")

    with monkeypatch.context() as patch:
        patch.setattr(market.purse, "capture", refuse)
        after = market.settle(order)
    assert (after.state, after.history[-1].who, after.history[-1].reason) == (State.CANCELLED, "ledger", error.code)
    assert (after.paid, market.purse.kept, market.purse.holds[hold_id].state) == (0, 0, hold_then)
    assert (after.steps, market.shelf.state(order.id)) == ((), "released")


def test_a_hold_that_the_stall_took_itself_is_counted_and_what_is_too_much_of_it_goes_back(market: Market) -> None:
    order, hold_id = held(market, amount=150_000)
    market.purse.take(hold_id, 150_000)
    market.settle(order)
    weigh(store.order(order.id), 1_000)
    after = market.settle(order)
    assert (after.state, after.paid, market.purse.kept) == (State.PREPARING, 130_000, 130_000)


# --- on its way, and back


def delivered(market: Market) -> Order:
    merchant = market.merchant()
    items = (Item(market.product(merchant), 1), Item(market.product(merchant, price=30_000), 2))
    basket = Basket(merchant.merchant_id, items, Fulfilment.DELIVERY, "12 Bến Tượng")
    (order,) = market.buy(basket, buyer=BUYER)
    pay(market, order, 160_000)
    advance(order, State.READY, State.HANDED_OVER)
    store.change(order.id, lambda found, now: commands.track(found, "đã đến Sông Công", SELLER_, now))
    store.change(order.id, lambda found, now: commands.advance(found, State.DELIVERED, BUYER_, now))
    return market.settle(order)


def test_what_a_carrier_brings_is_tracked_and_a_line_of_it_returned(market: Market) -> None:
    order = delivered(market)
    assert (order.state, order.carrier, order.tracking_code, order.stock) == (
        State.DELIVERED, "Viettel Post", "VT-1", Stock.SOLD,
    )  # fmt: skip
    back = order.lines[1].product_id
    market.clock.add(RETURN_WITHIN)
    store.change(order.id, lambda found, now: commands.ask_return(found, [back], BUYER_, "héo", now))
    store.change(order.id, lambda found, now: commands.decide_return(found, True, SELLER_, "", now))
    after = market.settle(order)
    assert (after.state, after.due, after.paid, market.purse.kept) == (State.RETURNED, 100_000, 100_000, 100_000)
    assert told(order) == [
        "placed", "paid", "ready", "handed_over", "tracked", "delivered", "return_asked", "returned",
    ]  # fmt: skip
    said = [one.reason for one in after.history if one.event in ("tracked", "return_asked")]
    assert said == ["đã đến Sông Công", "héo"]
    assert market.shelf.back == {}, "nobody said that it may be sold again"


def returned(market: Market, restock: bool = True) -> Order:
    """A delivered order, whose second line the stall takes back, to sell it again; nothing of it is done yet."""
    order = delivered(market)
    back = [order.lines[1].product_id]
    store.change(order.id, lambda found, now: commands.ask_return(found, back, BUYER_, "nhầm cỡ", now))
    return store.change(order.id, lambda found, now: commands.decide_return(found, True, SELLER_, "", now, restock))


def test_what_comes_back_as_good_as_new_is_on_sale_again(market: Market) -> None:
    order = returned(market)
    assert [one.kind for one in order.steps] == [Kind.RESTOCK, Kind.REFUND]
    market.shelf.fail = ["after", "before"]  # the answer is lost, then catalog is not reached
    for _ in range(2):
        market.settle(order)
        market.clock.add(timedelta(minutes=1))
    after = market.settle(order)
    assert (after.restock, after.steps) == (False, ())
    assert market.shelf.back == {(order.id, order.lines[1].product_id): 2}
    assert [one.event for one in after.history][-2:] == ["returned", "restocked"]
    assert "restocked" in told(order)
    again = store.change(order.id, lambda found, now: commands.decide_return(found, True, SELLER_, "", now, True))
    assert again == after, "said again, it is done"


def test_what_was_not_sold_of_an_order_keeps_nothing_else_from_going_on_sale_again(market: Market) -> None:
    """All of it is returned: a line that weighed nothing was never sold, and one that is recalled is for nobody."""
    merchant = market.merchant()
    tea, eggs = market.product(merchant), market.product(merchant)
    pork = market.product(merchant, price=130_000, unit="kg", grams_per_unit=1_000)
    (order,) = market.buy(Basket(merchant.merchant_id, (Item(tea, 2), Item(eggs, 1), Item(pork, 1_000))))
    market.purse.pay(430_000, order.code)
    market.settle(order)
    store.change(order.id, lambda found, now: commands.weigh(found, {pork: 0}, SELLER_, now))
    for target in (State.READY, State.PICKED_UP):
        store.change(order.id, lambda found, now, to=target: commands.advance(found, to, SELLER_, now))
        market.settle(order)
    store.change(order.id, lambda found, now: recalled.release(found, "rcl_1", eggs, "salmonella", now))
    store.change(order.id, lambda found, now: commands.ask_return(found, [], BUYER_, "nhầm", now))
    store.change(order.id, lambda found, now: commands.decide_return(found, True, SELLER_, "", now, True))
    after = market.settle(order)
    assert (after.history[-1].event, market.shelf.back) == ("restocked", {(order.id, tea): 2})


def test_what_cannot_be_put_on_sale_again_is_told_and_given_back_all_the_same(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    def withdrawn(*_: Any) -> None:
        raise WrongState("the product is withdrawn")

    monkeypatch.setattr(market.shelf, "restock", withdrawn)
    after = market.settle(returned(market))
    assert (after.state, after.paid, after.restock, after.steps) == (State.RETURNED, 100_000, False, ())
    (last,) = [one for one in after.history if one.event == "not_restocked"]
    assert last.reason == "WRONG_STATE"


def test_only_what_is_taken_back_goes_on_sale_again_and_nothing_of_a_live_sale(market: Market) -> None:
    order = delivered(market)
    asked = store.change(order.id, lambda found, now: commands.ask_return(found, [], BUYER_, "héo", now))
    with pytest.raises(InvalidArgument):
        commands.decide_return(asked, False, SELLER_, "còn tốt", asked.placed_at, True)
    with pytest.raises(InvalidArgument):
        commands.decide_return(replace(asked, checkout_id="liv_1"), True, SELLER_, "", asked.placed_at, True)


def test_a_return_that_nobody_decides_on_is_taken_back_by_the_clock(market: Market) -> None:
    order = delivered(market)
    store.change(order.id, lambda found, now: commands.ask_return(found, [], BUYER_, "hỏng", now))
    market.clock.add(timedelta(days=3))
    assert end_overdue() == 1
    after = market.settle(order)
    assert (after.state, after.paid, market.purse.kept) == (State.RETURNED, 0, 0)


def test_a_return_is_asked_for_in_time_and_once(market: Market) -> None:
    order = delivered(market)
    ask = lambda found, now: commands.ask_return(found, [], BUYER_, "hỏng", now)  # noqa: E731
    store.change(order.id, ask)
    refused = store.change(order.id, lambda found, now: commands.decide_return(found, False, SELLER_, "còn tốt", now))
    assert (refused.state, refused.paid) == (State.DELIVERED, 160_000)
    with pytest.raises(WrongState):
        store.change(order.id, ask)
    late = delivered(market)
    market.clock.add(RETURN_WITHIN + timedelta(seconds=1))
    with pytest.raises(WrongState):
        store.change(late.id, ask)


def test_what_the_stall_gives_back_of_a_line_goes_back_once(market: Market) -> None:
    order = delivered(market)
    credit = Credit("0190163d-8694-7e08-8f2c-000000000000", order.lines[0].product_id, 25_000)
    for _ in range(2):
        store.change(order.id, lambda found, now: commands.give_back(found, credit, SELLER_, "dập", now))
    after = market.settle(order)
    assert (after.due, after.paid, market.purse.kept) == (135_000, 135_000, 135_000)
    rest = Credit("0190163d-8694-7e08-8f2c-000000000001", "", 0)
    store.change(order.id, lambda found, now: commands.give_back(found, rest, SELLER_, "cả đơn", now))
    after = market.settle(order)
    assert (after.state, after.paid, market.purse.kept) == (State.REFUNDED, 0, 0)


def test_a_line_that_was_given_back_and_weighs_less_takes_nothing_of_the_others(market: Market) -> None:
    """The stall gives the pork back, and then has to enter its weight: the tea still costs what it costs."""
    merchant = market.merchant()
    tea = market.product(merchant)
    pork = market.product(merchant, price=130_000, unit="kg", grams_per_unit=1_000)
    (order,) = market.buy(Basket(merchant.merchant_id, (Item(tea, 1), Item(pork, 1_000))))
    market.purse.pay(230_000, order.code)
    market.settle(order)
    credit = Credit(new_key(), pork, 0)
    store.change(order.id, lambda found, now: commands.give_back(found, credit, SELLER_, "hết thịt", now))
    assert market.settle(order).paid == 100_000
    store.change(order.id, lambda found, now: commands.weigh(found, {pork: 800}, SELLER_, now))
    after = market.settle(order)
    assert (after.due, after.paid, market.purse.kept) == (100_000, 100_000, 100_000)


@pytest.mark.parametrize(
    ("fulfilment", "steps", "within", "state"),
    [
        (Fulfilment.PICKUP, [], PREPARE_WITHIN, State.PICKED_UP),
        (Fulfilment.PICKUP, [State.PREPARING], PREPARE_WITHIN, State.PICKED_UP),
        (Fulfilment.PICKUP, [State.READY], READY_WITHIN, State.PICKED_UP),
        (Fulfilment.DELIVERY, [], PREPARE_WITHIN, State.CANCELLED),
        (Fulfilment.DELIVERY, [State.READY], READY_WITHIN, State.CANCELLED),
        (Fulfilment.DELIVERY, [State.READY, State.HANDED_OVER], CARRY_WITHIN, State.DELIVERED),
    ],
)
def test_where_nobody_says_a_word_the_clock_ends_it(
    market: Market, fulfilment: Fulfilment, steps: list[State], within: timedelta, state: State
) -> None:
    merchant = market.merchant()
    basket = Basket(
        merchant.merchant_id, (Item(market.product(merchant), 2),), fulfilment, "x" if fulfilment == "delivery" else ""
    )
    (order,) = market.buy(basket)
    pay(market, order, 200_000)
    advance(order, *steps)
    market.settle(order)
    market.clock.add(within)
    assert end_overdue() == 1
    after = market.settle(order)
    assert (after.state, after.deadline) == (state, None)
    kept = 0 if state is State.CANCELLED else 200_000
    assert (after.paid, market.purse.kept) == (kept, kept)
    assert market.shelf.state(order.id) == ("released" if state is State.CANCELLED else "sold")


def test_what_could_not_be_held_longer_and_is_gone_is_cancelled_and_given_back(market: Market) -> None:
    order = market.order(left=2)
    pay(market, order, 200_000)
    found = market.shelf.orders[order.id]
    found.state, found.held = "expired", {}  # catalog's clock was faster
    market.shelf.left[order.lines[0].product_id] = 0
    after = market.settle(order)
    assert (after.state, after.history[-1].who, after.history[-1].reason) == (State.CANCELLED, "stock", "OUT_OF_STOCK")
    assert (after.paid, market.purse.kept) == (0, 0)


def test_an_order_that_is_broken_does_not_keep_the_others_waiting(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, good = market.order(), market.order()
    for order in (broken, good):
        pay(market, order, 300_000)
    find = store.order
    with monkeypatch.context() as patch:
        patch.setattr(store, "order", lambda order_id: 1 // 0 if order_id == broken.id else find(order_id))
        for _ in range(5):
            market.carrier.tick()
        assert store.due(market.clock.now, 10) == [], "it is left alone for a while"
    market.hear(good)
    assert (find(good.id).paid, find(good.id).refunding) == (200_000, 0)
    market.clock.add(timedelta(minutes=5))
    assert market.settle(broken).paid == 200_000


def test_an_order_that_cannot_tell_what_happens_waits_until_it_can(market: Market) -> None:
    order = market.order()
    market.purse.hold(200_000, reference=order.code)
    market.hear(order)
    full = store.OrdersOrder.objects(id=order.id).get()
    while len(full.outbox) < WAITING_MAX:
        full.add_event("order.placed", order.id, events_pb2.OrderChanged())
    full.save(save_condition={"version": full.version})
    market.clock.add(PREPARE_WITHIN)
    assert (end_overdue(), store.order(order.id).state) == (1, State.HELD)
    store.OrdersOrder.objects(id=order.id).update(set__outbox=[])
    end_overdue()
    assert market.settle(order).state is State.CANCELLED


# --- a person is needed


def test_what_cannot_be_given_back_is_shown_to_a_person_who_has_it_tried_again(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = market.order()
    pay(market, order, 300_000)
    with monkeypatch.context() as patch:
        patch.setattr(market.purse, "refund", lambda *_: (_ for _ in ()).throw(RefundTooLate("31 days")))
        after = market.settle(order)
    assert (after.stuck, after.next_at, [one.id for one in store.stuck(10)]) == (True, None, [order.id])
    assert told(order)[-1] == "stuck"
    assert market.settle(order).paid == 300_000, "nobody tries by itself"
    operator = Actor(Who.OPERATOR, "usr_op")
    store.change(order.id, lambda found, now: commands.retry(found, operator, now))
    after = market.settle(order)
    assert (after.stuck, after.paid, market.purse.kept, store.stuck(10)) == (False, 200_000, 200_000, [])


# --- looking them up


def test_an_unknown_order_is_not_found() -> None:
    with pytest.raises(NotFound):
        store.order(new_id("ord"))


def test_a_change_that_others_keep_overtaking_gives_up(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    order = market.order()
    monkeypatch.setattr(store.OrdersOrder, "save", lambda *_, **__: (_ for _ in ()).throw(Contention("faster")))
    with pytest.raises(Contention):
        store.change(order.id, lambda found, now: commands.cancel(found, BUYER_, "x", now))


def test_recent_orders_are_the_callers_newest_first_however_old(market: Market) -> None:
    ages_h = [0, 2, 30, 24 * 40, 24 * 400, 24 * 2_000]
    orders = [market.order(buyer=BUYER) for _ in ages_h]
    market.order()
    for order, age_h in zip(orders, ages_h, strict=True):
        store.OrdersOrder.objects(id=order.id).update(set__placed_at=market.clock.now - timedelta(hours=age_h))
    assert [order.id for order in store.recent(BUYER)] == [order.id for order in orders]
    assert store.recent(new_id("usr")) == []
    seller = orders[3].seller_id
    assert [order.id for order in store.recent(seller)] == [orders[3].id]
    merchant = orders[3].merchant_id
    assert [order.id for order in store.of_stall(merchant, State.PLACED, None, 10)] == [orders[3].id]
    assert store.of_stall(merchant, State.PAID, None, 10) == []


def test_recent_orders_are_fifty_at_most(market: Market) -> None:
    order = market.order(buyer=BUYER)
    document = store.OrdersOrder.objects(id=order.id).as_pymongo().get()
    copies = [
        {**document, "_id": new_id("ord"), "code": f"{n:08}", "request_id": f"r{n}",
         "placed_at": market.clock.now - timedelta(minutes=2 * n)}
        for n in range(70)
    ]  # fmt: skip
    store.OrdersOrder._get_collection().insert_many(copies)
    store.OrdersOrder.objects(id=order.id).delete()
    assert [order.id for order in store.recent(BUYER)] == [copy["_id"] for copy in copies[:50]]


def test_an_order_of_before_orders_had_lives_is_over(market: Market) -> None:
    order = market.order(buyer=BUYER)
    kept = {"_id", "code", "buyer_id", "merchant_id", "merchant_name", "seller_id", "lines", "total", "qr_payload",
            "placed_at", "version", "request_id"}  # fmt: skip
    document = {
        name: value for name, value in store.OrdersOrder.objects(id=order.id).as_pymongo().get().items() if name in kept
    }
    document["lines"] = [
        {name: line[name] for name in ("product_id", "name", "unit", "quantity", "price")} for line in document["lines"]
    ]
    for payments, state in (([], State.EXPIRED), ([{"transfer_id": "pay_1", "amount": 5}], State.PICKED_UP)):
        store.OrdersOrder._get_collection().replace_one({"_id": order.id}, {**document, "payments": payments})
        found = store.order(order.id)
        assert (found.state, found.deadline, found.steps, found.total) == (state, None, (), 200_000)
        assert store.change(order.id, lambda one, now: hearing.clock(one, now)) == found, "and asks for nothing"
