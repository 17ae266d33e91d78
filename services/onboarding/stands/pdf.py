"""Stands (A5) and stickers (A6) as PDF for the printer: the code in vectors, Vietnamese in embedded fonts.

A6 is A5 made smaller, so there is one layout, in mm of A5.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import fontpkg_be_vietnam_pro
from fpdf import FPDF

from kit.errors import InvalidArgument
from kit.qr import image

# Of one document: at about 10 ms of CPU and 10 kB each it stays below a minute and a few MB.
STANDS_MAX = 1_000
PAPERS_MM = {"a5": (148.0, 210.0), "a6": (105.0, 148.0)}

_WIDTH = 148.0
_MARGIN = 10.0
_BLEED = 3.0
# Around the trimmed page, for bleed and cut marks.
_SLUG = 10.0
_MARK = 5.0
_CODE = 96.0
_CODE_TOP = 46.0
_SMALLEST_PT = 9.0
_PT_PER_MM = 72 / 25.4
_INK, _GREY, _BAND, _PAPER = (20, 28, 38), (85, 95, 107), (0, 94, 66), (255, 255, 255)

_HOW = (
    "1. Mở ứng dụng Chợ 4.0 (ví Mobile Money), chọn Quét mã.",
    "2. Tên hiện trên điện thoại phải đúng tên và số sạp ở đây.",
    "3. Nhập số tiền, nhập mã PIN; chờ người bán xác nhận đã nhận.",
)
_WARNING = "Thấy mã dán đè lên tấm này: đừng quét, hãy báo người bán."


@dataclass(frozen=True, slots=True)
class Face:
    """What one stand says. `holder` is the name of the account that the money goes to, `payload` the code's text."""

    payload: str
    name: str
    stall: str
    market: str
    bank: str
    holder: str
    issue: int
    merchant_id: str


def stands(faces: Iterable[Face], paper: str, on: date, *, marks: bool = False) -> bytes:
    """A page for each, in order; `on` is the day in Vietnam that they say they were printed.

    Raises InvalidArgument for another paper than a5 or a6, for none and for more than STANDS_MAX.
    """
    if paper not in PAPERS_MM:
        raise InvalidArgument("format must be a5 or a6")
    document = _Document(PAPERS_MM[paper], _SLUG if marks else 0.0)
    try:
        for number, face in enumerate(faces, start=1):
            if number > STANDS_MAX:
                raise InvalidArgument(f"more than {STANDS_MAX} stands in one file: print section by section")
            _page(document, face, on)
        if not document.pages_count:
            raise InvalidArgument("there is nobody to print a stand for: no merchant is active there")
        return bytes(document.output())
    finally:
        document.close_fonts()


