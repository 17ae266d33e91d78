"""Pays what was approved, line by line, each once.

Runs in the worker, one process at a time. A line is paid under a key that follows from the disbursement and its number:
whoever pays it again, after a kill at any moment, gets the answer of the first time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import redis
from cho.events.v1.intent_pb2 import Intent
from mongoengine.connection import ConnectionFailure
from pymongo.errors import PyMongoError

from kit import log
from kit.clock import now_ms
from kit.errors import (
    ClockSkew,
    Contention,
    DomainError,
    InsufficientFunds,
    KeyExpired,
    LedgerFenced,
    OutcomeUnknown,
    Overloaded,
    Unavailable,
)  # fmt: skip
from kit.streams import clients
from kit.streams.lease import Lease
from services.payments import disbursement as rules
from services.payments import transfer
from services.payments.disbursement import Line, LineState, State
from services.payments.store import disbursements as store
from services.payments.store.disbursements import Disbursement
from services.payments.store.keys import keys
from services.payments.store.ledger import Order
from services.payments.store.sync import SyncLedger

LEASE = "payments:disbursements:lease"
# Time after which a tick begins no other line.
TICK_S_MAX = 3.0
# Nothing is known of a line that met one of these, or nothing was done: the same key is sent again later.
PASSING = (ClockSkew, Contention, LedgerFenced, OutcomeUnknown, Overloaded, Unavailable)
# Why it is paused where its stored lines are not those that were approved.
LINES_CHANGED = "LINES_CHANGED"
OUT_OF_REACH = (redis.RedisError, PyMongoError, ConnectionFailure)

_logger = log.logger(__name__)


class Payer:
    """`tick` pays a bounded part of what is approved."""

    def __init__(self, ledger: SyncLedger, lease: Lease, now: Callable[[], int] = now_ms) -> None:
        self._ledger = ledger
        self._lease = lease
        self._now = now
        # Disbursements under way whose stored lines are those that were approved.
        self._compared: set[str] = set()

    def tick(self) -> None:
        """Never raises for an engine out of reach: the next tick goes on where this one stopped."""
        try:
            if not self._lease.acquire():
                return
            until = time.monotonic() + TICK_S_MAX
            for found in store.running():
                if time.monotonic() >= until:
                    break
                self._pay(found, until)
        except (*OUT_OF_REACH, *PASSING) as error:
            _logger.warning("disbursements wait", reason=f"{type(error).__name__}: {error}")

    def _pay(self, found: Disbursement, until: float) -> None:
        """As `pay`; what is one's own keeps no other waiting. Raises what is everybody's: OUT_OF_REACH, PASSING."""
        try:
            self.pay(found, until)
        except Contention:
            _logger.warning("a disbursement waits: somebody else changed it just now", disbursement=found.id)
        except (*OUT_OF_REACH, *PASSING):
            raise
        except Exception:
            # What is known of it may be wrong: its lines are compared again.
            self._compared.discard(found.id)
            _logger.exception("a disbursement cannot be paid", disbursement=found.id)

    def pay(self, found: Disbursement, until: float = float("inf")) -> Disbursement:
        """Pays a disbursement's lines until it ends, pauses, or the time is over; what it is then.

        Raises one of PASSING where the ledger takes no calls: what was paid before is noted.
        """
        while found.state is State.RUNNING and time.monotonic() < until and self._lease.renew():
            if found.id not in self._compared:
                found = self._compare(found)
            elif found.chunk >= found.chunks:
                found = store.save(replace(found, state=State.DONE, ended_ms=self._now()))
            else:
                found = self._pay_chunk(found, until)
        if found.state is not State.RUNNING:
            self._compared.discard(found.id)
        return found

    def _compare(self, found: Disbursement) -> Disbursement:
        """Whether it is what was approved: before its first line, and when a process takes it up or it was paused."""
        changed = store.difference(found)
        if changed:
            _logger.critical("lines are not those approved: none is paid", disbursement=found.id, reason=changed)
            return store.save(replace(found, state=State.PAUSED, code=LINES_CHANGED))
        self._compared.add(found.id)
        return found

    def _pay_chunk(self, found: Disbursement, until: float) -> Disbursement:
        lines = store.chunk(found, found.chunk)
        stopped = ""
        try:
            for place, line in enumerate(lines):
                if line.state is LineState.WAITING:
                    stopped = self._stopped(found)
                    if stopped or time.monotonic() >= until:
                        break
                    lines[place], stopped = self._pay_line(found, line)
                    if stopped:
                        break
        finally:
            # What a line's result is follows from its key: written once more, it is written the same.
            store.put_chunk(found, found.chunk, lines)
        noted = store.note_progress(found, found.chunk, lines)
        if stopped:
            _logger.warning("disbursement paused", disbursement=found.id, reason=stopped)
            return store.save(replace(noted, state=State.PAUSED, code=stopped))
        over = not any(line.state is LineState.WAITING for line in lines)
        return store.save(replace(noted, chunk=found.chunk + 1 if over else found.chunk))

    def _stopped(self, found: Disbursement) -> str:
        """Why nothing can be paid now, before a key is spent on it; "" where it can."""
        state, _ = self._ledger.available(found.organisation_id)
        return {"open": "", "frozen": "ACCOUNT_FROZEN"}.get(state, "ACCOUNT_CLOSED")

    def _pay_line(self, found: Disbursement, line: Line) -> tuple[Line, str]:
        """What becomes of a line, and why the rest has to wait ("" where it has not)."""
        key = rules.key_of(found.id, found.approved_ms, line)
        if self._now() > found.approved_ms + rules.RUN_MS_MAX:
            return self._settle(line, key), ""
        try:
            posted = self._ledger.post(
                Order(
                    op="disburse", caller=rules.CALLER, key=key, body_hash=rules.hash_of(found.id, line),
                    amount=line.amount, fee=0,
                    legs=transfer.send(found.organisation_id, line.to, found.telecom, line.telecom, line.amount),
                    intent=Intent(
                        caller_id=rules.CALLER, event_id=found.id, reference=line.reference,
                        note=line.note or found.title,
                    ),
                )
            )  # fmt: skip
        except PASSING:
            raise
        except InsufficientFunds as refused:
            # Only the organisation is debited. This key is spent: once there is money, the next one is used.
            return replace(line, tries=line.tries + 1), refused.code
        except DomainError as refused:
            return replace(line, state=LineState.REFUSED, code=refused.code), ""
        return replace(line, state=LineState.PAID, transfer_id=posted.transfer_id), ""

    def _settle(self, line: Line, key: str) -> Line:
        """A line whose key is about to be forgotten: paid, or never any more. Forgotten, only the books can tell."""
        try:
            code, transfer_id = self._ledger.resolve(rules.CALLER, "disburse", key)
        except KeyExpired:
            return replace(line, state=LineState.REFUSED, code="OUTCOME_UNKNOWN")
        if code == "OK":
            return replace(line, state=LineState.PAID, transfer_id=transfer_id)
        return replace(line, state=LineState.REFUSED, code="KEY_EXPIRED")


@cache
def of_this_process() -> Payer:
    """The worker's own."""
    return Payer(SyncLedger(clients.ledger(), keys()), Lease(clients.streams(), LEASE))
