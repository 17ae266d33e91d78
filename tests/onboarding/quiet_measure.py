"""Honest stalls that are flagged, and swapped stickers that are found: `python -m tests.onboarding.quiet_measure`.

Mornings of six hours by chance, no engines: 30 stalls of three sizes in two sections; each quarter of an hour the
market is dead, slack, usual or busy. In the second half of the runs one stall's payments go elsewhere from the end of
the second hour on.
"""

from __future__ import annotations

import random
import statistics

from tests.onboarding.test_quiet import Market

MORNINGS = 1_500
STALLS, SIZES, LEVELS = 30, (1, 3, 8), (0, 5, 20, 120)
QUARTERS, SWAPPED_AT = 24, 8


def morning(seed: int, swapped: bool) -> tuple[int, int, float | None]:
    """Honest stalls flagged, the victim's size, and after how many minutes the victim was; None for never."""
    chance, market = random.Random(seed), Market()
    stalls = [(f"s{n}", "AB"[n % 2], chance.choice(SIZES)) for n in range(STALLS)]
    sizes = [size for _, _, size in stalls]
    honest, found = 0, None
    for quarter in range(QUARTERS):
        level = chance.choice(LEVELS)
        moments = sorted(chance.uniform(quarter * 15, quarter * 15 + 15) for _ in range(level))
        for moment, (name, section, _) in zip(moments, chance.choices(stalls, sizes, k=level), strict=True):
            if not (swapped and name == "s0" and quarter >= SWAPPED_AT):
                market.pay(moment, name, section)
        for flagged in market.ask(quarter * 15 + 15):
            if swapped and flagged.merchant_id == "s0" and quarter >= SWAPPED_AT:
                found = found or (quarter + 1 - SWAPPED_AT) * 15.0
            else:
                honest += 1
    return honest, sizes[0], found


def main() -> None:
    flagged = sum(morning(seed, swapped=False)[0] for seed in range(MORNINGS))
    print(f"honest: {flagged} of {MORNINGS * STALLS} stalls flagged in {MORNINGS} mornings")
    victims = [morning(seed, swapped=True) for seed in range(MORNINGS)]
    for size in SIZES:
        minutes = [found for _, of_size, found in victims if of_size == size]
        caught = [found for found in minutes if found is not None]
        median = f", after {statistics.median(caught):.0f} minutes (median)" if caught else ""
        print(f"swapped, size {size}: {len(caught)} of {len(minutes)} found within four hours{median}")


if __name__ == "__main__":
    main()
