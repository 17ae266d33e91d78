"""What is open has an end: holds, payments that wait for an operator, and proposals whose time is over are ended.

Runs in the worker. Ending something twice is answered the same, so nothing has to be remembered, and two workers at it
at once do no harm. The ledger judges the time by its own clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from cho.events.v1.intent_pb2 import Intent

from kit import log
from kit.clock import now_ms
from kit.errors import DomainError, HoldCaptured, HoldVoided, WrongState
from kit.streams import clients
from services.payments.store.keys import Keys, keys
from services.payments.store.sync import SyncLedger

# Of each kind in a tick; the rest waits for the next one, a second later.
BATCH = 100
CALLER = "payments"

_logger = log.logger(__name__)


def end_due(client: redis.Redis, k: Keys) -> int:
    """Ends what is due, at most BATCH of each kind; how many were. Raises redis.RedisError, DomainError as long as the
    ledger takes no calls."""
    ledger, at_ms, intent = SyncLedger(client, k), now_ms(), Intent(caller_id=CALLER)
    ended = 0
    for hold_id in _due(client, k.holds, at_ms):
        row: Any = client.hmget(k.transfer(hold_id), ["fr", "to", "x"])
        payer, payee, related = (value.decode() for value in row)
        with _not_yet(hold_id):
            ledger.release("expire", hold_id, payer, payee, related, "", intent)
            ended += 1
    for proposal_id in _due(client, k.proposals, at_ms):
        with _not_yet(proposal_id):
            ledger.decline(proposal_id, "expired", CALLER, intent)
            ended += 1
    return ended


def _due(client: redis.Redis, key: str, at_ms: int) -> list[str]:
    found: Any = client.zrangebyscore(key, 0, at_ms, start=0, num=BATCH)
    return [one.decode() for one in found]


@contextmanager
def _not_yet(what: str) -> Iterator[None]:
    """Somebody ended it meanwhile, or the ledger's clock is a little behind: looked at again at the next tick."""
    try:
        yield
    except (WrongState, HoldCaptured, HoldVoided) as refused:
        _logger.info("not ended now", item=what, reason=refused.code)


def tick() -> None:
    """`end_due` on this process's ledger; out of reach, it is tried again at the next tick."""
    try:
        end_due(clients.ledger(), keys())
    except (redis.RedisError, DomainError) as error:
        _logger.info("what is due waits for the ledger", reason=str(error))
