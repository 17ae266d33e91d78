"""What a market is. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kit.errors import InvalidArgument
from kit.ids import is_id

_WARD_CODE = re.compile(r"[0-9]{5}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """`ward_code` and `ward_name` are official, as of July 2025: five digits, "Xã Đại Phúc"."""

    market_id: str
    name: str
    ward_code: str
    ward_name: str
    province_name: str


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
