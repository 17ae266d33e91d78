"""Rows judged by the form's own rules and against each other; and what the result file says of them."""

from __future__ import annotations

import csv
import io
import tempfile
from dataclasses import replace
from datetime import date

import openpyxl
import pytest

from kit.sheets import table
from services.onboarding import seed
from services.onboarding.bulk import columns, example, reading, result, rows, template
from services.onboarding.bulk.job import Remark, Row, RowState, row_of
from services.onboarding.problems import WORDS
from tests.onboarding.bulk_market import TITLES, row, sheet

TODAY = date(2026, 11, 29)
MARKETS = rows.Markets(seed.markets())


def judged(*cells: list[str]) -> list[Row]:
    heading, raws = reading.read(sheet(*cells))
    above = rows.Above()
    return [rows.judge(raw, heading, MARKETS, above, TODAY)[0] for raw in raws]


def codes(found: Row) -> list[tuple[str, str]]:
    return [(remark.field, remark.code) for remark in found.remarks]


def test_a_made_up_market_is_good_in_every_row() -> None:
    found = judged(*(row(number) for number in range(0, 1_000_000, 3_331)))
    assert {one.state for one in found} == {RowState.GOOD}
    assert all(one.remarks == () for one in found)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"citizen_id": "019187"}, ("citizen_id", "CITIZEN_ID_FORM")),
        ({"citizen_id": "099160000000"}, ("citizen_id", "CITIZEN_ID_PROVINCE")),
        ({"sex": "Nam"}, ("citizen_id", "CITIZEN_ID_SEX")),
        ({"birth_date": "01/01/1961"}, ("citizen_id", "CITIZEN_ID_YEAR")),
        ({"birth_date": "01/13/1960"}, ("birth_date", "DATE_INVALID")),
        ({"phone": "12345"}, ("phone", "PHONE_FORM")),
        ({"phone": ""}, ("phone", "TEXT_MISSING")),
        ({"stall": "quầy đầu"}, ("stall", "STALL_FORM")),
        ({"tax_code": "0106869739"}, ("tax_code", "TAX_CODE_CHECK")),
        ({"market": "Chợ Bến Thành"}, ("market", "MARKET_NAME_UNKNOWN")),
        ({"market": ""}, ("market", "MARKET_ID_FORM")),
        ({"person_name": "Nga\u202egnaN"}, ("person_name", "TEXT_DIRECTION")),
        ({"person_name": "N" * 200}, ("person_name", "TEXT_TOO_LONG")),
        ({"account_number": "12"}, ("account_number", "ACCOUNT_FORM")),
        ({"citizen_issued": "", "citizen_expires": ""}, ("citizen_issued", "CARD_DATES_MISSING")),
    ],
)
def test_what_is_wrong_is_said_once_and_by_its_column(changes: dict[str, str], wanted: tuple[str, str]) -> None:
    (found,) = judged(row(0, **changes))
    assert found.state is RowState.BAD
    assert codes(found) == [wanted]
    assert all(rows.words(found.remarks[0]))


def test_markets_are_found_by_name_ward_and_id_with_and_without_diacritics() -> None:
    market = seed.markets()[0]
    for text in ("Chợ Hùng Sơn", "cho hung son", "Hùng Sơn", "CHỢ HÙNG SƠN, Xã Đại Phúc", market.market_id):
        assert MARKETS.find(text) == ("", market.market_id), text


def test_a_name_that_two_markets_share_needs_the_ward() -> None:
    first = seed.markets()[0]
    second = replace(first, market_id="mkt_x", ward_name="Xã Nam Hòa")
    shared = rows.Markets([first, second])
    assert shared.find(first.name) == ("MARKET_NAME_SHARED", "")
    assert shared.find(f"{first.name}, xã Nam Hòa") == ("", "mkt_x")


def test_rows_that_collide_name_the_row_above() -> None:
    found = judged(
        row(0),
        row(0),
        row(2, stall=row(0)[1]),
        row(4, account_number=example.cells_of(0, "")["account_number"], bank_bin="Agribank"),
        row(6, phone=example.cells_of(0, "")["phone"]),
    )
    assert [one.remarks for one in found[:2]] == [(), (Remark("stall", "ROW_TWICE", 2),)]
    assert [codes(one) for one in found[2:]] == [
        [("stall", "STALL_TWICE")],
        [("account_number", "ACCOUNT_TWICE")],
        [("phone", "PHONE_OTHERS")],
    ]
    assert "dòng 2" in rows.words(found[3].remarks[0])[0]


def test_one_vendor_at_two_stalls_is_no_collision() -> None:
    second = row(0, stall="Z-9", account_number="850099999999")
    assert [one.state for one in judged(row(0), second)] == [RowState.GOOD, RowState.GOOD]


def test_a_row_makes_the_same_id_in_every_file_and_its_id_tells_nothing() -> None:
    heading, raws = reading.read(sheet(row(0), row(1)))
    forms = [rows.judge(raw, heading, MARKETS, rows.Above(), TODAY)[1] for raw in raws]
    again, (other,) = reading.read(sheet(row(0, name="Tên khác")))
    same = rows.judge(other, again, MARKETS, rows.Above(), TODAY)[1]
    assert forms[0] is not None
    assert same is not None
    assert forms[0].request_id == same.request_id != forms[1].request_id  # type: ignore[union-attr]
    assert rows.form_of(rows.values_of(forms[0])) == forms[0]


