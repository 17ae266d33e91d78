"""A rating: who may give one, of what, and what becomes of it. Pure rules, no I/O, no clock.

Points are whole, 1 to 5. OCOP stars are another thing.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from kit.errors import IdempotencyConflict, InvalidArgument, LimitExceeded, NotFound, NotRatable, OwnStall
from services.orders.life import check_reason
from services.orders.order import Order, State

POINTS = range(1, 6)
WORDS_MAX = 500
# After the goods came: long enough to have eaten them, short enough that it is still this order that one remembers.
RATE_WITHIN = timedelta(days=30)
# How often a buyer says it anew, a stall answers, an operator shows it again. What undoes these is never refused, and
# so bounded, too.
TIMES_MAX = 20

# The buyer has the goods, or had them.
_IN_HAND = frozenset({State.PICKED_UP, State.DELIVERED, State.RETURN_ASKED, State.RETURNED})
_CAME = ("picked_up", "delivered")
# A Vietnamese phone number, a mobile's or a wire's, however its digits are set apart.
_PHONE = re.compile(r"(?<!\d)(?:\+?84|0)[ .()-]*[1-9](?:[ .()-]*\d){8,9}(?!\d)")


class Event(StrEnum):
    GIVEN = "given"
    CHANGED = "changed"
    WITHDRAWN = "withdrawn"
    ANSWERED = "answered"
    HIDDEN = "hidden"
    SHOWN = "shown"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: whose, under which id, when it came."""

    by: str
    request_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Happened:
    """`points` as they were then; `request_id` and `body`: what was asked, and a digest of it. Words are not kept."""

    event: Event
    by: str
    points: int
    reason: str
    at: datetime
    request_id: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """`points`: 0 where it was withdrawn. `product_ids`: all of the order's. `version` counts its changes."""

    id: str
    order_id: str
    merchant_id: str
    buyer_id: str
    product_ids: tuple[str, ...]
    points: int = 0
    comment: str = ""
    answer: str = ""
    hidden: bool = False
    history: tuple[Happened, ...] = ()
    version: int = 0

    @property
    def public(self) -> bool:
        """Whether it counts, and everybody may read it."""
        return self.points > 0 and not self.hidden

    def last(self, event: Event) -> datetime | None:
        """When that happened last."""
        return next((one.at for one in reversed(self.history) if one.event is event), None)


# Giving one ---------------------------------------------------------------------------------------------


def came_at(order: Order) -> datetime | None:
    """When the buyer had the goods; None where that is not known to have been."""
    return next((one.at for one in order.history if one.event in _CAME), None)


def ratable(order: Order, now: datetime) -> bool:
    """Whether its buyer may give it a first rating."""
    try:
        _check_ratable(order, now)
    except NotRatable:
        return False
    return True


def rate(order: Order, found: Rating | None, points: int, comment: str, asked: Asked, new_id: str) -> Rating:
    """The order's rating after its buyer gave it, or said it anew. `new_id`: of the first one.

    Raises InvalidArgument, NotRatable, OwnStall, IdempotencyConflict, LimitExceeded.
    """
    if points not in POINTS:
        raise InvalidArgument("points: 1 to 5", vi="Hãy chọn từ 1 đến 5 điểm.")
    comment = checked_words("comment", comment)
    rating = found or Rating(
        id=new_id, order_id=order.id, merchant_id=order.merchant_id, buyer_id=order.buyer_id,
        product_ids=tuple(sorted({line.product_id for line in order.lines})),
    )  # fmt: skip
    body = _digest("rate", points, comment)
    if _heard(rating, asked, body) or (points, comment) == (rating.points, rating.comment):
        return rating
    if order.seller_id == asked.by:
        raise OwnStall("nobody rates their own stall")
    if rating.points:
        # What was said stands, whatever became of the money since: a stall cannot buy itself free.
        _check_time(order, asked.at)
    else:
        _check_ratable(order, asked.at)
    event = Event.CHANGED if rating.history else Event.GIVEN
    _check_times(rating, Event.GIVEN, Event.CHANGED)
    return _after(replace(rating, points=points, comment=comment), event, asked, body)


def withdraw(rating: Rating, asked: Asked) -> Rating:
    """Its buyer takes it back: whenever, and with it its words and what was answered. Raises IdempotencyConflict."""
    body = _digest("withdraw")
    if _heard(rating, asked, body) or not rating.points:
        return rating
    return _after(replace(rating, points=0, comment="", answer=""), Event.WITHDRAWN, asked, body)


