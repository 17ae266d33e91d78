"""Top-ups, refunds to cards and disputes in MongoDB, and what the card provider told us of.

A work (services/payments/steps.py) is one document, and every change of it one write on the condition that nobody was
faster. Reads are by id, equality on an index, or equality and a two-sided range on a compound one.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, TypeVar

from mongoengine import BooleanField, DateTimeField, Document, LongField, StringField
from mongoengine.errors import NotUniqueError
from prometheus_client import Counter

from kit import log
from kit.clock import now
from kit.errors import IdempotencyConflict, InvalidArgument
from services.payments import cardrefund, topup
from services.payments.card.objects import Dispute, Event, Intent, Refund
from services.payments.cardrefund import CardRefund
from services.payments.dispute import CardDispute
from services.payments.steps import NEVER_MS, State, Work
from services.payments.topup import TopUp

PAGE_SIZE_MAX, PAGE_SIZE_DEFAULT = 50, 20
# Refunds of one top-up; disputes of one, of which a charge has one.
REFUNDS_MAX, DISPUTES_MAX = 20, 20
# The provider tells of an event again for days, and keeps it for 30.
EVENT_DAYS_MAX = 40
_SWEEP = "events"
# `recency` begins with 15 digits of ms, so these lie outside of every one.
_BEFORE_ALL, _AFTER_ALL = "/", ":"
_RECENCY = re.compile(r"[0-9]{15}-top_[0-9a-f]{32}")

ESCALATED = Counter("cho_card_escalated_total", "Top-ups, refunds and disputes that wait for a person.", ["kind"])

_logger = log.logger(__name__)

W = TypeVar("W", bound=Work)


class CardWorkDocument(Document):
    """The fields of `Work`, and by what it is found."""

    meta = {  # noqa: RUF012 - mongoengine's own form
        "abstract": True,
        "auto_create_index": False,
        "indexes": [("waiting", "due_ms"), ("state", "recency")],
    }

    id = StringField(primary_key=True)
    owner_id = StringField()
    wallet_id = StringField()
    telecom = StringField()
    amount = LongField(required=True)
    state = StringField(required=True)
    created_ms = LongField(required=True)
    since_ms = LongField(required=True)
    due_ms = LongField(required=True)
    version = LongField(required=True)
    tries = LongField(required=True)
    code = StringField()
    stopped_in = StringField()
    post_n = LongField(required=True)
    post_ms = LongField(required=True)
    intent_id = StringField()
    refund_id = StringField()
    sent_ms = LongField(required=True)
    looking = BooleanField(required=True)
    resolved_by = StringField()
    resolution = StringField()
    # Whether it is ever due.
    waiting = BooleanField(required=True)
    # Time made (ms) and id: pages run from the newest down.
    recency = StringField(required=True)


class TopUpDocument(CardWorkDocument):
    meta = {  # noqa: RUF012
        "collection": "top_ups",
        "indexes": [
            {"fields": ["scope"], "unique": True},
            ("owner_id", "recency"),
            {"fields": ["intent_id"], "sparse": True},
        ],
    }

    # "caller|key", and what that key was used for.
    scope = StringField(required=True)
    body_hash = StringField(required=True)
    payment_method = StringField(required=True)
    return_url = StringField(required=True)
    redirect_url = StringField()
    giving_up = StringField()
    decline_code = StringField()
    unposted_ms = LongField(required=True)
    transfer_id = StringField()
    seq = LongField(required=True)


class CardRefundDocument(CardWorkDocument):
    meta = {  # noqa: RUF012
        "collection": "card_refunds",
        "indexes": [{"fields": ["scope"], "unique": True}, ("top_up_id", "recency")],
    }

    scope = StringField(required=True)
    body_hash = StringField(required=True)
    top_up_id = StringField(required=True)
    payment_id = StringField(required=True)
    hold_id = StringField()


class CardDisputeDocument(CardWorkDocument):
    meta = {"collection": "card_disputes", "indexes": [("top_up_id", "recency")]}  # noqa: RUF012

    top_up_id = StringField()
    payment_id = StringField()


class CardEventDocument(Document):
    """An event that was told, so that it is acted on once."""

    meta = {  # noqa: RUF012
        "collection": "card_events",
        "auto_create_index": False,
        "indexes": [{"fields": ["seen_at"], "expireAfterSeconds": EVENT_DAYS_MAX * 86_400}],
    }

    id = StringField(primary_key=True)
    type = StringField(required=True)
    seen_at = DateTimeField(required=True)
    handled = BooleanField(required=True)


class CardSweepDocument(Document):
    """Up to when the provider's own list of events was read."""

    meta = {"collection": "card_sweeps", "auto_create_index": False}  # noqa: RUF012

    id = StringField(primary_key=True)
    until_s = LongField(required=True)


