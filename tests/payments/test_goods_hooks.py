"""Webhooks for goods: each change told, the newest state, in order, by a line of its own; whoever dies when."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from cho.events.v1.events_pb2 import ProductChanged
from cho.payments.v1 import webhooks_pb2 as wh

from cli import ledger as command
from kit.clock import now_ms
from kit.config import settings
from kit.errors import Contention, Overloaded
from services.payments import hooks
from services.payments.card import webhook as receivers_side
from services.payments.hooks import HookState, Topic, Webhook, line_id
from services.payments.sender import Sender
from services.payments.store import deliveries, goods, webhook_documents
from services.payments.store import webhooks as store
from tests.payments.api import Api
from tests.payments.test_webhooks import Desk, Killed, Receiver, states

pytestmark = pytest.mark.anyio

MINUTE_MS = 60_000
BOTH = (Topic.PAYMENTS, Topic.GOODS)


class Stall(Desk):
    """A desk whose merchant sells goods; its clock stands still between ticks."""

    def __init__(self, client: redis.Redis) -> None:
        super().__init__(client)
        self.began_ms = now_ms()
        self.products: dict[str, ProductChanged] = {}

    def goods_hook(self, url: str, topics: tuple[Topic, ...] = (Topic.GOODS,)) -> Webhook:
        return store.create(self.client, self.merchant, self.owner, url, topics)

    def change(self, name: str, **changes: Any) -> ProductChanged:
        """A product changes, and catalog says so."""
        known = self.products.get(name) or ProductChanged(
            product_id=f"prd_{name}",
            merchant_id=self.merchant,
            name=name,
            price=10_000,
            available=50,
            state="published",
        )
        for field, value in changes.items():
            if field == "recalled_lots":
                known.recalled_lots[:] = value
            else:
                setattr(known, field, value)
        known.version += 1
        self.products[name] = known
        self.hear(known)
        return known

    def hear(self, product: ProductChanged) -> None:
        goods.hear(self.client, product, self.began_ms + self.later_ms)

    def sender(self, **more: Any) -> Sender:
        return super().sender(**{"now": lambda: self.began_ms + self.later_ms, **more})

    def keys(self) -> set[str]:
        return {key.decode() for key in self.client.keys("payments:goods*")}


def told(receiver: Receiver) -> list[tuple[str, int, tuple[str, ...]]]:
    """Of goods: name, version, what changed in it."""
    bodies = [json.loads(body) for headers, body in receiver.got if headers["cho-event"] == "goods.changed"]
    return [
        (one["name"], one["version"], tuple(kind for kind, n in one["changed"].items() if n == one["version"]))
        for one in bodies
    ]


def of_goods(hook: Webhook) -> list[str]:
    return [one.state.value for one in reversed(deliveries.page(line_id(hook.id, Topic.GOODS), None, 0, 100))]


NEW = ("state", "price", "stock", "details")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def stall(valkey: str, documents: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stall]:
    monkeypatch.setattr(hooks, "ANSWER_S_MAX", 0.4)
    with redis.Redis.from_url(valkey, protocol=2) as client:
        yield Stall(client)


def test_changes_are_told_in_order_signed_and_with_what_changed(stall: Stall, receiver: Receiver) -> None:
    hook = stall.goods_hook(receiver.url)
    stall.change("chè")
    stall.change("rau")
    stall.tick()
    stall.change("rau", price=12_000)
    stall.change("chè", state="hidden")
    stall.tick()
    stall.change("rau", recalled_lots=["lot_1"], available=0)
    for _ in range(2):
        stall.tick()
    assert sorted(told(receiver)[:2]) == [("chè", 1, NEW), ("rau", 1, NEW)]
    assert sorted(told(receiver)[2:4]) == [("chè", 2, ("state",)), ("rau", 2, ("price",))]
    assert told(receiver)[4:] == [("rau", 3, ("stock", "recall"))]
    headers, body = receiver.got[4]
    receivers_side.verify(body, headers["cho-signature"], hook.secrets[0], int(time.time()))
    got = json.loads(body)
    assert (got["id"], got["available"], got["recalled_lots"]) == ("evt_prd_rau_3", 0, ["lot_1"])
    assert headers["cho-delivery"].startswith(f"{hook.id}-goods-")
    assert of_goods(hook) == ["delivered"] * 5


def test_a_busy_morning_is_a_request_a_minute_and_that_nothing_is_left_is_told_at_once(
    stall: Stall, receiver: Receiver
) -> None:
    stall.goods_hook(receiver.url)
    stall.change("chè", available=50)
    stall.tick()
    for kilos in range(49, 29, -1):
        stall.change("chè", available=kilos)
        stall.tick(1_000)
    assert told(receiver) == [("chè", 1, NEW)]
    stall.tick(MINUTE_MS)
    assert told(receiver)[1:] == [("chè", 21, ("stock",))]
    stall.change("chè", available=0)
    stall.tick()
    stall.change("chè", available=5)
    stall.tick()
    assert told(receiver)[2:] == [("chè", 22, ("stock",)), ("chè", 23, ("stock",))]
    stall.change("chè", available=4)
    stall.change("chè", available=5)
    stall.tick(MINUTE_MS)
    assert len(told(receiver)) == 4, "what was undone before it was told is no change"


def test_what_was_heard_before_is_not_told_again_nor_what_is_older(stall: Stall, receiver: Receiver) -> None:
    stall.goods_hook(receiver.url)
    first = ProductChanged()
    first.CopyFrom(stall.change("chè"))
    stall.change("chè", price=9_000)
    stall.hear(first)
    stall.tick()
    stall.hear(first)
    stall.hear(stall.products["chè"])
    stall.tick(MINUTE_MS)
    assert told(receiver) == [("chè", 2, NEW)]


def test_only_goods_of_merchants_whose_systems_are_told_of_them_are_kept(stall: Stall, receiver: Receiver) -> None:
    assert not goods.hooked(stall.client, stall.change("chè"))
    hook = stall.hook(receiver.url)
    stall.change("chè", price=9_000)
    stall.tick()
    assert stall.keys() == set()
    assert receiver.got == []
    store.set_topics(stall.client, stall.now(hook), BOTH)
    assert goods.hooked(stall.client, stall.change("chè", price=8_000))
    stall.tick()
    assert told(receiver) == [("chè", 3, NEW)]


def test_a_merchant_with_two_systems_tells_each_from_when_it_came(stall: Stall, receiver: Receiver) -> None:
    stall.goods_hook(receiver.url)
    stall.change("chè")
    stall.tick()
    other = Receiver()
    stall.goods_hook(other.url)
    stall.change("chè", price=9_000)
    stall.tick()
    assert told(other) == told(receiver)[1:] == [("chè", 2, ("price",))]
    other.close()


def test_while_a_topic_is_not_taken_the_other_goes_on(stall: Stall, receiver: Receiver) -> None:
    hook = stall.goods_hook(receiver.url, BOTH)
    receiver.answers = [500]
    stall.change("chè")
    stall.tick()
    stall.announce(1, 2)
    stall.tick()
    lines = stall.now(hook).lines
    assert (lines[Topic.GOODS].tries, lines[Topic.PAYMENTS].tries) == (1, 0)
    assert states(hook) == [(3, "delivered"), (6, "delivered")]
    assert of_goods(hook) == ["waiting"]
    receiver.answers = [500]
    stall.announce(3)
    stall.tick()
    stall.change("rau")
    stall.tick()
    assert stall.now(hook).lines[Topic.PAYMENTS].tries == 1
    stall.tick(1_500)
    assert told(receiver) == [("chè", 1, NEW), ("chè", 1, NEW), ("rau", 1, NEW)]
    assert states(hook)[-1] == (9, "delivered")


def test_however_long_nobody_takes_them_there_is_one_of_each_product_behind_what_waits(
    stall: Stall, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "GOODS_AHEAD", 1)
    hook = stall.goods_hook(receiver.url)
    receiver.answers = [500] * 3
    stall.change("chè")
    stall.tick()
    for price in (8_000, 7_000):
        stall.change("rau", price=price)
        stall.change("bưởi", price=price)
        stall.tick()
    stall.change("rau", state="hidden")
    stall.tick(1_500)
    assert of_goods(hook) == ["waiting"]
    for _ in range(4):
        stall.tick(600_000)
    assert told(receiver)[-3:] == [("chè", 1, NEW), ("bưởi", 2, ("price",)), ("rau", 3, ("state",))]
    changed = json.loads(receiver.got[-1][1])["changed"]
    assert changed == {"state": 3, "price": 2, "stock": 1, "details": 1}, "to whom nothing was told of it, all is new"
    assert of_goods(hook) == ["delivered"] * 3


@pytest.mark.parametrize("where", ["hear", "gather", "collect", "trim", "note_delivery", "note_try", "_post"])
@pytest.mark.parametrize("after", [False, True])
def test_killed_between_any_two_steps_no_change_is_lost_and_none_out_of_order(
    stall: Stall, receiver: Receiver, where: str, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = stall.goods_hook(receiver.url)
    stall.change("chè")
    stall.tick()
    owner: Any = {"_post": Sender, "hear": goods, "gather": goods, "note_try": store}.get(where, deliveries)
    real = getattr(owner, where)

    def dies(*args: Any) -> Any:
        if after:
            real(*args)
        raise Killed

    monkeypatch.setattr(owner, where, dies)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    sender = stall.sender()
    try:
        stall.change("chè", price=9_000)
        sender.tick()
        sender.wait()
    except Killed:
        pass
    monkeypatch.setattr(owner, where, real)
    # The group delivers again what was not acknowledged; and the market goes on.
    stall.hear(stall.products["chè"])
    stall.change("chè", state="hidden")
    for _ in range(3):
        stall.tick()
    versions = [version for _, version, _ in told(receiver)]
    assert versions == sorted(versions)
    assert len(versions) <= 4, "at most one was told twice"
    last = json.loads(receiver.got[-1][1])
    assert (last["version"], last["state"], last["price"]) == (3, "hidden", 9_000)
    assert {kind for kind, version in last["changed"].items() if version > 1} == {"price", "state"}
    assert set(of_goods(hook)) == {"delivered"}


def test_a_process_that_was_overtaken_tells_nothing_from_what_it_saw(
    stall: Stall, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    stall.goods_hook(receiver.url)
    stall.change("chè")
    stall.change("rau")
    real, overtaken = stall.client.eval, []

    def late(script: str, *args: Any) -> Any:
        """Another process does its whole turn between this one's look and its write."""
        if script == goods._TELL and not overtaken:
            overtaken.append(args)
            stall.change("rau", price=9_000)
            stall.tick()
        return real(script, *args)

    monkeypatch.setattr(stall.client, "eval", late)
    stall.tick()
    stall.tick()
    assert overtaken
    assert sorted(told(receiver)) == [("chè", 1, NEW), ("rau", 2, NEW)]


