"""What came of a step, and what follows from it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.orders.life import LEDGER, STOCK, Act, move, note
from services.orders.order import (
    GONE,
    HoldState,
    Kind,
    Order,
    Payment,
    Refund,
    State,
    Step,
    Stock,
)  # fmt: skip
from services.orders.saga.steps import covered, settle, wait_s, want_refunds, with_hold, without

# Nothing was done, or nobody knows: asked again with the same key.
PASSING = frozenset(
    {"CLOCK_SKEW", "CONTENTION", "INTERNAL", "LEDGER_FENCED", "OUTCOME_UNKNOWN", "OVERLOADED", "TOO_MANY_OPEN",
     "UNAVAILABLE"}
)  # fmt: skip
# Asked so often, at most a minute apart, a person has to look.
TRIES_MAX = 3_000
# The key is of no more use; whether it was carried out before, the next one finds out.
SPENT = frozenset({"IDEMPOTENCY_CONFLICT", "KEY_EXPIRED", "KEY_SPENT"})
# A refund that may go another time: the stall's account or the telecom's own money does not hold it, or somebody gave
# something back that was not heard of yet.
LATER = SPENT | {
    "ACCOUNT_FROZEN", "BALANCE_TOO_LARGE", "CONTENTION", "GUARANTEE_SHORT", "INSUFFICIENT_FUNDS",
    "REFUND_EXCEEDS_PAYMENT",
}  # fmt: skip
_HOLD_OVER = frozenset({"HOLD_EXPIRED", "HOLD_VOIDED", "PAYMENT_NOT_FOUND"})


@dataclass(frozen=True, slots=True)
class Done:
    """It was carried out, now or before. Captures and refunds: as which transfer, of how many đồng."""

    transfer_id: str = ""
    amount: int = 0
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """It was not, or nobody knows: `code` of kit/errors.py."""

    code: str


Answer = Done | Refused


def take(order: Order, step_id: str, answer: Answer, now: datetime) -> Order:
    """The order with what came of a step, settled; the same one where that was known already."""
    step = next((one for one in order.steps if one.id == step_id), None)
    if step is None:
        return order
    taken = _done(order, step, answer, now) if isinstance(answer, Done) else _refused(order, step, answer.code, now)
    return settle(taken, now)


def _done(order: Order, step: Step, answer: Done, now: datetime) -> Order:
    order = without(order, step)
    match step.kind:
        case Kind.EXTEND:
            assert step.until is not None
            return replace(order, reserved_until=step.until)
        case Kind.RELEASE:
            return replace(order, stock=Stock.RELEASED)
        case Kind.SELL:
            return _sold(order, now)
        case Kind.RESTOCK:
            return note(replace(order, restock=False), "restocked", STOCK, now)
        case Kind.VOID:
            return with_hold(order, step.about, HoldState.ENDED)
        case Kind.CAPTURE:
            reference = next(one.reference for one in order.holds if one.id == step.about)
            payment = Payment(answer.transfer_id, answer.amount, reference, answer.seq)
            return captured(order, step, payment, now)
        case Kind.REFUND:
            refund = Refund(answer.transfer_id, step.about, answer.amount)
            known = any(one.transfer_id == refund.transfer_id for one in order.refunds)
            return order if known else replace(order, refunds=(*order.refunds, refund))


def captured(order: Order, step: Step, payment: Payment, now: datetime) -> Order:
    """The order whose hold was taken by its own step."""
    order = with_hold(without(order, step), step.about, HoldState.CAPTURED)
    if all(one.transfer_id != payment.transfer_id for one in order.payments):
        order = replace(order, payments=(*order.payments, payment))
    return note(order, "paid", LEDGER, now)


def _sold(order: Order, now: datetime) -> Order:
    order = replace(order, stock=Stock.SOLD)
    if order.state is State.EXPIRED and order.paid > 0 and covered(order):
        return move(order, Act.SELL_LATE, STOCK, now)
    return order


def _refused(order: Order, step: Step, code: str, now: datetime) -> Order:
    if step.kind is Kind.REFUND and code in LATER:
        return want_refunds(without(order, step), now, {step.about: (step.tries + 1, code)})
    if code in PASSING:
        if step.tries >= TRIES_MAX:
            return _stuck(order, step, code, now)
        return _with(order, replace(step, tries=step.tries + 1, due_at=now + timedelta(seconds=wait_s(step.tries))))
    match step.kind:
        case Kind.EXTEND:
            return replace(without(order, step), stock=Stock.LOST)
        case Kind.SELL:
            return _not_sold(order, step, code, now)
        case Kind.RESTOCK:  # withdrawn meanwhile, or no room for another lot: the goods are at the stall
            return note(replace(without(order, step), restock=False), "not_restocked", STOCK, now, code)
        case Kind.RELEASE:
            # Sold, and then cancelled: the goods are at the stall, which counts them itself.
            return replace(without(order, step), stock=Stock.SOLD if code == "WRONG_STATE" else Stock.RELEASED)
        case Kind.VOID if code == "HOLD_CAPTURED":
            # By the stall itself, or by a step of ours that was overtaken: the payment is heard of.
            return with_hold(without(order, step), step.about, HoldState.CAPTURED)
        case Kind.VOID if code in _HOLD_OVER:
            return with_hold(without(order, step), step.about, HoldState.ENDED)
        case Kind.CAPTURE:
            return _not_captured(without(order, step), step, code, now)
    return _stuck(order, step, code, now)


def _not_sold(order: Order, step: Step, code: str, now: datetime) -> Order:
    if code == "IDEMPOTENCY_CONFLICT":  # sold already, to quantities of before
        return _sold(without(order, step), now)
    if order.state in GONE and not step.least:  # heavier than what was set aside, and no more is there
        return _with(order, replace(step, least=True, due_at=now))
    order = replace(without(order, step), stock=Stock.SHORT)
    if order.state in (State.HELD, State.PAID, State.PREPARING):
        return move(order, Act.LACK, STOCK, now, code)
    return order


def _not_captured(order: Order, step: Step, code: str, now: datetime) -> Order:
    if code in SPENT:
        return order  # asked again under another key: a hold is taken once
    if code == "HOLD_CAPTURED":
        return with_hold(order, step.about, HoldState.CAPTURED)
    if code in _HOLD_OVER:
        order = with_hold(order, step.about, HoldState.ENDED)
    return move(order, Act.LOSE_MONEY, LEDGER, now, code)


def _stuck(order: Order, step: Step, code: str, now: datetime) -> Order:
    return note(_with(order, replace(step, stuck=code)), "stuck", LEDGER, now, f"{step.id}: {code}")


def _with(order: Order, step: Step) -> Order:
    return replace(order, steps=tuple(step if one.id == step.id else one for one in order.steps))
