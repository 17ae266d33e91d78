"""Whatever happens to an order, in whatever sequence, it ends, and no đồng and no gram is left over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kit.errors import DomainError
from kit.ids import new_key
from services.orders import checks
from services.orders.life import Actor, Who
from services.orders.order import (
    ENDED,
    NO_SALE,
    STOCK_KINDS,
    Credit,
    Fulfilment,
    Hold,
    HoldState,
    Order,
    Payment,
    Refund,
    State,
    Stock,
)
from services.orders.ports import do
from services.orders.saga import answers, commands, hearing, steps
from services.orders.saga.answers import Answer
from tests.orders.world import BUYER, SELLER, Clock, Purse, Shelf, Told, placed, pork, tea

BUYER_, SELLER_, OPERATOR_ = Actor(Who.BUYER, BUYER), Actor(Who.SELLER, SELLER), Actor(Who.OPERATOR, "usr_op")
ACTORS = st.sampled_from([BUYER_, SELLER_, OPERATOR_])
# What an order of any number of faults needs to come to its end, at most.
ROUNDS_MAX = 400


def hear(order: Order, told: Told, now: Any) -> Order:
    """What orders' worker makes of an event (services/orders/store/money.py)."""
    match told.kind:
        case "captured":
            return hearing.payment(order, Payment(told.id, told.amount, told.reference, told.seq), told.cause, now)
        case "refunded":
            return hearing.refund(order, Refund(told.id, told.payment_id, told.amount), told.cause)
        case "held":
            return hearing.hold(order, Hold(told.id, told.amount, told.reference, told.expires_at), now)
        case "hold_captured":
            return hearing.hold_ended(order, told.id, HoldState.CAPTURED, now)
    return hearing.hold_ended(order, told.id, HoldState.ENDED, now)


