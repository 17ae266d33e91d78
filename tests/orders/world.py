"""Catalog and payments as orders sees them: small fakes that keep their promises and no others, with faults on demand.

They stand in where an order's rules are tried by the thousand. `test_orders_peers.py` and the system test hold the real
ones to the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from kit.errors import (
    Contention,
    DomainError,
    HoldCaptured,
    HoldExpired,
    HoldVoided,
    IdempotencyConflict,
    InsufficientFunds,
    InvalidArgument,
    NotFound,
    OutOfStock,
    ProductNotForSale,
    RefundExceedsPayment,
    TooLate,
    Unavailable,
    WrongState,
)
from kit.ids import new_id
from services.orders.checks import Goods, Money
from services.orders.life import PAY_WITHIN
from services.orders.order import Fulfilment, Line, Order, Pay
from services.orders.ports import Move, Taken, Taker
from services.orders.saga.answers import Done
from services.orders.saga.steps import GRACE

START = datetime(2026, 11, 29, 6, 0, tzinfo=UTC)
BUYER, SELLER = "usr_buyer", "usr_seller"
CODE = "7HX2K9QD"


def tea(quantity: int = 2, price: int = 100_000) -> Line:
    """Counted."""
    return Line("prd_tea", "Chè móc câu", "gói", quantity, price)


def pork(grams: int = 1_000, price: int = 130_000) -> Line:
    """Weighed."""
    return Line("prd_pork", "Thịt ba chỉ", "kg", grams, price, grams_per_unit=1_000)


def placed(*lines: Line, **fields: Any) -> Order:
    """An order that was just placed."""
    defaults: dict[str, Any] = {
        "id": new_id("ord"), "code": CODE, "checkout_id": "chk_1", "buyer_id": BUYER, "merchant_id": "mer_1",
        "merchant_name": "Cô Hạnh", "seller_id": SELLER, "lines": lines or (tea(),), "pay": Pay.QR,
        "fulfilment": Fulfilment.PICKUP, "pay_by": START + PAY_WITHIN, "deadline": START + PAY_WITHIN,
        "reserved_until": START + PAY_WITHIN + GRACE, "qr_payload": "", "placed_at": START,
    }  # fmt: skip
    return Order(**{**defaults, **fields})


@dataclass
class Clock:
    """Moves when it is told to."""

    now: datetime = START

    def add(self, time: timedelta) -> datetime:
        self.now += time
        return self.now


@dataclass
class Reservation:
    asked: dict[str, int]
    held: dict[str, int]
    until: datetime
    state: str = "held"


@dataclass
class Shelf:
    """Catalog's stock: base units by product. `fail` breaks the next calls: before they are done, or after."""

    clock: Clock
    left: dict[str, int] = field(default_factory=lambda: {"prd_tea": 100, "prd_pork": 100_000})
    taken: dict[str, Taken] = field(
        default_factory=lambda: {"prd_tea": Taken(100_000, "gói", 0), "prd_pork": Taken(130_000, "kg", 1_000)}
    )
    sold: dict[str, int] = field(default_factory=dict)
    # What came back of an order's product.
    back: dict[tuple[str, str], int] = field(default_factory=dict)
    orders: dict[str, Reservation] = field(default_factory=dict)
    refusals: dict[str, DomainError] = field(default_factory=dict)
    fail: list[str] = field(default_factory=list)

    def reserve(self, order_id: str, lines: Mapping[str, int], until: datetime) -> Mapping[str, Taken]:
        return self._call(self._reserve, order_id, dict(lines), until)  # type: ignore[no-any-return]

    def extend(self, order_id: str, until: datetime) -> None:
        self._call(self._extend, order_id, until)

    def sell(self, order_id: str, lines: Mapping[str, int]) -> None:
        self._call(self._sell, order_id, dict(lines))

    def release(self, order_id: str) -> None:
        self._call(self._release, order_id)

    def restock(self, order_id: str, product_ids: Sequence[str]) -> None:
        self._call(self._restock, order_id, tuple(product_ids))

    def sweep(self) -> None:
        """Ends what is over."""
        for one in self.orders.values():
            if one.state == "held" and self.clock.now >= one.until:
                self._give_back(one)
                one.state = "expired"

    def state(self, order_id: str) -> str:
        return self.orders[order_id].state if order_id in self.orders else ""

    def as_audited(self, order_id: str) -> Goods | None:
        """What the catalog's documents say of an order."""
        one = self.orders.get(order_id)
        if one is None:
            return None
        return Goods({"held": "open"}.get(one.state, one.state), one.held if one.state == "sold" else {})

    def _call(self, call: Any, *args: Any) -> Any:
        fault = self.fail.pop(0) if self.fail else ""
        if fault == "before":
            raise Unavailable("catalog cannot be reached")
        self.sweep()
        answer = call(*args)
        if fault == "after":
            raise Unavailable("the answer was lost")
        return answer

    def _reserve(self, order_id: str, lines: dict[str, int], until: datetime) -> Mapping[str, Taken]:
        if order_id in self.refusals:
            raise self.refusals[order_id]
        if known := self.orders.get(order_id):
            if known.state == "held" and known.asked != lines:
                raise IdempotencyConflict("another order")
            if known.state != "held":
                raise TooLate("it was given back")
        else:
            try:
                self._take(lines)
            except DomainError as refused:
                self.refusals[order_id] = refused
                raise
            self.orders[order_id] = Reservation(lines, dict(lines), until)
        return {product_id: self.taken[product_id] for product_id in lines}

    def _extend(self, order_id: str, until: datetime) -> None:
        found = self.orders.get(order_id)
        if found is None or found.state != "held":
            raise WrongState("it has ended")
        found.until = until

    def _sell(self, order_id: str, lines: dict[str, int]) -> None:
        found = self.orders[order_id]
        lines = {product_id: quantity for product_id, quantity in lines.items() if quantity}
        if found.state == "sold":
            if found.held != lines:
                raise IdempotencyConflict("sold otherwise")
            return
        before = found.held if found.state == "held" else {}
        more = {one: quantity - before.get(one, 0) for one, quantity in lines.items()}
        self._take({one: quantity for one, quantity in more.items() if quantity > 0})
        for one in {*before, *lines}:
            self.left[one] += max(0, before.get(one, 0) - lines.get(one, 0))
            self.sold[one] = self.sold.get(one, 0) + lines.get(one, 0)
        found.held, found.state = lines, "sold"

    def _release(self, order_id: str) -> None:
        if order_id in self.refusals:
            return
        found = self.orders.setdefault(order_id, Reservation({}, {}, self.clock.now, "released"))
        if found.state in ("released", "expired"):
            return
        if found.state == "sold":
            raise WrongState("it is sold")
        self._give_back(found)
        found.state = "released"

    def _restock(self, order_id: str, product_ids: tuple[str, ...]) -> None:
        found = self.orders[order_id]
        if found.state != "sold":
            raise WrongState("it is not sold")
        if not product_ids or not set(product_ids) <= set(found.held):
            raise InvalidArgument("not what the order was sold")
        for product_id in product_ids:
            if (order_id, product_id) not in self.back:
                self.back[order_id, product_id] = found.held.get(product_id, 0)
                self.left[product_id] += found.held.get(product_id, 0)

    def _take(self, lines: Mapping[str, int]) -> None:
        for product_id, quantity in lines.items():
            if product_id not in self.left:
                raise ProductNotForSale("withdrawn", product_id=product_id)
            if self.left[product_id] < quantity:
                raise OutOfStock("too little", product_id=product_id, left=str(self.left[product_id]))
        for product_id, quantity in lines.items():
            self.left[product_id] -= quantity

    def _give_back(self, one: Reservation) -> None:
        for product_id, quantity in one.held.items():
            self.left[product_id] += quantity
        one.held = {}


