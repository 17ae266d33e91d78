"""An institution's statement of a window as PDF, in Vietnamese, for two signatures. The same input, the same bytes."""

from __future__ import annotations

import tempfile
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from fpdf import FPDF

from kit.clock import VIETNAM
from kit.spoken import amount_in_words
from services.settlement.people import fonts
from services.settlement.people.records import Statement

TITLE = "Bảng kê bù trừ và quyết toán"
# Counterparties of one statement: there are not that many banks and telecoms in the country.
COUNTERPARTIES_MAX = 1000

_MARGIN = 18.0
_WIDTH = 210.0 - 2 * _MARGIN
# Name, owes, is owed, difference, movements; mm.
_COLUMNS = (("Đối tác", 47.0, "L"), ("Phải trả (đ)", 35.0, "R"), ("Được nhận (đ)", 35.0, "R"),
            ("Chênh lệch (đ)", 36.0, "R"), ("Số lượt", 21.0, "R"))  # fmt: skip
_ROW = 6.5
_INK, _GREY, _PALE = (20, 28, 38), (95, 105, 117), (232, 238, 244)


def statement(said: Statement, created_at: datetime) -> bytes:
    """The file. Times are Vietnam's. Raises ValueError beyond COUNTERPARTIES_MAX."""
    if len(said.gross) > COUNTERPARTIES_MAX:
        raise ValueError(f"more than {COUNTERPARTIES_MAX} counterparties: are they institutions?")
    with tempfile.TemporaryDirectory() as folder:
        page = _Page(said, Path(folder))
        page.set_creation_date(created_at.astimezone(UTC).replace(microsecond=0))
        page.add_page()
        _head(page, said)
        _gross(page, said)
        _net(page, said)
        _proof(page, said)
        _signatures(page, said)
        return bytes(page.output())


class _Page(FPDF):
    """A4 with our fonts; the pack's name and the page's number at its foot."""

    def __init__(self, said: Statement, folder: Path) -> None:
        super().__init__("P", "mm", "A4")
        for style, weight in (("", "Regular"), ("B", "Bold")):
            file = folder / f"{weight}.ttf"
            file.write_bytes(fonts.tabular(weight))
            self.add_font("BeVietnamPro", style, file)
        self._foot = f"Chợ 4.0 · Phiên {said.window.number} · {said.position.institution}"
        self.set_title(f"{TITLE}: phiên {said.window.number}, {said.position.institution}")
        self.set_author("Chợ 4.0")
        self.set_lang("vi")
        self.set_margins(_MARGIN, _MARGIN, _MARGIN)
        self.set_auto_page_break(True, margin=20)

    def footer(self) -> None:
        self.set_y(-14)
        self.pen(8, grey=True)
        self.cell(_WIDTH, 5, f"{self._foot} · Trang {self.page_no()}/{{nb}}")

    def pen(self, size: float, bold: bool = False, grey: bool = False) -> None:
        self.set_font("BeVietnamPro", "B" if bold else "", size)
        self.set_text_color(*(_GREY if grey else _INK))

    def fitted(self, text: str, width: float) -> str:
        """As much of a text as stands in a width, mm, on one line."""
        text = " ".join(unicodedata.normalize("NFC", text).split())
        if self.get_string_width(text) <= width:
            return text
        while text and self.get_string_width(text + "…") > width:
            text = text[:-1]
        return text.rstrip() + "…"

    def room(self, height: float) -> bool:
        """Turns the page where less than this is left, mm; whether it did."""
        turned = self.will_page_break(height)
        if turned:
            self.add_page()
        return turned


def _head(page: _Page, said: Statement) -> None:
    page.pen(9, grey=True)
    page.cell(_WIDTH, 5, "Chợ 4.0 · Nền tảng thanh toán chợ", new_x="LMARGIN", new_y="NEXT")
    page.pen(18, bold=True)
    page.cell(_WIDTH, 12, TITLE, new_x="LMARGIN", new_y="NEXT")
    page.ln(2)
    own = said.position
    _facts(page, [
        ("Tổ chức", f"{own.name} ({own.institution})"),
        ("Phiên quyết toán", f"Số {said.window.number}"),
        ("Mở lúc", _local(said.window.opened_at)),
        ("Đóng lúc", _local(said.window.closed_at)),
        ("Cả phiên", f"{_figure(said.window.payments)} thanh toán, {_figure(said.window.refunds)} hoàn tiền, "
                     f"giá trị {_figure(said.window.value)} đồng"),
    ])  # fmt: skip
    page.ln(5)


def _facts(page: _Page, facts: Sequence[tuple[str, str]]) -> None:
    for name, value in facts:
        page.pen(9.5, grey=True)
        page.cell(38, 6, name)
        page.pen(9.5)
        page.cell(_WIDTH - 38, 6, page.fitted(value, _WIDTH - 40), new_x="LMARGIN", new_y="NEXT")


