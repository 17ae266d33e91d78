"""The parts of `cho bench settlement`, each a process of its own: python -m cli.settlement_bench.parts PARENT PART ...

What it measured goes to its standard output as one line of JSON. Seconds are wall time; CPU and the peak of resident
memory are the process's, all threads, and those of a second process where a step starts one: added up.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from pymongo.errors import PyMongoError

from cli.settlement_bench import window
from kit import log
from kit.clock import now_ms
from kit.config import settings
from kit.ids import new_id
from kit.streams import names
from kit.streams.entry import Entry
from kit.supervisor.launch import die_with
from services.payments import transfer
from services.settlement import closing, store, trust
from services.settlement.books import follower, trial, verify
from services.settlement.books.audit import audit_books
from services.settlement.books.checkpoints import Checkpoints
from services.settlement.clerk import payouts as steps
from services.settlement.clerk import reconcile
from services.settlement.clerk.payouts import Desk
from services.settlement.clerk.peers import Peers
from services.settlement.payouts import rules
from services.settlement.payouts import store as payouts
from services.settlement.payouts.documents import DOCUMENTS

# The most that payments come to on this machine, and half as much again (docs/performance.md).
MOST_PER_S = 1_950
RATE_PER_S = MOST_PER_S * 3 // 2
BURST_S, AHEAD, TICK_S = 10, 60_000, 0.01
POSTED_AT_ONCE, TRIES_MAX = 200, 10
START_S_MAX, LEVEL_S_MAX = 60.0, 120.0
_RELEASERS = ("usr_one", "usr_two")


class _Peers(Peers):
    """Nobody else runs here: onboarding's answer is made up."""

    def accounts(self, merchant_ids: Sequence[str]) -> dict[str, Mapping[str, str]]:
        return {
            one: {"bin": window.BANKS[number % len(window.BANKS)], "account": f"{number:012d}", "name": "NGUYEN VAN A"}
            for number, one in enumerate(merchant_ids, 1)
        }


class Timed:
    """Wall and CPU seconds of the steps, by name."""

    def __init__(self) -> None:
        self.steps: dict[str, tuple[float, float]] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), _cpu_of_all()
        yield
        self.steps[name] = (round(time.perf_counter() - wall, 2), round(_cpu_of_all() - cpu, 2))

    def as_dict(self) -> dict[str, Any]:
        """All of them, and their sums."""
        wall, cpu = (round(sum(step[n] for step in self.steps.values()), 2) for n in (0, 1))
        # Of processes that it started and that have ended: the largest, or what this one had when it started it.
        others = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
        return {"seconds": wall, "cpu_s": cpu, "peak_mb": peak_mb() + others, "steps": self.steps}


def _cpu_of_all() -> float:
    """CPU seconds of this process and of those that it started and that have ended."""
    return sum(os.times()[:4])


