"""The workbook holds what it was given, as text and numbers, and is the same twice. Read back by openpyxl."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from services.settlement.people import xlsx
from services.settlement.people.records import Break, DoesNotTie, Payout, Position, WindowHead

AT = datetime(2026, 11, 29, 11, 0, 5, 123_456, tzinfo=UTC)
WINDOW = WindowHead(12, AT - timedelta(hours=6), AT - timedelta(seconds=5), 3, 1, 225_000, "9f" * 32)
POSITIONS = [
    Position("VIETTEL", "Viettel Money", 225_000, 0, 4),
    Position("970418", "BIDV", 0, 224_550, 4),
    Position("PLATFORM", "Chợ 4.0", 0, 450, 3),
]


def rows(count: int) -> Iterator[tuple[object, ...]]:
    for n in range(count):
        yield 12, n, "2026-11-29T12:00:00.123+07:00", "pay", f"pay_{n}", f"pay_{n}", "settlement:VIETTEL", 75_000, ""


def made(
    payouts: tuple[Payout, ...] = (), breaks: tuple[Break, ...] = (), lines: int = 3, at: datetime = AT,
    positions: list[Position] = POSITIONS,
) -> bytes:  # fmt: skip
    return xlsx.workbook(WINDOW, positions, payouts, breaks, rows(lines), "report.W000012-VIETTEL.csv", at)


def cells(sheet: Worksheet) -> list[list[object]]:
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_what_was_given_is_read_back_with_diacritics_and_numbers_as_numbers() -> None:
    payout = Payout("PO-000012-000345-1", "Cô Bảy Đậu Hũ Nướng", "970418", "0012345678", 224_550, "ACSC", "")
    missing = Break("B-1", "thiếu ở ngân hàng", "970418", "PO-000012-000346-1", 75_000, None, 2, "Lan", "hỏi lại BIDV")
    book = openpyxl.load_workbook(io.BytesIO(made((payout,), (missing,))))
    assert book.sheetnames == ["Vị thế ròng", "Chi trả", "Chênh lệch", "Báo cáo"]
    shown = cells(book["Vị thế ròng"])
    assert shown[1] == ["VIETTEL", "Viettel Money", 225_000, 0, -225_000, 4]
    assert shown[4] == ["Tổng", None, 225_000, 225_000, 0, 11]
    assert ["Đóng lúc", "29/11/2026 18:00:00"] in [row[:2] for row in shown]
    assert ["Đầu chuỗi", "9f" * 32] in [row[:2] for row in shown]
    assert cells(book["Chi trả"])[1] == [
        "PO-000012-000345-1", "Cô Bảy Đậu Hũ Nướng", "970418", "0012345678", 224_550, "ACSC", None,
    ]  # fmt: skip
    assert cells(book["Chênh lệch"])[1][4:7] == [75_000, None, 2]
    report = cells(book["Báo cáo"])
    assert len(report) == 4
    assert report[1][6:] == ["settlement:VIETTEL", 75_000, None]


@pytest.mark.parametrize("text", ["=1+1", "+84912345678", "-2", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1", "{=1}"])
def test_what_begins_like_a_formula_is_text(text: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(made((Payout(text, text, text, text, 1, text, text),))))
    row = next(book["Chi trả"].iter_rows(min_row=2))
    assert [cell.data_type for cell in row] == ["s", "s", "s", "s", "n", "s", "s"]
    assert {cell.value for cell in row} == {text, 1}
    if text[0] in "=+-@":
        assert all(cell.quotePrefix for cell in row if cell.data_type == "s")


def test_a_link_is_text_and_what_xml_cannot_hold_is_shown_as_such() -> None:
    odd = Break("B-1", "https://example.com/", "mailto:a@b", "a\x00\x0bb\ud800", None, 5, 1, "x" * 40_000, "\ufffe")
    book = openpyxl.load_workbook(io.BytesIO(made(breaks=(odd,))))
    row = next(book["Chênh lệch"].iter_rows(min_row=2))
    assert row[1].hyperlink is None
    assert row[3].value == "a\ufffd\ufffdb\ufffd"
    assert len(row[7].value) == xlsx.TEXT_MAX


def test_an_amount_beyond_the_digits_of_a_spreadsheet_is_text_with_all_of_them() -> None:
    many = 10**15 + 1
    positions = [Position("VIETTEL", "Viettel Money", many, 0, 1), Position("970418", "BIDV", 0, many, 1)]
    shown = cells(openpyxl.load_workbook(io.BytesIO(made(positions=positions)))["Vị thế ròng"])
    assert shown[1][2:5] == [str(many), 0, f"-{many}"]


def test_beyond_its_rows_a_sheet_says_where_the_rest_is(monkeypatch: pytest.MonkeyPatch) -> None:
    # The real limit takes ten seconds to reach.
    monkeypatch.setattr(xlsx, "ROWS_MAX", 5)
    whole, cut = (cells(openpyxl.load_workbook(io.BytesIO(made(lines=n)))["Báo cáo"]) for n in (5, 6))
    assert len(whole) == 6
    assert len(cut) == 7
    assert "report.W000012-VIETTEL.csv" in str(cut[6][0])


def test_made_twice_it_is_the_same_bytes_whatever_the_clock_and_the_rights_say() -> None:
    first = made()
    assert first == made(at=AT.astimezone(timezone(timedelta(hours=7))))
    assert {info.date_time[0] for info in zipfile.ZipFile(io.BytesIO(first)).infolist()} == {1980}
    assert first != made(at=AT + timedelta(days=1))


def test_positions_that_do_not_sum_to_zero_are_not_written() -> None:
    with pytest.raises(DoesNotTie, match="225000"):
        made(positions=POSITIONS[:1])
