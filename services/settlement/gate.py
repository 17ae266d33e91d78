"""The start gate: nobody may pay until the hot ledger was checked against the books (DESIGN section 4, rule 7).

After every start of its server the ledger refuses all work: its head names the server run that it was opened for, and
a new run is another. The gatekeeper (settlement's worker, who has the books) checks and opens. A cell is founded only
where the books are empty too: a ledger that comes back empty stays shut until it is restored.

While it is shut nothing changes in the ledger, so every account must be exactly what the books and the entries that
they do not have yet say. Copies are let in only after that: one that follows a primary which lost something loses it
too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import redis

from kit import standing
from kit.config import settings
from kit.ledger_event import PostedLeg, last_legs
from kit.streams import names
from kit.streams.entry import Entry
from kit.streams.entry import last_seq as hot_last_seq
from services.settlement import store

LIBRARY = "cho_ledger_v3"
_CONFIG = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
}
# Events compared with the hot ledger at once.
COMPARE_MAX = 2000

RESTORE = (
    "promote the copy (cho failover), put a whole backup of the directory back, or rebuild it from the books "
    "(cho ledger rebuild); never found the ledger anew beside books that hold something (docs/survival.md)"
)
CONFIGURE = "set it in the server's configuration and restart the server"
REATTACH = "bring a copy back (cho reattach), or pay without one knowingly (cho degrade --accept-loss-of-one-server)"


class Shut(Exception):
    """Why the gate stays shut, and what a person has to do about it."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}. Next: {remedy}")


# The server run whose accounts are as the books have them: while something else is missing they are not compared again.
_compared_run = ""


def meta_key() -> str:
    """The cell's head."""
    return "{" + settings().cell + "}:meta"


def account_key(account_id: str) -> str:
    """An account of the hot ledger."""
    return "{" + settings().cell + "}:a:" + account_id


def decided_epoch() -> int:
    """Promotions that were decided, counted from 1: by the setting, or by `cho failover` beside the ledger's data."""
    return max(settings().ledger_epoch, standing.read(settings().home).epoch)


def ensure_open(ledger: redis.Redis) -> bool:
    """Opens the gate for the server's present run; True where it was shut. Raises Shut where it must stay shut.

    Where more promotions were decided than the cell knows of, the opening is one, by an event.
    """
    run = ledger.info("server")["run_id"]
    opened_for, epoch = (_text(value) for value in ledger.hmget(meta_key(), "gate", "epoch"))
    promoted = epoch is not None and int(epoch) < decided_epoch()
    may_found = False
    if opened_for != run:
        _check_server(ledger)
        may_found = _check_books(ledger, run)
        _check_copies(ledger)
        _check_functions(ledger)  # last: without copies nobody could load them
    elif not promoted:
        return False
    try:
        reply = ledger.fcall(
            "gate_v3", 2, meta_key(), names.ledger(),
            run, store.head().genesis, "1" if may_found else "0", "1" if promoted else "0",
        )  # fmt: skip
    except redis.ResponseError as error:
        raise Shut(f"the ledger's server refused to open: {error}", REATTACH) from error
    if _text(reply[0]) != "OK":
        raise Shut(f"the ledger refused to open: {_text(reply[0])} {_text(reply[2])}", RESTORE)
    global _compared_run
    _compared_run = ""
    return True


def _configured(ledger: redis.Redis, name: str) -> Any:
    return next((_text(value) for value in ledger.config_get(name).values()), None)


def _check_server(ledger: redis.Redis) -> None:
    for name, wanted in _CONFIG.items():
        if (value := _configured(ledger, name)) != wanted:
            raise Shut(f"{name} is {value}, and must be {wanted}", CONFIGURE)
    role = ledger.info("replication")["role"]
    if role != "master":
        raise Shut(f"the server is a {role}, not the primary", "point LEDGER_URL at the primary, or promote this one")
    replicas = settings().ledger_replicas
    if replicas and int(_configured(ledger, "min-replicas-to-write") or 0) != replicas:
        raise Shut(f"min-replicas-to-write must be {replicas}", CONFIGURE)
    if replicas and _configured(ledger, "aof-load-truncated") != "no":
        raise Shut("aof-load-truncated must be no where a replica has what would be cut off", CONFIGURE)


def _check_functions(ledger: redis.Redis) -> None:
    """The functions are the ones this cell has run with from the first opening on: their digest is in the books."""
    found: Any = ledger.function_list(library=LIBRARY, withcode=True)
    if not found:
        raise Shut(f"{LIBRARY} is not loaded yet", "payments' worker loads it at its start; see its log")
    entry = found[0] if isinstance(found[0], dict) else dict(zip(found[0][::2], found[0][1::2], strict=True))
    code = next(value for name, value in entry.items() if _text(name) == "library_code")
    digest = hashlib.sha256(code if isinstance(code, bytes) else code.encode()).hexdigest()
    if store.known_library(LIBRARY, digest) != digest:
        raise Shut(
            f"{LIBRARY} has another text than this cell has run with",
            "load the deployed text (FUNCTION LOAD REPLACE), or promote the copy; a change is a new version beside it",
        )


