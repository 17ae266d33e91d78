"""Settlement's background work: journals the ledger, keeps the start gate, compares hot ledger and books."""

from __future__ import annotations

import os
import sys
from typing import Any, ClassVar

import redis
from eventlet.green import subprocess
from nameko.extensions import DependencyProvider
from nameko.timer import timer
from pymongo.errors import PyMongoError

from kit import log
from kit.config import settings
from kit.errors import Contention
from kit.streams import clients
from kit.streams.entry import Entry
from kit.streams.entry import last_seq as hot_last_seq
from kit.streams.ledger import ledger_reader
from kit.streams.relay import Relay
from kit.supervisor import child, launch
from services.settlement import gate, shown, store
from services.settlement.books import verify
from services.settlement.clerk import due, wake
from services.settlement.names import TELECOMS
from services.settlement.taxbook.worker import SERVICES as taxbook

GATE_S = 0.25
# A page and the head cost the database the same for one event as for hundreds.
GATHER_S = 0.1
COMPARE_S = 2
SWEEP_S = 5
# What starts the clerk, and how long unsettled windows are left alone.
CLERK, CLERK_S = (sys.executable, "-P", "-m", "services.settlement.clerk"), 30
# Events after which it is started for the checkpoints alone: then a window's closing finds most of them made.
FOLLOW_EVENTS = 100_000
# Keys entered at once: many, each second, while little happens; few, and seldom, while much does: a round costs the
# database as much as they do. They wait in the journal meanwhile.
KEYS_QUIET, KEYS_BUSY, KEYS_BUSY_S = 2000, 250, 5
QUIET_EVENTS_S = 50
# A server that restarts: what was to be done is done at a later tick.
OUT_OF_REACH = (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError, PyMongoError)

_logger = log.logger(__name__)


class Settlement:
    """One of these acts at a time: the journal's reader holds a lease."""

    name = "settlement"

    shown = shown.Shown()
    windows = Relay(store.Window, stream="settlement:events")
    liquidity = Relay(store.Liquidity, stream="settlement:events")
    # Why the gate stays shut, told once and not four times a second.
    _shut = ""
    _seen = 0
    # How long it has been busy.
    _busy_s = 0
    _sweeping = False
    # What the telecoms' positions and caps were when their levels were told last.
    _positions: ClassVar[list[Any]] = []

    @ledger_reader("journal", cursor=store.last_seq, gather_s=GATHER_S)
    def journal(self, entries: list[Entry]) -> None:
        """Journals the next events."""
        spans = shown.traced(entries)
        store.append(entries)
        shown.journaled(entries)
        for span, seq in spans:
            span.end("OK", seq=seq)

    @timer(interval=GATE_S, eager=True)
    def keep_gate(self) -> None:
        """Opens the ledger for its server's present run, once it was checked; says why not."""
        try:
            opened, reason = gate.ensure_open(clients.ledger()), ""
        except (gate.Shut, redis.RedisError, PyMongoError) as shut:
            opened, reason = False, str(shut)
        if opened:
            _logger.info("ledger open", books=store.head().seq, replicas=settings().ledger_replicas)
        if reason and reason != Settlement._shut:
            _logger.warning("ledger stays shut", reason=reason)
        if reason != Settlement._shut:
            child.tell(f"ledger stays shut: {reason}" if reason else "")
        Settlement._shut = reason

    @timer(interval=COMPARE_S)
    def compare(self) -> None:
        """Compares what was journaled since the last time with the hot ledger."""
        try:
            head = store.head()
            up_to = min(head.seq, head.compared + gate.COMPARE_MAX)
            if up_to > head.compared and hot_last_seq(clients.ledger()) >= up_to:
                store.set_compared(gate.compare(clients.ledger(), head.compared, up_to))
                shown.DRIFT.set(0)
        except gate.Shut as difference:
            shown.DRIFT.set(1)
            _logger.critical("ledger and books differ", reason=str(difference))
        except OUT_OF_REACH as error:
            _logger.warning("compared later", reason=str(error))

    @timer(interval=1)
    def watch_liquidity(self) -> None:
        """A telecom that comes near its net debit cap is told of before anybody is refused."""
        try:
            telecoms = sorted(TELECOMS)
            with clients.ledger().pipeline(transaction=False) as pipe:
                for telecom in telecoms:
                    pipe.hmget(gate.account_key(f"settlement:{telecom}"), "dp", "cp", "nd")
                found = pipe.execute()
            if found == Settlement._positions:  # told already: a level follows from them alone once it was reached
                return
            for telecom, (debits, credits, cap) in zip(telecoms, found, strict=True):
                if debits is None:
                    continue
                position = int(debits) - int(credits)
                if changed := store.tell_liquidity(telecom, position, int(cap) if cap else None):
                    _logger.warning("net debit cap", telecom=telecom, level=changed, position=position)
            Settlement._positions = found
        except (*OUT_OF_REACH, Contention) as error:
            _logger.warning("liquidity is looked at later", reason=str(error))

    @timer(interval=SWEEP_S)
    def sweep(self) -> None:
        """Verifies the chain again, a few pages at a time, round and round: what rots is found."""
        try:
            if not Settlement._sweeping:
                verify.open_sweep()
                Settlement._sweeping = True
            for finding in verify.sweep().findings:
                shown.CHAIN.inc()
                _logger.critical("the chain does not verify", finding=str(finding))
        except OUT_OF_REACH as error:
            _logger.warning("the chain is verified later", reason=str(error))

    @timer(interval=1)
    def enter_keys(self) -> None:
        """Enters journaled keys into their index: a key that was answered twice is an alarm."""
        try:
            seq = store.head().seq
            quiet = seq - Settlement._seen <= QUIET_EVENTS_S
            Settlement._seen, Settlement._busy_s = seq, 0 if quiet else Settlement._busy_s + 1
            if Settlement._busy_s % KEYS_BUSY_S:
                return
            for wrong in store.enter_keys(KEYS_QUIET if quiet else KEYS_BUSY):
                shown.DOUBLED.inc()
                _logger.critical("one key, two answers", finding=wrong)
        except OUT_OF_REACH as error:
            _logger.warning("keys are entered later", reason=str(error))


