"""How much of its net debit cap a telecom has used, and when somebody has to be told. Pure.

The ledger refuses what would pass the cap; this is for before: a telecom that hears in time settles or deposits, and no
shopper is refused.
"""

from __future__ import annotations

# Parts of the cap, in a hundred: told from here on, and again only after it fell below the other.
WARN_AT, CALM_BELOW = 80, 70
# A payment of this part more would most likely be refused.
REACHED_AT = 98

NONE, WARNED, REACHED = "", "warned", "reached"


def level(position: int, cap: int | None, before: str) -> str:
    """What is so now: NONE, WARNED or REACHED. `position`: what it owes in all windows that are not settled, đồng."""
    if cap is None:
        return NONE
    if position * 100 >= cap * REACHED_AT:
        return REACHED
    if position * 100 >= cap * WARN_AT:
        return WARNED
    return before and WARNED if position * 100 >= cap * CALM_BELOW else NONE
