"""Webhooks and their deliveries in MongoDB, and the stream from which they come.

A merchant with a webhook is in the set `payments:hooked`; the announcer writes what it announces of such a merchant to
`payments:hooks:<merchant>` too, under the ledger's sequence number, so that a second write is refused. From there each
webhook takes it once, in order: a delivery's id is the webhook's and the sequence number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import redis
from cho.events.v1.events_pb2 import PaymentMoved
from mongoengine import BinaryField, BooleanField, DateTimeField, Document, LongField, StringField
from pymongo.errors import BulkWriteError

from kit import log
from kit.clock import from_ms, now_ms
from kit.config import settings
from kit.crypto import decrypt, encrypt
from kit.errors import Overloaded
from kit.ids import new_id
from services.payments import hooks
from services.payments.hooks import Delivery, DeliveryState, HookState, Webhook

HOOKED = "payments:hooked"
# Announcements that wait in a merchant's stream while nobody takes them; more push out the oldest.
STREAM_MAX = 100_000
HOOKS_MAX = 5
# Deliveries of a webhook that wait; more are dead at once.
WAITING_MAX = 10_000
# Announcements that become deliveries of a webhook in a tick.
PAGE = 500
KEPT = {DeliveryState.DELIVERED: timedelta(days=7), DeliveryState.DEAD: timedelta(days=30)}
# Waiting ones end by time; a webhook that nobody runs any more must not keep them for ever.
KEPT_WAITING = timedelta(days=40)
_SECRET = "webhooks.secret"  # noqa: S105 - the name of a field
SEQ_MAX = (1 << 53) - 1
_DUPLICATE = 11000

_logger = log.logger(__name__)


class WebhookDocument(Document):
    meta = {  # noqa: RUF012 - mongoengine's own form
        "collection": "webhooks",
        "auto_create_index": False,
        "indexes": ["merchant_id"],
    }

    id = StringField(primary_key=True)
    merchant_id = StringField(required=True)
    url = StringField(required=True)
    state = StringField(required=True)
    secret = BinaryField(required=True)
    old_secret = BinaryField()
    old_until_ms = LongField(required=True)
    cursor = LongField(required=True)
    tries = LongField(required=True)
    due_ms = LongField(required=True)
    failing_ms = LongField(required=True)
    last_ms = LongField(required=True)
    last_status = LongField(required=True)
    last_error = StringField()
    created_ms = LongField(required=True)
    # Who made it or went on with it: whoever has the merchant later is not told of by theirs.
    owner_id = StringField(required=True)
    woken = LongField(required=True)


class DeliveryDocument(Document):
    meta = {  # noqa: RUF012
        "collection": "webhook_deliveries",
        "auto_create_index": False,
        "indexes": [
            ("hook_id", "state", "seq"),
            ("hook_id", "seq"),
            ("hook_id", "again", "seq"),
            {"fields": ["gone_at"], "expireAfterSeconds": 0},
        ],
    }

    id = StringField(primary_key=True)
    hook_id = StringField(required=True)
    seq = LongField(required=True)
    type = StringField(required=True)
    body = BinaryField(required=True)
    state = StringField(required=True)
    attempts = LongField(required=True)
    last_status = LongField(required=True)
    last_error = StringField()
    created_ms = LongField(required=True)
    delivered_ms = LongField(required=True)
    again = BooleanField(required=True)
    # Of the request that moved the money; kept where it is traced.
    traceparent = StringField()
    gone_at = DateTimeField(required=True)


DOCUMENTS = (WebhookDocument, DeliveryDocument)


def stream_of(merchant_id: str) -> str:
    """Announcements that a merchant's webhooks have not all taken."""
    return f"payments:hooks:{merchant_id}"


# Webhooks --------------------------------------------------------------------------------------------------------


def create(client: redis.Redis, merchant_id: str, owner_id: str, url: str) -> Webhook:
    """A new webhook, which is told what is announced from now on. Raises Overloaded above HOOKS_MAX."""
    if len(of_merchant(merchant_id)) >= HOOKS_MAX:
        raise Overloaded(f"a merchant has at most {HOOKS_MAX} webhooks: delete one")
    client.sadd(HOOKED, merchant_id)
    last: Any = client.xrevrange(stream_of(merchant_id), count=1)
    secret = hooks.new_secret()
    document = WebhookDocument(
        id=new_id("whk"), merchant_id=merchant_id, url=url, state=HookState.ACTIVE.value,
        secret=encrypt(_SECRET, secret), old_until_ms=0, cursor=_seq(last[0][0]) if last else 0, tries=0, due_ms=0,
        failing_ms=0, last_ms=0, last_status=0, created_ms=now_ms(), owner_id=owner_id, woken=0,
    )  # fmt: skip
    document.save(force_insert=True)
    return _hook(document)