def test_what_comes_between_look_and_write_is_looked_at_again(
    stall: Stall, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    stall.goods_hook(receiver.url)
    stall.change("chè")
    real, came = stall.client.eval, []

    def late(script: str, *args: Any) -> Any:
        if script == goods._TELL and not came:
            came.append(stall.change("chè", price=9_000))
        return real(script, *args)

    monkeypatch.setattr(stall.client, "eval", late)
    for _ in range(2):
        stall.tick()
    assert told(receiver) == [("chè", 1, NEW), ("chè", 2, ("price",))]
    assert not stall.client.exists(goods.keys_of(stall.merchant).heard)


def test_of_more_products_than_are_kept_those_told_longest_ago_are_forgotten_with_an_alarm(
    stall: Stall, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Alarms(list[str]):
        def critical(self, event: str, **_: Any) -> None:
            self.append(event)

    alarms = Alarms()
    monkeypatch.setattr(goods, "GOODS_MAX", 3)
    monkeypatch.setattr(goods, "_logger", alarms)
    monkeypatch.setattr(deliveries, "GOODS_AHEAD", 0)
    stall.goods_hook(receiver.url)
    for name in ("a", "b"):
        stall.change(name)
        stall.tick()
    assert alarms == []
    for name in ("c", "d"):
        stall.change(name)
        stall.tick()
    assert alarms == ["goods for webhooks are about to be lost"] * 2
    monkeypatch.setattr(deliveries, "GOODS_AHEAD", 100)
    stall.tick()
    assert [name for name, *_ in told(receiver)] == ["b", "c", "d"]
    key = goods.keys_of(stall.merchant)
    assert set(stall.client.hkeys(key.versions)) == set(stall.client.hkeys(key.told)) == {b"prd_b", b"prd_c", b"prd_d"}
    for name in ("e", "f", "g"):
        stall.change(name)
    with pytest.raises(Overloaded):
        stall.change("h")
    stall.change("e", price=9_000)  # it waits already


def test_where_valkey_lost_all_of_it_what_changes_next_is_told(stall: Stall, receiver: Receiver) -> None:
    stall.goods_hook(receiver.url)
    stall.change("chè")
    stall.tick()
    stall.client.flushall()
    stall.tick(1)
    stall.change("chè", price=9_000)
    stall.tick()
    assert told(receiver) == [("chè", 1, NEW), ("chè", 2, NEW)]


def test_who_has_the_merchant_no_more_is_told_of_its_goods_no_more(stall: Stall, receiver: Receiver) -> None:
    hook = stall.goods_hook(receiver.url)
    stall.owner = "usr_heir"
    stall.change("chè")
    stall.tick()
    assert (receiver.got, stall.now(hook).state) == ([], HookState.PAUSED)
    store.go_on(hook.id, stall.owner)
    stall.tick()
    assert told(receiver) == [("chè", 1, NEW)]


def test_of_a_topic_that_goes_what_waits_is_forgotten_and_come_back_it_begins_anew(
    stall: Stall, receiver: Receiver
) -> None:
    hook = stall.goods_hook(receiver.url, BOTH)
    receiver.answers = [500]
    stall.change("chè")
    stall.tick()
    store.set_topics(stall.client, stall.now(hook), (Topic.PAYMENTS,))
    assert (of_goods(hook), stall.keys()) == ([], set())
    stall.change("chè", price=9_000)
    stall.announce(1)
    stall.tick(600_000)
    assert told(receiver) == [("chè", 1, NEW)]
    assert states(hook) == [(3, "delivered")]
    before = stall.now(hook)
    store.set_topics(stall.client, before, BOTH)
    with pytest.raises(Contention):
        store.set_topics(stall.client, before, BOTH)
    stall.change("chè", price=8_000)
    stall.tick()
    assert told(receiver)[1:] == [("chè", 3, NEW)]
    store.delete(stall.client, stall.now(hook))
    assert (of_goods(hook), stall.keys(), stall.client.exists(store.HOOKED)) == ([], set(), 0)


@pytest.mark.parametrize("ends", ["delete", "set_topics"])
def test_what_nobody_is_told_of_is_forgotten_though_whoever_ended_it_died_before(
    stall: Stall, receiver: Receiver, ends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = stall.goods_hook(receiver.url, BOTH)
    stall.change("chè")
    stall.tick()
    real = store._end

    def dies(*_: Any) -> None:
        raise Killed

    monkeypatch.setattr(store, "_end", dies)
    with pytest.raises(Killed):
        store.delete(stall.client, hook) if ends == "delete" else store.set_topics(
            stall.client, stall.now(hook), (Topic.PAYMENTS,)
        )
    monkeypatch.setattr(store, "_end", real)
    stall.change("chè", price=9_000)
    assert stall.keys()
    stall.tick()
    assert stall.keys() == set()


def test_a_webhook_from_before_there_were_topics_is_told_of_payments_alone(stall: Stall, receiver: Receiver) -> None:
    hook = stall.hook(receiver.url)
    kept = webhook_documents.WebhookDocument._get_collection()
    kept.update_one({"_id": hook.id}, {"$unset": {"topics": 1, "goods": 1}})
    assert list(stall.now(hook).lines) == [Topic.PAYMENTS]
    stall.announce(1)
    stall.change("chè")
    stall.tick()
    assert receiver.seqs() == [3]
    store.set_topics(stall.client, stall.now(hook), BOTH)
    stall.change("chè", price=9_000)
    stall.tick()
    assert told(receiver) == [("chè", 2, NEW)]


def test_how_far_the_ledger_was_heard_is_not_judged_by_goods(
    stall: Stall, receiver: Receiver, mongo_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = stall.goods_hook(receiver.url)
    stall.change("chè")
    stall.tick()
    assert stall.now(hook).lines[Topic.GOODS].cursor > 1_700_000_000_000
    assert command.what_was_heard(stall.client).highest == 0


# The API ---------------------------------------------------------------------------------------------------------


async def test_an_owner_chooses_topics_and_sees_deliveries_of_each(
    api: Api, documents: None, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "redis_url", api.bench.url)
    (vendor, merchant), (stranger, _) = await api.vendor(), await api.vendor()
    create = wh.CreateWebhookRequest(merchant_id=merchant, url=receiver.url)
    made = (await api(vendor, "CreateWebhook", create)).webhook
    assert list(made.topics) == [wh.WEBHOOK_TOPIC_PAYMENTS]
    create.topics.append(wh.WEBHOOK_TOPIC_GOODS)
    goods_alone = (await api(vendor, "CreateWebhook", create)).webhook
    assert list(goods_alone.topics) == [wh.WEBHOOK_TOPIC_GOODS]
    both = wh.SetWebhookTopicsRequest(
        webhook_id=made.webhook_id, topics=[wh.WEBHOOK_TOPIC_GOODS, wh.WEBHOOK_TOPIC_PAYMENTS]
    )
    assert await api.code(stranger, "SetWebhookTopics", both) == "NOT_FOUND"
    for _ in range(2):
        answer = (await api(vendor, "SetWebhookTopics", both)).webhook
        assert list(answer.topics) == [wh.WEBHOOK_TOPIC_PAYMENTS, wh.WEBHOOK_TOPIC_GOODS]
    for wrong in ([], [0], [1, 1], [3]):
        request = wh.SetWebhookTopicsRequest(webhook_id=made.webhook_id, topics=wrong)  # type: ignore[arg-type]
        assert await api.code(vendor, "SetWebhookTopics", request) == "INVALID_ARGUMENT", wrong
    with redis.Redis.from_url(api.bench.url, protocol=2) as client:
        stall = Stall(client)
        stall.merchant, stall.owner = merchant, vendor.sub
        stall.announce(1)
        stall.change("chè")
        stall.tick()
        listed = wh.ListDeliveriesRequest(webhook_id=made.webhook_id)
        assert [one.type for one in (await api(vendor, "ListDeliveries", listed)).deliveries] == ["payment.captured"]
        listed.topic = wh.WEBHOOK_TOPIC_GOODS
        (one,) = (await api(vendor, "ListDeliveries", listed)).deliveries
        assert (one.type, one.event_id, one.state) == ("goods.changed", "evt_prd_chè_1", wh.DELIVERY_STATE_DELIVERED)
        listed = wh.ListDeliveriesRequest(webhook_id=goods_alone.webhook_id)
        assert [one.type for one in (await api(vendor, "ListDeliveries", listed)).deliveries] == ["goods.changed"]
        await api(vendor, "ResendDelivery", wh.ResendDeliveryRequest(delivery_id=one.delivery_id))
        before = len(told(receiver))
        stall.tick()
        assert len(told(receiver)) == before + 1
        listed.topic = 9  # type: ignore[assignment]
        assert await api.code(vendor, "ListDeliveries", listed) == "INVALID_ARGUMENT"
