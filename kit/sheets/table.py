"""What a file is once it is read: rows of texts, whatever it was written with. Pure.

Two things of a cell cannot be told from its text any more and are kept beside it: that a spreadsheet had it as a number
(so it has lost what stood before the first digit but 0), and that it is a formula.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kit.errors import SheetInvalid, SheetTooLarge
from kit.sheets.columns import Columns

ROWS_MAX = 10_000
COLUMNS_MAX = 64
CELL_CHARACTERS_MAX = 500
# Above the headings stands what the sheet is about; nobody writes more of it.
HEADING_WITHIN = 20
# Formats and borders far below the last row: rows looked at beyond ROWS_MAX before a file is refused for them.
PHYSICAL_ROWS_MAX = 50_000

# A number that a spreadsheet takes for one, with its sign, is no formula: "+84 912 345 678", "-5".
_SIGNED = re.compile(r"[+-][0-9 .,\-]*")


@dataclass(frozen=True, slots=True)
class RawRow:
    """`number` is the row's in its file, from 1; `numbers` and `formulas` are places of cells."""

    number: int
    cells: tuple[str, ...]
    numbers: frozenset[int] = frozenset()
    formulas: frozenset[int] = frozenset()

    @property
    def empty(self) -> bool:
        return not any(self.cells) and not self.formulas


@dataclass(frozen=True, slots=True)
class Heading:
    """The row that names the columns: its texts as they are, and where each known field stands."""

    number: int
    names: tuple[str, ...]
    places: dict[str, int]


def is_formula(text: str) -> bool:
    """Whether a spreadsheet that opens this text would run it."""
    return text.startswith(("=", "@")) or (text.startswith(("+", "-")) and _SIGNED.fullmatch(text) is None)


def text_row(number: int, cells: Sequence[str]) -> RawRow:
    """A row of texts, as CSV has it: trimmed, in NFC."""
    texts = [unicodedata.normalize("NFC", cell).strip() for cell in cells]
    formulas = frozenset(place for place, text in enumerate(texts) if is_formula(text))
    while texts and not texts[-1]:
        texts.pop()
    return RawRow(number, tuple(texts), formulas=formulas)


def headed(rows: Iterable[RawRow], columns: Columns) -> tuple[Heading, Iterator[RawRow]]:
    """The heading, and the rows below it that hold anything, at most the columns' `rows_max`.

    Raises SheetInvalid where no row of the first ones is a heading; the rows raise SheetTooLarge where there are more.
    """
    stream = iter(rows)
    missing: list[str] | None = None
    for _, row in zip(range(HEADING_WITHIN), stream, strict=False):
        places = columns.places_of(row.cells)
        lacking = columns.missing(places)
        if not lacking:
            if len(row.cells) > COLUMNS_MAX:
                raise SheetTooLarge(
                    f"the file has more than {COLUMNS_MAX} columns: remove those that are not needed",
                    vi=f"Tệp có hơn {COLUMNS_MAX} cột: hãy bỏ bớt cột thừa.",
                )
            return Heading(row.number, row.cells, places), _bounded(stream, columns)
        if len(places) > 1 and (missing is None or len(lacking) < len(missing)):
            missing = lacking
    wanted = columns.titles(missing if missing is not None else columns.required)
    raise SheetInvalid(
        f"no row names these columns: {wanted}; the template ({columns.template}) has them all",
        vi=f"Không có dòng tiêu đề nào có đủ các cột: {wanted}. Hãy dùng tệp mẫu.",
    )


def _bounded(rows: Iterator[RawRow], columns: Columns) -> Iterator[RawRow]:
    found = 0
    for physical, row in enumerate(rows):
        if physical >= PHYSICAL_ROWS_MAX:
            raise SheetTooLarge(
                f"more than {PHYSICAL_ROWS_MAX} rows, most of them empty: delete the empty rows below the list",
                vi=f"Tệp có hơn {PHYSICAL_ROWS_MAX} dòng, phần lớn trống: hãy xóa các dòng trống bên dưới danh sách.",
            )
        if row.empty:
            continue
        found += 1
        if found > columns.rows_max:
            en, vi = columns.parts
            raise SheetTooLarge(
                f"more than {columns.rows_max} rows: split the file, {en}",
                vi=f"Tệp có hơn {columns.rows_max} dòng: hãy tách thành nhiều tệp, {vi}.",
            )
        yield row
