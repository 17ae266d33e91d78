"""How many merchants somebody has brought in, and a market has, by state: counted from the merchants themselves.

There is no counter to drift: a figure is what the indexes hold at that moment. A market has at most 5,000 stalls and a
person some hundreds of merchants; an index gives 40,000 a second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from kit.errors import LimitExceeded
from services.onboarding.merchant import State
from services.onboarding.store.document import MerchantDocument

# Of one market or person; above it the figure would cost more than it is worth.
COUNTED_MAX = 20_000


def of_person(user_id: str) -> Counter[State]:
    """Merchants whose form this person saved first. Raises LimitExceeded."""
    return _counted(MerchantDocument.objects(registered_by=user_id).only("state").limit(COUNTED_MAX + 1))


def of_market(market_id: str) -> Counter[State]:
    """Merchants of one market; of drafts, those that name it. Raises LimitExceeded."""
    return _counted(MerchantDocument.objects(market_id=market_id).only("state").limit(COUNTED_MAX + 1))


def _counted(documents: Iterable[MerchantDocument]) -> Counter[State]:
    counts = Counter(State(document.state) for document in documents)
    if counts.total() > COUNTED_MAX:
        raise LimitExceeded(f"more than {COUNTED_MAX} merchants: ask for a part of them")
    return counts
