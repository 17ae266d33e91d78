"""How many merchants somebody has brought in, and a market has, by state: counted from the merchants themselves.

There is no counter to drift: a figure is what the indexes hold at that moment. A market has at most 5,000 stalls and a
person some hundreds of merchants; an index gives 40,000 a second.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from kit.errors import LimitExceeded
from services.onboarding.merchant import State
from services.onboarding.store.document import MerchantDocument

# Of one market or person; above it the figure would cost more than it is worth.
COUNTED_MAX = 20_000
# Of the drafts, those that a reviewer sent back: nothing else that is decided on becomes a draft.
RETURNED = "returned"


def of_person(user_id: str) -> Counter[str]:
    """Merchants whose form this person saved first, by state, and RETURNED. Raises LimitExceeded."""
    return _counted(MerchantDocument.objects(registered_by=user_id))


def of_market(market_id: str) -> Counter[str]:
    """Merchants of one market by state, and RETURNED; of drafts, those that name it. Raises LimitExceeded."""
    return _counted(MerchantDocument.objects(market_id=market_id))


def _counted(found: Any) -> Counter[str]:
    documents = list(found.only("state", "decided_by").limit(COUNTED_MAX + 1))
    if len(documents) > COUNTED_MAX:
        raise LimitExceeded(f"more than {COUNTED_MAX} merchants: ask for a part of them")
    counts = Counter(str(document.state) for document in documents)
    if returned := sum(document.state == State.DRAFT.value and bool(document.decided_by) for document in documents):
        counts[RETURNED] = returned
    return counts
