"""The start gate: nobody may pay until the hot ledger was checked against the books (DESIGN section 4, rule 7).

After every start of its server the ledger refuses all work: its head names the server run that it was opened for, and
a new run is another. The gatekeeper (settlement's worker, who has the books) checks and opens. A cell is founded only
where the books are empty too: a ledger that comes back empty stays shut until it is restored.
"""

from __future__ import annotations

from typing import Any

import redis

from kit.config import settings
from kit.ledger_event import last_legs
from kit.streams import names
from kit.streams.entry import Entry
from kit.streams.entry import last_seq as hot_last_seq
from services.settlement import store

LIBRARY = "cho_ledger_v2"
_CONFIG = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
}
# Events compared with the hot ledger at once.
COMPARE_MAX = 2000


class Shut(Exception):
    """Why the gate stays shut."""


def meta_key() -> str:
    """The cell's head."""
    return "{" + settings().cell + "}:meta"


def account_key(account_id: str) -> str:
    """An account of the hot ledger."""
    return "{" + settings().cell + "}:a:" + account_id


def ensure_open(ledger: redis.Redis) -> bool:
    """Opens the gate for the server's present run; True where it was shut. Raises Shut where it must stay shut."""
    run = ledger.info("server")["run_id"]
    if _text(ledger.hget(meta_key(), "gate")) == run:
        return False
    _check_server(ledger)
    may_found = _check_books(ledger)
    reply = ledger.fcall(
        "gate_v2", 2, meta_key(), names.ledger(), run, store.head().genesis, "1" if may_found else "0", "0"
    )
    if _text(reply[0]) != "OK":
        raise Shut(f"the ledger refused to open: {_text(reply[0])} {_text(reply[2])}")
    return True


def _check_server(ledger: redis.Redis) -> None:
    for name, wanted in _CONFIG.items():
        found = ledger.config_get(name)
        value = next((_text(v) for v in found.values()), None)
        if value != wanted:
            raise Shut(f"{name} is {value}, and must be {wanted}")
    replication = ledger.info("replication")
    if replication["role"] != "master":
        raise Shut(f"the server is a {replication['role']}, not the primary")
    replicas = settings().ledger_replicas
    if replication["connected_slaves"] < replicas:
        raise Shut(f"{replication['connected_slaves']} replicas are connected, {replicas} are needed")
    if replicas and int(next(iter(ledger.config_get("min-replicas-to-write").values())) or 0) != replicas:
        raise Shut(f"min-replicas-to-write must be {replicas}")
    if replicas and _text(next(iter(ledger.config_get("aof-load-truncated").values()))) != "no":
        raise Shut("aof-load-truncated must be no where a replica has what would be cut off")
    if not ledger.function_list(library=LIBRARY):
        raise Shut(f"{LIBRARY} is not loaded yet")


def _check_books(ledger: redis.Redis) -> bool:
    """Compares sequence and balances; True where a cell may be founded here."""
    head = store.head()
    journaled = store.journaled()
    genesis = _text(ledger.hget(meta_key(), "genesis"))
    if genesis is None:
        if journaled:
            raise Shut(f"the ledger is empty and the books hold {journaled} events: restore it, do not start afresh")
        return True
    if genesis != head.genesis:
        raise Shut(f"this is another cell's ledger: {genesis}, and the books are of {head.genesis}")
    hot = hot_last_seq(ledger)
    if hot < journaled:
        raise Shut(f"the ledger ends at {hot} and the books at {journaled}: it lost what was acknowledged")
    _check_last_entry(ledger, journaled)
    while head.compared < journaled:
        compared = compare(ledger, head.compared, min(journaled, head.compared + COMPARE_MAX))
        store.set_compared(compared)
        head = store.head()
    return False


def _check_last_entry(ledger: redis.Redis, journaled: int) -> None:
    """The newest journaled event must be the same in the stream (where that was not trimmed)."""
    found = ledger.execute_command("XRANGE", names.ledger(), f"{journaled}-0", f"{journaled}-0") if journaled else []
    kept = store.entry(journaled)
    if found and kept is not None:
        flat = found[0][1]
        fields = flat if isinstance(flat, dict) else dict(zip(flat[::2], flat[1::2], strict=True))
        if Entry(journaled, fields).raw != kept:
            raise Shut(f"event {journaled} is another one in the ledger than in the books")


def compare(ledger: redis.Redis, after: int, up_to: int) -> int:
    """Compares the accounts touched by journaled events `after` + 1 to `up_to`; returns `up_to`.

    Where versions are equal, totals must be; the hot ledger may be ahead, never behind. Raises Shut.
    """
    last = last_legs(raw for _, raw in store.raw_events(after + 1, up_to))
    with ledger.pipeline(transaction=False) as pipe:
        for account_id in last:
            pipe.hmget(account_key(account_id), "v", "dp", "cp", "dq", "cq")
        rows = pipe.execute()
    for leg, row in zip(last.values(), rows, strict=True):
        version, *totals = (int(value or 0) for value in row)
        if version < leg.version:
            raise Shut(f"{leg.account_id} is at version {version} in the ledger and {leg.version} in the books")
        kept = [leg.debits, leg.credits, leg.debits_pending, leg.credits_pending]
        if version == leg.version and totals != kept:
            raise Shut(f"{leg.account_id} has totals {totals} in the ledger and {kept} in the books")
    return up_to


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
