"""What the simulator keeps: one SQLite file, each request's effects, events and answer in one synced transaction.

kill -9 at any moment leaves each request either done with its answer kept, or never begun.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulators.card.errors import Full
from simulators.card.faults import Fault

# Objects, answers and deliveries together; at the limit every request that would add one is refused (429).
ROWS_MAX = 1_000_000
FAULTS_MAX = 1_000
# Stripe's: keys may be removed once they are 24 hours old, and then begin anew.
KEY_LIFE_S = 24 * 3600

Object = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, kind TEXT NOT NULL, parent TEXT NOT NULL,
    created INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_parent ON objects (kind, parent, seq);
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, request_id TEXT NOT NULL, status INTEGER NOT NULL,
    body BLOB NOT NULL, created INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS answers_by_age ON answers (created);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, state TEXT NOT NULL, due_ms INTEGER NOT NULL,
    behind INTEGER NOT NULL, swap INTEGER NOT NULL, attempts INTEGER NOT NULL, result TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, due_ms);
CREATE INDEX IF NOT EXISTS deliveries_swapped ON deliveries (swap) WHERE swap = 1;
CREATE TABLE IF NOT EXISTS faults (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What an idempotency key was answered."""

    fingerprint: str
    request_id: str
    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to the webhook. `state`: due, delivered, failed (tried enough), dropped (by a fault)."""

    delivery_id: int
    event_id: str
    state: str
    due_ms: int
    attempts: int
    result: str


@dataclass(frozen=True, slots=True)
class Slice:
    """Which part of a list: as Stripe's `limit`, `starting_after`, `ending_before` and `created`."""

    limit: int = 10
    after: str = ""
    before: str = ""
    created: tuple[tuple[str, int], ...] = ()


