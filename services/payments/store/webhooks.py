"""Webhooks in MongoDB, and the stream from which those of payments hear.

A merchant with a webhook for payments is in the set `payments:hooked`; the announcer writes what it announces of
such a merchant to `payments:hooks:<merchant>` too, under the ledger's sequence number, so that a second write is
refused. From there each webhook takes it (`store/deliveries.py`). What is told of goods comes from `store/goods.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import redis

from kit.clock import now_ms
from kit.crypto import decrypt, encrypt
from kit.errors import Contention, Overloaded
from kit.ids import new_id
from services.payments import hooks
from services.payments.hooks import DeliveryState, HookState, Line, Topic, Webhook, line_id
from services.payments.store import goods
from services.payments.store.webhook_documents import DeliveryDocument, LineDocument, WebhookDocument, topics_of

HOOKED = "payments:hooked"
# Announcements that wait in a merchant's stream while nobody takes them; more push out the oldest.
STREAM_MAX = 100_000
HOOKS_MAX = 5
PAYMENTS_ALONE = (Topic.PAYMENTS,)
_SECRET = "webhooks.secret"  # noqa: S105 - the name of a field


def stream_of(merchant_id: str) -> str:
    """Announcements that a merchant's webhooks have not all taken."""
    return f"payments:hooks:{merchant_id}"


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
        changed |= in_line(topic, tries=0, due_ms=0, failing_ms=0)
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
            changed |= in_line(topic, cursor=cursor, tries=0, due_ms=0, failing_ms=0)
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
    changed |= in_line(
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
    return seq_of(last[0][0]) if last else 0


def _end(client: redis.Redis, merchant_id: str, topic: Topic) -> None:
    """Forgets what is kept of a topic, where no webhook of the merchant's is told of it any more."""
    if any(topic in hook.lines for hook in of_merchant(merchant_id)):
        return
    if topic is Topic.GOODS:
        goods.forget(client, merchant_id)
        return
    client.srem(HOOKED, merchant_id)
    client.delete(stream_of(merchant_id))


def in_line(topic: Topic, **values: int) -> dict[str, Any]:
    """The update that sets these of a line."""
    place = "" if topic is Topic.PAYMENTS else f"{topic.value}__"
    return {f"set__{place}{name}": value for name, value in values.items()}


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


def seq_of(entry_id: bytes) -> int:
    """The number in an entry's id: the ledger's."""
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


def _line(found: WebhookDocument | LineDocument) -> Line:
    return Line(found.cursor, found.tries, found.due_ms, found.failing_ms)
