"""Webhooks and their deliveries in MongoDB, and the stream from which those of payments come.

A merchant with a webhook for payments is in the set `payments:hooked`; the announcer writes what it announces of
such a merchant to `payments:hooks:<merchant>` too, under the ledger's sequence number, so that a second write is
refused. From there each webhook takes it once, in order: a delivery's id is the webhook's and the sequence number.
Those of goods come from `store/goods.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import redis
from cho.events.v1.events_pb2 import PaymentMoved
from mongoengine import (
    BinaryField,
    BooleanField,
    DateTimeField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    ListField,
    LongField,
    StringField,
)
from pymongo.errors import BulkWriteError

from kit import log
from kit.clock import from_ms, now_ms
from kit.config import settings
from kit.crypto import decrypt, encrypt
from kit.errors import Contention, Overloaded
from kit.ids import new_id
from services.payments import goods as rules
from services.payments import hooks
from services.payments.hooks import Delivery, DeliveryState, HookState, Line, Topic, Webhook, line_id
from services.payments.store import goods

HOOKED = "payments:hooked"
# Announcements that wait in a merchant's stream while nobody takes them; more push out the oldest.
STREAM_MAX = 100_000
HOOKS_MAX = 5
# Deliveries of a webhook that wait; more are dead at once.
WAITING_MAX = 10_000
# Announcements that become deliveries of a webhook in a tick.
PAGE = 500
# Deliveries of goods that are made ahead: what changes while they wait is one of each product.
GOODS_AHEAD = 100
PAYMENTS_ALONE = (Topic.PAYMENTS,)
KEPT = {DeliveryState.DELIVERED: timedelta(days=7), DeliveryState.DEAD: timedelta(days=30)}
# Waiting ones end by time; a webhook that nobody runs any more must not keep them for ever.
KEPT_WAITING = timedelta(days=40)
_SECRET = "webhooks.secret"  # noqa: S105 - the name of a field
SEQ_MAX = (1 << 53) - 1
_DUPLICATE = 11000

_logger = log.logger(__name__)


class LineDocument(EmbeddedDocument):
    cursor = LongField(required=True)
    tries = LongField(required=True)
    due_ms = LongField(required=True)
    failing_ms = LongField(required=True)


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
    # None in documents from before there were goods.
    topics = ListField(StringField())
    goods = EmbeddedDocumentField(LineDocument)
    # The line of payments.
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
    # Its line's.
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


def create(
    client: redis.Redis, merchant_id: str, owner_id: str, url: str, topics: Sequence[Topic] = PAYMENTS_ALONE
) -> Webhook:
    """A new webhook, which is told what is announced from now on. Raises Overloaded above HOOKS_MAX."""
    if len(of_merchant(merchant_id)) >= HOOKS_MAX:
        raise Overloaded(f"a merchant has at most {HOOKS_MAX} webhooks: delete one")
    begins = {topic: _begin(client, merchant_id, topic) for topic in topics}
    secret = hooks.new_secret()
    document = WebhookDocument(
        id=new_id("whk"), merchant_id=merchant_id, url=url, state=HookState.ACTIVE.value,
        secret=encrypt(_SECRET, secret), old_until_ms=0, topics=[topic.value for topic in topics],
        cursor=begins.get(Topic.PAYMENTS, 0), tries=0, due_ms=0, failing_ms=0,
        goods=LineDocument(cursor=begins.get(Topic.GOODS, 0), tries=0, due_ms=0, failing_ms=0),
        last_ms=0, last_status=0, created_ms=now_ms(), owner_id=owner_id, woken=0,
    )  # fmt: skip
    document.save(force_insert=True)
    # Again: until now there was none, and what is kept for none may have been let go.
    made = _hook(document)
    keep_hooked(client, [made])
    return made


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
    changed: dict[str, Any] = {"inc__woken": 1, "set__owner_id": owner_id, "set__state": HookState.ACTIVE.value}
    found = WebhookDocument.objects(id=hook_id).first()
    for topic in topics_of(found) if found is not None else ():
        changed |= _in_line(topic, tries=0, due_ms=0, failing_ms=0)
    WebhookDocument.objects(id=hook_id).update_one(**changed)


def set_topics(client: redis.Redis, hook: Webhook, topics: Sequence[Topic]) -> None:
    """What a webhook is told of from now on; of what it is told of no more, what waits is forgotten.

    Raises Contention where somebody else changed the webhook meanwhile.
    """
    changed: dict[str, Any] = {"set__topics": [topic.value for topic in topics], "inc__woken": 1}
    for topic in topics:
        if topic not in hook.lines:
            DeliveryDocument.objects(hook_id=line_id(hook.id, topic), state=DeliveryState.WAITING.value).delete()
            cursor = _begin(client, hook.merchant_id, topic)
            changed |= _in_line(topic, cursor=cursor, tries=0, due_ms=0, failing_ms=0)
    if not WebhookDocument.objects(id=hook.id, woken=hook.woken).update_one(**changed):
        raise Contention("the webhook was changed meanwhile; try again")
    keep_hooked(client, [replace(hook, lines=dict.fromkeys(topics, Line()))])
    for topic in hook.lines:
        if topic not in topics:
            DeliveryDocument.objects(hook_id=line_id(hook.id, topic), state=DeliveryState.WAITING.value).delete()
            _end(client, hook.merchant_id, topic)


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
    """Ends a webhook and forgets its deliveries; the merchant's last one of a topic ends what is kept for it too."""
    WebhookDocument.objects(id=hook.id).delete()
    DeliveryDocument.objects(hook_id__in=[line_id(hook.id, topic) for topic in Topic]).delete()
    for topic in hook.lines:
        _end(client, hook.merchant_id, topic)


