"""What became of a file, as a file: the columns that were sent, then three more. Pure.

Whoever sent the file opens it in a spreadsheet: what others wrote is text there and never runs. In CSV a text that
would run gets an apostrophe before it (there is no other way to say "text"); in XLSX every cell is text by its type.
A result that was put right and sent again has its three columns written anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO

from kit.sheets.writing import CSV_TYPE, MARK, XLSX_TYPE, csv_line, visible
from services.onboarding.bulk.job import Row, RowState
from services.onboarding.bulk.rows import is_note, titles, words

__all__ = ["ADDED", "CSV_TYPE", "STATES", "XLSX_TYPE", "as_csv", "messages", "write_xlsx"]

ADDED = ("Kết quả", "Cần sửa", "Mã hồ sơ")
STATES = {
    RowState.GOOD: "Hợp lệ, chưa nạp",
    RowState.BAD: "Không hợp lệ",
    RowState.SUBMITTED: "Đã nạp, chờ duyệt",
    RowState.EXISTING: "Đã có từ trước",
    RowState.REFUSED: "Không nạp được",
}
_WIDTH = 18


def messages(row: Row, heading: tuple[str, ...]) -> str:
    """What is wrong with a row or to be looked at, in Vietnamese: "Số căn cước: ...; Lưu ý - Số điện thoại: ..."."""
    names = titles(heading)
    told = []
    for remark in row.remarks:
        vi, _ = words(remark)
        name = names.get(remark.field, "")
        note = "Lưu ý - " if is_note(remark) else ""
        told.append(f"{note}{name}: {vi}" if name else f"{note}{vi}")
    return "; ".join(told)


def as_csv(heading: tuple[str, ...], rows: Iterable[Row]) -> Iterator[bytes]:
    """UTF-8 with a byte order mark, which Excel needs; a piece for the heading and one for each row."""
    yield MARK + csv_line([*_sent(heading), *ADDED])
    for row in rows:
        yield csv_line(_cells(row, heading))


def write_xlsx(file: IO[bytes], heading: tuple[str, ...], rows: Iterable[Row]) -> None:
    """A workbook of one sheet; rows are written as they come and not held."""
    # Here, and not above: a process that never writes a workbook is spared it.
    from xlsxwriter import Workbook

    book = Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    bold, bad = book.add_format({"bold": True}), book.add_format({"font_color": "#9C0006"})
    page = book.add_worksheet("Kết quả")
    page.freeze_panes(1, 0)
    shown = [*_sent(heading), *ADDED]
    page.set_column(0, len(shown) - 1, _WIDTH)
    for place, title in enumerate(shown):
        page.write_string(0, place, visible(title), bold)
    for line, row in enumerate(rows, 1):
        style = bad if row.state in (RowState.BAD, RowState.REFUSED) else None
        for place, text in enumerate(_cells(row, heading)):
            page.write_string(line, place, visible(text), style)
    book.close()


def _sent(heading: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that were sent, without those of an earlier result."""
    return heading[: -len(ADDED)] if heading[-len(ADDED) :] == ADDED else heading


def _cells(row: Row, heading: tuple[str, ...]) -> list[str]:
    width = len(_sent(heading))
    padded = [*row.cells[:width], *[""] * (width - len(row.cells))]
    return [*padded, STATES[row.state], messages(row, heading), row.merchant_id]
