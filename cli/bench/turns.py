"""Two loads measured in turns: the machine changes its speed while it measures, and short slices change with it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from cli.load import Outcome


def total(slices: Sequence[Outcome]) -> Outcome:
    """All slices of one load as one."""
    found = Outcome()
    for one in slices:
        found.add(one)
    return found


def ratios(slices: Sequence[Outcome], others: Sequence[Outcome]) -> dict[str, float]:
    """2xx replies a second of `slices` over those of `others`, turn by turn: how far one turn can be trusted.

    Raises ValueError where their numbers differ.
    """
    found = [one.per_s / other.per_s for one, other in zip(slices, others, strict=True)]
    return {"least": round(min(found), 3), "median": round(median(found), 3), "most": round(max(found), 3)}
