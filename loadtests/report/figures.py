"""Figures of a run from its record: percentiles, and what happened second by second. Pure.

Latency counts from when a payment was due (closed loop: from when it was sent), to its first definite answer.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from loadtests.gate.watch import Look
from loadtests.record import DONE, PAY, Heard, Told

PERCENTS = (50.0, 95.0, 99.0, 99.9)
Line = list[tuple[float, float]]


def percentile(ordered: Sequence[float], percent: float) -> float:
    """What `percent` of the values do not exceed; 0 without values. `ordered` rises."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0


def percentiles_us(values_ms: Iterable[float]) -> dict[str, int]:
    """p50, p95, p99, p99.9, the maximum, microseconds, and how many."""
    ordered = sorted(values_ms)
    found = {f"p{percent:g}": round(percentile(ordered, percent) * 1000) for percent in PERCENTS}
    return {**found, "max": round(ordered[-1] * 1000) if ordered else 0, "count": len(ordered)}


def payment_ms(told: Told, via: str = "") -> list[float]:
    """Latency of each payment that was made, ms; of one door (`via`), or all."""
    return [
        asked.told_ms - asked.due_ms
        for asked in told.asked.values()
        if asked.kind == PAY and asked.outcome == DONE and asked.told_ms and via in ("", asked.via)
    ]


def span_s(told: Told) -> float:
    """From when the first payment was due to the last answer."""
    made = [one for one in told.asked.values() if one.kind == PAY and one.told_ms]
    return (max(one.told_ms for one in made) - min(one.due_ms for one in made)) / 1000 if made else 0.0


def answer_to_announcement_ms(told: Told) -> list[float]:
    """From a payment's answer to its announcement; 0 where the stall heard of it first."""
    answered = {asked.transfer_id: asked.told_ms for asked in told.asked.values() if asked.told_ms}
    return [max(0.0, one.heard_ms - at) for one in live(told) if (at := answered.get(one.transfer_id))]


def live(told: Told) -> list[Heard]:
    """What was heard while the market was open."""
    return [one for one in told.heard if one.heard_ms]


def announcement_ms(told: Told) -> list[float]:
    """From the ledger's time of a payment to its announcement."""
    return [max(0.0, one.heard_ms - one.at_ms) for one in live(told)]


@dataclass(slots=True)
class Series:
    """Lines of (s from the start, value), by name."""

    throughput: dict[str, Line] = field(default_factory=dict)
    latency_ms: dict[str, Line] = field(default_factory=dict)
    announcement_ms: dict[str, Line] = field(default_factory=dict)
    lag_events: dict[str, Line] = field(default_factory=dict)
    cpu: dict[str, Line] = field(default_factory=dict)
    errors: dict[str, Line] = field(default_factory=dict)


def series(told: Told, looks: Sequence[Look]) -> Series:
    """Everything that is plotted."""
    start = min([one.due_ms for one in told.asked.values()] + [look.at_ms for look in looks], default=0.0)
    paid = [
        (asked.told_ms, asked.told_ms - asked.due_ms)
        for asked in told.asked.values()
        if asked.kind == PAY and asked.outcome == DONE and asked.told_ms
    ]
    found = Series(cpu=_cpu(looks, start))
    found.latency_ms = _over_time(paid, start)
    heard = [(one.heard_ms, max(0.0, one.heard_ms - one.at_ms)) for one in live(told)]
    found.announcement_ms = _over_time(heard, start)
    found.throughput = {
        "payments": _a_second([at for at, _ in paid], start),
        "announcements": _a_second([one.heard_ms for one in live(told)], start),
        "all requests": _calls(told, start, 0),
    }
    found.errors = {"failed": _calls(told, start, 1)}
    found.lag_events = {
        "events that the books do not have yet": [
            ((look.at_ms - start) / 1000, float(look.ledger - look.books)) for look in looks
        ]
    }
    return found


def _second(at_ms: float, start_ms: float) -> int:
    return max(0, int((at_ms - start_ms) / 1000))


def _a_second(moments_ms: Iterable[float], start_ms: float) -> Line:
    counts: dict[int, int] = defaultdict(int)
    for at in moments_ms:
        counts[_second(at, start_ms)] += 1
    return [(float(s), float(counts.get(s, 0))) for s in range(max(counts, default=-1) + 1)]


def _calls(told: Told, start_ms: float, part: int) -> Line:
    counts: dict[int, int] = defaultdict(int)
    for (second, name), count in told.calls.items():
        if not name.startswith("SSE"):
            counts[max(0, second - int(start_ms / 1000))] += count[part]
    return [(float(s), float(counts.get(s, 0))) for s in range(max(counts, default=-1) + 1)]


def _over_time(points: Iterable[tuple[float, float]], start_ms: float) -> dict[str, Line]:
    """Percentiles of each second."""
    seconds: dict[int, list[float]] = defaultdict(list)
    for at, value in points:
        seconds[_second(at, start_ms)].append(value)
    ordered = {second: sorted(values) for second, values in sorted(seconds.items())}
    return {
        f"p{percent:g}": [(float(second), percentile(values, percent)) for second, values in ordered.items()]
        for percent in (50.0, 95.0, 99.0)
    }


def _cpu(looks: Sequence[Look], start_ms: float) -> dict[str, Line]:
    """Cores used by each process between two looks."""
    lines: dict[str, Line] = defaultdict(list)
    for before, after in itertools.pairwise(looks):
        seconds = (after.at_ms - before.at_ms) / 1000
        for name, used in after.cpu_s.items():
            if name in before.cpu_s and seconds > 0:
                cores = max(0.0, used - before.cpu_s[name]) / seconds
                lines[name].append(((after.at_ms - start_ms) / 1000, cores))
    return dict(lines)


def cpu_us_a_payment(looks: Sequence[Look], payments: int) -> dict[str, int]:
    """CPU microseconds by process for each payment, everything else that was asked included."""
    if len(looks) < 2 or not payments:
        return {}
    used: dict[str, float] = defaultdict(float)
    for before, after in itertools.pairwise(looks):  # one that ended, or was started anew, counts from nothing again
        for name, s in after.cpu_s.items():
            used[name] += max(0.0, s - before.cpu_s.get(name, 0.0))
    return {name: round(s * 1e6 / payments) for name, s in sorted(used.items(), key=lambda one: -one[1]) if s > 0}
