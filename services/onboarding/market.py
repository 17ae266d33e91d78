"""What a market is. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kit.errors import InvalidArgument
from kit.ids import is_id
from kit.marketrule import UNKNOWN, MarketDays
from services.onboarding.places.stall import Section

NAME_CHARACTERS_MAX = 100
REASON_CHARACTERS_MAX = 200

_WARD_CODE = re.compile(r"[0-9]{5}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """`ward_code` and `ward_name` are official, as of July 2025: five digits, "Xã Đại Phúc"."""

    market_id: str
    name: str
    ward_code: str
    ward_name: str
    province_name: str
    days: MarketDays = UNKNOWN
    sections: tuple[Section, ...] = ()
    closed: bool = False
    # Why it was closed.
    reason: str = ""
    # Counts changes, from 1.
    version: int = 1


def checked(market: Market) -> Market:
    """The market itself. Raises InvalidArgument, naming the field."""
    if not is_id(market.market_id, "mkt"):
        raise InvalidArgument("market_id must be a market's id (mkt_...)")
    if _WARD_CODE.fullmatch(market.ward_code) is None:
        raise InvalidArgument("ward_code must be five digits")
    for name in ("name", "ward_name", "province_name"):
        if not getattr(market, name).strip():
            raise InvalidArgument(f"{name} is missing")
    return market


def market_id_of(request_id: str) -> str:
    """The request's UUIDv7 is the market's id: one request, one market."""
    return f"mkt_{request_id.replace('-', '')}"
