"""What settlement's worker tells Prometheus: what it journals, the books, windows, payouts and breaks."""

from __future__ import annotations

import sqlite3
from collections import Counter as Counts
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, datetime
from typing import Any

from nameko.extensions import DependencyProvider
from prometheus_client import Counter, Gauge
from prometheus_client.core import Metric
from pymongo.errors import PyMongoError

from kit import scrape, tracing
from kit.clock import VIETNAM, from_ms, now
from kit.config import settings
from kit.streams.entry import Entry
from services.settlement import store
from services.settlement.books.chart import kind_of
from services.settlement.matching import days, report
from services.settlement.matching.breaks import State
from services.settlement.matching.documents import AFTER_ALL, BEFORE_ALL, BreakDocument
from services.settlement.names import TELECOMS
from services.settlement.payouts import rules
from services.settlement.payouts.documents import BatchDocument, NetDocument, PayoutDocument

# Of each kind and state at most so many are counted.
COUNTED_MAX = 1000
STAGES = ("closed", "netted", "settling")
_OPEN_BREAKS = (State.OPEN, State.ASSIGNED, State.PROPOSED, State.APPROVED)
_UNENDED = (rules.PENDING, rules.READY, rules.SENT)

EVENTS = Counter(
    "cho_ledger_events_total", "Events journaled, by operation and how they ended.", ["operation", "result"]
)
POSTED = Counter("cho_ledger_posted_vnd_total", "Đồng posted, by the account's kind and side.", ["kind", "side"])
DRIFT = Gauge("cho_books_drift", "1 where hot ledger and books were found to differ; it must be 0.")
CHAIN = Counter("cho_books_chain_findings_total", "What the sweep of the chain found wrong; it must be 0.")
DOUBLED = Counter("cho_books_doubled_keys_total", "Keys that were answered twice; it must be 0.")


class Shown(DependencyProvider):
    """An attribute of the worker's service: from its start on, what is here is told at every scrape."""

    def setup(self) -> None:
        scrape.add("books", _books, PyMongoError)
        scrape.add("settlement", _settlement, PyMongoError)
        scrape.add("totals", _totals, sqlite3.Error)


def journaled(entries: Sequence[Entry]) -> None:
    """These are in the books. Counted by field, without decoding them, and told at once: money is posted by the
    thousands."""
    if not scrape.wanted():
        return
    ended: Counts[tuple[bytes, bytes]] = Counts()
    posted: Counts[tuple[str, str]] = Counts()
    for entry in entries:
        ended[entry.fields[b"op"], entry.fields[b"r"]] += 1
        for leg in filter(None, entry.fields[b"l"].decode().split(";")):
            account_id, side, amount, _ = leg.split(",", 3)
            if side in ("d", "c"):
                posted[kind_of(account_id), side] += int(amount)
    for (operation, result), times in ended.items():
        EVENTS.labels(operation.decode(), result.decode()).inc(times)
    for labels, amount_vnd in posted.items():
        POSTED.labels(*labels).inc(amount_vnd)


def traced(entries: Sequence[Entry]) -> list[tuple[tracing.Span, int]]:
    """Spans of what is about to be journaled, each with its sequence number; of requests that are traced only."""
    tracer = tracing.tracer()
    if tracer is None:
        return []
    from cho.events.v1.intent_pb2 import Intent

    spans = []
    for entry in entries:
        traceparent = Intent.FromString(entry.fields[b"i"]).traceparent
        span = tracer.follow("journal", traceparent, tracing.Kind.CONSUMER) if traceparent else None
        if span is not None:
            spans.append((span, entry.seq))
    return spans


def _books() -> Iterator[Metric]:
    head = store.head()
    for name, number, text in (
        ("seq", head.seq, "Sequence number of the last journaled event."),
        ("pages", head.pages, "Pages of the journal."),
        ("compared_seq", head.compared, "Up to here hot ledger and books were found equal."),
        ("keyed_seq", head.keyed, "Up to here keys are in their index."),
    ):
        yield scrape.family(f"cho_books_{name}", text, [], [((), float(number or 0))])


