"""What vendors ask for: references, and the life that a dynamic code carries in itself. Pure.

A request's record in the ledger ends a week after it expired. Its code on paper does not: so the code carries its
expiry in the reference label (EMVCo merchant-presented mode, 62-05), and a late payer is told so for ever.
"""

from __future__ import annotations

import re

DEFAULT_LIFE_S = 15 * 60
LIFE_S_MAX = 90 * 86_400
_LABEL = re.compile(r"E(\d{10})")


def expiry_label(expires_ms: int) -> str:
    """The reference label of a dynamic code that expires at `expires_ms`: "E" and seconds."""
    return f"E{expires_ms // 1000:010d}"


def expiry_of(label: str) -> int:
    """When a code with this reference label expires, ms; 0 where it does not say."""
    found = _LABEL.fullmatch(label)
    return int(found[1]) * 1000 if found else 0