def peak_mb(pid: int | str = "self") -> int:
    """Of a process since it began: getrusage would count its parent's at the fork."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) // 1024


def make(payments: str, record: str) -> dict[str, Any]:
    """Journals the window."""
    timed = Timed()
    with timed.step("journaled"):
        made = window.make(int(payments), Path(record))
    return timed.as_dict() | made.as_dict()


def follow() -> dict[str, Any]:
    """The books, followed through the day: all that is journaled before the window is closed."""
    timed, books = Timed(), Checkpoints(_books_in(settings().home))
    with timed.step("checkpoints"):
        while books.follow():
            pass
    return timed.as_dict() | {"events": books.newest().seq}


def close() -> dict[str, Any]:
    """The window is closed, and its books were followed through the day."""
    window.close()
    for before in store.windows(window.WINDOW - 1, window.WINDOW):
        store.advance(before, "closed", "settled")
    return _closed(settings().home)


def again() -> dict[str, Any]:
    """The same window as if nothing had been done about it, with no checkpoints, into other folders."""
    home = settings().home
    for document in DOCUMENTS:
        document.objects.delete()
    forgotten = {"record": "", "begun_by": "", "payments": "", "refunds": "", "value": "", "lines": ""}
    store.Window._get_collection().update_one(
        {"_id": window.WINDOW}, {"$set": {"stage": "closed"}, "$unset": forgotten}
    )
    done, first = _closed(home / "again"), _hashes(home)
    found = _hashes(home / "again")
    return done | {"differ": sorted(name for name in first.keys() | found if first.get(name) != found.get(name))}


def _closed(home: Path) -> dict[str, Any]:
    """What the clerk does from a window's closing marker to the last file, but for the ledger's postings."""
    timed, books = Timed(), Checkpoints(_books_in(home))
    key = trust.signing_key(settings().own_secret("settlement_signing_secret"))
    desk, closed = Desk(settings(), _Peers(), books, home), _window()
    behind = closed.last_seq - books.newest().seq
    with timed.step("netted, files of institutions; checkpoints beside"), follower.beside(books):
        record = closing.net(closed, home, key, lambda *_: None)
    with timed.step("tied, payouts decided"):
        assert not (findings := trial.tie(books, closed.number)), findings
        store.advance(closed, "closed", "netted", record=record)
        steps.decide(desk, _window())
    # The ledger's postings: made elsewhere, and measured by `cho bench payments`.
    found = [one.id for one in payouts.of_window(closed.number)]
    for start in range(0, len(found), POSTED_AT_ONCE):
        part = found[start : start + POSTED_AT_ONCE]
        payouts.change((one, rules.PENDING, {"state": rules.READY, "transfer_id": f"trf_{one}"}) for one in part)
    with timed.step("files of payouts and net positions"):
        steps.batch(_window())
        for one in payouts.batches(window=closed.number):
            for who in _RELEASERS[: one.releases_needed]:
                payouts.release(one.id, who)
        continued = _sent(desk)
        steps.send_nets(desk)
    files = _files(home)
    return timed.as_dict() | {
        "lines": sum(one["lines"] for one in record["reports"].values()), "institutions": len(record["reports"]),
        "files": len(files), "file_bytes": sum(path.stat().st_size for path in files), "payouts": len(found),
        "payments": _window().payments, "continued": continued, "behind": behind,
    }  # fmt: skip


def _books_in(home: Path) -> Path:
    """Where the clerk keeps checkpoints."""
    return home / "books" / "checkpoints.sqlite3"


def _files(home: Path) -> list[Path]:
    return [path for path in (home / "exchange").glob("*/out/*") if path.is_file()]


def _hashes(home: Path) -> dict[str, str]:
    """Every file that went out, and its SHA-256."""
    found = {}
    for path in _files(home):
        with path.open("rb") as file:
            found[str(path.relative_to(home))] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _sent(desk: Desk) -> int:
    """Sends the files of payouts. How often the database took too long and the clerk would have been started again."""
    for times in range(TRIES_MAX):
        try:
            steps.send(desk)
        except PyMongoError:
            continue
        return times
    raise RuntimeError(f"files of payouts were not sent at {TRIES_MAX} tries")


def match(record: str) -> dict[str, Any]:
    """What the clerk does with the leading telecom's record."""
    home = settings().home
    timed, desk = Timed(), Desk(settings(), _Peers(), Checkpoints(_books_in(home)), home)
    with timed.step("read and matched"):
        (compared,) = reconcile.record(desk, Path(record), window.LEADER, window.WINDOW)
    assert compared.outcome is not None
    return timed.as_dict() | {
        "entries": compared.outcome.totals.entries, "expected": compared.outcome.totals.expected,
        "faults": sorted(
            (one.type.value, (one.expected or one.entries)[0].reference if one.type.value != "EXTRA"
             else one.entries[0].reference)
            for one in compared.outcome.breaks
        ),
    }  # fmt: skip


def chain() -> dict[str, Any]:
    """All of the chain, byte by byte."""
    timed = Timed()
    with timed.step("verified"):
        found = verify.verify_bytes(1, store.head().pages)
    return timed.as_dict() | {"entries": found.entries, "bytes": found.bytes, "findings": _texts(found)}


def audit() -> dict[str, Any]:
    """The chain, and what every event means."""
    timed = Timed()
    with timed.step("verified and replayed"):
        found = audit_books(store.head().seq)
    wrong = [*_texts(found.verified), *found.books.findings, *found.window_findings()]
    return timed.as_dict() | {"entries": found.verified.entries, "findings": wrong}


# The consumer ------------------------------------------------------------------------------------------------