# Answering and hiding one -------------------------------------------------------------------------------


def answer(rating: Rating, words: str, asked: Asked) -> Rating:
    """The stall answers, or says its answer anew.

    Raises InvalidArgument, NotFound (nobody reads it), IdempotencyConflict, LimitExceeded.
    """
    words = checked_words("answer", words)
    if not words:
        raise InvalidArgument("answer: at least one character", vi="Hãy viết câu trả lời.")
    body = _digest("answer", words)
    if _heard(rating, asked, body):
        return rating
    if not rating.public:
        raise NotFound("it was withdrawn or hidden")
    if words == rating.answer:
        return rating
    _check_times(rating, Event.ANSWERED)
    return _after(replace(rating, answer=words), Event.ANSWERED, asked, body)


def hide(rating: Rating, reason: str, asked: Asked) -> Rating:
    """An operator takes it out of sight. Raises InvalidArgument, IdempotencyConflict."""
    return _put(rating, True, reason, asked)


def show(rating: Rating, reason: str, asked: Asked) -> Rating:
    """An operator shows it again. Raises InvalidArgument, IdempotencyConflict, LimitExceeded."""
    return _put(rating, False, reason, asked)


def _put(rating: Rating, hidden: bool, reason: str, asked: Asked) -> Rating:
    reason = check_reason(reason, needed=True)
    event = Event.HIDDEN if hidden else Event.SHOWN
    body = _digest(event, reason)
    if _heard(rating, asked, body) or rating.hidden is hidden:
        return rating
    if not hidden:
        _check_times(rating, Event.SHOWN)
    return _after(replace(rating, hidden=hidden), event, asked, body, reason)


# Words --------------------------------------------------------------------------------------------------


def checked_words(what: str, text: str) -> str:
    """As everybody may read it: one line, composed, without phone numbers. Raises InvalidArgument."""
    tidy = " ".join(unicodedata.normalize("NFC", text).split())
    if len(tidy) > WORDS_MAX or not tidy.isprintable():
        raise InvalidArgument(
            f"{what}: at most {WORDS_MAX} characters that can be seen", vi=f"Viết nhiều nhất {WORDS_MAX} ký tự."
        )
    if _PHONE.search(tidy):
        raise InvalidArgument(
            f"{what}: everybody reads it, so no phone number", vi="Ai cũng đọc được: đừng ghi số điện thoại."
        )
    return tidy


# What they come to --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tally:
    """How many ratings have 1, 2, 3, 4 and 5 points."""

    counts: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)

    @property
    def count(self) -> int:
        """All of them."""
        return sum(self.counts)

    @property
    def mean_hundredths(self) -> int:
        """Hundredths of a point, half of one up; 0 where there are none."""
        points = sum(worth * many for worth, many in zip(POINTS, self.counts, strict=True))
        return (200 * points + self.count) // (2 * self.count) if self.count else 0


# Helpers ------------------------------------------------------------------------------------------------


def _check_ratable(order: Order, now: datetime) -> None:
    # `due` is what the stall may keep: nothing of what went back in full, was recalled, or was called off.
    if order.state not in _IN_HAND or not order.payments or order.due <= 0:
        raise NotRatable("only what is paid for and in hand is rated", state=order.state.value)
    _check_time(order, now)


def _check_time(order: Order, now: datetime) -> None:
    came = came_at(order)
    if came is None:
        raise NotRatable("it is not known to have arrived", state=order.state.value)
    if now > came + RATE_WITHIN:
        raise NotRatable(f"an order is rated within {RATE_WITHIN.days} days", came_at=came.isoformat())


def _check_times(rating: Rating, *events: Event) -> None:
    if sum(one.event in events for one in rating.history) >= TIMES_MAX:
        raise LimitExceeded(f"at most {TIMES_MAX} times", vi=f"Nhiều nhất {TIMES_MAX} lần.")


def _heard(rating: Rating, asked: Asked, body: str) -> bool:
    """Whether this request was done before. Raises IdempotencyConflict where it was another one."""
    known = next((one for one in rating.history if (one.by, one.request_id) == (asked.by, asked.request_id)), None)
    if known is not None and known.body != body:
        raise IdempotencyConflict("request_id was used for something else")
    return known is not None


def _digest(*parts: str | int) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _after(rating: Rating, event: Event, asked: Asked, body: str, reason: str = "") -> Rating:
    happened = Happened(event, asked.by, rating.points, reason, asked.at, asked.request_id, body)
    return replace(rating, history=(*rating.history, happened), version=rating.version + 1)
