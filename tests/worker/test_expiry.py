"""What is open ends by the clock, on a real ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis

from kit.clock import now_ms
from kit.ids import new_id
from services.payments import expiry, transfer
from services.payments.worker import Payments
from tests.payments.conftest import OPERATOR
from tests.worker.test_payments_worker import KEYS, Market, now_

pytestmark = pytest.mark.worker
MINUTE_MS = 60_000


@pytest.fixture
def market(client: redis.Redis) -> Market:
    return Market(client)


def hold(market: Market, amount: int, life_ms: int) -> str:
    legs = transfer.hold(market.wallet, market.merchant, amount)
    return market.post("hold", amount, legs, expires_ms=now_ms() + life_ms).transfer_id


def end(client: redis.Redis, record: str, is_open: str, one: str) -> None:
    """Its time is over: what was to last a minute lasted until now, however busy the machine is."""
    client.hset(record, "e", now_ms() - 1)
    client.zadd(is_open, {one: now_ms() - 1})


def free(market: Market) -> int:
    debits, credits, pending = (int(n) for n in market.client.hmget(KEYS.account(market.wallet), "dp", "cp", "dq"))
    return credits - debits - pending


def test_a_hold_whose_time_is_over_is_given_back_by_itself_and_one_that_runs_is_not(
    client: redis.Redis, market: Market, start: Callable[[type], Any], until: Callable[[Callable[[], Any]], Any]
) -> None:
    before = free(market)
    over, runs = hold(market, 4_000, MINUTE_MS), hold(market, 1_000, MINUTE_MS)
    end(client, KEYS.transfer(over), KEYS.holds, over)
    assert free(market) == before - 5_000
    start(Payments)
    until(lambda: free(market) == before - 1_000)
    assert client.hget(KEYS.transfer(over), "s") == b"expired"
    assert client.hget(KEYS.transfer(runs), "s") == b"held"


def test_a_proposal_that_nobody_decides_on_expires(client: redis.Redis, market: Market) -> None:
    paid = market.pay(1_000).transfer_id
    proposal = new_id("prp")
    now_(market.ledger.propose(proposal, "reverse", paid, "usr_one", now_ms() + MINUTE_MS, "why", OPERATOR))
    assert expiry.end_due(client, KEYS) == 0
    end(client, KEYS.proposal(proposal), KEYS.proposals, proposal)
    assert expiry.end_due(client, KEYS) == 1
    assert client.hget(KEYS.proposal(proposal), "s") == b"expired"
    assert expiry.end_due(client, KEYS) == 0


def test_what_ended_meanwhile_stops_nothing_that_is_due_after_it(client: redis.Redis, market: Market) -> None:
    first, second, third = (hold(market, 1_000, MINUTE_MS) for _ in range(3))
    for one in (first, second):
        end(client, KEYS.transfer(one), KEYS.holds, one)
    score = client.zscore(KEYS.holds, first)
    expiry.end_due(client, KEYS)
    client.zadd(KEYS.holds, {first: score})  # as if it had been read just before
    end(client, KEYS.transfer(third), KEYS.holds, third)
    expiry.end_due(client, KEYS)
    assert [client.hget(KEYS.transfer(one), "s") for one in (first, second, third)] == [b"expired"] * 3
