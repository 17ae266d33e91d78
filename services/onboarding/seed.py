"""What a fresh stack starts with: the markets where Chợ 4.0 began, and merchants made up for them.

Request ids are fixed, so that seeding again finds the same merchants. Account numbers are fictional.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

from services.onboarding.form import Form
from services.onboarding.market import Market

_PACKAGE = "services.onboarding"


# Made-up people are born in 1941 to 1959: their cards, issued in 2022, hold for life.
_BORN_FIRST, _BORN_YEARS = 1941, 19


def made_up_person(number: int, name: str, phone: str) -> dict[str, Any]:
    """What a form says of a person who does not exist: a woman from Thái Nguyên, the same for the same number."""
    born = _BORN_FIRST + number % _BORN_YEARS
    return {
        "person_name": name,
        "phone": phone,
        "birth_date": f"{born}-{number % 12 + 1:02}-{number % 28 + 1:02}",
        "sex": "female",
        "citizen_id": f"0191{born % 100:02}{number:06}",
        "citizen_issued": "2022-05-20",
        "address": "Thái Nguyên",
    }


@dataclass(frozen=True, slots=True)
class SeedMerchant:
    """`key` is what the catalog's seed calls this vendor; `owner_name` the person, who lives in identity."""

    key: str
    owner_name: str
    _number: int
    _row: dict[str, str]
    _market_id: str

    def form(self, owner_id: str, phone: str) -> Form:
        """The form of a vendor whose user id is `owner_id`."""
        person = made_up_person(self._number, self.owner_name, phone)
        filled: dict[str, Any] = self._row | person
        return Form(owner_id=owner_id, market_id=self._market_id, **filled)


def markets() -> list[Market]:
    """The markets of data/markets.json; its `note` says where a ward could not be confirmed.

    On which days they are held is not in it, since no source says so: their managers do.
    """
    known = ("market_id", "name", "ward_code", "ward_name", "province_name")
    return [Market(**{key: row[key] for key in known}) for row in _rows("markets")]


def merchants() -> list[SeedMerchant]:
    """The merchants of data/merchants.json."""
    ids = {market.name: market.market_id for market in markets()}
    found = []
    for number, row in enumerate(_rows("merchants"), start=1):
        key, owner_name, market = row.pop("key"), row.pop("owner_name"), row.pop("market")
        found.append(SeedMerchant(key, owner_name, number, row, ids[market]))
    return found


def _rows(name: str) -> list[dict[str, Any]]:
    text = resources.files(_PACKAGE).joinpath(f"data/{name}.json").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = json.loads(text)
    return rows
