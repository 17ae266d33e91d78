"""Who owes whom in a window, before netting: each institution's debits and credits by counterparty. Pure.

In a movement one side is one institution's (the payer's telecom, the card provider), so that its counterparties are
those of the other side, each with its own legs. Where both sides were several, nobody could say who owes whom.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.settlement.moves import Move
from services.settlement.people.records import DoesNotTie
from services.settlement.positions import Attributed, attribute


class SeveralOnBothSides(ValueError):
    """A movement between several institutions on either side."""


@dataclass(slots=True)
class Pair:
    """What one institution owes another (`debits`), what it is owed (`credits`), and in how many movements. Đồng."""

    debits: int = 0
    credits: int = 0
    transfers: int = 0


def fold(
    moves: Iterable[Move], banks: Mapping[str, str], found: dict[str, dict[str, Pair]] | None = None
) -> dict[str, dict[str, Pair]]:
    """Institution, counterparty, what is between them; `found`: of the movements before these. Sums over
    counterparties are those of positions.total.

    A counterparty may be the institution itself, where both sides of a movement are its own. Raises KeyError for a
    merchant without a known bank, SeveralOnBothSides, and DoesNotTie where a movement's two sides are not equal.
    """
    found = {} if found is None else found
    add_all(found, attribute(moves, banks))
    return found


def add_all(found: dict[str, dict[str, Pair]], movements: Iterable[Attributed]) -> None:
    """Adds movements, as `fold` does."""
    known: dict[tuple[str, str], tuple[Pair, Pair]] = {}
    for move, parts in movements:
        debits: dict[str, int] = {}
        credits: dict[str, int] = {}
        for institution, _, side, amount in parts:
            if amount:
                into = debits if side == "d" else credits
                into[institution] = into.get(institution, 0) + amount
        if sum(debits.values()) != sum(credits.values()):
            raise DoesNotTie(f"event {move.seq} ({move.op}): what is owed and what is due differ; audit the books")
        if len(debits) > 1 and len(credits) > 1:
            raise SeveralOnBothSides(f"event {move.seq} ({move.op}): {sorted(debits)} against {sorted(credits)}")
        for debtor, owed in debits.items():
            for creditor, due in credits.items():
                amount = due if len(debits) == 1 else owed
                both = known.get((debtor, creditor))
                if both is None:
                    both = known[debtor, creditor] = _pair(found, debtor, creditor), _pair(found, creditor, debtor)
                one, other = both
                one.debits += amount
                one.transfers += 1
                other.credits += amount
                other.transfers += 1


def _pair(found: dict[str, dict[str, Pair]], one: str, other: str) -> Pair:
    return found.setdefault(one, {}).setdefault(other, Pair())