def load(hook_id: str) -> Webhook | None:
    found = WebhookDocument.objects(id=hook_id).first()
    return _hook(found) if found is not None else None


def of_merchant(merchant_id: str) -> list[Webhook]:
    """A merchant's, the oldest first."""
    return sorted((_hook(one) for one in WebhookDocument.objects(merchant_id=merchant_id)), key=lambda hook: hook.id)


def every() -> list[Webhook]:
    """All there are: a few of each merchant that has systems of its own."""
    return [_hook(one) for one in WebhookDocument.objects()]


def pause(hook_id: str, why: str = "") -> None:
    """Nothing is told any more until its owner goes on with it."""
    WebhookDocument.objects(id=hook_id).update_one(set__state=HookState.PAUSED.value, set__last_error=why)


def go_on(hook_id: str, owner_id: str) -> None:
    """What came meanwhile is told at once, in the name of whoever says so."""
    changed = {"set__due_ms": 0, "set__tries": 0, "set__failing_ms": 0, "inc__woken": 1, "set__owner_id": owner_id}
    changed |= {"set__state": HookState.ACTIVE.value}
    WebhookDocument.objects(id=hook_id).update_one(**changed)


def rotate(hook_id: str) -> str:
    """A new secret; the one before signs too for OVERLAP_MS."""
    found, secret = WebhookDocument.objects(id=hook_id).get(), hooks.new_secret()
    WebhookDocument.objects(id=hook_id).update_one(
        set__old_secret=bytes(found.secret),
        set__old_until_ms=now_ms() + hooks.OVERLAP_MS,
        set__secret=encrypt(_SECRET, secret),
    )
    return secret


def delete(client: redis.Redis, hook: Webhook) -> None:
    """Ends a webhook and forgets its deliveries; the merchant's last one ends the merchant's stream too."""
    WebhookDocument.objects(id=hook.id).delete()
    DeliveryDocument.objects(hook_id=hook.id).delete()
    if not of_merchant(hook.merchant_id):
        client.srem(HOOKED, hook.merchant_id)
        client.delete(stream_of(hook.merchant_id))


def note_try(hook: Webhook, status: int, error: str, now: int) -> Webhook | None:
    """Notes how a try at the next delivery in turn ended, and when the next one is; the webhook after it."""
    good = 200 <= status < 300
    tries = 0 if good else hook.tries + 1
    changed = {
        "tries": tries, "due_ms": 0 if good else now + hooks.wait_ms(tries),
        "failing_ms": 0 if good else hook.failing_ms or now, "last_ms": now, "last_status": status,
        "last_error": error,
    }  # fmt: skip
    WebhookDocument.objects(id=hook.id).update_one(**{f"set__{name}": value for name, value in changed.items()})
    return load(hook.id)


# Deliveries ------------------------------------------------------------------------------------------------------


def keep_hooked(client: redis.Redis, found: Iterable[Webhook]) -> None:
    """Sees to it that the announcer knows of every merchant with a webhook."""
    merchants = {hook.merchant_id for hook in found}
    if merchants:
        client.sadd(HOOKED, *merchants)


def collect(client: redis.Redis, hook: Webhook) -> Webhook:
    """Makes deliveries of the next announcements, at most PAGE; the webhook after it. Done twice, it is done once."""
    rows: Any = client.xrange(stream_of(hook.merchant_id), f"({hook.cursor}-0", "+", count=PAGE)
    if not rows:
        return hook
    room = WAITING_MAX - waiting_count(hook.id)
    at_ms = now_ms()
    documents = []
    for place, (entry_id, fields) in enumerate(rows):
        message, type_ = PaymentMoved.FromString(fields[b"data"]), fields[b"type"].decode()
        overflow = place >= room
        documents.append(
            DeliveryDocument(
                id=f"{hook.id}-{_seq(entry_id):016d}", hook_id=hook.id, seq=_seq(entry_id), type=type_,
                body=hooks.body_of(settings().cell, type_, message), attempts=0, last_status=0, delivered_ms=0,
                state=(DeliveryState.DEAD if overflow else DeliveryState.WAITING).value,
                last_error=f"more than {WAITING_MAX} waited" if overflow else "",
                created_ms=at_ms, again=False, gone_at=from_ms(at_ms) + KEPT_WAITING,
                traceparent=fields.get(b"traceparent", b"").decode() or None,
            ).to_mongo()
        )  # fmt: skip
    try:
        DeliveryDocument._get_collection().insert_many(documents, ordered=False)
    except BulkWriteError as error:
        if any(refused["code"] != _DUPLICATE for refused in error.details["writeErrors"]):
            raise
    cursor = _seq(rows[-1][0])
    WebhookDocument.objects(id=hook.id).update_one(set__cursor=cursor)
    return replace(hook, cursor=cursor)


