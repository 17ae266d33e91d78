"""A ledger's events as the books have them, and a cell rebuilt from them beside it or in its place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from cho.events.v1.intent_pb2 import Intent

from kit.ids import new_id
from kit.ledger_event import from_raw
from kit.streams.entry import Entry
from services.payments.store import library
from services.payments.store.keys import Keys
from services.payments.store.rebuild import Difference, Lives, Rebuild, differences
from services.payments.store.rebuild.compare import stream_differences
from services.payments.store.rebuild.run import clock_ms
from tests.conftest import free_port, start_valkey
from tests.payments.conftest import Bench

KEYS = Keys("c01")
Events = list[tuple[int, bytes]]


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """URL of another Valkey, empty."""
    port = free_port()
    process = start_valkey(folder, port, "--appendonly", "no")
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()


def client(url: str) -> redis.Redis:
    """As the command has it: replies are bytes."""
    return redis.Redis.from_url(url, protocol=2)


def events_of(url: str) -> Events:
    """Every event of a ledger whose stream was not trimmed, in the books' bytes."""
    with client(url) as hot:
        rows: Any = hot.xrange(KEYS.stream)
    return [(seq, Entry(seq, fields).raw) for seq, (_, fields) in enumerate(rows, start=1)]


def prepared(target: redis.Redis, events: Events, keep_from: int = 1) -> Rebuild:
    """A rebuild that has heard of the events once."""
    lives = Lives(clock_ms(target))
    for seq, raw in events:
        lives.note(from_raw(seq, raw))
    return Rebuild(target, KEYS, lives, keep_from)


def rebuild(url: str, events: Events, keep_from: int = 1, epoch: int = 0) -> Rebuild:
    """Rebuilds the cell on this server, with a promotion to `epoch` at its end where one is named."""
    with client(url) as target:
        made = prepared(target, events, keep_from)
        made.begin(epoch or 1, {})
        made.feed(events)
        if epoch:
            made.promote(epoch)
        made.finish()
        return made


def compared(hot_url: str, rebuilt_url: str) -> list[Difference]:
    """All that differs, entries of the stream included."""
    with client(hot_url) as hot, client(rebuilt_url) as rebuilt:
        last = int(hot.hget(KEYS.meta, "seq") or 0)  # type: ignore[arg-type]
        return [*differences(hot, rebuilt, KEYS), *stream_differences(hot, rebuilt, KEYS, last)]


def function(name: str) -> str:
    """A function of the library that is deployed now."""
    return f"{name}_{library.LIBRARY.rpartition('_')[2]}"


async def merchant(b: Bench, owner: str = "usr_v") -> str:
    """A merchant, told as onboarding tells of one."""
    merchant_id, k = new_id("mer"), b.keys
    told = Intent(
        caller_id="service:onboarding", name="Bà Lan", market_name="Chợ Thái", stall="A-1", bank_bin="970436",
        category_code="5999", merchant_version=1, account_index=f"idx{merchant_id}",
    )  # fmt: skip
    keys = [k.meta, k.stream, k.account(merchant_id), k.bank_account(told.account_index), k.owner(owner)]
    facts = (merchant_id, owner, "open", 1, "970436", "5999", "Bà Lan", "Chợ Thái", "A-1", "scope")
    assert (await b.ledger._call(function("merchant"), keys, *facts, told.SerializeToString()))[0] == "OK"
    return merchant_id


def open_gate(url: str, genesis: str = "cell-test") -> None:
    """What the start gate does once books and ledger agree; it founds nothing."""
    with client(url) as admin:
        run = admin.info("server")["run_id"]
        assert admin.fcall(function("gate"), 2, KEYS.meta, KEYS.stream, run, genesis, "0", "0")[0] == b"OK"


def forget(url: str) -> None:
    """The server loses the cell, and keeps its functions."""
    with client(url) as admin:
        admin.flushall()