def _gross(page: _Page, said: Statement) -> None:
    _section(page, "Số phát sinh theo đối tác")
    _columns(page)
    for line in said.gross:
        name = f"{line.counterparty} · {line.name}" if line.name != line.counterparty else line.name
        _line(page, name, line.debits, line.credits, line.transfers)
    fees = said.fees
    _line(page, "Phí dịch vụ (Chợ 4.0)", fees.debits, fees.credits, fees.transfers)
    own = said.position
    transfers = sum(line.transfers for line in (*said.gross, fees))
    _line(page, "Cộng", own.debits, own.credits, transfers, bold=True)
    page.ln(5)


def _columns(page: _Page) -> None:
    page.pen(8.5, bold=True)
    page.set_fill_color(*_PALE)
    for title, width, align in _COLUMNS:
        page.cell(width, _ROW + 0.5, title, align=align, fill=True)
    page.ln()


def _line(page: _Page, name: str, debits: int, credits: int, transfers: int, bold: bool = False) -> None:
    if page.room(_ROW):
        _columns(page)
    page.set_draw_color(*(_INK if bold else _PALE))
    page.pen(8.5, bold)
    figures = (_figure(debits), _figure(credits), _figure(credits - debits), _figure(transfers))
    for (_, width, align), text in zip(_COLUMNS, (page.fitted(name, _COLUMNS[0][1] - 2), *figures), strict=True):
        # A name may be cut, a figure never: it gets smaller.
        page.pen(8.5, bold)
        wide = page.get_string_width(text) / (width - 2)
        page.pen(8.5 / max(wide, 1.0), bold)
        page.cell(width, _ROW, text, border="T" if bold else "B", align=align)
    page.ln()


def _net(page: _Page, said: Statement) -> None:
    net = said.position.net
    page.room(48)
    _section(page, "Vị thế ròng")
    side = "được nhận" if net > 0 else "phải trả" if net < 0 else "không phát sinh"
    page.pen(14, bold=True)
    page.cell(_WIDTH, 9, f"{_figure(abs(net))} đồng ({side})", new_x="LMARGIN", new_y="NEXT")
    page.pen(9.5)
    page.multi_cell(_WIDTH, 6, f"Bằng chữ: {amount_in_words(abs(net))}.", align="L", new_x="LMARGIN", new_y="NEXT")
    page.ln(2)
    every = sum(line.net for line in said.positions)
    debits, credits = sum(line.debits for line in said.positions), sum(line.credits for line in said.positions)
    page.multi_cell(
        _WIDTH, 6,
        f"Tổng vị thế ròng của mọi tổ chức: {_figure(every)} đồng\n"
        f"({len(said.positions)} tổ chức; phải trả {_figure(debits)} đồng, được nhận {_figure(credits)} đồng).",
        align="L", new_x="LMARGIN", new_y="NEXT",
    )  # fmt: skip
    page.ln(4)


def _proof(page: _Page, said: Statement) -> None:
    page.room(34)
    _section(page, "Căn cứ đối chiếu")
    _facts(page, [("Đầu chuỗi sổ cái", "sau sự kiện cuối cùng của phiên")])
    page.pen(8.5)
    page.cell(_WIDTH, 5, said.window.chain_head, new_x="LMARGIN", new_y="NEXT")
    if said.report_root:
        _facts(page, [("Gốc cây Merkle", f"của báo cáo chi tiết, {_figure(said.report_lines)} dòng")])
        page.pen(8.5)
        page.cell(_WIDTH, 5, said.report_root, new_x="LMARGIN", new_y="NEXT")
    page.ln(6)


def _signatures(page: _Page, said: Statement) -> None:
    page.room(48)
    page.pen(9.5)
    page.cell(_WIDTH, 6, "Ngày ...... tháng ...... năm ............", align="R", new_x="LMARGIN", new_y="NEXT")
    for bold, texts in (
        (True, ("Đại diện Chợ 4.0", f"Đại diện {said.position.name}")),
        (False, ("(ký, ghi rõ họ tên, đóng dấu)", "(ký, ghi rõ họ tên, đóng dấu)")),
    ):
        page.pen(9.5 if bold else 8.5, bold, grey=not bold)
        for text in texts:
            page.cell(_WIDTH / 2, 6, page.fitted(text, _WIDTH / 2 - 2), align="C")
        page.ln()


def _section(page: _Page, title: str) -> None:
    page.room(20)
    page.pen(11, bold=True)
    page.cell(_WIDTH, 8, title, new_x="LMARGIN", new_y="NEXT")


def _figure(amount: int) -> str:
    return f"{amount:,}".replace(",", ".")


def _local(at: datetime) -> str:
    return at.astimezone(VIETNAM).strftime("%H:%M:%S ngày %d/%m/%Y (giờ Việt Nam)")
