"""What payments' worker tells Prometheus: the ledger, its server and readers, announcements, and card work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import redis
from mongoengine.connection import ConnectionFailure
from nameko.extensions import DependencyProvider
from prometheus_client import Histogram
from prometheus_client.core import Metric
from pymongo.errors import PyMongoError

from kit import scrape
from kit.clock import now_ms
from kit.streams import clients, names
from kit.streams.metrics import watch_ledger, watch_stream
from kit.streams.servers import watch_servers
from services.payments import transfer
from services.payments.store.keys import keys
from services.payments.store.live import STREAM

# Of each kind and state at most so many are counted: a thousand says enough.
COUNTED_MAX = 1000

ANNOUNCED = Histogram(
    "cho_announcement_seconds",
    "From the ledger's record of a payment to its announcement, seconds.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)


class Shown(DependencyProvider):
    """An attribute of the worker's service: from its start on, what is here is told at every scrape."""

    def setup(self) -> None:
        watch_ledger()
        for stream in (STREAM, names.NAMED, names.HOLDS):
            watch_stream(stream)
        watch_servers()
        scrape.add("ledger", _ledger, redis.RedisError)


def announced(times_ms: Iterable[int]) -> None:
    """Announcements of movements that the ledger recorded at these times, Unix ms, are out."""
    if scrape.wanted():
        at_ms = now_ms()
        for recorded in times_ms:
            ANNOUNCED.observe(max(0, at_ms - recorded) / 1000)


def watch_documents() -> None:
    """From now on card work is told of: payments' documents can be reached."""
    scrape.add("card work", _card_work, PyMongoError, ConnectionFailure)


def _accounts() -> list[str]:
    """The scheme's own accounts, which are few; people's are summed up in the books."""
    of_telecoms = [
        f"{kind}:{telecom}"
        for telecom in sorted(transfer.TELECOMS)
        for kind in ("trust", "reserve", "clearing", "settlement", "liquidity")
    ]
    return [*of_telecoms, transfer.PLATFORM_FEE, transfer.NOSTRO, transfer.TRANSIT, transfer.SUSPENSE,
            transfer.psp("STRIPE")]  # fmt: skip


def _ledger() -> Iterator[Metric]:
    client, k, accounts = clients.ledger(), keys(), _accounts()
    with client.pipeline(transaction=False) as pipe:
        pipe.hmget(k.meta, "window", "epoch", "gate")
        pipe.info("server")
        for sorted_set in (k.holds, k.proposals):
            pipe.zcard(sorted_set)
        pipe.scard(k.debts)
        for account_id in accounts:
            pipe.hmget(k.account(account_id), "dp", "cp")
        (window, epoch, gate), server, holds, proposals, debts, *rows = pipe.execute()
    # The gate is opened for one run of the server.
    is_open = gate is not None and gate.decode() == server["run_id"]
    yield scrape.family("cho_ledger_open", "1 where the start gate is open: payments are taken.", [], [((), is_open)])
    yield scrape.family("cho_ledger_window", "The settlement window that is open.", [], [((), int(window or 0))])
    yield scrape.family("cho_ledger_epoch", "Promotions, from 1.", [], [((), int(epoch or 0))])
    waiting = (("hold", holds), ("proposal", proposals), ("debt", debts))
    yield scrape.family(
        "cho_ledger_waiting", "Holds and proposals that are open, and debts.", ["kind"],
        [((kind,), count) for kind, count in waiting],
    )  # fmt: skip
    balances: list[tuple[tuple[str, ...], float]] = []
    for account_id, row in zip(accounts, rows, strict=True):
        debits, credits = row
        if debits is not None:
            balances.append(((account_id.partition(":")[0], account_id), int(credits) - int(debits)))
    text = "The scheme's own accounts: credits less debits, đồng."
    yield scrape.family("cho_ledger_balance_vnd", text, ["kind", "account"], balances)


def _card_work() -> Iterator[Metric]:
    from services.payments.store import topups

    at_ms, rows, ages = now_ms(), [], []
    for kind, document in topups.KINDS.items():
        states: dict[str, int] = {}
        oldest = at_ms
        due: Any = document.objects(waiting=True, due_ms__gt=0, due_ms__lt=topups.NEVER_MS).only("state", "since_ms")
        for one in [*due.limit(COUNTED_MAX), *topups.escalated_of(kind, COUNTED_MAX)]:
            states[one.state] = states.get(one.state, 0) + 1
            oldest = min(oldest, one.since_ms)
        name = kind.__name__
        rows += [((name, state), float(count)) for state, count in sorted(states.items())] or [((name, "any"), 0.0)]
        ages.append(((name,), (at_ms - oldest) / 1000))
    yield scrape.family("cho_card_work_waiting", "Top-ups, refunds, disputes under way.", ["kind", "state"], rows)
    yield scrape.family("cho_card_work_age_seconds", "How long the oldest has been in its state.", ["kind"], ages)