class _Document(FPDF):
    """Pages of A5, scaled, with room around them for the cutter. Lengths are mm of A5, type sizes points of A5."""

    def __init__(self, paper_mm: tuple[float, float], slug_mm: float) -> None:
        self.scale = paper_mm[0] / _WIDTH
        self.slug, self.height = slug_mm / self.scale, paper_mm[1] / self.scale
        # fpdf2's unit is points by this factor: everything below is in mm of A5.
        super().__init__("P", _PT_PER_MM * self.scale, (_WIDTH + 2 * self.slug, self.height + 2 * self.slug))
        folder = Path(fontpkg_be_vietnam_pro.ROOT, "files")
        self.add_font("BeVietnamPro", "", folder / "BeVietnamPro-Regular.ttf")
        self.add_font("BeVietnamPro", "B", folder / "BeVietnamPro-Bold.ttf")
        self.set_auto_page_break(False)
        self.set_margin(0)
        self.set_title("Mã thanh toán tại sạp")
        self.set_author("Chợ 4.0")
        self.set_lang("vi")

    def line_of(self, text: str, top: float, size: float, *, bold: bool = False, ink: tuple[int, int, int] = _INK,
                left: float = _MARGIN, align: str = "C") -> None:  # fmt: skip
        """One line, without what the font has no glyph for, smaller where it does not fit, cut where it would be too
        small to read."""
        style, width = "B" if bold else "", _WIDTH - _MARGIN - left
        self.set_font("BeVietnamPro", style, size * self.scale)
        drawn = self.current_font.cmap  # type: ignore[union-attr]
        text = "".join(c for c in unicodedata.normalize("NFC", text) if ord(c) in drawn or c.isspace())
        text = " ".join(text.split())
        wide = self.get_string_width(text) / width
        if wide > 1:
            self.set_font("BeVietnamPro", style, max(size / wide, _SMALLEST_PT) * self.scale)
            text = self._cut(text, width)
        self.set_text_color(*ink)
        self.set_xy(self.slug + left, self.slug + top)
        self.cell(width, size / _PT_PER_MM * 1.4, text, align=align)

    def close_fonts(self) -> None:
        """fpdf2 reads fonts as it needs them and leaves their files open."""
        for font in self.fonts.values():
            font.ttfont.close()  # type: ignore[union-attr]

    def block(self, left: float, top: float, width: float, height: float, ink: tuple[int, int, int]) -> None:
        """A filled rectangle."""
        self.set_fill_color(*ink)
        self.rect(self.slug + left, self.slug + top, width, height, style="F")

    def _cut(self, text: str, width: float) -> str:
        if self.get_string_width(text) <= width:
            return text
        while text and self.get_string_width(text + "…") > width:
            text = text[:-1]
        return text.rstrip() + "…"


def _page(document: _Document, face: Face, on: date) -> None:
    document.add_page()
    bleed = _BLEED / document.scale if document.slug else 0.0
    document.block(-bleed, -bleed, _WIDTH + 2 * bleed, 26 + bleed, _BAND)
    document.line_of(face.market, 4, 17, bold=True, ink=_PAPER)
    document.line_of("Quét mã để trả tiền", 14, 14, ink=_PAPER)
    document.line_of(face.name, 28, 23, bold=True)
    document.line_of(f"Sạp {face.stall}", 38.5, 14, ink=_GREY)
    _code(document, face.payload)
    top = _CODE_TOP + _CODE
    document.line_of(f"Tiền về {face.bank} · {face.holder}", top + 1, 12, bold=True)
    for number, step in enumerate(_HOW):
        document.line_of(step, top + 12 + 8 * number, 12, align="L")
    document.line_of(_WARNING, top + 37, 12, bold=True, align="L")
    foot = f"Chợ 4.0 · Lần phát hành {face.issue} · In ngày {on:%d/%m/%Y} · {face.merchant_id[-12:]}"
    document.line_of(foot, document.height - 12, 9, ink=_GREY)
    if document.slug:
        _cut_marks(document)


def _code(document: _Document, payload: str) -> None:
    """The symbol with its quiet zone, in the middle. Bars overlap by a hair, so that no viewer shows seams."""
    side, bars = image.bars(payload)
    module = _CODE / (side + 2 * image.QUIET_ZONE_MODULES)
    left = (_WIDTH - _CODE) / 2 + image.QUIET_ZONE_MODULES * module
    top = _CODE_TOP + image.QUIET_ZONE_MODULES * module
    hair = module * 0.02
    document.set_fill_color(0, 0, 0)
    for row, column, length in bars:
        document.rect(
            document.slug + left + column * module, document.slug + top + row * module,
            length * module + hair, module + hair, style="F",
        )  # fmt: skip


def _cut_marks(document: _Document) -> None:
    """Where the cutter goes: at each corner, outside of the bleed."""
    document.set_draw_color(*_INK)
    document.set_line_width(0.1)
    bleed, mark, slug = _BLEED / document.scale, _MARK / document.scale, document.slug
    for x, outwards in ((slug, -1), (slug + _WIDTH, 1)):
        for y, away in ((slug, -1), (slug + document.height, 1)):
            document.line(x + outwards * bleed, y, x + outwards * (bleed + mark), y)
            document.line(x, y + away * bleed, x, y + away * (bleed + mark))