class OrderMachine(RuleBasedStateMachine):
    """One order, its buyer, its stall, a ledger and a catalog with faults, and a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.shelf, self.purse = Shelf(self.clock), Purse(self.clock)
        self.order = placed()
        self.by_hand = 0
        self.heard: list[Told] = []
        # Steps that were sent, and whose answers are still on their way.
        self.late: list[tuple[str, Answer]] = []

    @initialize(
        lines=st.sampled_from([(tea(),), (pork(),), (tea(1), pork(2_500))]), fulfilment=st.sampled_from(Fulfilment)
    )
    def place(self, lines: tuple[Any, ...], fulfilment: Fulfilment) -> None:
        self.order = placed(*lines, fulfilment=fulfilment)
        wanted = {line.product_id: line.quantity for line in lines}
        self.shelf.reserve(self.order.id, wanted, self.order.reserved_until)

    def change(self, rule: Callable[[Order], Order]) -> None:
        """As the store changes it: nothing at all where it is refused."""
        try:
            changed = steps.settle(rule(self.order), self.clock.now)
        except DomainError:
            return
        assert steps.settle(changed, self.clock.now) == changed, "settled again, it stays the same"
        self.order = changed

    # --- people

    @rule(part=st.sampled_from([50, 100, 100, 100, 130]))
    def pay(self, part: int) -> None:
        if len(self.purse.payments) < 4:
            self.purse.pay(max(1, self.order.total * part // 100))

    @rule(part=st.sampled_from([50, 100, 110, 150]), life_min=st.sampled_from([2, 60, 24 * 60, 30 * 24 * 60]))
    def set_aside(self, part: int, life_min: int) -> None:
        if len(self.purse.holds) < 3:
            self.purse.hold(max(1, self.order.total * part // 100), timedelta(minutes=life_min))

    @rule(data=st.data())
    def stall_takes_a_hold_itself(self, data: st.DataObject) -> None:
        live = sorted(one for one, hold in self.purse.holds.items() if hold.state == "held")
        if live:
            hold_id = data.draw(st.sampled_from(live))
            self.purse.take(hold_id, data.draw(st.integers(1, self.purse.holds[hold_id].amount)))

    @rule(data=st.data())
    def stall_gives_back_itself(self, data: st.DataObject) -> None:
        left = {one: paid.amount - paid.refunded for one, paid in self.purse.payments.items()}
        if some := sorted(one for one, amount in left.items() if amount):
            payment_id = data.draw(st.sampled_from(some))
            amount = data.draw(st.sampled_from([left[payment_id], max(1, left[payment_id] // 3)]))
            self.purse.give_back(payment_id, amount)
            self.by_hand += amount

    @rule(
        actor=ACTORS,
        to=st.sampled_from([State.PREPARING, State.READY, State.HANDED_OVER, State.PICKED_UP, State.DELIVERED]),
    )
    def advance(self, actor: Actor, to: State) -> None:
        self.change(lambda order: commands.advance(order, to, actor, self.clock.now, "Viettel Post", "VT-1"))

    @rule(grams=st.sampled_from([0, 800, 1_000, 1_080, 2_500, 9_000]))
    def weigh(self, grams: int) -> None:
        self.change(lambda order: commands.weigh(order, {"prd_pork": grams}, SELLER_, self.clock.now))

    @rule(actor=ACTORS)
    def cancel(self, actor: Actor) -> None:
        self.change(lambda order: commands.cancel(order, actor, "đổi ý", self.clock.now))

    @rule(products=st.sampled_from([(), ("prd_tea",), ("prd_pork",)]))
    def ask_return(self, products: tuple[str, ...]) -> None:
        self.change(lambda order: commands.ask_return(order, products, BUYER_, "hỏng", self.clock.now))

    @rule(accept=st.booleans(), actor=ACTORS, restock=st.booleans())
    def decide_return(self, accept: bool, actor: Actor, restock: bool) -> None:
        self.change(lambda order: commands.decide_return(order, accept, actor, "xem rồi", self.clock.now, restock))

    @rule(product=st.sampled_from(["", "prd_tea", "prd_pork"]), amount=st.sampled_from([0, 5_000, 100_000]))
    def give_back(self, product: str, amount: int) -> None:
        credit = Credit(new_key(), product, amount)
        self.change(lambda order: commands.give_back(order, credit, SELLER_, "héo úa", self.clock.now))

    # --- the world

    @rule(data=st.data(), again=st.booleans())
    def an_event_arrives(self, data: st.DataObject, again: bool) -> None:
        events = self.heard if again else self.purse.events
        if not events:
            return
        at = data.draw(st.integers(0, len(events) - 1))
        told = events[at] if again else events.pop(at)
        if not again:
            self.heard.append(told)
        self.change(lambda order: hear(order, told, self.clock.now))

    @rule(data=st.data(), fault=st.sampled_from(["", "", "before", "after", "late"]))
    def a_step_is_done(self, data: st.DataObject, fault: str) -> None:
        if not self.order.steps:
            return
        step = data.draw(st.sampled_from(self.order.steps))
        port: Shelf | Purse = self.shelf if step.kind in STOCK_KINDS else self.purse
        port.fail = [fault] if fault in ("before", "after") else []
        answer = do(self.order, step, self.shelf, self.purse)
        if fault == "late":
            self.late.append((step.id, answer))
        else:
            self.change(lambda order: answers.take(order, step.id, answer, self.clock.now))

    @rule(data=st.data())
    def an_answer_arrives_late(self, data: st.DataObject) -> None:
        if self.late:
            step_id, answer = self.late.pop(data.draw(st.integers(0, len(self.late) - 1)))
            self.change(lambda order: answers.take(order, step_id, answer, self.clock.now))

    @rule(minutes=st.sampled_from([1, 16, 31, 25 * 60, 4 * 24 * 60, 11 * 24 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.clock.add(timedelta(minutes=minutes))
        self.shelf.sweep()
        self.purse.sweep()

    @rule()
    def the_clock_is_looked_at(self) -> None:
        self.change(lambda order: hearing.clock(order, self.clock.now))

    @rule(poor=st.booleans())
    def the_stall_is_paid_out(self, poor: bool) -> None:
        self.purse.poor = poor

    @rule(product=st.sampled_from(["prd_tea", "prd_pork"]))
    def others_buy_the_rest(self, product: str) -> None:
        self.shelf.sold[product] = self.shelf.sold.get(product, 0) + self.shelf.left[product]
        self.shelf.left[product] = 0

    # --- always

    @invariant()
    def no_stock_is_made_or_lost(self) -> None:
        for product, whole in (("prd_tea", 100), ("prd_pork", 100_000)):
            aside = sum(one.held.get(product, 0) for one in self.shelf.orders.values() if one.state == "held")
            back = sum(quantity for (_, of), quantity in self.shelf.back.items() if of == product)
            assert self.shelf.left[product] + aside + self.shelf.sold.get(product, 0) == whole + back

    @invariant()
    def the_audit_finds_nothing_wrong_with_what_it_was_paid(self) -> None:
        # A hold's end may be heard of before the payment that it became: the audit looks again.
        assert self.purse.events or list(checks.amount_findings(self.order)) == []

    @invariant()
    def there_is_a_way_on(self) -> None:
        assert self.order.state in ENDED or self.order.deadline, "what has not ended has a deadline"
        assert len(self.order.steps) <= 10
        assert not self.order.stuck

    # --- and in the end

    def teardown(self) -> None:
        self.purse.poor, self.shelf.fail, self.purse.fail = False, [], []
        for _ in range(ROUNDS_MAX):
            while self.purse.events:
                told = self.purse.events.pop(0)
                self.change(lambda order, told=told: hear(order, told, self.clock.now))  # type: ignore[misc]
            for step in self.order.steps:
                answer = do(self.order, step, self.shelf, self.purse)
                self.change(lambda order, s=step, a=answer: answers.take(order, s.id, a, self.clock.now))  # type: ignore[misc]
            if self.purse.events or self.order.steps:
                continue
            if self.order.deadline is None and all(one.state != "held" for one in self.purse.holds.values()):
                break
            self.clock.add(timedelta(hours=1))
            self.shelf.sweep()
            self.purse.sweep()
            self.change(lambda order: hearing.clock(order, self.clock.now))
        self._check_the_end()

    def _check_the_end(self) -> None:
        order, kept = self.order, self.purse.kept
        money, goods = self.purse.as_audited(), self.shelf.as_audited(order.id)
        assert checks.money_findings(order, money) == []
        assert checks.hold_findings(order, money) == []
        assert checks.goods_findings(order, goods) == []
        assert order.state in ENDED, order.state
        assert not order.steps
        assert not order.restock, "what was to be put on sale again is, or it says that it could not"
        assert order.paid == kept, "the order knows what the stall has"
        assert all(one.state != "held" for one in self.purse.holds.values())
        if order.state in NO_SALE:
            assert kept == 0, "nothing is sold, nothing is kept"
            assert self.shelf.state(order.id) != "held"
        else:
            assert order.due - self.by_hand <= kept <= order.due, "the stall has what is due, less what it gave itself"
            assert order.stock in (Stock.SOLD, Stock.SHORT)
            assert self.shelf.state(order.id) != "held"
            if order.stock is Stock.SOLD:
                assert self.shelf.state(order.id) == "sold"


TestAnyOrderEnds = OrderMachine.TestCase
TestAnyOrderEnds.settings = settings(
    max_examples=200, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