_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class Store:
    """Opens or makes the file. Raises sqlite3.OperationalError where another process has it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=0)
        # One process at a time; a killed one's lock is gone with it.
        self._db.executescript(
            "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + _SCHEMA
        )
        self._rows = sum(
            self._one(f"SELECT count(*) FROM {table}")[0]  # noqa: S608 - names of ours
            for table in ("objects", "answers", "deliveries")
        )

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, on disk when it ends. Nothing in it may await."""
        rows = self._rows
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._rows = rows
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _one(self, sql: str, *values: Any) -> Any:
        return self._db.execute(sql, values).fetchone()

    def _add(self, sql: str, *values: Any) -> int:
        if self._rows >= ROWS_MAX:
            raise Full
        self._rows += 1
        return int(self._db.execute(sql, values).lastrowid or 0)

    # ---------------------------------------------------------------- objects

    def add(self, obj: Object, parent: str = "") -> None:
        """A new object; its kind is its field `object`. Raises Full."""
        sql = "INSERT INTO objects (id, kind, parent, created, body) VALUES (?, ?, ?, ?, ?)"
        self._add(sql, obj["id"], obj["object"], parent, obj["created"], _dump(obj))

    def change(self, obj: Object) -> None:
        """A new state of an object."""
        changed = self._db.execute("UPDATE objects SET body = ? WHERE id = ?", (_dump(obj), obj["id"]))
        assert changed.rowcount == 1

    def find(self, kind: str, object_id: str) -> Object | None:
        row = self._one("SELECT body FROM objects WHERE id = ? AND kind = ?", object_id, kind)
        return json.loads(row[0]) if row else None

    def children(self, kind: str, parent: str) -> list[Object]:
        """All of a kind that belong to an object, oldest first."""
        rows = self._db.execute(
            "SELECT body FROM objects WHERE kind = ? AND parent = ? ORDER BY seq", (kind, parent)
        ).fetchall()
        return [json.loads(body) for (body,) in rows]

    def page(self, kind: str, parents: list[str], part: Slice) -> tuple[list[Object], bool] | None:
        """A page, newest first, and whether there is more; None where `after` or `before` name nothing.

        `parents`: of these only; none: of all.
        """
        where: list[str] = ["kind = ?"]
        values: list[str | int] = [kind]
        if parents:
            where.append(f"parent IN ({','.join('?' * len(parents))})")
            values += parents
        for operator, cursor in (("<", part.after), (">", part.before)):
            if cursor:
                row = self._one("SELECT seq FROM objects WHERE id = ? AND kind = ?", cursor, kind)
                if row is None:
                    return None
                where.append(f"seq {operator} ?")
                values.append(row[0])
        for name, second in part.created:
            where.append(f"created {_COMPARISONS[name]} ?")
            values.append(second)
        # Before an object: those nearest to it, that is the oldest of the newer ones.
        order = "ASC" if part.before else "DESC"
        sql = f"SELECT body FROM objects WHERE {' AND '.join(where)} ORDER BY seq {order} LIMIT ?"  # noqa: S608
        rows = self._db.execute(sql, (*values, part.limit + 1)).fetchall()
        found = [json.loads(body) for (body,) in rows[: part.limit]]
        return (found[::-1] if part.before else found), len(rows) > part.limit

    # ---------------------------------------------------------------- idempotency keys

    def answer(self, key: str, now_s: int) -> KeptAnswer | None:
        """What the key was answered, unless that is too old."""
        row = self._one(
            "SELECT fingerprint, request_id, status, body FROM answers WHERE key = ? AND created > ?",
            key,
            now_s - KEY_LIFE_S,
        )
        return KeptAnswer(*row) if row else None

    def keep_answer(self, key: str, answer: KeptAnswer, now_s: int) -> None:
        """Raises Full."""
        pruned = self._db.execute("DELETE FROM answers WHERE created <= ?", (now_s - KEY_LIFE_S,))
        self._rows -= pruned.rowcount
        sql = "INSERT INTO answers (key, fingerprint, request_id, status, body, created) VALUES (?, ?, ?, ?, ?, ?)"
        self._add(sql, key, answer.fingerprint, answer.request_id, answer.status, answer.body, now_s)

    # ---------------------------------------------------------------- webhooks

    def deliver(self, event_id: str, due_ms: int, state: str = "due", swap: bool = False) -> None:
        """Puts an event on its way, and lets those go behind it that were to be overtaken."""
        delivery_id = self._add(
            "INSERT INTO deliveries (event, state, due_ms, behind, swap, attempts, result) "
            "VALUES (?, ?, ?, 0, ?, 0, '')",
            event_id,
            state,
            due_ms,
            int(swap),
        )
        if not swap and state == "due":
            self._db.execute(
                "UPDATE deliveries SET swap = 0, behind = ?, due_ms = ? WHERE swap = 1", (delivery_id, due_ms)
            )

    def due(self, now_ms: int, limit: int, but: set[int]) -> list[Delivery]:
        """Deliveries whose time has come and that wait for no other one, less those in hand."""
        rows = self._db.execute(
            "SELECT id, event, state, due_ms, attempts, result FROM deliveries AS d "
            "WHERE state = 'due' AND due_ms <= ? "
            "AND NOT EXISTS (SELECT 1 FROM deliveries AS b WHERE b.id = d.behind AND b.state = 'due') "
            "ORDER BY due_ms, id LIMIT ?",
            (now_ms, limit + len(but)),
        )
        return [Delivery(*row) for row in rows if row[0] not in but][:limit]

    def next_due_ms(self) -> int | None:
        """When the next delivery's time comes; None where none is left."""
        return self._one("SELECT min(due_ms) FROM deliveries WHERE state = 'due'")[0]

    def delivered(self, delivery: Delivery) -> None:
        """A delivery's new state."""
        self._db.execute(
            "UPDATE deliveries SET state = ?, due_ms = ?, attempts = ?, result = ? WHERE id = ?",
            (delivery.state, delivery.due_ms, delivery.attempts, delivery.result, delivery.delivery_id),
        )

    def deliveries(self, event_id: str, limit: int) -> list[Delivery]:
        """The newest deliveries, of one event or ("") of all."""
        where = "WHERE event = ?" if event_id else "WHERE ? = ''"
        rows = self._db.execute(
            f"SELECT id, event, state, due_ms, attempts, result FROM deliveries {where} ORDER BY id DESC LIMIT ?",  # noqa: S608
            (event_id, limit),
        )
        return [Delivery(*row) for row in rows]

    # ---------------------------------------------------------------- faults

    def faults(self) -> list[tuple[int, Fault]]:
        """Those still armed, oldest first."""
        rows = self._db.execute("SELECT id, body FROM faults ORDER BY id").fetchall()
        return [(fault_id, Fault.model_validate_json(body)) for fault_id, body in rows]

    def arm(self, fault: Fault) -> bool:
        """False where too many are armed."""
        if self._one("SELECT count(*) FROM faults")[0] >= FAULTS_MAX:
            return False
        self._db.execute("INSERT INTO faults (body) VALUES (?)", (fault.model_dump_json(),))
        return True

    def disarm(self) -> None:
        self._db.execute("DELETE FROM faults")

    def strike(self, what: str, webhook: bool) -> Fault | None:
        """The oldest fault armed for this request or event, used up by one."""
        for fault_id, fault in self.faults():
            if fault.strikes(what, webhook):
                if fault.times == 1:
                    self._db.execute("DELETE FROM faults WHERE id = ?", (fault_id,))
                else:
                    left = fault.model_copy(update={"times": fault.times - 1})
                    self._db.execute("UPDATE faults SET body = ? WHERE id = ?", (left.model_dump_json(), fault_id))
                return fault
        return None


def _dump(obj: Object) -> str:
    return json.dumps(obj, ensure_ascii=False, separators=(",", ":"))