def test_a_row_that_repeats_a_long_text_without_end_is_bad_and_kept_short() -> None:
    raw = table.RawRow(2, ("x" * 500,) * 64)
    heading = table.Heading(1, tuple(TITLES), columns.places_of(TITLES))
    found, form = rows.judge(raw, heading, MARKETS, rows.Above(), TODAY)
    assert (form, codes(found)) == (None, [("", "ROW_TOO_LONG")])
    assert sum(map(len, found.cells)) <= rows.ROW_CHARACTERS_MAX


def test_the_templates_example_is_told_from_a_vendor() -> None:
    (found,) = judged([column.example for column in columns.COLUMNS])
    assert ("", "EXAMPLE_ROW") in codes(found)


def test_the_template_is_read_back_with_text_columns_and_no_required_one_missing() -> None:
    heading, raws = reading.read(template.template())
    assert not columns.missing(heading.places)
    assert [rows.judge(raw, heading, MARKETS, rows.Above(), TODAY)[0].state for raw in raws] == [RowState.BAD]
    book = openpyxl.load_workbook(io.BytesIO(template.template()))
    assert book.sheetnames == ["Danh sách", "Hướng dẫn"]
    assert {cell.number_format for cell in book["Danh sách"][2]} == {"@"}


def test_every_word_is_there_in_both_languages() -> None:
    for code in (*rows.WORDS, *WORDS):
        vi, en = rows.words(Remark("", code, 7))
        assert vi != en
        assert "{" not in vi + en


def test_a_row_is_kept_and_read_again_as_it_was() -> None:
    kept = Row(2, ("a", "b"), RowState.BAD, (Remark("stall", "ROW_TWICE", 1),), "mer_1", {"name": "x"})
    assert row_of(kept.fields()) == kept


def test_what_a_row_says_of_a_person_is_not_in_its_repr() -> None:
    assert "Nga" not in repr(Row(2, ("Phạm Thị Nga",), RowState.GOOD, values={"person_name": "Phạm Thị Nga"}))


HEADING = ("Chợ", "Số điện thoại", "Ghi chú")
MADE = [
    Row(2, ("Chợ Thái", "+84912345678", "=HYPERLINK(\"http://x\")"), RowState.BAD, (Remark("", "CELL_FORMULA"),)),
    Row(3, ("Chợ Thái", "0912345678"), RowState.SUBMITTED, (Remark("phone", "ZERO_RESTORED"),), "mer_1"),
]  # fmt: skip


def test_the_result_has_the_files_columns_then_what_became_of_each_row() -> None:
    text = b"".join(result.as_csv(HEADING, MADE)).decode("utf-8-sig")
    found = list(csv.reader(io.StringIO(text)))
    assert found[0] == [*HEADING, *result.ADDED]
    assert found[2][:4] == ["Chợ Thái", "0912345678", "", "Đã nạp, chờ duyệt"]
    assert found[2][4].startswith("Lưu ý - Số điện thoại: đã thêm số 0")
    assert found[2][5] == "mer_1"


def test_a_formula_that_somebody_sent_does_not_run_in_the_result() -> None:
    text = b"".join(result.as_csv(HEADING, MADE)).decode("utf-8-sig")
    first = list(csv.reader(io.StringIO(text)))[1]
    assert first[1:3] == ["+84912345678", '\'=HYPERLINK("http://x")']
    with tempfile.TemporaryFile() as file:
        result.write_xlsx(file, HEADING, MADE)
        file.seek(0)
        page = openpyxl.load_workbook(file).active
        assert {cell.data_type for line in page.iter_rows() for cell in line if cell.value} == {"s"}
        assert page["C2"].value == '=HYPERLINK("http://x")'


@pytest.mark.parametrize("text", ["=1", "@x", "+1+cmd", "-cmd", "\t=1", "\r=1", " =1"])
def test_no_text_of_a_result_is_run_by_a_spreadsheet(text: str) -> None:
    written = b"".join(result.as_csv(("x",), [Row(2, (text,), RowState.BAD)])).decode("utf-8-sig")
    _, line = csv.reader(io.StringIO(written, newline=""))
    assert line[0].startswith("'")


def test_a_result_that_is_sent_again_is_read_again_and_its_columns_are_not_doubled() -> None:
    first = b"".join(result.as_csv(tuple(TITLES), [Row(2, tuple(row(0)), RowState.BAD)]))
    heading, raws = reading.read(first)
    (sent,) = raws
    assert sent.cells[: len(TITLES)] == tuple(row(0))
    second = b"".join(result.as_csv(heading.names, [Row(2, sent.cells, RowState.SUBMITTED)])).decode("utf-8-sig")
    names, cells = csv.reader(io.StringIO(second))
    assert names == [*TITLES, *result.ADDED]
    assert cells == [*row(0), "Đã nạp, chờ duyệt", "", ""]
