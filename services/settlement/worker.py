"""Settlement's background work: journals the ledger, keeps the start gate, compares hot ledger and books."""

from __future__ import annotations

import redis
from nameko.timer import timer
from pymongo.errors import PyMongoError

from kit import log
from kit.config import settings
from kit.streams import clients
from kit.streams.entry import Entry
from kit.streams.entry import last_seq as hot_last_seq
from kit.streams.ledger import ledger_reader
from kit.streams.relay import Relay
from kit.supervisor import forks
from services.settlement import gate, store

GATE_S = 0.25
# A page and the head cost the database the same for one event as for hundreds.
GATHER_S = 0.1
COMPARE_S = 2
# Keys entered a second: many while little happens, few while much does; they wait in the journal meanwhile.
KEYS_QUIET, KEYS_BUSY = 2000, 50
QUIET_EVENTS_S = 50
# A server that restarts: what was to be done is done at a later tick.
OUT_OF_REACH = (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError, PyMongoError)

_logger = log.logger(__name__)


class Settlement:
    """One of these acts at a time: the journal's reader holds a lease."""

    name = "settlement"

    windows = Relay(store.Window, stream="settlement:events")
    # Why the gate stays shut, told once and not four times a second.
    _shut = ""
    _seen = 0

    @ledger_reader("journal", cursor=store.last_seq, gather_s=GATHER_S)
    def journal(self, entries: list[Entry]) -> None:
        """Journals the next events."""
        store.append(entries)

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
            forks.tell(f"ledger stays shut: {reason}" if reason else "")
        Settlement._shut = reason

    @timer(interval=COMPARE_S)
    def compare(self) -> None:
        """Compares what was journaled since the last time with the hot ledger."""
        try:
            head = store.head()
            up_to = min(head.seq, head.compared + gate.COMPARE_MAX)
            if up_to > head.compared and hot_last_seq(clients.ledger()) >= up_to:
                store.set_compared(gate.compare(clients.ledger(), head.compared, up_to))
        except gate.Shut as difference:
            _logger.critical("ledger and books differ", reason=str(difference))
        except OUT_OF_REACH as error:
            _logger.warning("compared later", reason=str(error))

    @timer(interval=1)
    def enter_keys(self) -> None:
        """Enters journaled keys into their index: a key that was answered twice is an alarm."""
        try:
            seq = store.head().seq
            quiet = seq - Settlement._seen <= QUIET_EVENTS_S
            Settlement._seen = seq
            for wrong in store.enter_keys(KEYS_QUIET if quiet else KEYS_BUSY):
                _logger.critical("one key, two answers", finding=wrong)
        except OUT_OF_REACH as error:
            _logger.warning("keys are entered later", reason=str(error))


SERVICES = [Settlement]
