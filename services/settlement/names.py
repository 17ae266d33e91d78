"""What institutions are called. Pure."""

from __future__ import annotations

from kit import banks
from services.settlement.positions import PLATFORM

TELECOMS = {"VIETTEL": "Viettel Money", "VNPT": "VNPT Money", "MOBIFONE": "MobiFone Money"}


def name_of(institution: str) -> str:
    """A name for people: "Viettel Money", "BIDV"."""
    if institution == PLATFORM:
        return "Chợ 4.0"
    bank = banks.lookup(institution)
    return TELECOMS.get(institution) or (bank.short_name if bank else institution)


def report_name(window: int, institution: str) -> str:
    """The file of an institution's report of a window."""
    return f"report.W{window:06d}-{institution}.csv"