def note_try(hook: Webhook, topic: Topic, status: int, error: str, now: int) -> Webhook | None:
    """Notes how a try at a line's next delivery in turn ended, and when the next one is; the webhook after it."""
    good, line = 200 <= status < 300, hook.lines[topic]
    tries = 0 if good else line.tries + 1
    changed = {"set__last_ms": now, "set__last_status": status, "set__last_error": error}
    changed |= _in_line(
        topic,
        tries=tries,
        due_ms=0 if good else now + hooks.wait_ms(tries),
        failing_ms=0 if good else line.failing_ms or now,
    )
    WebhookDocument.objects(id=hook.id).update_one(**changed)
    return load(hook.id)


def _begin(client: redis.Redis, merchant_id: str, topic: Topic) -> int:
    """Sees to it that a topic of a merchant's is kept for webhooks; where it is now."""
    if topic is Topic.GOODS:
        client.sadd(goods.HOOKED, merchant_id)
        return goods.last_seq(client, merchant_id)
    client.sadd(HOOKED, merchant_id)
    last: Any = client.xrevrange(stream_of(merchant_id), count=1)
    return _seq(last[0][0]) if last else 0


def _end(client: redis.Redis, merchant_id: str, topic: Topic) -> None:
    """Forgets what is kept of a topic, where no webhook of the merchant's is told of it any more."""
    if any(topic in hook.lines for hook in of_merchant(merchant_id)):
        return
    if topic is Topic.GOODS:
        goods.forget(client, merchant_id)
        return
    client.srem(HOOKED, merchant_id)
    client.delete(stream_of(merchant_id))


def _in_line(topic: Topic, **values: int) -> dict[str, Any]:
    """The update that sets these of a line."""
    place = "" if topic is Topic.PAYMENTS else f"{topic.value}__"
    return {f"set__{place}{name}": value for name, value in values.items()}


# Deliveries ------------------------------------------------------------------------------------------------------


def keep_hooked(client: redis.Redis, found: Iterable[Webhook]) -> None:
    """Sees to it that who hears of payments and goods knows of every merchant with a webhook for them."""
    of: dict[str, set[str]] = {HOOKED: set(), goods.HOOKED: set()}
    for hook in found:
        for topic in hook.lines:
            of[goods.HOOKED if topic is Topic.GOODS else HOOKED].add(hook.merchant_id)
    for key, merchants in of.items():
        if merchants:
            client.sadd(key, *merchants)


def let_go(client: redis.Redis, found: Iterable[Webhook]) -> None:
    """Forgets goods of merchants that no webhook is told of: whoever ended the last one may have died before it did."""
    told = {hook.merchant_id.encode() for hook in found if Topic.GOODS in hook.lines}
    kept: Any = client.smembers(goods.HOOKED)
    for merchant_id in kept - told:
        _end(client, merchant_id.decode(), Topic.GOODS)


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
    WebhookDocument.objects(id=hook.id).update_one(**_in_line(topic, cursor=cursor))
    return replace(hook, lines={**hook.lines, topic: replace(line, cursor=cursor)})


def _payments(client: redis.Redis, merchant_id: str, cursor: int) -> Iterator[Announced]:
    rows: Any = client.xrange(stream_of(merchant_id), f"({cursor}-0", "+", count=PAGE)
    for entry_id, fields in rows:
        message, type_ = PaymentMoved.FromString(fields[b"data"]), fields[b"type"].decode()
        body = hooks.body_of(settings().cell, type_, message)
        yield Announced(_seq(entry_id), type_, body, fields.get(b"traceparent", b"").decode())


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


def deliveries(line: str, state: DeliveryState | None, before_seq: int, most: int) -> list[Delivery]:
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


def _seq(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[0])


def _hook(found: Any) -> Webhook:
    known = [decrypt(_SECRET, bytes(found.secret))]
    if found.old_secret and found.old_until_ms > now_ms():
        known.append(decrypt(_SECRET, bytes(found.old_secret)))
    lines = {topic: _line(found if topic is Topic.PAYMENTS else found.goods) for topic in topics_of(found)}
    return Webhook(
        found.id, found.merchant_id, found.url, HookState(found.state), found.created_ms, tuple(known), lines,
        found.last_ms, found.last_status, found.last_error or "", found.owner_id, found.woken,
    )  # fmt: skip


def topics_of(found: WebhookDocument) -> list[Topic]:
    """What the webhook of a document is told of, payments first."""
    named = found.topics or [Topic.PAYMENTS.value]
    return [topic for topic in Topic if topic.value in named]


def _line(found: WebhookDocument | LineDocument) -> Line:
    return Line(found.cursor, found.tries, found.due_ms, found.failing_ms)


def _delivery(found: Any) -> Delivery:
    return Delivery(
        found.id, found.hook_id, found.seq, found.type, bytes(found.body), DeliveryState(found.state),
        found.created_ms, found.attempts, found.last_status, found.last_error or "", found.delivered_ms, found.again,
        found.traceparent or "",
    )  # fmt: skip