def trim(client: redis.Redis, merchant_id: str, found: Sequence[Webhook]) -> None:
    """Removes what all of a merchant's webhooks have taken."""
    key = stream_of(merchant_id)
    if client.xlen(key) > STREAM_MAX * 0.9:
        _logger.critical("announcements for webhooks are about to be lost", merchant=merchant_id)
    client.xtrim(key, minid=f"{min(hook.cursor for hook in found) + 1}-0", approximate=True)


def waiting_count(hook_id: str) -> int:
    """How many deliveries wait, counted up to WAITING_MAX."""
    found = DeliveryDocument.objects(hook_id=hook_id, state=DeliveryState.WAITING.value, seq__gt=0, seq__lt=SEQ_MAX)
    return len(list(found.only("id").limit(WAITING_MAX)))


def waiting(hook_id: str, most: int) -> list[Delivery]:
    """The next to be told, in order."""
    found = DeliveryDocument.objects(hook_id=hook_id, state=DeliveryState.WAITING.value, seq__gt=0, seq__lt=SEQ_MAX)
    return [_delivery(one) for one in found.order_by("seq").limit(most)]


def to_resend(hook_id: str, most: int) -> list[Delivery]:
    """What was asked to be sent once more."""
    found = DeliveryDocument.objects(hook_id=hook_id, again=True, seq__gt=0, seq__lt=SEQ_MAX)
    return [_delivery(one) for one in found.order_by("seq").limit(most)]


def deliveries(hook_id: str, state: DeliveryState | None, before_seq: int, most: int) -> list[Delivery]:
    """Newest first."""
    chosen: dict[str, Any] = {"hook_id": hook_id, "seq__gt": 0, "seq__lt": before_seq or SEQ_MAX}
    if state is not None:
        chosen["state"] = state.value
    return [_delivery(one) for one in DeliveryDocument.objects(**chosen).order_by("-seq").limit(most)]


def delivery(delivery_id: str) -> Delivery | None:
    found = DeliveryDocument.objects(id=delivery_id).first()
    return _delivery(found) if found is not None else None


def ask_again(hook_id: str, delivery_id: str) -> None:
    """One is to be sent once more."""
    if DeliveryDocument.objects(id=delivery_id, hook_id=hook_id).update_one(set__again=True):
        WebhookDocument.objects(id=hook_id).update_one(inc__woken=1)


def note_delivery(told: Delivery, status: int, error: str, now: int) -> None:
    """Notes how a try at a delivery ended."""
    changed: dict[str, Any] = {
        "set__attempts": told.attempts + 1, "set__last_status": status, "set__last_error": error, "set__again": False,
    }  # fmt: skip
    if 200 <= status < 300:
        changed |= {
            "set__state": DeliveryState.DELIVERED.value, "set__delivered_ms": now,
            "set__gone_at": from_ms(now) + KEPT[DeliveryState.DELIVERED],
        }  # fmt: skip
    DeliveryDocument.objects(id=told.id).update_one(**changed)


def bury(told: Delivery, now: int) -> None:
    """Its time is over: dead, and visible."""
    DeliveryDocument.objects(id=told.id, state=DeliveryState.WAITING.value).update_one(
        set__state=DeliveryState.DEAD.value, set__gone_at=from_ms(now) + KEPT[DeliveryState.DEAD]
    )


def _seq(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[0])


def _hook(found: Any) -> Webhook:
    known = [decrypt(_SECRET, bytes(found.secret))]
    if found.old_secret and found.old_until_ms > now_ms():
        known.append(decrypt(_SECRET, bytes(found.old_secret)))
    return Webhook(
        found.id, found.merchant_id, found.url, HookState(found.state), found.created_ms, tuple(known), found.cursor,
        found.tries, found.due_ms, found.failing_ms, found.last_ms, found.last_status, found.last_error or "",
        found.owner_id, found.woken,
    )  # fmt: skip


def _delivery(found: Any) -> Delivery:
    return Delivery(
        found.id, found.hook_id, found.seq, found.type, bytes(found.body), DeliveryState(found.state),
        found.created_ms, found.attempts, found.last_status, found.last_error or "", found.delivered_ms, found.again,
        found.traceparent or "",
    )  # fmt: skip