def books() -> dict[str, Any]:
    """The journal's reader at work: as fast as it can, then a burst at a fixed rate and how soon it is level."""
    ahead, burst = _prepared(AHEAD), _prepared(round(RATE_PER_S * BURST_S))
    with redis.Redis.from_url(settings().ledger_url, protocol=2) as ledger:
        feed = _Feed(ledger, store.last_seq())
        feed.give(_prepared(1))  # the reader refuses a ledger that ends before the books
        command = [sys.executable, "-P", "-m", "cli.settlement_bench.consumer", str(os.getpid())]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as consumer:
            try:
                feed.level(START_S_MAX)
                most = _as_fast_as_it_can(feed, ahead)
                before = _cpu_s(consumer.pid)
                level_s, behind = _at_a_rate(feed, burst)
                cpu_s = _cpu_s(consumer.pid) - before
                peak = peak_mb(consumer.pid)
            finally:
                consumer.terminate()
    assert store.last_seq() == feed.seq, f"the books end at {store.last_seq()}, and {feed.seq} was the last event"
    return {
        "most_per_s": most, "rate_per_s": RATE_PER_S, "burst_s": BURST_S, "behind_max": behind,
        "level_s": round(level_s, 2), "cpu_us_per_event": round(cpu_s / len(burst) * 1e6), "peak_mb": peak,
    }  # fmt: skip


class _Feed:
    """Writes prepared entries to the ledger's stream, and knows how far the reader is."""

    def __init__(self, ledger: redis.Redis, seq: int) -> None:
        self._ledger, self.seq = ledger, seq
        self._stream, self._cursor = names.ledger(), names.cursor("journal")

    def give(self, entries: Sequence[Entry]) -> None:
        """In one round trip."""
        with self._ledger.pipeline(transaction=False) as pipe:
            for entry in entries:
                self.seq += 1
                flat = [part for pair in entry.fields.items() for part in pair]
                pipe.execute_command("XADD", self._stream, f"{self.seq}-0", *flat)
            pipe.execute()

    def behind(self) -> int:
        """Entries that the reader has not journaled."""
        return self.seq - int(self._ledger.get(self._cursor) or 0)

    def level(self, seconds_max: float) -> None:
        """Returns once there is none. Raises RuntimeError where that takes too long."""
        deadline = time.perf_counter() + seconds_max
        while left := self.behind():
            if time.perf_counter() > deadline:
                raise RuntimeError(f"the books are {left} events behind after {seconds_max} s")
            time.sleep(0.005)


def _prepared(many: int) -> list[Entry]:
    """Payments as the stream holds them."""
    pages: list[Entry] = []
    pen = window.Pen(now_ms(), 0, pages.extend)
    wallets, merchants = ([new_id(prefix) for _ in range(100)] for prefix in ("wal", "mer"))
    for number in range(many):
        legs = transfer.pay(wallets[number % 100], merchants[number % 97], window.LEADER, 75_000, 375)
        pen.move("pay", legs, 75_000, 375)
    pen.turn()
    return pages


def _as_fast_as_it_can(feed: _Feed, entries: Sequence[Entry]) -> int:
    """Entries a second, from the first that is given to the last that is journaled."""
    started = time.perf_counter()
    for start in range(0, len(entries), window.PAGE):
        feed.give(entries[start : start + window.PAGE])
    feed.level(LEVEL_S_MAX)
    return round(len(entries) / (time.perf_counter() - started))


def _at_a_rate(feed: _Feed, entries: Sequence[Entry]) -> tuple[float, int]:
    """Seconds from the last entry until the reader is level; how many it was behind at most."""
    started, given, behind = time.perf_counter(), 0, 0
    while given < len(entries):
        due = min(len(entries), int((time.perf_counter() - started) * RATE_PER_S))
        feed.give(entries[given:due])
        given, behind = due, max(behind, feed.behind())
        time.sleep(TICK_S)
    ended = time.perf_counter()
    feed.level(LEVEL_S_MAX)
    return time.perf_counter() - ended, behind


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# -------------------------------------------------------------------------------------------------------------


def _texts(found: verify.Verified) -> list[str]:
    return [f"{finding.code} {finding.name}: {finding.text}" for finding in found.findings]


def _window() -> store.Window:
    closed = store.window(window.WINDOW)
    assert closed is not None
    return closed


PARTS: dict[str, Callable[..., dict[str, Any]]] = {
    "make": make, "follow": follow, "close": close, "again": again, "match": match, "chain": chain, "audit": audit,
    "books": books,
}  # fmt: skip


def main() -> None:
    """One part, for the process of this id: it ends with that one."""
    parent, name, *arguments = sys.argv[1:]
    die_with(int(parent))
    log.set_up("bench")
    store.open_store()
    sys.stdout.write(json.dumps(PARTS[name](*arguments)) + "\n")


if __name__ == "__main__":
    main()
