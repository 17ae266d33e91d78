"""`cho ledger rebuild` and `verify` on real servers: what they refuse, what the gate says then, who hears what."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from cli import ledger as command
from cli.failover import Refused
from kit import mongo, standing
from kit.config import settings
from kit.ids import new_key
from kit.standing import Standing
from kit.streams import names
from kit.streams.entry import Entry
from services.payments import limits, transfer
from services.payments.store import library, webhook_documents, webhooks
from services.payments.store.client import LedgerClient
from services.payments.store.ledger import Ledger, Order
from services.payments.store.rebuild import NotEmpty
from services.payments.store.rebuild.run import marker
from services.payments.store.sync import SyncLedger
from services.settlement import fold, gate, store
from services.settlement.gate import Shut
from tests.payments import rebuilding
from tests.payments.conftest import TELECOMS, Bench
from tests.payments.rebuilding import KEYS

pytestmark = pytest.mark.anyio
quietly: Callable[[str], None] = lambda _: None  # noqa: E731


@contextmanager
def books() -> Iterator[None]:
    """Settlement's books, as this process's own store."""
    store.open_store()
    try:
        yield
    finally:
        mongo.disconnect()


@pytest.fixture(scope="module")
def _streams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with rebuilding.server(tmp_path_factory.mktemp("streams")) as url:
        yield url


@pytest.fixture
def streams(_streams: str) -> Iterator[redis.Redis]:
    """The services' streams, on a server of their own."""
    with rebuilding.client(_streams) as client:
        client.flushall()
        yield client


