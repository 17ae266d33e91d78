"""What a fresh stack starts with: the markets where Chợ 4.0 began, and merchants made up for them.

Request ids are fixed, so that seeding again finds the same merchants. Account numbers are fictional.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

from services.onboarding.market import Market
from services.onboarding.merchant import Registration

_PACKAGE = "services.onboarding"


@dataclass(frozen=True, slots=True)
class SeedMerchant:
    """`key` is what the catalog's seed calls this vendor; `owner_name` the person, who lives in identity."""

    key: str
    owner_name: str
    _row: dict[str, str]
    _market_id: str

    def registration(self, owner_id: str) -> Registration:
        """The registration for a vendor whose user id is `owner_id`."""
        return Registration(owner_id=owner_id, market_id=self._market_id, **self._row)


def markets() -> list[Market]:
    """The markets of data/markets.json; its `note` says where a ward could not be confirmed."""
    known = Market.__dataclass_fields__
    return [Market(**{key: row[key] for key in known}) for row in _rows("markets")]


def merchants() -> list[SeedMerchant]:
    """The merchants of data/merchants.json."""
    ids = {market.name: market.market_id for market in markets()}
    found = []
    for row in _rows("merchants"):
        key, owner_name, market = row.pop("key"), row.pop("owner_name"), row.pop("market")
        found.append(SeedMerchant(key, owner_name, row, ids[market]))
    return found


def _rows(name: str) -> list[dict[str, Any]]:
    text = resources.files(_PACKAGE).joinpath(f"data/{name}.json").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = json.loads(text)
    return rows
