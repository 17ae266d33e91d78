"""Files of vendors as offices make them, read; and files made to do harm, refused before they are unpacked."""

from __future__ import annotations

import csv
import io
import unicodedata
import zipfile
from collections.abc import Sequence
from datetime import date, datetime

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import DomainError, SheetInvalid, SheetTooLarge, SheetUnsafe
from kit.sheets import csvtext, table, workbook
from services.onboarding.bulk import cells, columns, reading

TITLES = [column.title for column in columns.COLUMNS]
EXAMPLE = [column.example for column in columns.COLUMNS]


def csv_of(*rows: list[str], delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue()


def xlsx_of(*rows: Sequence[object], before: list[list[object]] | None = None, sheet: str = "Danh sách") -> bytes:
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for row in [*(before or []), *rows]:
        page.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read_all(content: bytes) -> tuple[table.Heading, list[table.RawRow]]:
    heading, rows = reading.read(content)
    return heading, list(rows)


def one(content: bytes) -> cells.Read:
    heading, (row,) = read_all(content)
    return cells.read(row, heading)


def repacked(content: bytes, **parts: bytes) -> bytes:
    """The workbook with some parts replaced or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if entry.filename not in parts:
                new.writestr(entry.filename, old.read(entry))
        for name, data in parts.items():
            new.writestr(name, data)
    return out.getvalue()


# Headings


def test_every_name_of_a_column_names_one_field() -> None:
    names = [columns.key(name) for column in columns.COLUMNS for name in (column.title, column.field, *column.names)]
    folded = [columns.key(name) for name in names]
    by_name: dict[str, set[str]] = {}
    for column in columns.COLUMNS:
        for name in (column.title, column.field, *column.names):
            by_name.setdefault(columns.key(name), set()).add(column.field)
    assert {name: fields for name, fields in by_name.items() if len(fields) > 1} == {}
    assert all(name == columns.key(name) for name in folded)


@pytest.mark.parametrize(
    "heading",
    ["Số điện thoại", "SO DIEN THOAI", "số điện thoại (*)", " Phone  number ", "SĐT", "Điện thoại [bắt buộc]"],
)
def test_headings_are_known_however_they_are_written(heading: str) -> None:
    assert columns.places_of([heading]) == {"phone": 0}


def test_a_heading_is_found_below_what_a_sheet_is_about() -> None:
    content = "Danh sách hộ kinh doanh chợ Thái\n,,\n" + csv_of(TITLES, EXAMPLE)
    heading, rows = read_all(content.encode())
    assert (heading.number, rows[0].number) == (3, 4)


def test_a_file_without_the_columns_is_refused_with_their_names() -> None:
    with pytest.raises(SheetInvalid, match=r'"Số căn cước".*template') as refused:
        read_all(b"Cho,Sap,So dien thoai\nx,y,z\n")
    assert '"Chợ"' not in refused.value.message
    assert "Số căn cước" in refused.value.vi


# CSV


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_csv_is_read_in_every_encoding_and_with_every_delimiter_of_spreadsheets(encoding: str, delimiter: str) -> None:
    content = csv_of(TITLES, EXAMPLE, delimiter=delimiter).encode(encoding)
    assert one(content).values["person_name"] == "Phạm Thị Nga"


def test_decomposed_vietnamese_is_the_same_as_composed() -> None:
    content = unicodedata.normalize("NFD", csv_of(TITLES, EXAMPLE)).encode()
    assert one(content).values == one(csv_of(TITLES, EXAMPLE).encode()).values


def as_1258(text: str) -> bytes:
    """As Windows writes it: a vowel with its own mark is one byte, its tone another."""
    tones = "\u0300\u0301\u0303\u0309\u0323"
    made = ""
    for letter in unicodedata.normalize("NFC", text):
        parts = unicodedata.normalize("NFD", letter)
        vowel = unicodedata.normalize("NFC", "".join(part for part in parts if part not in tones))
        made += vowel + "".join(part for part in parts if part in tones)
    return made.encode("cp1258")


def test_windows_1258_is_refused_with_what_to_do() -> None:
    with pytest.raises(SheetInvalid, match=r"windows-1258.*CSV UTF-8") as refused:
        read_all(as_1258(csv_of(TITLES, EXAMPLE)))
    assert "UTF-8" in refused.value.vi


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"%PDF-1.7 \xd0\xd4\xc5\xd8", b"\0" * 100, b"\x89PNG\r\n\x1a\n\0\0"]
)
def test_what_is_no_table_is_refused(content: bytes) -> None:
    with pytest.raises(SheetInvalid):
        read_all(content)


def test_a_quotation_mark_that_is_never_closed_is_refused() -> None:
    with pytest.raises(SheetInvalid, match="not CSV"):
        read_all((csv_of(TITLES) + '"' + "x" * 40_000).encode())


def test_ten_thousand_rows_are_read_and_one_more_is_refused() -> None:
    heading = csv_of(TITLES)
    row = csv_of(EXAMPLE)
    assert len(read_all((heading + row * table.ROWS_MAX).encode())[1]) == table.ROWS_MAX
    with pytest.raises(SheetTooLarge, match="10000 rows") as refused:
        read_all((heading + row * (table.ROWS_MAX + 1)).encode())
    assert "tách" in refused.value.vi


def test_empty_rows_are_passed_over_and_far_too_many_are_refused() -> None:
    few = csv_of(TITLES) + "\n,,,\n" + csv_of(EXAMPLE) + "\n" * 5 + csv_of(EXAMPLE)
    assert [row.number for row in read_all(few.encode())[1]] == [4, 10]
    with pytest.raises(SheetTooLarge, match="empty"):
        read_all((csv_of(TITLES) + "\n" * (table.PHYSICAL_ROWS_MAX + 1)).encode())


def test_too_many_columns_are_refused() -> None:
    with pytest.raises(SheetTooLarge, match="columns"):
        read_all(csv_of([*TITLES, *[f"x{n}" for n in range(60)]]).encode())


# Cells


@pytest.mark.parametrize(
    "formula", ['=HYPERLINK("http://x","y")', "=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", " =1"]
)
@pytest.mark.parametrize("field", ["person_name", "phone"])
def test_a_formula_in_a_csv_cell_refuses_its_row(formula: str, field: str) -> None:
    row = [formula if column.field == field else column.example for column in columns.COLUMNS]
    judged = one(csv_of(TITLES, row).encode())
    assert judged.refused
    assert cells.Remark(field, "CELL_FORMULA") in judged.remarks


def test_a_formula_in_a_column_that_nobody_reads_refuses_its_row_too() -> None:
    judged = one(csv_of([*TITLES, "Ghi chú"], [*EXAMPLE, "=1+1"]).encode())
    assert judged.remarks == (cells.Remark("", "CELL_FORMULA"),)
    assert judged.refused


def test_a_phone_with_its_plus_is_no_formula() -> None:
    row = ["+84 912 345 678" if column.field == "phone" else column.example for column in columns.COLUMNS]
    assert one(csv_of(TITLES, row).encode()).remarks == ()


def with_cell(field: str, text: str) -> cells.Read:
    return one(csv_of(TITLES, [text if c.field == field else c.example for c in columns.COLUMNS]).encode())


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("phone", "912345678", "0912345678"), ("phone", "84912345678", "+84912345678"),
        ("citizen_id", "19187001234", "019187001234"), ("citizen_id", "1187001234", "001187001234"),
        ("tax_code", "100109106", "0100109106"), ("tax_code", "19187001234", "019187001234"),
    ],
)  # fmt: skip
def test_zeros_that_a_spreadsheet_ate_are_put_back_and_that_is_said(field: str, text: str, value: str) -> None:
    judged = with_cell(field, text)
    assert judged.values[field] == value
    assert not judged.refused
    assert judged.remarks == ((cells.Remark(field, "ZERO_RESTORED"),) if value.startswith("0") else ())


@pytest.mark.parametrize("field", ["phone", "citizen_id", "account_number", "tax_code"])
@pytest.mark.parametrize("text", ["1.91870E+10", "1,9187E+11", "9E12"])
def test_a_number_that_a_spreadsheet_rounded_is_refused_and_never_guessed(field: str, text: str) -> None:
    assert with_cell(field, text).remarks == (cells.Remark(field, "NUMBER_MANGLED"),)


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("birth_date", "5/1/1987", "1987-01-05"), ("birth_date", "05-01-1987", "1987-01-05"),
        ("birth_date", "1987-01-05", "1987-01-05"), ("birth_date", "5.1.1987", "1987-01-05"),
        ("sex", "NỮ", "female"), ("sex", "nam", "male"), ("sex", "Female", "female"),
        ("stall", "a12", "A-12"), ("stall", "A 12", "A-12"), ("stall", "Đ-7", "D-7"), ("stall", "B/007", "B-007"),
        ("bank_bin", "agribank", "970405"), ("bank_bin", "VCB", "970436"), ("bank_bin", "970415", "970415"),
        ("account_number", "8500 2051-2345.6", "85002051234 56".replace(" ", "")),
        ("enterprise_kind", "Hộ kinh doanh", "household"), ("enterprise_kind", "HTX", "cooperative"),
    ],
)  # fmt: skip
def test_cells_are_read_as_people_write_them(field: str, text: str, value: str) -> None:
    judged = with_cell(field, text)
    assert (judged.values[field], judged.remarks) == (value, ())


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        ("birth_date", "31/02/1987", "DATE_INVALID"), ("birth_date", "1987", "DATE_INVALID"),
        ("birth_date", "31786", "DATE_INVALID"), ("sex", "x", "SEX_INVALID"),
        ("bank_bin", "970999", "BANK_NAME_UNKNOWN"),
        ("bank_bin", "Ngân hàng nhà", "BANK_NAME_UNKNOWN"), ("enterprise_kind", "gì đó", "ENTERPRISE_KIND_INVALID"),
        ("address", "x" * 501, "CELL_TOO_LONG"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_by_code_in_both_languages(field: str, text: str, code: str) -> None:
    judged = with_cell(field, text)
    assert (judged.refused, judged.values[field]) == (True, "")
    assert judged.remarks == (cells.Remark(field, code),)
    vi, en = cells.MESSAGES[code]
    assert vi != en
    assert vi


@given(st.lists(st.text(max_size=30), min_size=len(TITLES), max_size=len(TITLES)))
def test_whatever_stands_in_a_row_is_read_or_remarked_on_and_never_breaks_the_file(texts: list[str]) -> None:
    heading = table.Heading(1, tuple(TITLES), columns.places_of(TITLES))
    judged = cells.read(table.text_row(2, texts), heading)
    assert set(judged.values) == set(columns.FIELDS)
    assert all(remark.code in cells.MESSAGES for remark in judged.remarks)


# XLSX


def test_a_workbook_is_read_like_a_csv() -> None:
    assert one(xlsx_of(list(TITLES), list(EXAMPLE))) == one(csv_of(TITLES, EXAMPLE).encode())


def test_the_list_is_found_on_a_later_sheet() -> None:
    book = openpyxl.Workbook()
    book.active.append(["Hướng dẫn"])
    page = book.create_sheet("Danh sách")
    page.append(TITLES)
    page.append(EXAMPLE)
    out = io.BytesIO()
    book.save(out)
    assert one(out.getvalue()).values["phone"] == "0912345678"


def test_dates_and_numbers_of_a_workbook_are_read_and_lost_zeros_said() -> None:
    changed = {"birth_date": datetime(1987, 12, 25), "citizen_issued": date(2021, 6, 30), "phone": 912345678,
               "citizen_id": 19187001234.0, "category_code": 5499}  # fmt: skip
    row = [changed.get(column.field, column.example) for column in columns.COLUMNS]
    judged = one(xlsx_of(list(TITLES), row))
    wanted = ("1987-12-25", "2021-06-30", "0912345678", "019187001234", "5499")
    assert tuple(judged.values[field] for field in changed) == wanted
    assert set(judged.remarks) == {cells.Remark(f, "ZERO_RESTORED") for f in ("phone", "citizen_id")}


@pytest.mark.parametrize(
    ("value", "code"), [(8500205123456, "ACCOUNT_AS_NUMBER"), (1234567890123456789, "NUMBER_MANGLED")]
)
def test_an_account_number_that_is_a_number_is_refused_since_its_zeros_are_lost_for_good(value: int, code: str) -> None:
    row = [value if column.field == "account_number" else column.example for column in columns.COLUMNS]
    assert one(xlsx_of(list(TITLES), row)).remarks == (cells.Remark("account_number", code),)


def test_a_formula_in_a_workbook_refuses_its_row() -> None:
    row = ["=A1" if column.field == "name" else column.example for column in columns.COLUMNS]
    assert one(xlsx_of(list(TITLES), row)).remarks == (cells.Remark("name", "CELL_FORMULA"),)


GOOD = xlsx_of(list(TITLES), list(EXAMPLE))


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda: repacked(GOOD, **{"xl/media/a.bin": b"\0" * 20_000_000}), "times its size"),
        (lambda: repacked(GOOD, **{f"xl/media/{n}.bin": b"x" for n in range(300)}), "entries"),
        (lambda: repacked(GOOD, **{"xl/styles.xml": b"<?xml version='1.0'?><!DOCTYPE x []><x/>"}), "document type"),
        (
            lambda: repacked(GOOD, **{"xl/styles.xml": "<?xml version='1.0' encoding='utf-16'?><!-- " .encode("utf-16")
                             + ("y" * 70_000 + " --><!DOCTYPE x []><x/>").encode("utf-16-le")}),
            "document type",
        ),
    ],
    ids=["ratio", "count", "doctype", "doctype behind a comment"],
)  # fmt: skip
def test_a_workbook_that_is_a_bomb_is_refused_before_it_is_unpacked(made: object, why: str) -> None:
    with pytest.raises(SheetUnsafe, match=why) as refused:
        read_all(made())  # type: ignore[operator]
    assert refused.value.vi


def test_a_workbook_of_much_that_does_not_pack_is_refused_for_its_whole_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "UNPACKED_BYTES_MAX", 5_000)
    with pytest.raises(SheetUnsafe, match="unpacks to"):
        read_all(GOOD)


def test_a_directory_that_lies_about_a_parts_size_unpacks_no_more_than_it_says() -> None:
    sheet = b"x" * 3_000_000
    packed = repacked(GOOD, **{"xl/worksheets/sheet1.xml": sheet})
    size = len(sheet).to_bytes(4, "little")
    assert packed.count(size) >= 2
    lying = packed.replace(size, (100).to_bytes(4, "little"))
    with pytest.raises(SheetInvalid):
        read_all(lying)


@pytest.mark.parametrize("content", [b"PK\x03\x04rubbish", GOOD[:2_000], b"\xd0\xcf\x11\xe0" + b"\0" * 600])
def test_a_broken_or_old_workbook_is_refused_with_what_to_do(content: bytes) -> None:
    with pytest.raises(SheetInvalid, match=r"save it as \.xlsx"):
        read_all(content)


def test_a_zip_that_is_no_workbook_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(SheetInvalid, match="no workbook"):
        read_all(out.getvalue())


@pytest.mark.parametrize("encoding", ["foo", "hex", "utf-7"])
def test_a_workbook_in_an_encoding_that_nobody_knows_is_refused(encoding: str) -> None:
    named = f'<?xml version="1.0" encoding="{encoding}"?><workbook/>'.encode()
    with pytest.raises(SheetInvalid, match=r"save it as \.xlsx"):
        read_all(repacked(GOOD, **{"xl/workbook.xml": named}))


@given(st.binary(max_size=300), st.integers(0, len(GOOD) - 1))
def test_a_damaged_workbook_is_read_or_refused_and_never_breaks_the_reader(noise: bytes, at: int) -> None:
    damaged = GOOD[:at] + noise + GOOD[at + len(noise) :]
    try:
        read_all(damaged)
    except DomainError as refused:
        assert refused.code.startswith("SHEET_")  # noqa: PT017 - it may also be read


def test_a_workbook_wider_than_any_list_costs_no_memory() -> None:
    book = openpyxl.Workbook()
    book.active.append(TITLES)
    book.active.append(EXAMPLE)
    book.active.cell(row=2, column=16_000, value="x")
    out = io.BytesIO()
    book.save(out)
    _, (row,) = read_all(out.getvalue())
    assert len(row.cells) <= table.COLUMNS_MAX + 1


def test_the_encodings_guess_is_only_a_guess() -> None:
    assert csvtext.decoded("a,b\n1,2".encode("utf-16-le"), columns.VENDORS) == "a,b\n1,2"
