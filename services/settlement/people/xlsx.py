"""A window as a workbook: positions, payouts, breaks, and the report's lines as far as a spreadsheet is good for them.

The same input gives the same bytes. What others wrote is only ever text: no cell of theirs is a formula or a link.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from kit.clock import VIETNAM
from services.settlement.people.records import Break, Payout, Position, WindowHead, check_sum

# Rows of a sheet; beyond them the sheet says where the rest is.
ROWS_MAX = 100_000
# Excel's limit, characters of a cell.
TEXT_MAX = 32_767
# Excel shows 15 digits of a number and zeros behind them.
NUMBER_MAX = 10**15 - 1

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

Cell = str | int | None


def workbook(
    window: WindowHead,
    positions: Sequence[Position],
    payouts: Iterable[Payout],
    breaks: Iterable[Break],
    report: Iterable[Sequence[object]],
    report_file: str,
    created_at: datetime,
    own: str = "",
) -> bytes:
    """The file. `report`: rows of services/settlement/report.py's `lines`; `report_file` is the CSV that has them all.

    `own`: the institution that gets it, which sees its own position and no other's; "" shows all.
    Raises DoesNotTie where the positions do not sum to zero.
    """
    check_sum(tuple(positions))
    file = io.BytesIO()
    book = Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({
        "title": f"Phiên quyết toán {window.number}", "author": "Chợ 4.0",
        "created": created_at.astimezone(UTC).replace(tzinfo=None, microsecond=0),
    })  # fmt: skip
    pen = Pen(book)
    pen.sheet("Vị thế ròng", _POSITIONS, _position_rows(window, positions, own))
    pen.sheet("Chi trả", _PAYOUTS, map(_payout_row, payouts))
    pen.sheet("Chênh lệch", _BREAKS, map(_break_row, breaks))
    pen.sheet("Báo cáo", _REPORT, map(_report_row, report), f"xem đủ trong tệp / all of it is in {report_file}")
    book.close()
    return file.getvalue()


# Headers with the widths of their columns, characters.
_POSITIONS = (("Tổ chức", 14), ("Tên", 28), ("Phải trả (đồng)", 22), ("Được nhận (đồng)", 22),
              ("Vị thế ròng (đồng)", 22), ("Số bút toán", 14))  # fmt: skip
_PAYOUTS = (("Mã đối chiếu", 24), ("Người bán", 30), ("Ngân hàng", 12), ("Tài khoản", 20),
            ("Số tiền (đồng)", 18), ("Trạng thái", 12), ("Lý do", 24))  # fmt: skip
_BREAKS = (("Số", 14), ("Loại", 18), ("Tổ chức", 12), ("Mã đối chiếu", 26), ("Sổ của ta (đồng)", 20),
           ("Sổ của họ (đồng)", 20), ("Số ngày", 10), ("Người xử lý", 20), ("Ghi chú", 50))  # fmt: skip
_REPORT = (("window", 9), ("seq", 12), ("time", 30), ("operation", 14), ("transfer_id", 42), ("payment_id", 42),
           ("account_id", 42), ("debit_vnd", 16), ("credit_vnd", 16))  # fmt: skip


class Pen:
    """Writes sheets, row by row: what is behind it is on disk already."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._head = book.add_format({"bold": True, "bg_color": "#E8EEF4", "border": 1, "text_wrap": True})
        self._money = book.add_format({"num_format": "#,##0"})
        # An editor shows the apostrophe, and does not make a formula of it when somebody edits the cell.
        self._quoted = book.add_format({"quote_prefix": True})

    def sheet(
        self, name: str, head: Sequence[tuple[str, int]], rows: Iterable[Sequence[Cell]], beyond: str = ""
    ) -> None:
        sheet = self._book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for column, (_, width) in enumerate(head):
            sheet.set_column(column, column, width)
        self._row(sheet, 0, [title for title, _ in head], self._head)
        coming, number = iter(rows), 0
        for number, row in enumerate(islice(coming, ROWS_MAX), start=1):
            self._row(sheet, number, row)
        if next(coming, None) is not None:
            told = f"Chỉ có {ROWS_MAX:,} dòng đầu / only the first {ROWS_MAX:,} lines".replace(",", ".")
            self._row(sheet, number + 1, [f"{told}: {beyond or 'hãy xem trong hệ thống / see the system'}"])

    def _row(self, sheet: Worksheet, number: int, row: Sequence[Cell], style: Format | None = None) -> None:
        for column, cell in enumerate(row):
            if isinstance(cell, int) and abs(cell) <= NUMBER_MAX:
                sheet.write_number(number, column, cell, style or self._money)
            elif cell is not None and cell != "":
                text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(cell))[:TEXT_MAX]
                sheet.write_string(number, column, text, self._quoted if text.startswith(_FORMULA) else style)


def _position_rows(window: WindowHead, positions: Sequence[Position], own: str) -> Iterable[Sequence[Cell]]:
    for line in positions:
        if own and line.institution != own:
            continue
        yield line.institution, line.name, line.debits, line.credits, line.net, line.transfers
    debits, credits = sum(line.debits for line in positions), sum(line.credits for line in positions)
    yield "Tổng", "", debits, credits, credits - debits, sum(line.transfers for line in positions)
    yield ()
    yield "Phiên", str(window.number)
    yield "Mở lúc", _local(window.opened_at)
    yield "Đóng lúc", _local(window.closed_at)
    yield "Thanh toán", window.payments
    yield "Hoàn tiền", window.refunds
    yield "Giá trị", window.value
    yield "Đầu chuỗi", window.chain_head


def _payout_row(line: Payout) -> Sequence[Cell]:
    return line.end_to_end_id, line.merchant, line.bank, line.account, line.amount, line.status, line.reason


def _break_row(line: Break) -> Sequence[Cell]:
    return (
        line.number, line.kind, line.institution, line.reference, line.ours, line.theirs, line.age_days, line.owner,
        line.text,
    )  # fmt: skip


def _report_row(row: Sequence[object]) -> Sequence[Cell]:
    window, seq, *texts, debit, credit = row
    return (
        *(str(value) for value in (window, seq, *texts)),
        debit if isinstance(debit, int) else None,
        credit if isinstance(credit, int) else None,
    )


def _local(at: datetime) -> str:
    return at.astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M:%S")