def _settlement() -> Iterator[Metric]:
    at, rows = now(), []
    waiting = store.unsettled(COUNTED_MAX)
    for stage in STAGES:
        rows.append(((stage,), float(sum(1 for one in waiting if one.stage == stage))))
    yield scrape.family("cho_windows", "Closed windows that are not settled, by stage.", ["stage"], rows)
    oldest = (at - waiting[0].closed_at).total_seconds() if waiting else 0.0
    yield scrape.family("cho_windows_age_seconds", "How long ago the oldest of them closed.", [], [((), oldest)])
    yield scrape.family("cho_window_newest", "The window that was closed last.", [], [((), store.newest_window())])
    yield scrape.family(
        "cho_payouts", "Payouts that have not ended, by state.", ["state"],
        [((state,), _count(PayoutDocument.objects(state=state))) for state in _UNENDED],
    )  # fmt: skip
    yield scrape.family(
        "cho_payout_files", "Files of payouts that are not done, by state.", ["state"],
        [((state,), _count(BatchDocument.objects(state=state))) for state in ("waiting", "released", "sent")],
    )  # fmt: skip
    yield scrape.family(
        "cho_net_positions", "Net positions that are not settled, by state.", ["state"],
        [((state,), _count(NetDocument.objects(state=state))) for state in ("pending", "sent", "failed")],
    )  # fmt: skip
    yield from _breaks(at.astimezone(VIETNAM).date())
    yield from _clerk(at, waiting[0].closed_at if waiting else None)


def _breaks(today: date) -> Iterator[Metric]:
    """Breaks that are not resolved: by state, and by type and age in business days."""
    by_state: list[tuple[tuple[str, ...], float]] = []
    by_age: Counts[tuple[str, ...]] = Counts()
    at_risk: Counts[tuple[str, ...]] = Counts()
    for institution in (*sorted(TELECOMS), settings().settlement_bank):
        for state in _OPEN_BREAKS:
            found = BreakDocument.objects(
                institution=institution, state=state.value, recency__gt=BEFORE_ALL, recency__lt=AFTER_ALL
            )
            some = list(found.only("type", "opened_ms", "at_risk").limit(COUNTED_MAX))
            by_state.append(((institution, state.value), float(len(some))))
            for one in some:
                opened = from_ms(one.opened_ms).astimezone(VIETNAM).date()
                by_age[institution, one.type, report.bucket(days.between(opened, today))] += 1
                at_risk[institution, one.type] += one.at_risk
    yield scrape.family("cho_breaks", "Breaks that are not resolved.", ["institution", "state"], by_state)
    yield scrape.family(
        "cho_breaks_by_age", "The same by type and age in business days.", ["institution", "type", "age"],
        [(labels, float(count)) for labels, count in sorted(by_age.items())],
    )  # fmt: skip
    yield scrape.family(
        "cho_breaks_at_risk_vnd", "Đồng at risk in breaks that are not resolved.", ["institution", "type"],
        [(labels, float(amount)) for labels, amount in sorted(at_risk.items())],
    )  # fmt: skip


def _clerk(at: datetime, work_since: datetime | None) -> Iterator[Metric]:
    """The clerk's last run. `work_since`: when the oldest window closed that it has to settle, None for none. One that
    hangs, or is killed, notes no end, so where none was ever done it is told of as if it had been just before that.
    """
    run = store.last_run()
    if run is not None:
        since = [((), (at - run.ended_at).total_seconds())]
        yield scrape.family("cho_clerk_ended_seconds", "How long ago the clerk's last run ended.", [], since)
        ways = [((way,), float(run.how == way)) for way in ("done", "later", "failed")]
        yield scrape.family("cho_clerk_run", "1 for how the clerk's last run ended.", ["how"], ways)
    if done_at := (run and run.done_at) or work_since:
        text = "How long ago a run of the clerk ended that did all there was to do; never: since there has been work."
        yield scrape.family("cho_clerk_done_seconds", text, [], [((), (at - done_at).total_seconds())])


def _count(found: Any) -> float:
    return float(len(list(found.only("id").limit(COUNTED_MAX))))


def _totals() -> Iterator[Metric]:
    """What all accounts of a kind come to, from the statements' model, where it is on this machine (one, or a shared
    volume). In a cluster without one, `cho_ledger_posted_vnd_total` and the scheme's own accounts remain.
    """
    path = settings().home / "statements.sqlite3"
    if not path.exists():
        return
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1.0)) as connection:
        found = connection.execute(
            "SELECT telecom, kind, amount FROM total t"
            " WHERE day = (SELECT max(day) FROM total WHERE telecom = t.telecom AND kind = t.kind)"
        ).fetchall()
    rows = [((kind, telecom), float(amount)) for telecom, kind, amount in found]
    text = "What all accounts of a kind come to, credits less debits, đồng."
    yield scrape.family("cho_books_total_vnd", text, ["kind", "telecom"], rows)
