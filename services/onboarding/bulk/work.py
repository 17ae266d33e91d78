"""Checks and runs imports, in the worker, one process at a time.

Each step goes a chunk of rows at a time and notes how far it is with what came of it; a worker that is killed goes on
where it was. Checking has no effect but its own rows. Running makes merchants, each under the id that follows from its
row, so that a row that is tried again after a kill finds what it made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

import redis
from mongoengine.connection import ConnectionFailure
from pymongo.errors import PyMongoError

from kit import clock, crypto, log
from kit.errors import (
    AlreadyExists,
    ChecklistOpen,
    Contention,
    DomainError,
    IdempotencyConflict,
    InvalidArgument,
    NotFound,
    Overloaded,
    SheetInvalid,
    SheetTooLarge,
    SheetUnsafe,
    Unavailable,
    WrongState,
)  # fmt: skip
from kit.sheets.table import Heading, RawRow
from kit.streams.lease import Lease
from services.onboarding.assist import owners
from services.onboarding.bulk import job, known, reading, store
from services.onboarding.bulk import rows as rules
from services.onboarding.bulk.job import CHUNK_ROWS, Import, Remark, Row, RowState, State
from services.onboarding.bulk.register import register_all
from services.onboarding.form import Form
from services.onboarding.market import Market
from services.onboarding.problems import WORDS as FORM_WORDS

LEASE = "onboarding:imports:lease"
# Imports looked at in a tick, and time after which a tick begins no other chunk.
AT_ONCE_MAX, TICK_S_MAX = 10, 3.0
# Nothing is known of a chunk that met one of these, or nothing was done: it is tried again in a later tick.
PASSING = (Contention, Overloaded, Unavailable)
OUT_OF_REACH = (redis.RedisError, PyMongoError, ConnectionFailure)
# Of a file whose import is not done by then, whose rows or parts are gone.
_UNREADABLE = (SheetInvalid, SheetTooLarge, SheetUnsafe)

_logger = log.logger(__name__)


@dataclass(slots=True)
class _Check:
    """A file in the middle of being checked."""

    heading: Heading
    raws: Iterator[RawRow]
    markets: rules.Markets
    above: rules.Above = field(default_factory=rules.Above)
    # Chunks read so far; those that were checked before a kill are read again and not checked again.
    read: int = 0


class Clerk:
    """`tick` does a bounded part of what there is to do."""

    def __init__(
        self, lease: Lease, markets: Callable[[], list[Market]], now_ms: Callable[[], int] = clock.now_ms
    ) -> None:
        self._lease = lease
        self._markets = markets
        self._now_ms = now_ms
        self._checks: dict[str, _Check] = {}

    def tick(self) -> None:
        """Never raises for an engine out of reach: the next tick goes on where this one stopped."""
        try:
            # Every chunk renews it: where there is none, nothing is written every second for its sake.
            if not self._lease.held() and not self._lease.acquire():
                self._checks.clear()
                return
            until = time.monotonic() + TICK_S_MAX
            for found in store.working(AT_ONCE_MAX):
                self._work(found, until)
        except OUT_OF_REACH as error:
            self._checks.clear()
            _logger.warning("imports wait", reason=type(error).__name__)

    def _work(self, found: Import, until: float) -> None:
        """As `work`; what keeps an import waiting keeps no other one. Raises what engines out of reach raise."""
        try:
            self.work(found, until)
        except OUT_OF_REACH:
            raise
        except Exception as error:
            # What is in memory may no longer be what is stored.
            self._checks.pop(found.id, None)
            if isinstance(error, PASSING):
                _logger.warning("an import waits", import_id=found.id, reason=type(error).__name__)
            else:
                _logger.exception("an import cannot be worked on", import_id=found.id)

    def work(self, found: Import, until: float = float("inf")) -> Import:
        """Goes on with an import until it rests or the time is over; what it is then. Raises one of PASSING."""
        while found.state in job.WORKING and time.monotonic() < until and self._lease.renew():
            found = self._check(found) if found.state is State.CHECKING else self._run(found)
        return found

    # Checking

    def _check(self, found: Import) -> Import:
        """One chunk on, or at the end."""
        try:
            check = self._checks.get(found.id) or self._begin(found)
            raws = list(islice(check.raws, CHUNK_ROWS))
            if not raws and not check.read:
                raise SheetInvalid("the file has no rows but its heading", vi="Tệp chỉ có dòng tiêu đề.")
        except _UNREADABLE as error:
            self._checks.pop(found.id, None)
            refused = store.save(job.refused(found, error, self._now_ms()))
            store.forget_file(found)
            return refused
        if raws:
            return self._check_chunk(found, check, raws)
        self._checks.pop(found.id, None)
        same_as = store.started_before(found.made_by, found.sha256, found.id)
        checked = store.save(replace(found, state=State.CHECKED, same_as=same_as))
        store.forget_file(found)
        return checked

    def _begin(self, found: Import) -> _Check:
        heading, raws = reading.read(store.whole_file(found.id, found.parts))
        check = _Check(heading, raws, rules.Markets(market for market in self._markets() if not market.closed))
        self._checks[found.id] = check
        return check

    def _check_chunk(self, found: Import, check: _Check, raws: list[RawRow]) -> Import:
        today = clock.from_ms(self._now_ms()).astimezone(clock.VIETNAM).date()
        judged = [rules.judge(raw, check.heading, check.markets, check.above, today) for raw in raws]
        check.read += 1
        if check.read <= found.checked:
            return found
        rows = _with_known(judged)
        store.put_chunk(found.id, found.checked, rows)
        return store.save(replace(job.with_checked(found, rows), heading=check.heading.names))

    # Running

    def _run(self, found: Import) -> Import:
        """One chunk on, or at the end."""
        if found.ran >= found.checked:
            return store.save(replace(found, state=State.DONE, ended_ms=self._now_ms()))
        try:
            rows = store.chunk(found.id, found.ran)
        except WrongState:
            # It rested for 30 days after its check, and its rows are gone.
            return store.save(replace(found, state=State.CANCELLED, ended_ms=self._now_ms()))
        fresh = self._fresh(found, rows)
        good = [row for row in rows if row.state is RowState.GOOD]
        outcome = register_all([rules.form_of(row.values) for row in good], found.made_by)
        done = [_became(row, outcome, fresh) if row.state is RowState.GOOD else row for row in rows]
        # Whose vendors have an account already; the others are bound when they make one.
        owners.bind_known({crypto.phone_index(row.values["phone"]) for row in good})
        store.put_chunk(found.id, found.ran, done)
        return store.save(job.with_ran(found, done))

    def _fresh(self, found: Import, rows: list[Row]) -> frozenset[str]:
        """The merchants that are not there before this import makes them: noted before the first is made."""
        noted = store.fresh_of(found.id, found.ran)
        if noted is None:
            ids = {row.merchant_id for row in rows if row.state is RowState.GOOD}
            noted = frozenset(ids - known.existing(ids))
            store.note_fresh(found.id, found.ran, sorted(noted))
        return noted


def _with_known(judged: list[tuple[Row, Form | None]]) -> list[Row]:
    """The rows with what the store knows of them, and the ids that they have or will have."""
    said = known.judge([form for _, form in judged if form is not None])
    rows = []
    for row, form in judged:
        if form is None:
            rows.append(row)
            continue
        merchant_id, there, remarks = said[form.request_id]
        all_remarks = (*row.remarks, *remarks)
        if any(not rules.is_note(remark) for remark in remarks):
            rows.append(replace(row, state=RowState.BAD, remarks=all_remarks))
        elif there:
            rows.append(replace(row, state=RowState.EXISTING, merchant_id=merchant_id, remarks=row.remarks))
        else:
            values = rules.values_of(form)
            rows.append(replace(row, merchant_id=merchant_id, remarks=all_remarks, values=values))
    return rows


def _became(row: Row, outcome: Mapping[str, DomainError | None], fresh: frozenset[str]) -> Row:
    """What became of a good row. Raises one of PASSING."""
    error = outcome[row.values["request_id"]]
    if isinstance(error, PASSING):
        raise error
    if error is not None:
        remarks = (*row.remarks, _remark_of(error))
        return replace(row, state=RowState.REFUSED, remarks=remarks, merchant_id="", values={})
    return replace(row, state=RowState.SUBMITTED if row.merchant_id in fresh else RowState.EXISTING, values={})


def _remark_of(error: DomainError) -> Remark:
    """Why the store did not take a row, as the result says it."""
    problem = error.details.get("problem", "")
    match error:
        case InvalidArgument() | ChecklistOpen() if problem in FORM_WORDS:
            return Remark(error.details.get("field", ""), problem)
        case AlreadyExists():
            return Remark("account_number", "ACCOUNT_TAKEN")
        case IdempotencyConflict():
            return Remark("", "CHANGED_SINCE")
        case NotFound():
            return Remark("market", "MARKET_NAME_UNKNOWN")
        case WrongState():
            return Remark("stall", "PLACE_CLOSED")
        case _:
            _logger.warning("row was not taken", code=error.code)
            return Remark("", "NOT_TAKEN")
