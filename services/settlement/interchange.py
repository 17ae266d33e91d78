"""The payers' telecoms' share of the platform's fees: dated rates, a posting a telecom and window. Pure.

It is posted after the window has closed, so it stands in the next one's positions like every other movement, and
nothing that was closed changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """Parts in a million of the fees, for windows that closed from one moment to another (not included)."""

    starts: datetime
    ends: datetime
    ppm: int


# Our contract's, not law's: a fifth of the fees.
RATES = (Rate(datetime(2026, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC), 200_000),)


def shares(fees: Mapping[str, int], closed_at: datetime) -> dict[str, int]:
    """Telecom to its share, whole đồng rounded down; only what is above zero. `fees`: WindowTotals.fees."""
    rate = next((rate.ppm for rate in RATES if rate.starts <= closed_at < rate.ends), 0)
    found = {telecom: max(0, fee) * rate // PPM for telecom, fee in sorted(fees.items())}
    return {telecom: share for telecom, share in found.items() if share}