def _check_copies(ledger: redis.Redis) -> None:
    """Lets copies in, and sees that there are enough."""
    if user := settings().ledger_copy_user:
        ledger.execute_command("ACL", "SETUSER", user, "on")
    replicas, info = settings().ledger_replicas, ledger.info("replication")
    online = sum(1 for n in range(info["connected_slaves"]) if info[f"slave{n}"]["state"] == "online")
    if online < replicas:
        raise Shut(f"{online} replicas are connected, {replicas} are needed", REATTACH)


def _check_books(ledger: redis.Redis, run: str) -> bool:
    """Compares sequence and balances; True where a cell may be founded here."""
    head = store.head()
    journaled = store.journaled()
    genesis = _text(ledger.hget(meta_key(), "genesis"))
    if genesis is None:
        if journaled:
            raise Shut(f"the ledger is empty and the books hold {journaled} events", RESTORE)
        return True
    if genesis != head.genesis:
        raise Shut(
            f"this is another cell's ledger: {genesis}, and the books are of {head.genesis}",
            "point LEDGER_URL and MONGODB_URI at the same cell's servers",
        )
    hot = hot_last_seq(ledger)
    if hot < journaled:
        raise Shut(f"the ledger ends at {hot} and the books at {journaled}: it lost what was acknowledged", RESTORE)
    _check_last_entry(ledger, journaled)
    global _compared_run
    if _compared_run != run:
        try:
            _compare_all(ledger, journaled, hot)
        except (KeyError, ValueError) as error:
            raise Shut(f"an entry of the ledger cannot be read: {error!r}", RESTORE) from error
        store.set_compared(journaled)
        _compared_run = run
    return False


def _check_last_entry(ledger: redis.Redis, journaled: int) -> None:
    """The newest journaled event must be the same in the stream (where that was not trimmed)."""
    found = _entries(ledger, journaled, journaled) if journaled else []
    kept = store.entry(journaled)
    if found and kept is not None and found[0].raw != kept:
        raise Shut(f"event {journaled} is another one in the ledger than in the books", RESTORE)


def _entries(ledger: redis.Redis, first: int, last: int) -> list[Entry]:
    """Entries `first` to `last` of the stream that it still holds."""
    reply: Any = ledger.execute_command("XRANGE", names.ledger(), f"{first}-0", f"{last}-0")
    entries = []
    for entry_id, flat in reply:
        fields = flat if isinstance(flat, dict) else dict(zip(flat[::2], flat[1::2], strict=True))
        entries.append(Entry(int(entry_id.split(b"-")[0]), fields))
    return entries


def _compare_all(ledger: redis.Redis, journaled: int, hot: int) -> None:
    """Every account against its last leg in the books and in the entries behind them. Raises Shut."""
    ahead: dict[str, int] = {}
    for after in range(0, hot, COMPARE_MAX):
        up_to = min(after + COMPARE_MAX, hot)
        raws = [raw for _, raw in store.raw_events(after + 1, min(up_to, journaled))]
        if up_to > journaled:
            raws += [entry.raw for entry in _entries(ledger, max(after, journaled) + 1, up_to)]
        if len(raws) != up_to - after:
            raise Shut(f"events are missing between {after} and {up_to}, in books and ledger", RESTORE)
        _compare(ledger, last_legs(raws).values(), ahead)
    if ahead:
        account_id, version = next(iter(ahead.items()))
        raise Shut(f"{account_id} is at version {version} in the ledger, which no event made it", RESTORE)


def compare(ledger: redis.Redis, after: int, up_to: int) -> int:
    """Compares the accounts touched by journaled events `after` + 1 to `up_to`; returns `up_to`.

    Where versions are equal, totals must be; the hot ledger may be ahead, never behind. Raises Shut.
    """
    _compare(ledger, last_legs(raw for _, raw in store.raw_events(after + 1, up_to)).values(), {})
    return up_to


def _compare(ledger: redis.Redis, legs: Iterable[PostedLeg], ahead: dict[str, int]) -> None:
    """`ahead` gets the accounts, with their versions, that have moved on since, and loses those that have not."""
    legs = list(legs)
    with ledger.pipeline(transaction=False) as pipe:
        for leg in legs:
            pipe.hmget(account_key(leg.account_id), "v", "dp", "cp", "dq", "cq")
        rows = pipe.execute()
    for leg, row in zip(legs, rows, strict=True):
        try:
            version, *totals = (int(value or 0) for value in row)
        except ValueError as error:
            raise Shut(f"{leg.account_id} cannot be read in the ledger: {error}", RESTORE) from error
        if version < leg.version:
            raise Shut(
                f"{leg.account_id} is at version {version} in the ledger and {leg.version} in the books", RESTORE
            )
        kept = [leg.debits, leg.credits, leg.debits_pending, leg.credits_pending]
        if version == leg.version and totals != kept:
            raise Shut(f"{leg.account_id} has totals {totals} in the ledger and {kept} in the books", RESTORE)
        if version > leg.version:
            ahead[leg.account_id] = version
        else:
            ahead.pop(leg.account_id, None)


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