@dataclass
class Recalled:
    """What was left of a lot, and who had taken from it, when it was recalled."""

    recall_id: str
    left: int
    takers: dict[str, int]


@dataclass
class ShelfLots:
    """Catalog's lots: each product of a shelf is one lot, `lot_of` says which. `fail` as a shelf's."""

    shelf: Shelf
    recalled: dict[str, Recalled] = field(default_factory=dict)
    fail: list[str] = field(default_factory=list)

    def recall(self, product_id: str, lot_id: str, recall_id: str) -> None:
        self._call(self._recall, product_id, lot_id, recall_id)

    def reinstate(self, product_id: str, lot_id: str, recall_id: str) -> None:
        self._call(self._reinstate, product_id, lot_id, recall_id)

    def takers(self, product_id: str, lot_id: str) -> list[Taker]:
        return self._call(self._takers, product_id, lot_id)  # type: ignore[no-any-return]

    def _call(self, call: Any, *args: Any) -> Any:
        fault = self.fail.pop(0) if self.fail else ""
        if fault == "before":
            raise Unavailable("catalog cannot be reached")
        answer = call(*args)
        if fault == "after":
            raise Unavailable("the answer was lost")
        return answer

    def _recall(self, product_id: str, lot_id: str, recall_id: str) -> None:
        self._check(product_id, lot_id)
        if known := self.recalled.get(product_id):
            if known.recall_id != recall_id:
                raise WrongState("recalled by another one")
            return
        self.shelf.sweep()
        takers, aside = {}, 0
        for order_id, one in self.shelf.orders.items():
            if one.state in ("held", "sold") and one.held.get(product_id):
                takers[order_id] = one.held[product_id]
                if one.state == "held":
                    aside += one.held.pop(product_id)
        self.recalled[product_id] = Recalled(recall_id, self.shelf.left[product_id] + aside, takers)
        self.shelf.left[product_id] = 0

    def _reinstate(self, product_id: str, lot_id: str, recall_id: str) -> None:
        self._check(product_id, lot_id)
        known = self.recalled.get(product_id)
        if known and known.recall_id == recall_id:
            self.shelf.left[product_id] += known.left
            del self.recalled[product_id]

    def _takers(self, product_id: str, lot_id: str) -> list[Taker]:
        self._check(product_id, lot_id)
        return [Taker(order_id, quantity) for order_id, quantity in sorted(self.recalled[product_id].takers.items())]

    def _check(self, product_id: str, lot_id: str) -> None:
        if product_id not in self.shelf.left or lot_id != lot_of(product_id):
            raise NotFound("the product has no such lot")


