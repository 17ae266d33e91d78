"""Whom trade goes to and whom it comes from: power laws (Zipf-Mandelbrot), parameters written down here. Pure.

The share of rank r is proportional to (r + shift) ^ -exponent. These are assumptions to test with and no counts: one
stall of thirteen has about three tenths of the trade, as one account had in what others published of their production;
among shoppers the first of a hundred buys about five times as much as the last.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate
from random import Random


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """`shift` of at least 0 flattens the head."""

    exponent: float
    shift: float

    def shares(self, count: int) -> list[float]:
        """The share of each of `count` ranks, falling, together 1. Raises ValueError for none."""
        if count < 1:
            raise ValueError("a share of nothing")
        weights = [(rank + self.shift) ** -self.exponent for rank in range(1, count + 1)]
        return [weight / sum(weights) for weight in weights]


STALLS = PowerLaw(exponent=1.1, shift=0.3)
SHOPPERS = PowerLaw(exponent=0.6, shift=6.0)


class Pick:
    """Draws ranks, from 0, by a law."""

    def __init__(self, law: PowerLaw, count: int) -> None:
        self._edges = list(accumulate(law.shares(count)))
        self._edges[-1] = 1.0

    def one(self, dice: Random) -> int:
        """A rank below `count`."""
        return bisect(self._edges, dice.random())


def pace(law: PowerLaw, rank: int, count: int) -> float:
    """How long the shopper of a rank thinks, against the average one: who buys more, waits less. From 0.2 to 5."""
    share = law.shares(count)[rank % count] * count
    return min(5.0, max(0.2, 1 / share))
