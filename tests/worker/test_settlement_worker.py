"""Settlement's worker on a real ledger and a real store: it founds, journals, opens after a restart, and stays shut."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from cho.events.v1.events_pb2 import WindowClosed
from prometheus_client import REGISTRY

from kit import mongo
from kit.clock import now
from kit.config import settings
from kit.ids import new_id
from kit.streams import names
from kit.streams.event import from_entry
from services.payments.store import library
from services.payments.store.keys import Keys
from services.settlement import fold, shown, store, worker
from services.settlement.clerk import wake
from services.settlement.matching import cases
from services.settlement.matching.cases import Case
from services.settlement.matching.documents import BreakDocument
from services.settlement.matching.model import BreakType
from services.settlement.payouts import store as payouts
from services.settlement.payouts.documents import PayoutDocument
from services.settlement.worker import Settlement
from tests.settlement.conftest import Scribe

pytestmark = pytest.mark.worker

KEYS = Keys("c01")
Until = Callable[[Callable[[], Any]], Any]
Start = Callable[[type], Any]


@pytest.fixture
def books(client: redis.Redis) -> Iterator[None]:
    """Settlement's own database, connected and empty; the ledger's functions are loaded."""
    library.load(client)
    store.open_store()
    for document in (store.JournalPage, store.JournalKey, store.Head, store.Window, store.Bank):
        document.objects.delete()
    Settlement._shut, Settlement._seen, Settlement._busy_s = "", 0, 0
    yield
    mongo.disconnect()


def opened(client: redis.Redis) -> bool:
    run = client.info("server")["run_id"]
    return client.hget(KEYS.meta, "gate") == run.encode()


def open_wallets(client: redis.Redis, count: int) -> None:
    """Events for the journal: wallets, which need nobody's money."""
    run = client.info("server")["run_id"]
    with client.pipeline(transaction=False) as pipe:
        for _ in range(count):
            wallet, owner = new_id("wal"), new_id("usr")
            keys = (KEYS.account(wallet), KEYS.unique("wallet", "VNPT", owner), KEYS.owner(owner))
            args = (run, wallet, "wallet", "VNPT", owner, "0", f"test|open|{wallet}", b"")
            pipe.fcall("open_v3", 5, KEYS.meta, KEYS.stream, *keys, *args)
        assert all(reply[0] == b"OK" for reply in pipe.execute())


def cut(client: redis.Redis, window: int) -> int:
    run = client.info("server")["run_id"]
    code, seq, _ = client.fcall("cut_v3", 2, KEYS.meta, KEYS.stream, run, window, "op|cut", b"")
    assert code == b"OK"
    return int(seq)


def ledger_seq(client: redis.Redis) -> int:
    seq: Any = client.hget(KEYS.meta, "seq")
    return int(seq)


@pytest.mark.usefixtures("books")
def test_it_founds_the_cell_journals_closes_windows_and_tells_of_them_once(
    client: redis.Redis, start: Start, until: Until
) -> None:
    worker = start(Settlement)
    until(lambda: opened(client))
    open_wallets(client, 40)
    first, second = cut(client, 1), cut(client, 2)
    until(lambda: client.xlen("settlement:events") == 2)
    told: Any = client.xrange("settlement:events")
    events = [from_entry(entry_id, fields) for entry_id, fields in told]
    closed = [WindowClosed.FromString(event.data) for event in events]
    assert [(w.window, w.first_seq, w.last_seq) for w in closed] == [(1, 1, first), (2, second, second)]
    assert [event.type for event in events] == ["window.closed"] * 2
    until(lambda: store.head().compared == store.head().keyed == ledger_seq(client))
    until(lambda: client.get(names.cursor("journal")) == str(ledger_seq(client)).encode())
    worker.stop()
    start(Settlement)
    open_wallets(client, 3)
    until(lambda: store.head().seq == ledger_seq(client))
    assert client.xlen("settlement:events") == 2


@pytest.mark.usefixtures("books")
def test_after_a_restart_of_the_ledger_it_opens_the_gate_by_itself(
    client: redis.Redis, start: Start, until: Until
) -> None:
    start(Settlement)
    until(lambda: opened(client))
    open_wallets(client, 10)
    client.hset(KEYS.meta, "gate", "an earlier run")
    until(lambda: opened(client))
    open_wallets(client, 10)
    until(lambda: store.head().seq == ledger_seq(client))


