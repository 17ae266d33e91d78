"""Which column is which: headings in Vietnamese and English, as people write them. Pure.

A heading is compared without diacritics, case, punctuation and what stands in brackets: "Số điện thoại (*)",
"SO DIEN THOAI" and "Phone" are one. The first column that names a field is that field's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kit.qr.names import fold

_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_NO_WORD = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Column:
    """`field` as the rules know it, `title` as the template has it, and what else people call it, folded."""

    field: str
    title: str
    names: tuple[str, ...]
    required: bool
    # For who fills the template in.
    hint: str
    example: str


def key(heading: str) -> str:
    """What of a heading counts."""
    return _NO_WORD.sub(" ", fold(_BRACKETS.sub(" ", heading)).lower()).strip()


class Columns:
    """The columns of one kind of table. `template`: where it is to be had; `parts`: how a file that has more than
    `rows_max` rows is split, in English and Vietnamese."""

    def __init__(self, columns: Sequence[Column], *, template: str, rows_max: int, parts: tuple[str, str]) -> None:
        self.all = tuple(columns)
        self.template, self.rows_max, self.parts = template, rows_max, parts
        self.fields = tuple(column.field for column in columns)
        self.required = tuple(column.field for column in columns if column.required)
        named = {name: column.field for column in columns for name in (column.field.replace("_", " "), *column.names)}
        self._field_of = named | {key(column.title): column.field for column in columns}

    def places_of(self, cells: Sequence[str]) -> dict[str, int]:
        """Where each field stands in a heading."""
        places: dict[str, int] = {}
        for place, cell in enumerate(cells):
            field = self._field_of.get(key(cell))
            if field is not None:
                places.setdefault(field, place)
        return places

    def missing(self, places: Iterable[str]) -> list[str]:
        """The required fields that have no column."""
        there = set(places)
        return [field for field in self.required if field not in there]

    def titles(self, fields: Iterable[str]) -> str:
        """Their titles, for a message."""
        wanted = set(fields)
        return ", ".join(f'"{column.title}"' for column in self.all if column.field in wanted)
