"""How a running stack does, by a few reads that cost it nothing: for `cho status`.

What cannot be read within a second is None; `cho events ls` and `cho audit` look closer.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import redis

from kit.config import Settings
from kit.streams import names

PATIENCE_S = 1.0
# Of each kind at most so many are counted.
COUNTED_MAX = 1000
# More events than that behind, and somebody should look: some ten seconds of what one cell carries.
BEHIND_MAX = 10_000
# The same of windows that are closed and not settled: those of two days.
WINDOWS_MAX = 6
READERS = ("journal", "announcer")
_UNSETTLED = ("closed", "netted", "settling")
_UNRESOLVED = ("open", "assigned", "proposed", "approved")


@dataclass(slots=True)
class Health:
    """`seq`: the ledger's last event; `readers`: how many events each is behind; `behind` and `dead_letters`:
    by group, of all streams that it hears; `windows`: closed and not settled, by stage. None: not read.
    """

    gate_open: bool | None = None
    seq: int | None = None
    window: int | None = None
    readers: dict[str, int] = field(default_factory=dict)
    unheld: list[str] = field(default_factory=list)
    behind: dict[str, int] | None = None
    dead_letters: dict[str, int] | None = None
    memory_bytes: int | None = None
    aof_ok: bool | None = None
    windows: dict[str, int] | None = None
    breaks: int | None = None
    took_ms: int = 0
    unreachable: list[str] = field(default_factory=list)

    @property
    def fine(self) -> bool:
        """Whether payments are taken, written down and followed, and everybody could be asked. A backlog is none of
        that: it is flagged in `lines`."""
        return bool(self.gate_open and self.aof_ok and not self.unheld and not self.unreachable)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def read(of: Settings) -> Health:
    """Asks the ledger's server, the streams' and the books."""
    found, began = Health(), time.monotonic()
    for name, ask in (("ledger", _ledger), ("streams", _streams), ("books", _books)):
        try:
            ask(of, found)
        except Exception as error:  # whatever is the matter with an engine, the others are told of
            found.unreachable.append(f"{name}: {type(error).__name__}")
    found.took_ms = round((time.monotonic() - began) * 1000)
    return found


def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, protocol=2, socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S)


def _ledger(of: Settings, found: Health) -> None:
    tag = "{" + of.cell + "}"
    with _client(of.ledger_url) as client, client.pipeline(transaction=False) as pipe:
        pipe.hmget(f"{tag}:meta", "gate", "seq", "window")
        pipe.info("server")
        pipe.info("memory")
        pipe.info("persistence")
        for purpose in READERS:
            pipe.get(f"{tag}:cursor:{purpose}")
            pipe.exists(f"{tag}:lease:{purpose}")
        (gate, seq, window), server, memory, disk, *readers = pipe.execute()
    found.gate_open = gate is not None and gate.decode() == server["run_id"]
    found.seq, found.window = int(seq or 0), int(window or 0)
    found.memory_bytes, found.aof_ok = memory["used_memory"], disk["aof_last_write_status"] == "ok"
    for place, purpose in enumerate(READERS):
        cursor, held = readers[2 * place : 2 * place + 2]
        found.readers[purpose] = max(0, found.seq - int(cursor or 0))
        if not held:
            found.unheld.append(purpose)


def _streams(of: Settings, found: Health) -> None:
    behind, dead = Counter[str](), Counter[str]()
    with _client(of.redis_url) as client:
        for stream in names.STREAMS:
            if not client.exists(stream):
                continue
            for group in client.xinfo_groups(stream):
                name = group["name"].decode()
                behind[name] += (group["lag"] or 0) + group["pending"]
                dead[name] += int(client.xlen(names.dead(stream, name)))
    found.behind, found.dead_letters = dict(+behind), dict(+dead)


def _books(of: Settings, found: Health) -> None:
    from pymongo import MongoClient

    patience_ms = int(PATIENCE_S * 1000)
    client: Any = MongoClient(
        of.mongodb_uri, serverSelectionTimeoutMS=patience_ms, socketTimeoutMS=patience_ms, connectTimeoutMS=patience_ms
    )
    with client:
        database = client[of.mongo_database("settlement")]
        stages = database["windows"].find({"stage": {"$in": list(_UNSETTLED)}}, {"stage": 1}).limit(COUNTED_MAX)
        windows = dict.fromkeys(_UNSETTLED, 0)
        for one in stages:
            windows[one["stage"]] += 1
        found.windows, found.breaks = windows, 0
        institutions = [part.partition("=")[0] for part in of.telecom_accounts.split(",")] + [of.settlement_bank]
        for institution in institutions:
            for state in _UNRESOLVED:
                wanted = {"institution": institution, "state": state}
                found.breaks += len(list(database["breaks"].find(wanted, {"_id": 1}).limit(COUNTED_MAX)))


def lines(found: Health) -> list[tuple[str, str, bool]]:
    """(what, how it is, whether somebody should look) for people."""
    rows: list[tuple[str, str, bool]] = []
    if found.seq is not None:
        gate = "open" if found.gate_open else "SHUT: no payment is taken"
        disk = "" if found.aof_ok else ", CANNOT WRITE TO ITS DISK"
        memory = f"{(found.memory_bytes or 0) / 1e6:.1f} MB"
        rows.append(("gate", f"{gate}; event {found.seq}, window {found.window}, {memory}{disk}",
                     not (found.gate_open and found.aof_ok)))  # fmt: skip
        said = ", ".join(f"{name} {lag} behind" for name, lag in found.readers.items())
        said += "".join(f"; NOBODY reads as {name}" for name in found.unheld)
        rows.append(("readers", said, bool(found.unheld) or _too_many(found.readers)))
    if found.behind is not None:
        behind = ", ".join(f"{group} {count}" for group, count in sorted(found.behind.items()))
        heard = f"behind: {behind}" if behind else "every group has every event"
        rows.append(("streams", heard, _too_many(found.behind)))
    if found.dead_letters:
        dead = ", ".join(f"{group} {count}" for group, count in sorted(found.dead_letters.items()))
        rows.append(("dead letters", f"{dead} (cho events dead)", True))
    if found.windows is not None:
        waiting = ", ".join(f"{count} {stage}" for stage, count in found.windows.items() if count)
        rows.append(("windows", f"not settled: {waiting}" if waiting else "all settled",
                     sum(found.windows.values()) > WINDOWS_MAX))  # fmt: skip
        rows.append(("breaks", f"{found.breaks} to resolve" if found.breaks else "none", bool(found.breaks)))
    rows += [("not read", one, True) for one in found.unreachable]
    return rows


def _too_many(behind: dict[str, int]) -> bool:
    return max(behind.values(), default=0) > BEHIND_MAX