@pytest.mark.usefixtures("books")
def test_a_ledger_that_is_not_what_the_books_say_stays_shut_until_it_is(
    client: redis.Redis, start: Start, until: Until
) -> None:
    worker = start(Settlement)
    until(lambda: opened(client))
    open_wallets(client, 10)
    until(lambda: store.head().seq == ledger_seq(client))
    worker.stop()
    store.set_compared(0)
    victim = next(client.scan_iter(KEYS.account("wal_*")))
    client.hincrby(victim, "cp", 1_000_000)
    client.hset(KEYS.meta, "gate", "an earlier run")
    start(Settlement)
    until(lambda: victim.decode().removeprefix(KEYS.account("")) in Settlement._shut)
    assert not opened(client)
    client.hincrby(victim, "cp", -1_000_000)
    until(lambda: opened(client))
    until(lambda: Settlement._shut == "")


@pytest.mark.usefixtures("books")
def test_an_empty_ledger_beside_full_books_is_never_founded_anew(
    client: redis.Redis, start: Start, until: Until
) -> None:
    worker = start(Settlement)
    until(lambda: opened(client))
    open_wallets(client, 10)
    until(lambda: store.head().seq == ledger_seq(client))
    worker.stop()
    client.flushall()
    library.load(client)
    start(Settlement)
    until(lambda: "the ledger is empty" in Settlement._shut)
    assert not client.exists(KEYS.meta)


@pytest.mark.usefixtures("books")
def test_a_journal_killed_again_and_again_holds_every_event_once(client: redis.Redis, until: Until) -> None:
    command = [sys.executable, "-W", "ignore", "-P", "-m", "cli.processes", "work", "settlement"]

    def went_on(before: int) -> bool:
        open_wallets(client, 20)
        return store.head().seq > before + 100

    def run(kill: bool) -> None:
        worker = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.getcwd()}, stderr=subprocess.DEVNULL)
        before = store.head().seq
        try:
            until(lambda: opened(client))
            if kill:
                until(lambda: went_on(before))
            else:
                until(lambda: store.head().seq == ledger_seq(client))
        finally:
            worker.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            worker.wait()
        client.delete(names.reader_lease("journal"))  # instead of waiting until it expires

    run(kill=True)
    run(kill=True)
    cut(client, 1)
    run(kill=False)
    links = list(store.verify_chain(ledger_seq(client)))
    assert [link.event.seq for link in links] == list(range(1, ledger_seq(client) + 1))
    assert not any(link.wrong for link in links)
    books = fold.replay(link.event for link in links)
    assert books.findings == []
    assert len(books.accounts) == sum(1 for _ in client.scan_iter(KEYS.account("*")))
    assert [window.number for window in store.windows(9, 9)] == [1]


# The clerk ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("books")
def test_while_much_is_journaled_keys_are_entered_seldom_and_all_of_them_once_it_is_quiet() -> None:
    settlement, scribe, keyed = Settlement(), Scribe(), []
    for _ in range(2 * worker.KEYS_BUSY_S):
        for _ in range(worker.QUIET_EVENTS_S):
            scribe.wallet(5)
        store.append(scribe.entries()[store.head().seq :])
        settlement.enter_keys()
        keyed.append(store.head().keyed)
    first, second = worker.KEYS_BUSY, 2 * worker.KEYS_BUSY
    assert keyed == [0] * (worker.KEYS_BUSY_S - 1) + [first] * worker.KEYS_BUSY_S + [second]
    while store.head().keyed < store.head().seq:
        settlement.enter_keys()
    assert store.JournalKey.objects.count() == sum(event.keyed for event in scribe.events)


class Started:
    """In place of the clerk's process: how often it was started."""

    times = 0

    def running(self) -> bool:
        return False

    def start_one(self) -> None:
        self.times += 1


