"""The start gate: a ledger that is not what the books say stays shut (DESIGN section 4, rule 7)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import redis

from kit.config import settings
from kit.errors import LedgerFenced
from kit.streams.entry import Entry
from services.payments.store import library
from services.settlement import gate, store
from services.settlement.gate import Shut
from tests.conftest import free_port, start_valkey
from tests.payments.conftest import Bench
from tests.settlement.conftest import KEYS, Scribe, journal, trade, unread

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _nothing_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_compared_run", "")


def restarted(hot: redis.Redis) -> None:
    """As after a new start of the server: the gate was opened for another run."""
    hot.hset(KEYS.meta, "gate", "an earlier run")


async def test_a_cell_is_founded_where_ledger_and_books_are_empty(books: None, hot: redis.Redis) -> None:
    assert gate.ensure_open(hot) is True
    assert gate.ensure_open(hot) is False
    assert hot.hget(KEYS.meta, "genesis") == store.head().genesis.encode()
    journal(hot)
    assert [event.op for event in store.events(1, 9)] == ["genesis"]


async def test_after_a_restart_the_gate_opens_where_everything_agrees(market: Bench, hot: redis.Redis) -> None:
    await trade(market, hot)
    restarted(hot)
    with pytest.raises(LedgerFenced):
        await market.wallet(balance=5)
    assert gate.ensure_open(hot) is True
    await market.wallet(balance=5)  # ahead of the books: these come later
    restarted(hot)
    assert gate.ensure_open(hot) is True
    assert store.head().compared == store.last_seq()


async def test_an_empty_ledger_is_not_founded_beside_books_that_hold_something(market: Bench, hot: redis.Redis) -> None:
    journal(hot)
    hot.flushall()
    with pytest.raises(Shut, match="the ledger is empty and the books hold"):
        gate.ensure_open(hot)
    assert hot.keys("*") == []


async def test_entries_that_a_crash_left_beyond_the_head_count_as_books(
    market: Bench, hot: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(store, "_advance", crash)
        with pytest.raises(RuntimeError):
            store.append(unread(hot))
    assert store.head().seq == 0
    hot.flushall()
    with pytest.raises(Shut, match="the ledger is empty and the books hold"):
        gate.ensure_open(hot)
    assert store.head().seq == 0, "the gate only looks: counting in is the journal's reader's work"


async def test_another_cells_ledger_stays_shut(market: Bench, hot: redis.Redis) -> None:
    await trade(market, hot)
    restarted(hot)
    store.Head.objects.update(set__genesis="gen_of_another_cell")
    with pytest.raises(Shut, match="another cell"):
        gate.ensure_open(hot)


async def test_a_ledger_that_lost_what_the_books_hold_stays_shut(market: Bench, hot: redis.Redis) -> None:
    await trade(market, hot)
    last = unread(hot) or [Entry(store.last_seq(), {})]
    lost = Entry(last[-1].seq + 1, hot.xrevrange(KEYS.stream, count=1)[0][1])
    store.append([lost])
    restarted(hot)
    with pytest.raises(Shut, match="lost what was acknowledged"):
        gate.ensure_open(hot)


async def test_a_ledger_whose_last_event_is_another_one_stays_shut(market: Bench, hot: redis.Redis) -> None:
    wallet = await market.wallet(balance=5_000)
    entries = unread(hot)
    store.append(entries[:-1])
    store.append([Entry(entries[-1].seq, {**entries[-1].fields, b"h": b"another body"})])
    restarted(hot)
    with pytest.raises(Shut, match="another one in the ledger"):
        gate.ensure_open(hot)
    assert wallet


TAMPERED: dict[str, Callable[[redis.Redis, str], object]] = {
    "a credit": lambda hot, key: hot.hincrby(key, "cp", 1),
    "a debit": lambda hot, key: hot.hincrby(key, "dp", -1),
    "something pending": lambda hot, key: hot.hset(key, "dq", 5),
    "an older version": lambda hot, key: hot.hincrby(key, "v", -1),
    "no account": lambda hot, key: hot.delete(key),
}


@pytest.mark.parametrize("name", TAMPERED)
@pytest.mark.parametrize("whose", ["wallet", "merchant", "settlement"])
async def test_balances_that_the_books_do_not_know_keep_the_gate_shut(
    market: Bench, hot: redis.Redis, name: str, whose: str
) -> None:
    wallet, merchant = await trade(market, hot)
    account = {"wallet": wallet, "merchant": merchant, "settlement": "settlement:VIETTEL"}[whose]
    kept = hot.dump(KEYS.account(account))
    TAMPERED[name](hot, KEYS.account(account))
    restarted(hot)
    with pytest.raises(Shut, match=account):
        gate.ensure_open(hot)
    with pytest.raises(Shut, match=account):
        gate.compare(hot, 0, store.last_seq())
    with pytest.raises(LedgerFenced):
        await market.wallet(balance=5)
    hot.restore(KEYS.account(account), 0, kept, replace=True)
    assert gate.ensure_open(hot) is True


async def test_the_comparison_lets_a_ledger_be_ahead(market: Bench, hot: redis.Redis) -> None:
    wallet, merchant = await trade(market, hot)
    await market.pay(wallet, merchant, 1_000)
    assert gate.compare(hot, 0, store.last_seq()) == store.last_seq()


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("appendfsync", "everysec", "always"),
        ("appendonly", "no", "yes"),
        ("no-appendfsync-on-rewrite", "yes", "no"),
        ("maxmemory-policy", "allkeys-lru", "noeviction"),
    ],
)
async def test_a_server_that_may_lose_what_it_acknowledged_stays_shut(
    books: None, hot: redis.Redis, name: str, wrong: str, right: str
) -> None:
    hot.config_set(name, wrong)
    try:
        with pytest.raises(Shut, match=f"{name} is {wrong}"):
            gate.ensure_open(hot)
        assert not hot.exists(KEYS.meta)
    finally:
        hot.config_set(name, right)
    _until(lambda: not hot.info("persistence")["aof_rewrite_in_progress"])
    assert gate.ensure_open(hot) is True


async def test_a_server_without_the_functions_stays_shut(books: None, hot: redis.Redis) -> None:
    hot.function_flush()
    with pytest.raises(Shut, match="not loaded"):
        gate.ensure_open(hot)


@contextmanager
def server(directory: Path, *options: str) -> Iterator[redis.Redis]:
    port = free_port()
    process = start_valkey(directory, port, "--repl-diskless-sync-delay", "0", *options)
    try:
        with closing(redis.Redis(port=port, protocol=2)) as client:
            yield client
    finally:
        process.kill()
        process.wait()


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def test_a_replica_stays_shut_and_a_primary_without_its_replica_too(
    books: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    safe = ("--min-replicas-to-write", "1", "--aof-load-truncated", "no")
    with server(tmp_path / "primary", *safe) as primary:
        monkeypatch.setattr(settings(), "ledger_replicas", 1)
        with pytest.raises(Shut, match="0 replicas are connected, 1 are needed"):
            gate.ensure_open(primary)
        port = primary.connection_pool.connection_kwargs["port"]
        with server(tmp_path / "replica", "--replicaof", f"127.0.0.1 {port}") as replica:
            _until(lambda: primary.info("replication").get("slave0", {}).get("state") == "online")
            library.load(primary)
            with pytest.raises(Shut, match="not the primary"):
                gate.ensure_open(replica)
            for name, wrong, right in (("min-replicas-to-write", 0, 1), ("aof-load-truncated", "yes", "no")):
                primary.config_set(name, wrong)
                with pytest.raises(Shut, match=name):
                    gate.ensure_open(primary)
                primary.config_set(name, right)
            assert gate.ensure_open(primary) is True


async def test_a_ledger_whose_stream_was_trimmed_opens_on_its_balances(market: Bench, hot: redis.Redis) -> None:
    await trade(market, hot)
    hot.xtrim(KEYS.stream, 0, approximate=False)
    restarted(hot)
    assert gate.ensure_open(hot) is True


async def test_every_account_is_compared_however_long_ago_it_moved(
    market: Bench, hot: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet, _ = await trade(market, hot)
    for _ in range(5):
        await trade(market, hot)
    store.set_compared(store.last_seq())  # while the ledger was open, everything was found equal
    monkeypatch.setattr(gate, "COMPARE_MAX", 4)
    restarted(hot)
    hot.hincrby(KEYS.account(wallet), "cp", 1)
    with pytest.raises(Shut, match=wallet):
        gate.ensure_open(hot)
    hot.hincrby(KEYS.account(wallet), "cp", -1)
    assert gate.ensure_open(hot) is True


TAMPERED_BEHIND_THE_BOOKS: dict[str, Callable[[redis.Redis, str], object]] = {
    "a credit that no event made": lambda hot, key: hot.hincrby(key, "cp", 1),
    "a version that no event made": lambda hot, key: hot.hincrby(key, "v", 1),
    "a digit that is none": lambda hot, key: hot.hset(key, "dp", "1x"),
}


@pytest.mark.parametrize("name", TAMPERED_BEHIND_THE_BOOKS)
@pytest.mark.parametrize("journaled", [True, False], ids=["in the books", "not in the books yet"])
async def test_what_the_books_do_not_have_yet_is_compared_with_the_stream(
    market: Bench, hot: redis.Redis, name: str, journaled: bool
) -> None:
    wallet, merchant = await trade(market, hot)
    await market.pay(wallet, merchant, 1_000)
    if journaled:
        journal(hot)
    restarted(hot)
    TAMPERED_BEHIND_THE_BOOKS[name](hot, KEYS.account(wallet))
    with pytest.raises(Shut, match=wallet):
        gate.ensure_open(hot)


async def test_an_entry_that_cannot_be_read_keeps_the_gate_shut(market: Bench, hot: redis.Redis) -> None:
    await trade(market, hot)
    last = store.last_seq() + 1
    hot.xadd(KEYS.stream, {"op": "pay"}, id=f"{last}-0")
    restarted(hot)
    with pytest.raises(Shut, match="cannot be read"):
        gate.ensure_open(hot)


async def test_functions_of_another_text_keep_the_gate_shut(market: Bench, hot: redis.Redis) -> None:
    await trade(market, hot)
    restarted(hot)
    hot.function_load(library.source() + "\n-- a change in place", replace=True)
    with pytest.raises(Shut, match="another text than this cell has run with"):
        gate.ensure_open(hot)
    hot.function_load(library.source(), replace=True)
    assert gate.ensure_open(hot) is True


async def test_another_version_of_the_functions_beside_ours_changes_nothing(market: Bench, hot: redis.Redis) -> None:
    restarted(hot)
    hot.function_load("#!lua name=cho_ledger_v9\nredis.register_function('pay_v9', function() return 1 end)")
    assert gate.ensure_open(hot) is True
    hot.function_delete(gate.LIBRARY)
    restarted(hot)
    with pytest.raises(Shut, match=f"{gate.LIBRARY} is not loaded"):
        gate.ensure_open(hot)


async def test_a_promotion_is_an_event_that_bumps_the_epoch_once(
    market: Bench, hot: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trade(market, hot)
    monkeypatch.setattr(settings(), "ledger_epoch", 3)
    restarted(hot)
    opened = [gate.ensure_open(hot) for _ in range(4)]
    assert opened == [True, True, False, False]
    journal(hot)
    assert [(event.op, event.epoch) for event in store.events(store.last_seq() - 1, store.last_seq())] == [
        ("promote", 2),
        ("promote", 3),
    ]
    await market.wallet(balance=5)
    journal(hot)
    assert next(store.events(store.last_seq(), store.last_seq())).epoch == 3


async def test_copies_are_let_in_only_after_the_books_were_compared(
    market: Bench, hot: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trade(market, hot)
    monkeypatch.setattr(settings(), "ledger_copy_user", "copy")
    hot.acl_setuser("copy", enabled=False, reset=True, passwords=["+secret"])
    try:
        restarted(hot)
        hot.hincrby(KEYS.account("settlement:VIETTEL"), "dp", 1)
        with pytest.raises(Shut):
            gate.ensure_open(hot)
        assert "off" in hot.acl_getuser("copy")["flags"]
        hot.hincrby(KEYS.account("settlement:VIETTEL"), "dp", -1)
        assert gate.ensure_open(hot) is True
        assert "on" in hot.acl_getuser("copy")["flags"]
    finally:
        hot.acl_deluser("copy")


async def test_what_keeps_the_gate_shut_says_what_to_do_next(market: Bench, hot: redis.Redis) -> None:
    journal(hot)
    hot.flushall()
    with pytest.raises(Shut, match=r"Next: promote the copy .* never found the ledger anew"):
        gate.ensure_open(hot)


async def test_a_forged_journal_opens_no_gate(books: None, hot: redis.Redis, scribe: Scribe) -> None:
    store.append(scribe.entries())
    with pytest.raises(Shut, match="the ledger is empty and the books hold"):
        gate.ensure_open(hot)
