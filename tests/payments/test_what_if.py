"""What-if says of recorded history what the ledger itself would have said, had the rule been in force."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime

import pytest
import redis

from kit.clock import VIETNAM
from kit.errors import LimitExceeded, VelocityExceeded
from services.payments import limits
from services.settlement import fold, whatif
from tests.payments.test_ledger_rules import Hand, Watched, stream, watched_bench

pytestmark = pytest.mark.anyio

START_MS = round(datetime(2031, 1, 28, 20, tzinfo=VIETNAM).timestamp() * 1000)
FOR_EVER = limits.FOR_EVER_MS
Payment = tuple[int, int, int]  # ms, wallet, đồng


def rule(scope: str, most: int, arg: int = 0) -> limits.LimitRule:
    return limits.LimitRule("proposed", 0, FOR_EVER, scope, ("pay",), most, "", arg)


RULES = [rule("tx", 9_000), rule("day", 20_000), rule("month", 60_000), rule("minute", 2), rule("small", 3, 4_000)]


def history(seed: int) -> list[Payment]:
    """A hundred payments of three wallets over a week, many close together, across the end of a month."""
    dice, at_ms, found = random.Random(seed), START_MS, []
    for _ in range(100):
        at_ms += dice.choice([1, 500, 9_000, 40_000, 3_000_000, 20_000_000])
        found.append((at_ms, dice.randrange(3), dice.choice([500, 3_000, 4_000, 4_001, 9_000, 9_001, 12_000])))
    return found


async def played(
    bench: Watched, patch: pytest.MonkeyPatch, payments: list[Payment], *rules: limits.LimitRule
) -> set[int]:
    """Plays the payments under these rules; the numbers of those that were refused by them."""
    patch.undo()  # money comes in today, and is paid in years
    wallets = [await bench.wallet(balance=10_000_000, exempt=n == 2) for n in range(3)]
    merchant, refused = await bench.merchant(), set()
    await bench.ledger.found([], limits.encode(rules))
    hand = Hand(bench, patch)
    for number, (at_ms, who, amount) in enumerate(payments):
        hand.set(at_ms)
        try:
            await hand.pay(wallets[who], merchant, amount)
        except (LimitExceeded, VelocityExceeded):
            refused.add(number)
    return refused


@pytest.mark.parametrize("proposed", RULES, ids=lambda r: r.scope)
async def test_a_proposed_rule_stops_in_history_exactly_what_the_ledger_would_have_refused(
    valkey: str, monkeypatch: pytest.MonkeyPatch, proposed: limits.LimitRule
) -> None:
    payments = history(seed=7)
    async with watched_bench(valkey) as bench:
        assert await played(bench, monkeypatch, payments) == set()
        events = stream(valkey)
    with redis.Redis.from_url(valkey) as client:
        client.flushall()
    async with watched_bench(valkey) as bench:
        refused = await played(bench, monkeypatch, payments, proposed)
    (judged,) = fold.parse_rules(limits.encode([proposed]))
    outcome = whatif.evaluate(events, judged)
    paid = [event.seq for event in events if event.op == "pay"]
    assert {paid.index(seq) for seq, _, _ in outcome.examples} == set(sorted(refused)[: whatif.EXAMPLES_MAX])
    assert (outcome.judged, outcome.stopped) == (len(payments), len(refused))
    assert outcome.stopped_vnd == sum(payments[number][2] for number in refused)
    assert 0 < len(refused) < len(payments)


async def test_a_rule_judges_only_what_it_counts_and_only_while_it_is_in_force(
    valkey: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments = history(seed=3)
    async with watched_bench(valkey) as bench:
        await played(bench, monkeypatch, payments)
        events = stream(valkey)
    (judged,) = fold.parse_rules(limits.encode([rule("tx", 1)]))
    middle = payments[50][0]
    assert whatif.evaluate(events, judged).stopped == 100
    assert whatif.evaluate(events, replace(judged, until_ms=middle)).stopped == 50
    assert whatif.evaluate(events, replace(judged, ops=frozenset({"transfer"}))).judged == 0
    with pytest.raises(ValueError, match="cannot be judged from history"):
        whatif.evaluate(events, replace(judged, scope="device"))
