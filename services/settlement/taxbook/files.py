"""A sales book as CSV and as a workbook. The same input, the same bytes; what others wrote is only ever text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC

from xlsxwriter import Workbook

from kit.clock import from_ms
from services.settlement.people.xlsx import Pen
from services.settlement.taxbook import words
from services.settlement.taxbook.book import Book, Entry

ROWS_A_PIECE = 1_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_pieces(book: Book, entries: Sequence[Entry]) -> Iterator[bytes]:
    """RFC 4180, UTF-8 with its mark: every line, oldest first, the totals, and what has to be said beside them."""
    yield b"\xef\xbb\xbf" + _csv([words.ENTRY_COLUMNS])
    for start in range(0, len(entries), ROWS_A_PIECE):
        rows = (words.entry_row(book, one) for one in entries[start : start + ROWS_A_PIECE])
        yield _csv([tuple(_text(cell) for cell in row) for row in rows])
    totals = book.totals
    yield _csv([("Cộng", "", "", "", "", "", totals.sales, totals.refunds, totals.fees)])
    beside = [""] * (len(words.ENTRY_COLUMNS) - 1)
    yield _csv((note, *beside) for note in words.notes(book))


def workbook(book: Book, entries: Sequence[Entry]) -> bytes:
    """Months, thresholds and lines as sheets; beyond what a spreadsheet is good for, the lines are in the CSV."""
    file = io.BytesIO()
    made = Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    made.set_properties({
        "title": f"{words.TITLE} {book.year}", "author": "Chợ 4.0",
        "created": from_ms(book.as_of_ms).astimezone(UTC).replace(tzinfo=None, microsecond=0),
    })  # fmt: skip
    pen = Pen(made)
    pen.sheet("Tháng", _MONTHS, _month_rows(book))
    pen.sheet("Ngưỡng doanh thu", _THRESHOLDS, _threshold_rows(book))
    rows = (words.entry_row(book, one) for one in entries)
    pen.sheet("Chi tiết", tuple(zip(words.ENTRY_COLUMNS, _WIDTHS, strict=True)), rows, "tệp CSV có đủ mọi dòng")
    made.close()
    return file.getvalue()


_WIDTHS = (20, 28, 24, 38, 38, 20, 18, 18, 18)
_MONTHS = (("Tháng", 22), *((f"{title} (đồng)", 20) for title in words.TOTAL_COLUMNS[:5]),
           *((title, 12) for title in words.TOTAL_COLUMNS[5:]), ("Doanh thu lũy kế (đồng)", 24))  # fmt: skip
_THRESHOLDS = (("Ngưỡng", 60), ("Doanh thu (đồng/năm)", 22), ("Tình trạng", 14), ("Còn lại (đồng)", 18),
               ("Căn cứ", 60), ("Độ chắc chắn", 44))  # fmt: skip


def _month_rows(book: Book) -> Iterable[Sequence[str | int]]:
    for month in book.months:
        yield f"{month.month:02}/{book.year}", *words.total_row(month.totals), month.running
    yield "Cộng", *words.total_row(book.totals), book.totals.revenue
    yield ()
    yield from words.facts(book)
    yield "Sổ cái nợ người bán đầu năm", book.opening
    yield "Sổ cái nợ người bán cuối kỳ", book.closing
    yield from ((note,) for note in words.notes(book))


def _threshold_rows(book: Book) -> Iterable[Sequence[str | int]]:
    for one in book.standings:
        rule = one.threshold
        yield (
            rule.name_vi, rule.amount, words.STANDINGS[one.standing], one.left, rule.source_vi,
            words.CERTAINTIES[rule.certainty],
        )  # fmt: skip


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()


def _text(cell: str | int) -> str | int:
    """A text that a spreadsheet would take for a formula is told to be text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
