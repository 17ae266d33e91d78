"""How calls that move money were answered, by minute. Pure: counts in, percentiles out."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cho.options.v1 import options_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from kit.errors import DomainError

MINUTE_MS = 60_000
MINUTES = 60
# What a call took is known to be at most one of these, ms; what took longer than the last counts as the last: nobody
# waits for longer than the gateway does.
BOUNDS_MS = (1, 2, 3, 5, 7, 10, 15, 20, 25, 35, 50, 75, 100, 150, 250, 500, 1_000, 2_500, 5_000, 10_000)
DONE, REFUSED, FAILED = "done", "refused", "failed"
# Rated like what moves money, and moving none: a probe, and asking how something ended.
_MOVE_NONE = frozenset({"Echo", "Resolve"})
# gRPC's statuses that are no answer.
_NO_ANSWER = frozenset({"UNAVAILABLE", "INTERNAL", "UNKNOWN", "DEADLINE_EXCEEDED", "ABORTED", "UNIMPLEMENTED"})


def _codes(cls: type[DomainError]) -> Iterator[str]:
    if cls.status in _NO_ANSWER:
        yield cls.code
    for below in cls.__subclasses__():
        yield from _codes(below)


# Stable codes of answers that the caller did nothing to deserve.
PLATFORMS = frozenset(_codes(DomainError))


def moves_money(method: MethodDescriptor) -> bool:
    """Whether an RPC is one of those that are counted here: it says so itself, by its rate class."""
    extensions: Any = method.GetOptions().Extensions
    rated = extensions[options_pb2.policy].rate == options_pb2.RATE_CLASS_MONEY
    return rated and method.name not in _MOVE_NONE


def counted(services: list[ServiceDescriptor]) -> frozenset[str]:
    """Full names of the RPCs that are counted."""
    return frozenset(m.full_name for service in services for m in service.methods if moves_money(m))


def fields(code: str, seconds: float) -> tuple[str, ...]:
    """What one answer adds 1 to."""
    if code == "OK":
        bound = BOUNDS_MS[min(bisect_left(BOUNDS_MS, seconds * 1000), len(BOUNDS_MS) - 1)]
        return DONE, f"ms:{bound}"
    return (FAILED if code in PLATFORMS else REFUSED,)


@dataclass(frozen=True, slots=True)
class Level:
    """One minute's, or many minutes' answers; `by_bound`: how many of those done took at most so many ms, and more than
    the bound before."""

    done: int
    refused: int
    failed: int
    by_bound: Counter[int]

    def percentile(self, percent: float) -> int:
        """The bound that so many percent of what was done did not exceed, ms; 0 where nothing was."""
        wanted, seen = self.done * percent / 100, 0
        for bound in BOUNDS_MS:
            seen += self.by_bound[bound]
            if seen >= wanted and seen:
                return bound
        return 0


def level(found: Mapping[str, str | int]) -> Level:
    """From what was added up under `fields`."""
    return Level(
        done=int(found.get(DONE, 0)),
        refused=int(found.get(REFUSED, 0)),
        failed=int(found.get(FAILED, 0)),
        by_bound=Counter({int(name[3:]): int(count) for name, count in found.items() if name.startswith("ms:")}),
    )


def together(levels: list[Level]) -> Level:
    """All of them as one."""
    by_bound: Counter[int] = Counter()
    for one in levels:
        by_bound.update(one.by_bound)
    return Level(sum(x.done for x in levels), sum(x.refused for x in levels), sum(x.failed for x in levels), by_bound)