class Child(DependencyProvider):
    """The clerk's process, while there is one: injected as what starts it. Ends with the container."""

    process: Any = None

    def stop(self) -> None:
        if self.running():
            self.process.terminate()  # what it was at is done again by the next one

    kill = stop

    def get_dependency(self, worker_ctx: Any) -> Child:
        return self

    def running(self) -> bool:
        """Whether the last one is still at it."""
        return self.process is not None and self.process.poll() is None

    def start_one(self) -> None:
        """Starts one, which looks for itself what there is to do."""
        started_by, lock = str(os.getpid()), str(settings().home / "clerk.started.lock")
        # Through the supervisor's launcher: it dies with this process.
        program = (sys.executable, "-I", "-S", launch.__file__, started_by, lock, *CLERK)
        self.process = subprocess.Popen(program, stdin=subprocess.DEVNULL)


class Clerk:
    """Starts the clerk where there is something to do."""

    name = "settlement.clerk"

    child = Child()
    _waited_s = 0
    # How far the books were when it was started last.
    _seq = 0

    @timer(interval=1)
    def look(self) -> None:
        """A window is due, a file came, somebody asked, or FOLLOW_EVENTS have come; or half a minute has passed, and
        windows are unsettled or a telecom's record is late."""
        if self.child.running():
            return
        try:
            Clerk._waited_s += 1
            long_ago = Clerk._waited_s >= CLERK_S and (bool(store.unsettled(1)) or due.record_is_late())
            seq = int(store.head().seq)
            many = seq - Clerk._seq >= FOLLOW_EVENTS
            # Files last: what institutions have put there delays no window.
            if many or long_ago or wake.wanted() or due.window() or due.files_wait(settings().home):
                Clerk._waited_s, Clerk._seq = 0, seq
                self.child.start_one()
        except (*OUT_OF_REACH, OSError) as error:
            _logger.warning("the clerk is started later", reason=str(error))


SERVICES = [Settlement, Clerk, *taxbook]