DOCUMENTS = (TopUpDocument, CardRefundDocument, CardDisputeDocument, CardEventDocument, CardSweepDocument)
KINDS: dict[type[Work], type[CardWorkDocument]] = {
    TopUp: TopUpDocument,
    CardRefund: CardRefundDocument,
    CardDispute: CardDisputeDocument,
}


@dataclass(frozen=True, slots=True)
class Page:
    top_ups: list[TopUp]
    next_token: str


# ---------------------------------------------------------------- works


def begin(work: W, scope: str, body_hash: str) -> W:
    """Stores a new work, or finds what the same request began. Raises IdempotencyConflict for another request."""
    document = KINDS[type(work)]
    found = document.objects(scope=scope).first()
    if found is None:
        try:
            document(**_fields(work), **_found_by(work), scope=scope, body_hash=body_hash).save(force_insert=True)
        except NotUniqueError:  # the same request, twice at once
            found = document.objects(scope=scope).get()
        else:
            return work
    if found.body_hash != body_hash:
        raise IdempotencyConflict("this idempotency key was used with another body")
    return _work(type(work), found)


def begun(kind: type[W], scope: str, body_hash: str) -> W | None:
    """What a request began before. Raises IdempotencyConflict where its key was another's."""
    found = KINDS[kind].objects(scope=scope).first()
    if found is not None and found.body_hash != body_hash:
        raise IdempotencyConflict("this idempotency key was used with another body")
    return _work(kind, found) if found is not None else None


def load(kind: type[W], work_id: str) -> W | None:
    """One work as it is now."""
    found = KINDS[kind].objects(id=work_id).first()
    return _work(kind, found) if found is not None else None


def save(work: W) -> W | None:
    """Stores what a work has become; None where somebody was faster."""
    fields = {f"set__{name}": value for name, value in _fields(work).items() if name not in ("id", "version")}
    fields |= {"set__version": work.version + 1, "set__waiting": work.due_ms < NEVER_MS}
    if not KINDS[type(work)].objects(id=work.id, version=work.version).update_one(**fields):
        return None
    if work.state is State.ESCALATED:
        ESCALATED.labels(type(work).__name__).inc()
        _logger.critical("a person has to look", item=work.id, code=work.code, stopped_in=work.stopped_in)
    return replace(work, version=work.version + 1)


def due(kind: type[W], now_ms: int, most: int) -> list[W]:
    """At most so many works that are to be looked at, of the longest due."""
    found = KINDS[kind].objects(waiting=True, due_ms__gt=0, due_ms__lte=now_ms).order_by("due_ms").limit(most)
    return [_work(kind, document) for document in found]


def hurry(kind: type[Work], work_id: str, now_ms: int) -> None:
    """Something happened to a work that is not over: it is looked at now. So is a refund that is: it may come back."""
    due_now: dict[str, Any] = {"set__due_ms": now_ms, "set__waiting": True, "inc__version": 1}
    if not KINDS[kind].objects(id=work_id, waiting=True).update_one(**due_now) and kind is CardRefund:
        CardRefundDocument.objects(id=work_id, state=State.DONE.value).update_one(**due_now)


def top_ups_of(owner_id: str, page_size: int, page_token: str) -> Page:
    """One page of a person's, newest first; `page_size` 0 for the usual. Raises InvalidArgument."""
    if not 0 <= page_size <= PAGE_SIZE_MAX:
        raise InvalidArgument(f"page_size must be 1 to {PAGE_SIZE_MAX}, or 0 for {PAGE_SIZE_DEFAULT}")
    if page_token and not _RECENCY.fullmatch(page_token):
        raise InvalidArgument("page_token is not one of this list's")
    size, older_than = page_size or PAGE_SIZE_DEFAULT, page_token or _AFTER_ALL
    found = TopUpDocument.objects(owner_id=owner_id, recency__gt=_BEFORE_ALL, recency__lt=older_than)
    documents = list(found.order_by("-recency").limit(size + 1))
    token = documents[size - 1].recency if len(documents) > size else ""
    return Page([_work(TopUp, document) for document in documents[:size]], token)


def refunds_of(top_up_id: str) -> list[CardRefund]:
    """A top-up's, newest first."""
    return _belonging(CardRefund, top_up_id, REFUNDS_MAX)


def disputes_of(top_up_id: str) -> list[CardDispute]:
    """A top-up's, newest first."""
    return _belonging(CardDispute, top_up_id, DISPUTES_MAX)


def escalated(most: int) -> list[Work]:
    """What waits for a person, the oldest first."""
    found: list[Work] = []
    for kind, document in KINDS.items():
        waiting = document.objects(state=State.ESCALATED.value, recency__gt=_BEFORE_ALL, recency__lt=_AFTER_ALL)
        found += [_work(kind, one) for one in waiting.order_by("recency").limit(most)]
    return sorted(found, key=lambda work: work.created_ms)[:most]


