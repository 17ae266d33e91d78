"""What webhooks are to be told, in MongoDB: made of what was announced, told, kept for a while.

Each webhook takes an announcement once, in order: a delivery's id is its line's and the announcement's number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import redis
from cho.events.v1.events_pb2 import PaymentMoved
from pymongo.errors import BulkWriteError

from kit import log
from kit.clock import from_ms, now_ms
from kit.config import settings
from services.payments import goods as rules
from services.payments import hooks
from services.payments.hooks import Delivery, DeliveryState, Topic, Webhook, line_id
from services.payments.store import goods
from services.payments.store.webhook_documents import DeliveryDocument, WebhookDocument
from services.payments.store.webhooks import STREAM_MAX, in_line, seq_of, stream_of

# Deliveries of a webhook that wait; more are dead at once.
WAITING_MAX = 10_000
# Announcements that become deliveries of a webhook in a tick.
PAGE = 500
# Deliveries of goods that are made ahead: what changes while they wait is one of each product.
GOODS_AHEAD = 100
KEPT = {DeliveryState.DELIVERED: timedelta(days=7), DeliveryState.DEAD: timedelta(days=30)}
# Waiting ones end by time; a webhook that nobody runs any more must not keep them for ever.
KEPT_WAITING = timedelta(days=40)
SEQ_MAX = (1 << 53) - 1
_DUPLICATE = 11000

_logger = log.logger(__name__)


@dataclass(frozen=True, slots=True)
class Announced:
    """What becomes a delivery."""

    seq: int
    type: str
    body: bytes
    traceparent: str = ""


def collect(client: redis.Redis, hook: Webhook, topic: Topic) -> Webhook:
    """Makes deliveries of a line's next announcements; the webhook after it. Done twice, it is done once."""
    line, of = hook.lines[topic], line_id(hook.id, topic)
    found = list((_payments if topic is Topic.PAYMENTS else _goods)(client, hook.merchant_id, line.cursor))
    waits = waiting_count(of) if found else 0
    if topic is Topic.GOODS:
        # The others wait where there is one of each product.
        found = found[: max(0, GOODS_AHEAD - waits)]
    if not found:
        return hook
    at_ms, room = now_ms(), WAITING_MAX - waits
    documents = []
    for place, one in enumerate(found):
        overflow = place >= room
        documents.append(
            DeliveryDocument(
                id=f"{of}-{one.seq:016d}", hook_id=of, seq=one.seq, type=one.type, body=one.body,
                attempts=0, last_status=0, delivered_ms=0,
                state=(DeliveryState.DEAD if overflow else DeliveryState.WAITING).value,
                last_error=f"more than {WAITING_MAX} waited" if overflow else "",
                created_ms=at_ms, again=False, gone_at=from_ms(at_ms) + KEPT_WAITING,
                traceparent=one.traceparent or None,
            ).to_mongo()
        )  # fmt: skip
    try:
        DeliveryDocument._get_collection().insert_many(documents, ordered=False)
    except BulkWriteError as error:
        if any(refused["code"] != _DUPLICATE for refused in error.details["writeErrors"]):
            raise
    cursor = found[-1].seq
    WebhookDocument.objects(id=hook.id).update_one(**in_line(topic, cursor=cursor))
    return replace(hook, lines={**hook.lines, topic: replace(line, cursor=cursor)})


def _payments(client: redis.Redis, merchant_id: str, cursor: int) -> Iterator[Announced]:
    rows: Any = client.xrange(stream_of(merchant_id), f"({cursor}-0", "+", count=PAGE)
    for entry_id, fields in rows:
        message, type_ = PaymentMoved.FromString(fields[b"data"]), fields[b"type"].decode()
        body = hooks.body_of(settings().cell, type_, message)
        yield Announced(seq_of(entry_id), type_, body, fields.get(b"traceparent", b"").decode())


def _goods(client: redis.Redis, merchant_id: str, cursor: int) -> Iterator[Announced]:
    for seq, told in goods.after(client, merchant_id, cursor, GOODS_AHEAD):
        yield Announced(seq, rules.TYPE, rules.body(told))


def trim(client: redis.Redis, merchant_id: str, found: Sequence[Webhook]) -> None:
    """Removes what all of a merchant's webhooks for payments have taken, and alarms before what is not is lost."""
    cursors = [hook.lines[Topic.GOODS].cursor for hook in found if Topic.GOODS in hook.lines]
    if cursors:
        goods.watch(client, merchant_id, cursors)
    cursors = [hook.lines[Topic.PAYMENTS].cursor for hook in found if Topic.PAYMENTS in hook.lines]
    if not cursors:
        return
    key = stream_of(merchant_id)
    if client.xlen(key) > STREAM_MAX * 0.9:
        _logger.critical("announcements for webhooks are about to be lost", merchant=merchant_id)
    client.xtrim(key, minid=f"{min(cursors) + 1}-0", approximate=True)


def waiting_count(line: str) -> int:
    """How many deliveries of a line wait, counted up to WAITING_MAX."""
    found = DeliveryDocument.objects(hook_id=line, state=DeliveryState.WAITING.value, seq__gt=0, seq__lt=SEQ_MAX)
    return len(list(found.only("id").limit(WAITING_MAX)))


def waiting(line: str, most: int) -> list[Delivery]:
    """The next of a line to be told, in order."""
    found = DeliveryDocument.objects(hook_id=line, state=DeliveryState.WAITING.value, seq__gt=0, seq__lt=SEQ_MAX)
    return [_delivery(one) for one in found.order_by("seq").limit(most)]


def to_resend(line: str, most: int) -> list[Delivery]:
    """What was asked to be sent once more."""
    found = DeliveryDocument.objects(hook_id=line, again=True, seq__gt=0, seq__lt=SEQ_MAX)
    return [_delivery(one) for one in found.order_by("seq").limit(most)]


def page(line: str, state: DeliveryState | None, before_seq: int, most: int) -> list[Delivery]:
    """Newest first."""
    chosen: dict[str, Any] = {"hook_id": line, "seq__gt": 0, "seq__lt": before_seq or SEQ_MAX}
    if state is not None:
        chosen["state"] = state.value
    return [_delivery(one) for one in DeliveryDocument.objects(**chosen).order_by("-seq").limit(most)]


def delivery(delivery_id: str) -> Delivery | None:
    found = DeliveryDocument.objects(id=delivery_id).first()
    return _delivery(found) if found is not None else None


def ask_again(hook_id: str, delivery_id: str) -> None:
    """One is to be sent once more."""
    lines = [line_id(hook_id, topic) for topic in Topic]
    if DeliveryDocument.objects(id=delivery_id, hook_id__in=lines).update_one(set__again=True):
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


def _delivery(found: Any) -> Delivery:
    return Delivery(
        found.id, found.hook_id, found.seq, found.type, bytes(found.body), DeliveryState(found.state),
        found.created_ms, found.attempts, found.last_status, found.last_error or "", found.delivered_ms, found.again,
        found.traceparent or "",
    )  # fmt: skip
