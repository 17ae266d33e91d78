"""Stands and stickers for the printer: every code is read back from the page by another program."""

from __future__ import annotations

import io
from datetime import date

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit import qr
from kit.errors import InvalidArgument
from kit.ids import new_id
from services.onboarding.stands import pdf
from tests.scanner import scan

ON = date(2026, 11, 29)


def face(stall: str = "A-12", name: str = "Rau sạch Cô Nga", issue: int = 1, market: str = "Chợ Hùng Sơn") -> pdf.Face:
    merchant_id = new_id("mer")
    code = qr.QrCode(
        static=True, merchant_id=merchant_id, stall_label=stall, issue=issue if issue > 1 else None, mcc="5411",
        merchant_name=qr.fold_name(name), merchant_city="Thai Nguyen", name_vi=qr.shorten_name(name),
    )  # fmt: skip
    return pdf.Face(qr.encode(code), name, stall, market, "Agribank", "PHAM THI NGA", issue, merchant_id)


def read_back(page: pypdfium2.PdfPage, scale: float = 2.0) -> str:
    return scan(page.render(scale=scale).to_pil()).text


@pytest.mark.parametrize("marks", [False, True])
@pytest.mark.parametrize(("paper", "size"), [("a5", (148, 210)), ("a6", (105, 148))])
def test_a_stand_has_its_papers_size_and_its_code_is_read_back(paper: str, size: tuple[int, int], marks: bool) -> None:
    wanted = face(issue=3)
    document = pypdfium2.PdfDocument(pdf.stands([wanted], paper, ON, marks=marks))
    (page,) = document
    assert tuple(round(points / 72 * 25.4, 1) for points in page.get_size()) == tuple(
        side + (20 if marks else 0) for side in size
    )
    assert read_back(page) == wanted.payload
    assert qr.decode(read_back(page)).issue == 3


def test_a_stand_says_in_vietnamese_whose_it_is_and_how_to_pay() -> None:
    document = pypdfium2.PdfDocument(pdf.stands([face()], "a5", ON))
    said = document[0].get_textpage().get_text_bounded()
    for words in (
        "Chợ Hùng Sơn", "Rau sạch Cô Nga", "Sạp A-12", "Tiền về Agribank · PHAM THI NGA", "Quét mã để trả tiền",
        "phải đúng tên và số sạp", "đừng quét, hãy báo người bán", "Lần phát hành 1", "29/11/2026",
    ):  # fmt: skip
        assert words in said


def test_the_fonts_are_in_the_file() -> None:
    printed = pdf.stands([face(name="Ẩm thực Đỗ Quyên ỹ ằ ữ")], "a6", ON)
    assert printed.count(b"/FontFile2") == 2
    assert b"BeVietnamPro" in printed


def test_what_the_font_has_no_glyph_for_is_left_out_of_the_print(caplog: pytest.LogCaptureFixture) -> None:
    document = pypdfium2.PdfDocument(pdf.stands([face(name="🌶 Rau sạch 🍅 Cô Nga 茶")], "a5", ON))
    assert "Rau sạch Cô Nga" in document[0].get_textpage().get_text_bounded()
    assert not [record for record in caplog.records if "missing the following glyphs" in record.getMessage()]


def test_every_stand_of_a_market_is_read_back_in_order() -> None:
    faces = [face(f"{section}-{number}", issue=number) for section in ("A", "B") for number in range(1, 7)]
    document = pypdfium2.PdfDocument(pdf.stands(faces, "a6", ON))
    assert [read_back(page) for page in document] == [one.payload for one in faces]


@settings(max_examples=8)
@given(st.text(st.characters(whitelist_categories=("L", "Nd", "P", "Zs"), max_codepoint=0x1EF9), max_size=100))
def test_whatever_a_merchant_is_called_the_code_stays_readable(called: str) -> None:
    wanted = face(name=f"A{called}")
    assert read_back(pypdfium2.PdfDocument(pdf.stands([wanted], "a6", ON))[0]) == wanted.payload


def test_a_name_of_a_hundred_characters_stays_on_the_page() -> None:
    long = " ".join(["Nghiêm"] * 14)
    page = pypdfium2.PdfDocument(pdf.stands([face(name=long, market=f"Chợ {long}")], "a5", ON))[0]
    text = page.get_textpage()
    boxes = [text.get_charbox(n) for n in range(text.count_chars())]
    assert min(left for left, *_ in boxes) >= 0
    assert max(right for _, _, right, _ in boxes) <= page.get_size()[0]


def test_another_paper_nobody_and_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidArgument):
        pdf.stands([face()], "a4", ON)
    with pytest.raises(InvalidArgument):
        pdf.stands([], "a5", ON)
    monkeypatch.setattr(pdf, "STANDS_MAX", 2)
    with pytest.raises(InvalidArgument, match="section"):
        pdf.stands([face() for _ in range(3)], "a5", ON)


def test_the_file_is_a_pdf_that_ends() -> None:
    printed = io.BytesIO(pdf.stands([face()], "a5", ON)).getvalue()
    assert printed.startswith(b"%PDF-")
    assert printed.rstrip().endswith(b"%%EOF")