def lot_of(product_id: str) -> str:
    """The lot that a product of a shelf is."""
    return product_id.replace("prd", "lot", 1)


@dataclass(frozen=True)
class Held:
    amount: int
    reference: str
    expires_at: datetime
    state: str = "held"


@dataclass(frozen=True)
class Paid:
    amount: int
    reference: str
    refunded: int = 0
    seq: int = 0


@dataclass(frozen=True)
class Told:
    """What the ledger told. `kind`: captured, refunded, held, hold_captured, hold_ended."""

    kind: str
    id: str
    amount: int = 0
    payment_id: str = ""
    reference: str = ""
    cause: str = ""
    seq: int = 0
    expires_at: datetime = START


@dataclass
class Purse:
    """Payments' ledger for one buyer and one stall; `events` holds what it told and nobody heard yet."""

    clock: Clock
    payments: dict[str, Paid] = field(default_factory=dict)
    holds: dict[str, Held] = field(default_factory=dict)
    keys: dict[str, tuple[Any, Done | DomainError]] = field(default_factory=dict)
    events: list[Told] = field(default_factory=list)
    poor: bool = False
    seq: int = 0
    fail: list[str] = field(default_factory=list)

    @property
    def kept(self) -> int:
        """What the stall has, đồng."""
        return sum(one.amount - one.refunded for one in self.payments.values())

    def as_audited(self) -> Money:
        """What the ledger says."""
        return Money(
            {one: (paid.amount, paid.refunded) for one, paid in self.payments.items()},
            {one: (hold.amount, hold.state) for one, hold in self.holds.items()},
            frozenset(self.payments),
        )

    # What people do

    def pay(self, amount: int, reference: str = CODE) -> str:
        return self._paid(amount, reference, "").transfer_id

    def hold(self, amount: int, life: timedelta = timedelta(days=1), reference: str = CODE) -> str:
        hold_id = new_id("hld")
        self.holds[hold_id] = Held(amount, reference, self.clock.now + life)
        self._tell(Told("held", hold_id, amount, reference=reference, expires_at=self.clock.now + life))
        return hold_id

    def take(self, hold_id: str, amount: int) -> None:
        """The stall takes a hold itself."""
        self._check(hold_id)
        self._captured(hold_id, amount, "")

    def give_back(self, payment_id: str, amount: int) -> None:
        """The stall gives something back itself."""
        if amount > self.payments[payment_id].amount - self.payments[payment_id].refunded:
            raise RefundExceedsPayment("more than is left")
        self._refunded(payment_id, amount, "")

    def sweep(self) -> None:
        """Ends holds whose time is over."""
        for hold_id, one in self.holds.items():
            if one.state == "held" and self.clock.now >= one.expires_at:
                self._end(hold_id, "expired")

    # What orders asks

    def capture(self, move: Move) -> Done:
        return self._keyed(move, lambda: self._capture(move))

    def void(self, move: Move) -> None:
        self._faulty(lambda: self._void(move))

    def refund(self, move: Move, refunded_before: int) -> Done:
        return self._keyed((move, refunded_before), lambda: self._refund(move, refunded_before))

    def _capture(self, move: Move) -> Done:
        self._check(move.about)
        assert move.amount <= self.holds[move.about].amount, "never more than is held"
        return self._captured(move.about, move.amount, move.cause)

    def _void(self, move: Move) -> None:
        if self.holds[move.about].state != "voided":
            self._check(move.about)
            self._end(move.about, "voided")

    def _refund(self, move: Move, refunded_before: int) -> Done:
        paid = self.payments[move.about]
        if paid.refunded != refunded_before:
            raise Contention("somebody gave something back")
        if paid.refunded + move.amount > paid.amount:
            raise RefundExceedsPayment("more than is left")
        if self.poor:
            raise InsufficientFunds("the stall was paid out")
        return self._refunded(move.about, move.amount, move.cause)

    def _keyed(self, body: Any, call: Any) -> Done:
        key = (body if isinstance(body, Move) else body[0]).key

        def once() -> Done:
            if key in self.keys:
                known, answer = self.keys[key]
                if known != body:
                    raise IdempotencyConflict("another body")
            else:
                try:
                    answer = call()
                except Contention:
                    raise  # spends no key
                except DomainError as refused:
                    answer = refused
                self.keys[key] = (body, answer)
            if isinstance(answer, DomainError):
                raise answer
            return answer

        return self._faulty(once)  # type: ignore[no-any-return]

    def _faulty(self, call: Any) -> Any:
        fault = self.fail.pop(0) if self.fail else ""
        if fault == "before":
            raise Unavailable("payments cannot be reached")
        self.sweep()
        answer = call()
        if fault == "after":
            raise Unavailable("the answer was lost")
        return answer

    def _check(self, hold_id: str) -> None:
        state = self.holds[hold_id].state
        if state != "held":
            raise {"captured": HoldCaptured, "voided": HoldVoided, "expired": HoldExpired}[state](state)

    def _captured(self, hold_id: str, amount: int, cause: str) -> Done:
        self.holds[hold_id] = replace(self.holds[hold_id], state="captured")
        self._tell(Told("hold_captured", hold_id))
        return self._paid(amount, self.holds[hold_id].reference, cause)

    def _end(self, hold_id: str, state: str) -> None:
        self.holds[hold_id] = replace(self.holds[hold_id], state=state)
        self._tell(Told("hold_ended", hold_id))

    def _paid(self, amount: int, reference: str, cause: str) -> Done:
        done = Done(new_id("pay"), amount, self.seq + 1)
        self.payments[done.transfer_id] = Paid(amount, reference, 0, done.seq)
        self._tell(Told("captured", done.transfer_id, amount, reference=reference, cause=cause))
        return done

    def _refunded(self, payment_id: str, amount: int, cause: str) -> Done:
        paid = self.payments[payment_id]
        self.payments[payment_id] = replace(paid, refunded=paid.refunded + amount)
        assert self.payments[payment_id].refunded <= paid.amount
        done = Done(new_id("ref"), amount, self.seq + 1)
        self._tell(Told("refunded", done.transfer_id, amount, payment_id, cause=cause))
        return done

    def _tell(self, told: Told) -> None:
        self.seq += 1
        self.events.append(replace(told, seq=self.seq))
