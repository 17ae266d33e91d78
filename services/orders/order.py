"""What an order is: lines, money, steps; and what follows from them. Pure rules, no I/O, no clock.

Amounts are whole đồng. Quantities are whole base units: pieces of what is counted, grams of what is weighed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

# Payments, refunds and holds that one order keeps; the event of one more goes to the dead letters, for a person.
MOVES_MAX = 200
# What happened to an order, tracking included; then nothing more can be done with it by hand.
HISTORY_MAX = 200
# What a seller gives back line by line.
CREDITS_MAX = 100

# Crockford's base 32: no I, L, O, U, so that a code can be said aloud and read off a stall's board.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011")
CODE_LENGTH = 8
CODE_BITS = 5 * CODE_LENGTH


class State(str, Enum):
    """Where an order stands (docs/orders.md)."""

    PLACED = "placed"
    UNDERPAID = "underpaid"
    HELD = "held"
    PAID = "paid"
    PREPARING = "preparing"
    READY = "ready"
    HANDED_OVER = "handed_over"
    PICKED_UP = "picked_up"
    DELIVERED = "delivered"
    RETURN_ASKED = "return_asked"
    RETURNED = "returned"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


# Nothing is sold: whatever was paid goes back.
NO_SALE = frozenset({State.EXPIRED, State.CANCELLED, State.REFUNDED})
# The goods have left the stall.
GONE = frozenset({State.HANDED_OVER, State.PICKED_UP, State.DELIVERED, State.RETURN_ASKED, State.RETURNED})
# The money is there or set aside, and the goods are still at the stall.
AT_STALL = frozenset({State.HELD, State.PAID, State.PREPARING, State.READY})
# Nobody has anything to do any more, unless money comes or a return is asked for.
ENDED = NO_SALE | {State.PICKED_UP, State.DELIVERED, State.RETURNED}


class Fulfilment(str, Enum):
    PICKUP = "pickup"
    DELIVERY = "delivery"


class Pay(str, Enum):
    """How the buyer pays: by the order's QR code, or by money that is set aside until the goods are weighed."""

    QR = "qr"
    HOLD = "hold"


class Stock(str, Enum):
    """How the stall's stock stands for an order."""

    RESERVED = "reserved"
    # It could not be held longer: what there is has to be taken anew.
    LOST = "lost"
    SOLD = "sold"
    RELEASED = "released"
    # There was not enough when it had to be taken.
    SHORT = "short"


class HoldState(str, Enum):
    LIVE = "live"
    CAPTURED = "captured"
    ENDED = "ended"


class Kind(str, Enum):
    """What an order asks of another service."""

    EXTEND = "extend"
    SELL = "sell"
    RELEASE = "release"
    RESTOCK = "restock"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


STOCK_KINDS = frozenset({Kind.EXTEND, Kind.SELL, Kind.RELEASE, Kind.RESTOCK})


@dataclass(frozen=True, slots=True)
class Line:
    """What was agreed: `price` in đồng per `unit`, as it was then.

    `quantity` is what was ordered; `grams_per_unit` is 0 for what is counted; `final` the grams that the stall weighed,
    None until then; `given_back` đồng that the stall gave back of the line. `recalled`: it is not safe to eat, or not
    known to be, and all of its price goes back.
    """

    product_id: str
    name: str
    unit: str
    quantity: int
    price: int
    grams_per_unit: int = 0
    final: int | None = None
    given_back: int = 0
    recalled: bool = False

    @property
    def weighed(self) -> bool:
        """Whether it is sold by weight."""
        return self.grams_per_unit > 0

    @property
    def now(self) -> int:
        """Base units: what was weighed, or ordered as long as it was not."""
        return self.quantity if self.final is None else self.final

    @property
    def total(self) -> int:
        """Đồng, for what was weighed, or ordered as long as it was not."""
        return cost(self.price, self.now, self.grams_per_unit)

    @property
    def left(self) -> int:
        """Đồng that the stall may keep of it; never less than nothing, even weighed after it was given back."""
        return 0 if self.recalled else max(0, self.total - self.given_back)