@pytest.fixture
def hot(valkey: str, _streams: str, mongo_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The ledger's server; the settings point to it, and to books without an event."""
    for name, value in {
        "ledger_url": valkey,
        "redis_url": _streams,
        "mongodb_uri": mongo_uri,
        "home": tmp_path,
    }.items():
        monkeypatch.setattr(settings(), name, value)
    monkeypatch.setattr(gate, "_compared_run", "")
    mongo.disconnect()
    with books():
        for document in (store.JournalPage, store.JournalKey, store.Head, store.Window, store.Bank):
            document.objects.delete()
    with rebuilding.client(valkey) as client:
        library.load(client)
        yield client


@pytest.fixture
async def market(hot: redis.Redis, valkey: str, streams: redis.Redis) -> AsyncIterator[Bench]:
    """A ledger that the start gate founded."""
    opened()
    client = LedgerClient(valkey)
    await client.start()
    bench = Bench(Ledger(client, KEYS), client, KEYS, valkey)
    await bench.ledger.found(TELECOMS, limits.encode(limits.in_force(1_000_000)))
    yield bench
    await client.stop()


def opened() -> None:
    """What settlement's worker does. Raises Shut."""
    with books(), rebuilding.client(settings().ledger_url) as client:
        while not gate.ensure_open(client):
            pass


def journal(but: int = 0) -> int:
    """Brings the books up to date, but for the last events; their last sequence number."""
    with books(), rebuilding.client(settings().ledger_url) as client:
        after = store.last_seq()
        found: Any = client.xrange(KEYS.stream, f"({after}-0")
        entries = [Entry(int(i.partition(b"-")[0]), fields) for i, fields in found]
        if entries := entries[: len(entries) - but]:
            store.append(entries)
        return store.last_seq()


def announce(client: redis.Redis, up_to: int) -> None:
    """Somebody outside heard of the events up to here."""
    client.xadd("payments:live:mer_1", {"data": "x"}, id=f"{up_to}-0")
    client.xadd("payments:events", {"data": "x"}, id=f"{up_to}-0")


async def trade(b: Bench) -> tuple[str, str]:
    wallet, merchant = await b.wallet(balance=1_000_000), await rebuilding.merchant(b)
    for amount in (1_000, 2_000, 3_000):
        await b.pay(wallet, merchant, amount)
    return wallet, merchant


async def test_the_start_gate_opens_a_rebuilt_ledger_and_a_payment_works(market: Bench, hot: redis.Redis) -> None:
    wallet, merchant = await trade(market)
    last = journal()
    rebuilding.forget(market.url)
    with pytest.raises(Shut, match="the ledger is empty and the books hold"):
        opened()
    done = command.rebuild(None, quietly)
    assert (done.books, done.seq, done.epoch) == (last, last + 1, 2)
    opened()
    assert (await market.pay(wallet, merchant, 4_000)).seq == last + 2
    journal()
    with books():
        told = list(store.events(1, last + 2))
    assert [(event.op, event.epoch) for event in told[-2:]] == [("promote", 2), ("pay", 2)]
    assert fold.replay(told).findings == []


async def test_what_was_announced_is_not_again_and_what_was_not_is(
    market: Bench, hot: redis.Redis, streams: redis.Redis
) -> None:
    await trade(market)
    last = journal()
    announce(streams, last - 2)
    rebuilding.forget(market.url)
    command.rebuild(None, quietly)
    assert hot.get(names.cursor("announcer")) == b"%d" % (last - 2)
    assert hot.get(names.cursor("journal")) == b"%d" % last
    assert hot.smembers(names.readers()) == {b"announcer", b"journal"}


async def test_where_the_announcements_are_lost_too_all_that_the_stream_holds_is_announced_again(
    market: Bench, hot: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trade(market)
    last = journal()
    rebuilding.forget(market.url)
    monkeypatch.setattr(command, "MARGIN", 5)
    command.rebuild(None, quietly)
    assert hot.get(names.cursor("announcer")) == b"%d" % (last - 5)
    assert hot.xrange(KEYS.stream, count=1)[0][0] == b"%d-0" % (last - 4)


async def test_a_number_that_was_announced_beyond_the_books_means_nothing_else_afterwards(
    market: Bench, hot: redis.Redis, streams: redis.Redis
) -> None:
    wallet, merchant = await trade(market)
    last = journal(but=3)
    announce(streams, last + 2)
    rebuilding.forget(market.url)
    done = command.rebuild(None, quietly)
    assert (done.heard, done.books, done.seq) == (last + 2, last, last + 2)
    assert hot.get(names.cursor("announcer")) == b"%d" % last
    opened()
    assert (await market.pay(wallet, merchant, 1_000)).seq == last + 3


@pytest.mark.parametrize("stream", [names.NAMED, names.HOLDS])
async def test_what_orders_alone_heard_of_beyond_the_books_counts_as_well(
    market: Bench, hot: redis.Redis, streams: redis.Redis, stream: str
) -> None:
    await trade(market)
    last = journal()
    streams.xadd(stream, {"data": "x"}, id=f"{last + 3}-0")
    rebuilding.forget(market.url)
    assert command.rebuild(None, quietly).seq == last + 3


async def test_a_webhook_that_heard_of_more_than_the_books_hold_counts_as_well(
    market: Bench, hot: redis.Redis, streams: redis.Redis
) -> None:
    await trade(market)
    last = journal()
    command.payments_store.open_documents()
    for kind in webhook_documents.DOCUMENTS:
        kind.objects.delete()
    hook = webhooks.create(streams, "mer_hooked", "usr_v", "https://example.com/")
    webhook_documents.WebhookDocument.objects(id=hook.id).update_one(set__cursor=last + 4)
    mongo.disconnect()
    streams.flushall()
    rebuilding.forget(market.url)
    assert command.rebuild(None, quietly).seq == last + 4
    assert streams.smembers(webhooks.HOOKED) == {b"mer_hooked"}, "the announcer knows of it before it announces"
    command.payments_store.open_documents()
    webhook_documents.WebhookDocument.objects.delete()
    mongo.disconnect()


async def test_the_epoch_is_above_every_one_that_was_decided_and_stays_it_when_a_rebuild_is_run_again(
    market: Bench, hot: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trade(market)
    last = journal()
    standing.write(settings().home, Standing(epoch=5))
    rebuilding.forget(market.url)
    with monkeypatch.context() as patch:
        patch.setattr(command.Rebuild, "finish", lambda _: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            command.rebuild(None, quietly)
    assert hot.hget(marker(KEYS), "epoch") == b"6"
    with pytest.raises(Shut, match="the ledger is empty and the books hold"):
        opened()
    standing.write(settings().home, Standing(epoch=6))
    assert (command.rebuild(None, quietly).epoch, hot.hget(KEYS.meta, "epoch")) == (6, b"6")
    opened()
    assert hot.hget(KEYS.meta, "seq") == b"%d" % (last + 1)


async def test_books_that_do_not_verify_make_no_ledger(market: Bench, hot: redis.Redis) -> None:
    await trade(market)
    journal()
    with books():
        page = store.JournalPage._get_collection().find_one({"_id": 1})
        at = page["raw"].index(b"wal_")
        forged = page["raw"][:at] + b"wax_" + page["raw"][at + 4 :]
        store.JournalPage._get_collection().update_one({"_id": 1}, {"$set": {"raw": forged}})
    rebuilding.forget(market.url)
    with pytest.raises(Refused, match="the books do not verify"):
        command.rebuild(None, quietly)
    assert hot.keys("{c01}:*") == []


async def test_a_ledger_is_rebuilt_only_where_there_is_none_and_nobody_acts_on_it(
    market: Bench, hot: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trade(market)
    with pytest.raises(NotEmpty, match="holds a ledger"):
        command.rebuild(None, quietly)
    rebuilding.forget(market.url)
    with pytest.raises(Refused, match="the books hold nothing"):
        command.rebuild(None, quietly)
    monkeypatch.setattr(command, "LEASES_S_MAX", 0.2)
    hot.set(names.reader_lease("journal"), "another's")
    with pytest.raises(Refused, match="workers to leave the ledger"):
        command.rebuild(None, quietly)


async def test_a_server_that_insists_on_copies_is_filled_and_insists_again(market: Bench, hot: redis.Redis) -> None:
    await trade(market)
    journal()
    rebuilding.forget(market.url)
    hot.config_set("min-replicas-to-write", 1)
    try:
        command.rebuild(None, quietly)
        assert hot.config_get("min-replicas-to-write") == {"min-replicas-to-write": "1"}
    finally:
        hot.config_set("min-replicas-to-write", 0)


def pay(client: redis.Redis, wallet: str, merchant: str, amount: int) -> None:
    legs = transfer.pay(wallet, merchant, "VIETTEL", amount, 0)
    SyncLedger(client, KEYS).post(Order("pay", "usr", new_key(), "h", amount, 0, legs))


async def test_a_running_ledger_is_compared_with_the_books_while_people_pay(
    market: Bench, hot: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet, merchant = await trade(market)
    last = journal()
    compared = command.differences

    def meanwhile(*between: Any) -> Iterator[Any]:
        pay(hot, wallet, merchant, 10)
        yield from compared(*between)
        pay(hot, wallet, merchant, 20)
        journal()
        store.open_store()

    with monkeypatch.context() as patch:
        patch.setattr(command, "differences", meanwhile)
        done = command.verify(quietly)
    assert (done.found, done.untold, done.seq) == ([], 0, last + 2)
    hot.hset(KEYS.account(merchant), "n", "Bà Mận")
    hot.srem(KEYS.owner("usr_v"), merchant)
    found = command.verify(quietly).found
    assert sorted(one.key for one in found) == sorted([KEYS.account(merchant), KEYS.owner("usr_v")])
