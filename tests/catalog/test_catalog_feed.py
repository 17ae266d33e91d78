"""What keeps the search index up to date, on a real Valkey and a real store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from cho.events.v1 import events_pb2
from google.protobuf.message import Message

from kit.clock import now
from kit.errors import Unavailable
from kit.ids import new_id, new_key
from kit.outbox import stored_events
from kit.streams.event import Event
from services.catalog import store
from services.catalog.product import Offer, State
from services.catalog.search.feed import MERCHANTS, PRODUCTS, Feed
from services.catalog.search.index import Index
from services.catalog.search.question import Question

pytestmark = pytest.mark.usefixtures("database")
MerchantFact = Callable[..., events_pb2.MerchantChanged]
WAIT_S_MAX = 60


@pytest.fixture
def client(valkey: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey, protocol=2) as connected:
        yield connected


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    opened = Index(tmp_path / "search.sqlite3")
    yield opened
    opened.close()


@pytest.fixture
def feed(index: Index, client: redis.Redis) -> Feed:
    return Feed(index, client, store.everything)


def publish(client: redis.Redis, stream: str, event_type: str, message: Message) -> None:
    event = Event(new_id("evt"), event_type, stream, "", now(), "", message.SerializeToString())
    client.xadd(stream, event.fields())  # type: ignore[arg-type]


def relay(client: redis.Redis) -> None:
    """Publishes what waits in the documents, as the worker does."""
    for document in store.CatalogProduct.objects.as_pymongo():
        for event in stored_events(document, "catalog"):
            client.xadd(PRODUCTS, event.fields())  # type: ignore[arg-type]
    store.CatalogProduct.objects.update(set__outbox=[])


def catch_up(feed: Feed) -> None:
    while feed.step(block_ms=1):
        pass


def dump(index: Index, query: str = "") -> list[events_pb2.ProductChanged]:
    return list(index.search(Question(query), 100).products)


@pytest.fixture
def activate(client: redis.Redis, merchant_changed: MerchantFact) -> Callable[..., str]:
    """A merchant that catalog and the stream know of."""

    def activated(**fields: Any) -> str:
        changed = merchant_changed(**fields)
        store.apply_merchant("merchant.activated", changed)
        publish(client, MERCHANTS, "merchant.activated", changed)
        return changed.merchant_id

    return activated


def test_the_index_follows_the_streams_and_an_index_built_from_the_documents_is_the_same(
    feed: Feed, index: Index, client: redis.Redis, activate: Any, merchant_changed: Any, tea: Offer, tmp_path: Path
) -> None:
    catch_up(feed)
    assert dump(index) == []
    merchants = [activate() for _ in range(3)]
    products = [store.create(store.merchant(merchants[n % 3]), tea, "usr_1", new_key()) for n in range(9)]
    relay(client)
    catch_up(feed)
    assert len(dump(index)) == 9
    store.update(products[0], {"price": 1_000})
    store.update(products[1], {"state": State.HIDDEN})
    relay(client)
    suspended = merchant_changed(merchant_id=merchants[2], version=3)
    store.apply_merchant("merchant.suspended", suspended)
    publish(client, MERCHANTS, "merchant.suspended", suspended)
    catch_up(feed)
    followed = dump(index)
    assert len(followed) == 5
    assert followed == sorted(followed, key=lambda found: found.product_id[:16], reverse=True)
    assert {found.price for found in followed} == {1_000, tea.price}

    for client_of_new in (client, _empty(client)):  # with what the streams still hold, and with nothing left
        rebuilt = Index(tmp_path / "another.sqlite3")
        catch_up(Feed(rebuilt, client_of_new, store.everything))
        assert dump(rebuilt) == followed
        assert dump(rebuilt, "che tan cuong") == dump(index, "che tan cuong") == followed
        rebuilt.close()
        (tmp_path / "another.sqlite3").unlink()


def _empty(client: redis.Redis) -> redis.Redis:
    for stream in (PRODUCTS, MERCHANTS):
        client.xtrim(stream, maxlen=0, approximate=False)
    return client


def test_a_merchant_that_catalogs_worker_has_not_heard_of_yet_is_not_lost_by_a_rebuild(
    feed: Feed, index: Index, client: redis.Redis, activate: Any, merchant_changed: Any, tea: Offer
) -> None:
    merchant_id = activate()
    store.create(store.merchant(merchant_id), tea, "usr_1", new_key())
    publish(client, MERCHANTS, "merchant.suspended", merchant_changed(merchant_id=merchant_id, version=3))
    catch_up(feed)  # builds: the documents say active, the stream knows better
    assert dump(index) == []


def test_an_index_that_stood_still_while_the_stream_was_trimmed_is_rebuilt(
    feed: Feed, index: Index, client: redis.Redis, activate: Any, tea: Offer
) -> None:
    merchant = store.merchant(activate())
    catch_up(feed)
    for _ in range(5):
        store.create(merchant, tea, "usr_1", new_key())
    relay(client)
    client.xtrim(PRODUCTS, maxlen=2, approximate=False)
    catch_up(feed)
    assert len(dump(index)) == 5


def test_trimming_what_the_index_has_read_rebuilds_nothing(
    feed: Feed, index: Index, client: redis.Redis, activate: Any, tea: Offer
) -> None:
    merchant = store.merchant(activate())
    for _ in range(3):
        store.create(merchant, tea, "usr_1", new_key())
    relay(client)
    catch_up(feed)
    before = index.cursors()
    assert before[PRODUCTS].count == 3
    _empty(client)
    store.CatalogProduct.objects.delete()  # a rebuild would find nothing
    catch_up(feed)
    assert len(dump(index)) == 3
    assert index.cursors() == before


def test_streams_of_a_restored_server_make_the_index_anew(
    feed: Feed, index: Index, client: redis.Redis, activate: Any, tea: Offer
) -> None:
    merchant = store.merchant(activate())
    store.create(merchant, tea, "usr_1", new_key())
    relay(client)
    catch_up(feed)
    store.create(merchant, tea, "usr_1", new_key())
    client.delete(PRODUCTS)
    catch_up(feed)
    assert len(dump(index)) == 2


def test_an_entry_that_nobody_can_read_does_not_keep_later_ones_out(
    feed: Feed, index: Index, client: redis.Redis, activate: Any, tea: Offer
) -> None:
    catch_up(feed)
    merchant = store.merchant(activate())
    client.xadd(PRODUCTS, {"no": "event"})
    publish(client, PRODUCTS, "product.changed", events_pb2.ProductChanged(product_id="x", version=1))
    event = Event(new_id("evt"), "product.changed", "catalog", "", now(), "", b"\xff\xff")
    client.xadd(PRODUCTS, event.fields())  # type: ignore[arg-type]
    publish(client, PRODUCTS, "stall.painted", events_pb2.ProductChanged())
    store.create(merchant, tea, "usr_1", new_key())
    relay(client)
    catch_up(feed)
    assert len(dump(index)) == 1


def test_the_thread_follows_until_it_is_stopped_and_outlives_a_failing_store(
    index: Index, client: redis.Redis, activate: Any, tea: Offer
) -> None:
    failures = iter([RuntimeError("the store is away")])

    def documents() -> Any:
        for failure in failures:
            raise failure
        return store.everything()

    feed = Feed(index, client, documents)
    feed.start()
    try:
        store.create(store.merchant(activate()), tea, "usr_1", new_key())
        relay(client)
        deadline = time.monotonic() + WAIT_S_MAX
        while not index_has(index, 1):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        feed.stop()


def index_has(index: Index, count: int) -> bool:
    try:
        return len(dump(index)) == count
    except Unavailable:
        return False