@dataclass(frozen=True, slots=True)
class Payment:
    """`reference` as the payment named the order. `seq`: the ledger's number of it."""

    transfer_id: str
    amount: int
    reference: str = ""
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Refund:
    """Gives `amount` đồng of the payment `payment_id` back."""

    transfer_id: str
    payment_id: str
    amount: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Money that the buyer set aside for the order."""

    id: str
    amount: int
    reference: str
    expires_at: datetime
    state: HoldState = HoldState.LIVE


@dataclass(frozen=True, slots=True)
class Step:
    """Something asked of another service: written down first, then done, then taken off the list with what came of it.

    `about`: the payment or hold. `least`: sells no more than was reserved. `code`: what it was refused with before, and
    is tried again; `stuck`: why only a person can help now.
    """

    id: str
    kind: Kind
    # When it was decided: its idempotency key is of that time.
    at: datetime
    due_at: datetime
    tries: int = 0
    about: str = ""
    amount: int = 0
    refunded_before: int = 0
    until: datetime | None = None
    least: bool = False
    code: str = ""
    stuck: str = ""


@dataclass(frozen=True, slots=True)
class Credit:
    """What the seller gives back of a line, under the request that asked for it."""

    request_id: str
    product_id: str
    amount: int


@dataclass(frozen=True, slots=True)
class Stop:
    """A recall of a line's lot. `released`: a second person agreed; then `amount` đồng go back because of it, and
    `paid` tells whether anything had been paid."""

    recall_id: str
    product_id: str
    released: bool = False
    amount: int = 0
    paid: bool = False


@dataclass(frozen=True, slots=True)
class Happened:
    """`event` ends the name of what is told of it ("paid": order.paid). `who`: "buyer", "seller", "operator", "clock",
    "ledger" or "stock"; `by`: the person's id."""

    event: str
    state: State
    who: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was agreed and what has happened since. `version` counts the order's changes."""

    id: str
    # Short, to be said aloud; also the bill number of its QR code.
    code: str
    checkout_id: str
    buyer_id: str
    merchant_id: str
    merchant_name: str
    # The merchant's owner when it was placed.
    seller_id: str
    lines: tuple[Line, ...]
    pay: Pay
    fulfilment: Fulfilment
    # Where to, as the buyer wrote it; "" where it is picked up.
    deliver_to: str = ""
    state: State = State.PLACED
    # Until when it can be paid; until when its state may last (None: for good); until when its stock is set aside.
    pay_by: datetime
    deadline: datetime | None
    reserved_until: datetime
    stock: Stock = Stock.RESERVED
    payments: tuple[Payment, ...] = ()
    refunds: tuple[Refund, ...] = ()
    holds: tuple[Hold, ...] = ()
    # The hold that pays it.
    hold_id: str = ""
    credits: tuple[Credit, ...] = ()
    stops: tuple[Stop, ...] = ()
    # Lines that the buyer wants to return.
    returns: tuple[str, ...] = ()
    # They came back and are still to be put on sale again.
    restock: bool = False
    carrier: str = ""
    tracking_code: str = ""
    steps: tuple[Step, ...] = ()
    # How many steps there were.
    serial: int = 0
    history: tuple[Happened, ...] = field(default=())
    qr_payload: str
    placed_at: datetime
    version: int = 1

    @property
    def of_live_sale(self) -> bool:
        """Whether it came of a claim in a live sale: then that is what `checkout_id` names."""
        return self.checkout_id.startswith("liv_")

    @property
    def total(self) -> int:
        """Đồng: what its lines cost, as far as they are weighed at their final weights."""
        return total(self.lines)

    @property
    def due(self) -> int:
        """Đồng that the stall may keep, were it a sale: the total less what was given back of the lines."""
        return sum(line.left for line in self.lines)

    @property
    def paid(self) -> int:
        """Paid less refunded, đồng."""
        return paid(self.payments, self.refunds)

    @property
    def refunding(self) -> int:
        """Đồng on their way back."""
        return sum(step.amount for step in self.steps if step.kind is Kind.REFUND)

    @property
    def weighed(self) -> bool:
        """Whether nothing is left to be weighed."""
        return all(line.final is not None for line in self.lines if line.weighed and not line.recalled)

    @property
    def stopped(self) -> bool:
        """Whether one of its lines may not be given to anybody, as long as a recall of it is not decided on."""
        return any(not stop.released for stop in self.stops)

    @property
    def hold(self) -> Hold | None:
        """The hold that pays it, while it lives."""
        return next((one for one in self.holds if one.id == self.hold_id and one.state is HoldState.LIVE), None)

    @property
    def stuck(self) -> bool:
        """Whether only a person can help."""
        return any(step.stuck for step in self.steps)

    @property
    def next_at(self) -> datetime | None:
        """When the next of its steps is to be done."""
        return min((step.due_at for step in self.steps if not step.stuck), default=None)


def cost(price: int, quantity: int, grams_per_unit: int) -> int:
    """Đồng for base units at a price per unit. By weight, half a đồng and more is rounded up."""
    if not grams_per_unit:
        return price * quantity
    return (price * quantity + grams_per_unit // 2) // grams_per_unit


def total(lines: Sequence[Line]) -> int:
    """What the lines cost together, đồng."""
    return sum(line.total for line in lines)


def paid(payments: Sequence[Payment], refunds: Sequence[Refund]) -> int:
    """Paid less refunded, đồng. A refund counts once its payment is known: it may be heard of first."""
    known = {payment.transfer_id for payment in payments}
    given_back = sum(refund.amount for refund in refunds if refund.payment_id in known)
    return sum(payment.amount for payment in payments) - given_back


def write_code(number: int) -> str:
    """40 bits as eight letters and digits."""
    assert 0 <= number < 1 << CODE_BITS
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(CODE_BITS - 5, -1, -5))


def read_code(text: str) -> str | None:
    """The order code that somebody typed or a QR code held; None where it cannot be one."""
    code = text.strip().upper().translate(_MISREAD)
    return code if len(code) == CODE_LENGTH and set(code) <= set(_ALPHABET) else None
