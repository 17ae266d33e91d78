"""The provider's objects, as far as we act on them. Pure. Amounts in whole đồng, times in Unix seconds by its clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class NotUnderstood(ValueError):
    """An object that is not what it should be: another currency, an unknown status, a missing field."""


class IntentStatus(str, Enum):
    """Where a payment stands. Final: SUCCEEDED and CANCELED; a decline leads back to REQUIRES_PAYMENT_METHOD."""

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    REQUIRES_CAPTURE = "requires_capture"
    CANCELED = "canceled"
    SUCCEEDED = "succeeded"


class RefundStatus(str, Enum):
    """FAILED may follow SUCCEEDED: the money came back to us."""

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class DisputeStatus(str, Enum):
    """WON, LOST, WARNING_CLOSED and PREVENTED are final. In a warning no money has moved."""

    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    PREVENTED = "prevented"


@dataclass(frozen=True, slots=True)
class Intent:
    """A payment by card. `amount` is asked for, `received` taken.

    `redirect_url`: where the customer passes 3-D Secure, "" where nothing is to do. `error_code` and `decline_code`:
    why the last attempt failed. What there is not is "".
    """

    intent_id: str
    status: IntentStatus
    amount: int
    received: int
    created_s: int
    metadata: Mapping[str, str]
    client_secret: str
    redirect_url: str
    charge_id: str
    error_code: str
    decline_code: str


@dataclass(frozen=True, slots=True)
class Refund:
    """Money on its way back to the card. `failure_reason` is "" unless FAILED."""

    refund_id: str
    status: RefundStatus
    amount: int
    intent_id: str
    created_s: int
    metadata: Mapping[str, str]
    failure_reason: str


@dataclass(frozen=True, slots=True)
class Dispute:
    """Money that the card's bank takes back for its customer."""

    dispute_id: str
    status: DisputeStatus
    amount: int
    intent_id: str
    charge_id: str
    reason: str
    created_s: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to an object, which is as it was then; None where it is of a kind that we do not act on."""

    event_id: str
    type: str
    created_s: int
    object: Intent | Refund | Dispute | None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Part of a list, newest first. `next_after` continues it; "" at the end."""

    items: tuple[T, ...]
    next_after: str


def intent(found: Any) -> Intent:
    """Raises NotUnderstood."""
    _check(found, "payment_intent")
    error = found.get("last_payment_error") or {}
    action = found.get("next_action") or {}
    return Intent(
        intent_id=_text(found, "id"),
        status=_status(IntentStatus, found),
        amount=_dong(found, "amount"),
        received=_number(found, "amount_received"),
        created_s=_number(found, "created"),
        metadata=_metadata(found),
        client_secret=_maybe(found, "client_secret"),
        redirect_url=_maybe(_object(_object(action).get("redirect_to_url") or {}), "url"),
        charge_id=_maybe(found, "latest_charge"),
        error_code=_maybe(_object(error), "code"),
        decline_code=_maybe(_object(error), "decline_code"),
    )


def refund(found: Any) -> Refund:
    """Raises NotUnderstood."""
    _check(found, "refund")
    return Refund(
        refund_id=_text(found, "id"),
        status=_status(RefundStatus, found),
        amount=_dong(found, "amount"),
        intent_id=_maybe(found, "payment_intent"),
        created_s=_number(found, "created"),
        metadata=_metadata(found),
        failure_reason=_maybe(found, "failure_reason"),
    )


def dispute(found: Any) -> Dispute:
    """Raises NotUnderstood."""
    _check(found, "dispute")
    return Dispute(
        dispute_id=_text(found, "id"),
        status=_status(DisputeStatus, found),
        amount=_dong(found, "amount"),
        intent_id=_maybe(found, "payment_intent"),
        charge_id=_text(found, "charge"),
        reason=_maybe(found, "reason"),
        created_s=_number(found, "created"),
    )


_READERS: dict[str, Callable[[Any], Intent | Refund | Dispute]] = {
    "payment_intent": intent,
    "refund": refund,
    "dispute": dispute,
}


def event(found: Any) -> Event:
    """Raises NotUnderstood."""
    _check(found, "event", currency=False)
    about = _object(_object(found.get("data")).get("object"))
    read = _READERS.get(_maybe(about, "object"))
    return Event(
        event_id=_text(found, "id"),
        type=_text(found, "type"),
        created_s=_number(found, "created"),
        object=read(about) if read else None,
    )


def page(found: Any, read: Callable[[Any], T], wanted: Callable[[dict[str, Any]], bool] = lambda _: True) -> Page[T]:
    """A list's page; what is not `wanted` is left out unread. Raises NotUnderstood."""
    _check(found, "list", currency=False)
    rows, more = found.get("data"), found.get("has_more")
    if not isinstance(rows, list) or not isinstance(more, bool) or (more and not rows):
        raise NotUnderstood("a list without its data")
    objects = [_object(row) for row in rows]
    items = tuple(read(row) for row in objects if wanted(row))
    return Page(items, _text(objects[-1], "id") if more else "")


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotUnderstood(f"an object, not {type(value).__name__}")
    return value


def _check(found: Any, kind: str, currency: bool = True) -> None:
    if _object(found).get("object") != kind:
        raise NotUnderstood(f"a {kind}, not {str(found.get('object'))[:50]}")
    if currency and found.get("currency") != "vnd":
        raise NotUnderstood(f"đồng, not {str(found.get('currency'))[:50]}")


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not value:
        raise NotUnderstood(f"no {name}")
    return value


def _maybe(found: dict[str, Any], name: str) -> str:
    return _text(found, name) if found.get(name) is not None else ""


def _number(found: dict[str, Any], name: str) -> int:
    value = found.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise NotUnderstood(f"no number {name}")
    return value


def _dong(found: dict[str, Any], name: str) -> int:
    amount = _number(found, name)
    if amount == 0:
        raise NotUnderstood(f"{name} of nothing")
    return amount


def _metadata(found: dict[str, Any]) -> dict[str, str]:
    given = _object(found.get("metadata") or {})
    if any(not isinstance(value, str) for value in given.values()):
        raise NotUnderstood("metadata that is no text")
    return given


S = TypeVar("S", bound=Enum)


def _status(kind: type[S], found: dict[str, Any]) -> S:
    try:
        return kind(found.get("status"))
    except ValueError as error:
        raise NotUnderstood(str(error)) from error
