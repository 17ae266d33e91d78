"""What a limit or velocity rule would have done: recorded history, judged again by a rule that is only proposed. Pure.

It mirrors the ledger's own judgement (services/payments/store/functions/3_limits.lua): calendar months and days in
Vietnam, minutes and hours of the clock; what a refused payment would have used is not used. Payments that were refused
when they happened are not judged: nobody knows what their payer would have done.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from kit.clock import month_of
from kit.ledger_event import LedgerEvent
from services.settlement.fold import Rule

DAY_MS, HOUR_MS, MINUTE_MS, VIETNAM_MS = 86_400_000, 3_600_000, 60_000, 25_200_000
EXAMPLES_MAX = 20
SCOPES = frozenset({"tx", "day", "month", "minute", "small"})


@dataclass(slots=True)
class Outcome:
    """What the rule would have stopped; đồng. `examples`: (seq, wallet, đồng) of the first ones."""

    judged: int = 0
    judged_vnd: int = 0
    stopped: int = 0
    stopped_vnd: int = 0
    wallets: set[str] = field(default_factory=set)
    stopped_wallets: set[str] = field(default_factory=set)
    examples: list[tuple[int, str, int]] = field(default_factory=list)


def _bucket(scope: str, at_ms: int) -> int:
    if scope == "month":
        return month_of(at_ms)
    return {
        "day": (at_ms + VIETNAM_MS) // DAY_MS, "minute": at_ms // MINUTE_MS, "small": at_ms // HOUR_MS, "tx": 0,
    }[scope]  # fmt: skip


def evaluate(events: Iterable[LedgerEvent], rule: Rule) -> Outcome:
    """Judges every limited transfer in `events` (from the first, so that exemptions are known) by `rule`.

    Raises ValueError for scopes that history does not record (a device's age) or that limit something else.
    """
    if rule.scope not in SCOPES:
        raise ValueError(
            f"a rule of scope {rule.scope!r} cannot be judged from history: {', '.join(sorted(SCOPES))} can"
        )
    outcome, exempt = Outcome(), {}
    used: dict[tuple[str, int], int] = defaultdict(int)
    held: dict[str, tuple[str, int, int]] = {}
    for event in events:
        if event.result != "OK":
            continue
        if event.op in ("open", "exempt"):
            exempt[event.transfer_id] = event.change.rpartition(",")[2] == "1"
        elif event.op in ("capture", "void", "expire"):
            _give_back(event, held, used)
        if not event.legs or event.op in ("open", "exempt", "merchant", "state") or not event.facts.limited:
            continue
        if event.facts.limited not in rule.ops or not rule.from_ms <= event.at_ms < rule.until_ms:
            continue
        wallet, amount = event.legs[0].account_id, int(event.amount)
        outcome.judged += 1
        outcome.judged_vnd += amount
        outcome.wallets.add(wallet)
        key = (wallet, _bucket(rule.scope, event.at_ms))
        counted = {"tx": 0, "minute": 1, "small": int(amount <= rule.arg)}.get(rule.scope, amount)
        total = amount if rule.scope == "tx" else used[key] + counted
        concerned = not (exempt.get(wallet) and rule.scope in ("day", "month")) and (
            rule.scope != "small" or amount <= rule.arg
        )
        if concerned and total > rule.most:
            outcome.stopped += 1
            outcome.stopped_vnd += amount
            outcome.stopped_wallets.add(wallet)
            if len(outcome.examples) < EXAMPLES_MAX:
                outcome.examples.append((event.seq, wallet, amount))
            continue
        used[key] += counted
        if event.op == "hold" and rule.scope in ("day", "month"):
            held[event.transfer_id] = (wallet, key[1], amount)
    return outcome


def _give_back(event: LedgerEvent, held: dict[str, tuple[str, int, int]], used: dict[tuple[str, int], int]) -> None:
    """What a hold used and did not take."""
    ended = held.pop(event.related if event.op == "capture" else event.transfer_id, None)
    if ended is not None:
        wallet, bucket, amount = ended
        used[(wallet, bucket)] -= amount - (int(event.amount) if event.op == "capture" else 0)
