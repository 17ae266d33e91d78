"""How a CSV file is read: which column is what, and how dates, amounts and sides are written. Pure, but for the named
mappings, which are files beside this one (mappings/*.json)."""

from __future__ import annotations

import csv
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

FIELDS = frozenset(
    {
        "booked_on", "value_on", "amount", "side", "debit", "credit", "balance", "currency", "reference", "group",
        "bank_reference", "counterparty", "counterparty_account", "text",
    }
)  # fmt: skip
_FOLDER = Path(__file__).parent / "mappings"


@dataclass(frozen=True, slots=True)
class Footer:
    """A last row: it begins with one of `words`, and has in these columns (counted from 0) what is checked."""

    words: tuple[str, ...]
    entries: int | None = None
    debits: int | None = None
    credits: int | None = None
    # Without it the file is not whole.
    required: bool = True


@dataclass(frozen=True, slots=True)
class Mapping:
    """One kind of CSV. `columns`: our field to the header's name for it (compared without regard to case and blanks).

    Amounts come in one signed column (amount), in one with a side (amount, side), or in two (debit, credit).
    `dates`: "iso" or strptime formats, tried in order. `sides`: words to "D" or "C". `header_within`: lines among which
    the header is found. `account`, `currency`, `message_id`: what the file does not say itself.
    `reference_in_text`: the reference is our end-to-end id where the text has one.
    Raises ValueError for a mapping that makes no sense.
    """

    name: str
    columns: dict[str, str]
    delimiter: str = ","
    encoding: str = "utf-8-sig"
    dates: tuple[str, ...] = ("iso",)
    decimal: str = "."
    thousands: str = ""
    sides: dict[str, str] = field(default_factory=lambda: {"D": "D", "C": "C"})
    footer: Footer | None = None
    header_within: int = 1
    reference_in_text: bool = False
    account: str = ""
    currency: str = "VND"
    message_id: str = ""

    def __post_init__(self) -> None:
        unknown = self.columns.keys() - FIELDS
        if unknown:
            raise ValueError(f"mapping {self.name}: no such field: {', '.join(sorted(unknown))}")
        amounts = self.columns.keys() & {"amount", "side", "debit", "credit"}
        if amounts not in ({"amount"}, {"amount", "side"}, {"debit", "credit"}):
            raise ValueError(f"mapping {self.name}: give amount, or amount and side, or debit and credit")
        if "booked_on" not in self.columns or not self.dates:
            raise ValueError(f"mapping {self.name}: give booked_on and its date formats")
        if set(self.sides.values()) - {"D", "C"} or len(self.delimiter) != 1:
            raise ValueError(f"mapping {self.name}: sides are D and C, and a delimiter is one character")
        if len(self.decimal) != 1 or self.decimal == self.thousands or not 1 <= self.header_within <= 100:
            raise ValueError(f"mapping {self.name}: decimal and thousand marks differ, the header is in 100 lines")

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Mapping:
        """From what json.loads gives. Raises ValueError for keys that are none."""
        known = {one.name for one in fields(cls)}
        if data.keys() - known or not {"name", "columns"} <= data.keys():
            raise ValueError(f"a mapping has name, columns and of {', '.join(sorted(known))}, not {sorted(data)}")
        values = dict(data)
        if "dates" in values:
            values["dates"] = tuple(values["dates"])
        if values.get("footer"):
            values["footer"] = Footer(**{**values["footer"], "words": tuple(values["footer"]["words"])})
        return cls(**values)

    def positions(self, header: Iterable[str]) -> dict[str, int] | None:
        """Field to column of this header; None where it is another's header."""
        places = {folded(cell): index for index, cell in enumerate(header)}
        if any(folded(column) not in places for column in self.columns.values()):
            return None
        return {name: places[folded(column)] for name, column in self.columns.items()}


def folded(text: str) -> str:
    """A header or word to compare: composed, without case, with single blanks."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


@cache
def named() -> dict[str, Mapping]:
    """The mappings that are shipped, by name."""
    found = [Mapping.from_dict(json.loads(path.read_text("utf-8"))) for path in sorted(_FOLDER.glob("*.json"))]
    return {mapping.name: mapping for mapping in found}


def fitting(head: bytes) -> Mapping | None:
    """The named mapping whose header is among a file's first lines."""
    for mapping in named().values():
        try:
            # The last character may be cut in two.
            text = head.decode(mapping.encoding, "ignore")
        except UnicodeError:
            continue
        rows = csv.reader(text.splitlines()[: mapping.header_within], delimiter=mapping.delimiter)
        if any(mapping.positions(row) for row in rows):
            return mapping
    return None