def escalated_of(kind: type[Work], most: int) -> list[Any]:
    """Documents of a kind that wait for a person: at most so many, with their state and since when it is theirs."""
    found = KINDS[kind].objects(state=State.ESCALATED.value, recency__gt=_BEFORE_ALL, recency__lt=_AFTER_ALL)
    return list(found.only("state", "since_ms").limit(most))


def _belonging(kind: type[W], top_up_id: str, most: int) -> list[W]:
    found = KINDS[kind].objects(top_up_id=top_up_id, recency__gt=_BEFORE_ALL, recency__lt=_AFTER_ALL)
    return [_work(kind, document) for document in found.order_by("-recency").limit(most)]


def _fields(work: Work) -> dict[str, Any]:
    values = {field.name: getattr(work, field.name) for field in dataclasses.fields(work)}
    return {name: value.value if isinstance(value, Enum) else value for name, value in values.items()}


def _found_by(work: Work) -> dict[str, Any]:
    return {"waiting": work.due_ms < NEVER_MS, "recency": f"{work.created_ms:015d}-{work.id}"}


def _work(kind: type[W], document: Any) -> W:
    read: dict[str, Callable[[Any], Any]] = {
        "state": State,
        "stopped_in": lambda value: State(value) if value else None,
    }
    values = {field.name: getattr(document, field.name) for field in dataclasses.fields(kind)}
    work = kind(**{name: read.get(name, _given)(value) for name, value in values.items()})
    if isinstance(work, CardDispute) and not work.payment_id and work.top_up_id:
        return replace(work, payment_id=_payment_id(work.top_up_id))
    return work


def _given(value: Any) -> Any:
    """mongoengine keeps no empty text."""
    return "" if value is None else value


# ---------------------------------------------------------------- what the provider told


def note(event: Event) -> bool:
    """Notes an event; whether there is still something to be done about it."""
    noted = CardEventDocument(id=event.event_id, type=event.type, seen_at=now(), handled=False)
    try:
        noted.save(force_insert=True)
    except NotUniqueError:
        return CardEventDocument.objects(id=event.event_id, handled=False).first() is not None
    return True


def heed(event: Event, now_ms: int) -> list[tuple[type[Work], str]]:
    """Makes due what an event is about, and tells what that is. What it says of it is not believed: it may be old."""
    match event.object:
        case Intent(metadata=marks) | Refund(metadata=marks):
            about: list[tuple[type[Work], str]] = [
                (kind, marks[name])
                for name, kind in (("top_up", TopUp), (topup.RETURN_MARK, TopUp), (cardrefund.MARK, CardRefund))
                if name in marks
            ]
        case Dispute():
            note_dispute(event.object, now_ms)
            about = [(CardDispute, event.object.dispute_id)]
        case _:
            about = []
    for kind, work_id in about:
        hurry(kind, work_id, now_ms)
    return about


def handled(event: Event) -> None:
    """What an event told is stored with what it is about."""
    CardEventDocument.objects(id=event.event_id).update_one(set__handled=True)


def note_dispute(dispute: Dispute, now_ms: int) -> None:
    """A dispute's document, unless it is there; known by the provider's id and time, whoever tells of it first."""
    if CardDisputeDocument.objects(id=dispute.dispute_id).first() is not None:
        return
    found = TopUpDocument.objects(intent_id=dispute.intent_id).first() if dispute.intent_id else None
    top_up = _work(TopUp, found) if found is not None else None
    work = CardDispute(
        id=dispute.dispute_id,
        owner_id=top_up.owner_id if top_up else "",
        wallet_id=top_up.wallet_id if top_up else "",
        telecom=top_up.telecom if top_up else "",
        amount=dispute.amount,
        state=State.OPEN if top_up else State.ESCALATED,
        created_ms=dispute.created_s * 1000,
        since_ms=now_ms,
        due_ms=now_ms if top_up else NEVER_MS,
        code="" if top_up else "NO_TOP_UP",
        intent_id=dispute.intent_id,
        top_up_id=top_up.id if top_up else "",
        payment_id=top_up.transfer_id if top_up else "",
    )
    try:
        CardDisputeDocument(**_fields(work), **_found_by(work)).save(force_insert=True)
    except NotUniqueError:  # told twice at once
        return
    if top_up is None:
        ESCALATED.labels(CardDispute.__name__).inc()
        _logger.critical("a dispute of no top-up of ours", item=work.id, intent=work.intent_id)


def swept_until(otherwise_s: int) -> int:
    """Up to when the provider's events were read, Unix seconds."""
    found = CardSweepDocument.objects(id=_SWEEP).first()
    return int(found.until_s) if found is not None else otherwise_s


def set_swept(until_s: int) -> None:
    CardSweepDocument.objects(id=_SWEEP).update_one(set__until_s=until_s, upsert=True)


def _payment_id(top_up_id: str) -> str:
    found = TopUpDocument.objects(id=top_up_id).only("transfer_id").first()
    return str(found.transfer_id or "") if found is not None else ""