@pytest.mark.usefixtures("books")
def test_the_clerk_is_started_for_the_checkpoints_each_time_that_many_events_came(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(worker, "FOLLOW_EVENTS", 10)
    monkeypatch.setattr(settings(), "home", tmp_path)
    monkeypatch.setattr(settings(), "settlement_schedule", "off")
    store.Window.objects.delete()
    wake.wanted()  # whoever asked before
    clerk, scribe, started = worker.Clerk(), Scribe(), Started()
    monkeypatch.setattr(worker.Clerk, "_seq", 0)
    clerk.child = started  # type: ignore[assignment]

    def journal(until: int) -> int:
        while len(scribe.events) < until:
            scribe.wallet(5)
        store.append(scribe.entries()[store.head().seq : until])
        clerk.look()
        return started.times

    assert journal(9) == 0
    assert journal(10) == 1
    assert journal(19) == 1
    assert journal(40) == 2


# What Prometheus is told ----------------------------------------------------------------------------------


def told() -> dict[str, dict[tuple[str, ...], float]]:
    """Families of numbers by name, each by its labels' values."""
    return {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
        for family in shown._settlement()
    }


def test_what_is_journaled_is_told_by_how_it_ended_and_by_what_it_posted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "metrics_port", 1)
    scribe = Scribe()
    wallet, merchant = scribe.wallet(1_000_000), scribe.merchant("mer_1")
    scribe.pay(wallet, merchant, 100_000, 200)
    scribe.pay(wallet, merchant, 50_000)
    scribe.write("pay", result="INSUFFICIENT_FUNDS")
    asked = [
        *(("cho_ledger_events_total", "operation", "pay", "result", result) for result in ("OK", "INSUFFICIENT_FUNDS")),
        *(("cho_ledger_posted_vnd_total", "kind", kind, "side", side)
          for kind, side in (("wallet", "d"), ("merchant", "c"), ("fee", "c"), ("merchant", "d"))),
    ]  # fmt: skip

    def counted() -> list[float]:
        return [REGISTRY.get_sample_value(name, {a: of, b: to}) or 0 for name, a, of, b, to in asked]

    before = counted()
    shown.journaled(scribe.entries())
    assert [now_ - then for now_, then in zip(counted(), before, strict=True)] == [2, 1, 150_000, 149_800, 200, 0]


def test_windows_payouts_breaks_and_the_clerks_last_run_are_told(books: None) -> None:
    for document in (PayoutDocument, BreakDocument, store.ClerkRun):
        document.objects.delete()
    at = now()
    assert "cho_clerk_run" not in told(), "it never ran"
    store.Window(
        number=1, first_seq=1, last_seq=9, opened_at=at - timedelta(days=2), closed_at=at - timedelta(hours=30),
        chain_head="ab" * 32, stage="settling",
    ).save(force_insert=True)  # fmt: skip
    payouts.insert([payouts.new("PO-1", 1, "mer_1", 60_000, 0, at, {"bin": "970436", "account": "1", "name": "A"})])
    for days, institution, at_risk in ((0, "VNPT", 5), (14, "VNPT", 7), (14, "VIETTEL", 1)):
        case = Case(
            institution, "record", BreakType.NO_FILE, f"record.W0000{days:02}-{institution}.csv", at_risk=at_risk
        )
        cases.open_case(case, at - timedelta(days=days))
    store.note_run("done", at - timedelta(seconds=90))
    store.note_run("later", at - timedelta(seconds=30))
    found = told()
    assert found["cho_windows"] == {("closed",): 0, ("netted",): 0, ("settling",): 1}
    assert 29 * 3600 < found["cho_windows_age_seconds"][()] < 31 * 3600
    assert found["cho_payouts"] == {("pending",): 1, ("ready",): 0, ("sent",): 0}
    assert found["cho_breaks"]["VNPT", "open"] == 2
    assert found["cho_breaks_by_age"] == {
        ("VIETTEL", "NO_FILE", "6-10"): 1, ("VNPT", "NO_FILE", "0"): 1, ("VNPT", "NO_FILE", "6-10"): 1,
    }  # fmt: skip
    assert found["cho_breaks_at_risk_vnd"] == {("VIETTEL", "NO_FILE"): 1, ("VNPT", "NO_FILE"): 12}
    assert found["cho_clerk_run"] == {("done",): 0, ("later",): 1, ("failed",): 0}
    assert 30 <= found["cho_clerk_ended_seconds"][()] < 80
    assert 90 <= found["cho_clerk_done_seconds"][()] < 140


def test_a_clerk_that_was_never_done_is_told_of_as_if_it_had_been_when_the_oldest_unsettled_window_closed(
    books: None,
) -> None:
    store.ClerkRun.objects.delete()
    assert "cho_clerk_done_seconds" not in told(), "there was nothing to do"
    at = now()
    for number, hours in ((1, 5), (2, 1)):
        store.Window(
            number=number, first_seq=number, last_seq=number, opened_at=at - timedelta(hours=hours + 1),
            closed_at=at - timedelta(hours=hours), chain_head="ab" * 32, stage="closed",
        ).save(force_insert=True)  # fmt: skip
    found = told()
    assert 5 * 3600 <= found["cho_clerk_done_seconds"][()] < 5 * 3600 + 60
    assert "cho_clerk_ended_seconds" not in found, "it hangs, or was killed: no run has ended"
    store.note_run("later", at)
    assert told()["cho_clerk_done_seconds"][()] >= 5 * 3600
    store.note_run("done", at)
    assert told()["cho_clerk_done_seconds"][()] < 60
