"""The PDF statement says what it was given, in Vietnamese, and is the same twice. Read back by PDFium."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pypdfium2
import pytest
from fontTools.ttLib import TTFont

from services.settlement.people import fonts, pdf
from services.settlement.people.records import DoesNotTie, Gross, Position, Statement, WindowHead

AT = datetime(2026, 11, 29, 11, 0, 5, tzinfo=UTC)
WINDOW = WindowHead(12, AT - timedelta(hours=6), AT - timedelta(seconds=5), 812_345, 1_311, 61_111_222_333, "9f2c" * 16)
DIACRITICS = "ăâđêôơư àảãáạ ằẳẵắặ ầẩẫấậ èẻẽéẹ ềểễếệ ìỉĩíị òỏõóọ ồổỗốộ ờởỡớợ ùủũúụ ừửữứự ỳỷỹýỵ"


def said(others: list[tuple[str, str, int, int]], fees: int = 450, name: str = "Viettel Money") -> Statement:
    """VIETTEL's statement against others: (institution, name, owed to it, owed by it)."""
    gross = tuple(Gross(code, title, debits, credits, 7) for code, title, debits, credits in others)
    platform = Gross("PLATFORM", "Chợ 4.0", fees, 0, 5)
    parts = (*gross, platform)
    own = Position("VIETTEL", name, sum(part.debits for part in parts), sum(part.credits for part in parts), 9)
    rest = tuple(Position(part.counterparty, part.name, part.credits, part.debits, 7) for part in parts)
    return Statement(WINDOW, own, gross, platform, (own, *rest), "ab12" * 16, 812_348)


SAID = said([("970418", "BIDV", 75_000_000, 25_000), ("VNPT", "VNPT Money", 1_000_000, 0)])


def pages(content: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(content)
    try:
        texts = []
        for page in document:
            text_page = page.get_textpage()
            texts.append(unicodedata.normalize("NFC", text_page.get_text_range().replace("\r\n", "\n")))
            text_page.close()
            page.close()
        return texts
    finally:
        document.close()


def test_a_statement_says_everything_that_a_bank_signs() -> None:
    (text,) = pages(pdf.statement(SAID, AT))
    for line in (
        "Bảng kê bù trừ và quyết toán",
        "Tổ chức Viettel Money (VIETTEL)",
        "Phiên quyết toán Số 12",
        "Mở lúc 12:00:05 ngày 29/11/2026 (giờ Việt Nam)",
        "Đóng lúc 18:00:00 ngày 29/11/2026 (giờ Việt Nam)",
        "970418 · BIDV 75.000.000 25.000 -74.975.000 7",
        "VNPT · VNPT Money 1.000.000 0 -1.000.000 7",
        "Phí dịch vụ (Chợ 4.0) 450 0 -450 5",
        "Cộng 76.000.450 25.000 -75.975.450 19",
        "75.975.450 đồng (phải trả)",
        "Tổng vị thế ròng của mọi tổ chức: 0 đồng",
        "9f2c" * 16,
        "ab12" * 16,
        "của báo cáo chi tiết, 812.348 dòng",
        "Đại diện Chợ 4.0 Đại diện Viettel Money",
        "Trang 1/1",
    ):
        assert line in text, text
    words = "Bằng chữ: Bảy mươi lăm triệu chín trăm bảy mươi lăm nghìn bốn trăm năm mươi đồng."
    assert words in text.replace("\n", " ")


@pytest.mark.parametrize(
    ("debits", "credits", "line"), [(5, 455, "0 đồng (không phát sinh)"), (0, 1_450, "1.000 đồng (được nhận)")]
)
def test_the_side_of_the_net_is_said_in_words(debits: int, credits: int, line: str) -> None:
    (text,) = pages(pdf.statement(said([("970418", "BIDV", debits, credits)]), AT))
    assert line in text


def test_every_letter_of_vietnamese_is_printed_and_can_be_copied_however_it_was_composed() -> None:
    for form in ("NFC", "NFD"):
        for letters in (DIACRITICS, DIACRITICS.upper()):
            for name in (letters[: len(letters) // 2], letters[len(letters) // 2 :]):
                name = name.strip()
                whole = said([("970418", "BIDV", 1, 0)], name=unicodedata.normalize(form, name))
                (text,) = pages(pdf.statement(whole, AT))
                assert f"{name} (VIETTEL)" in text


def test_many_counterparties_go_on_over_pages_with_their_heads_and_numbers() -> None:
    many = said([(f"9704{n:02d}", f"Ngân hàng số {n}", 9_007_199_254_740 + n, n) for n in range(60)])
    texts = pages(pdf.statement(many, AT))
    assert len(texts) == 3
    for number, text in enumerate(texts, start=1):
        assert f"Trang {number}/3" in text
    assert [text.count("Đối tác Phải trả (đ)") for text in texts] == [1, 1, 0]
    assert "970459 · Ngân hàng số 59 9.007.199.254.799 59" in texts[1]


def test_figures_are_of_one_width_in_both_weights() -> None:
    for weight in ("Regular", "Bold"):
        with TTFont(io.BytesIO(fonts.tabular(weight))) as font:
            names = font.getBestCmap()
            assert len({font["hmtx"][names[ord(figure)]][0] for figure in "0123456789"}) == 1


def test_made_twice_it_is_the_same_bytes() -> None:
    first = pdf.statement(SAID, AT)
    assert first == pdf.statement(SAID, AT)
    assert first != pdf.statement(SAID, AT + timedelta(days=1))


def test_a_name_of_a_stranger_stays_on_its_line() -> None:
    odd = said([("970418", "BIDV\n\nTổng vị thế ròng: 999 đồng " + "x" * 500, 5, 0)])
    (text,) = pages(pdf.statement(odd, AT))
    assert "970418 · BIDV Tổng" in text
    assert "999" not in text


def test_figures_that_contradict_each_other_are_never_printed() -> None:
    with pytest.raises(DoesNotTie, match="counterparties"):
        replace(SAID, gross=SAID.gross[:1])
    with pytest.raises(DoesNotTie, match="differ from zero by -74975000"):
        replace(SAID, positions=tuple(line for line in SAID.positions if line.institution != "970418"))
    with pytest.raises(DoesNotTie, match="not one of"):
        replace(SAID, positions=SAID.positions[1:])


def test_more_counterparties_than_there_can_be_are_refused() -> None:
    many = said([(f"B{n}", "x", 1, 0) for n in range(pdf.COUNTERPARTIES_MAX + 1)])
    with pytest.raises(ValueError, match="counterparties"):
        pdf.statement(many, AT)
