"""CSV by a mapping: telecoms' records, Vietnamese banks' exports, and what a spreadsheet file may not hold."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.settlement.intake import Mapping, named, open_statements
from services.settlement.intake.statement import Declared, Tally
from services.settlement.records import FileRefused, StatementEntry, StatementHead
from tests.settlement.intake_files import TODAY

RECORD = "transfer_id,time,operation,side,amount,currency\r\n"
LINE = "pay_1,2026-11-23T06:30:00.123+07:00,pay,D,75000,VND\r\n"
BANK = "Ngày,Số tiền ghi nợ,Số tiền ghi có,Nội dung,Số dư\n"


def read(
    folder: Path, content: str | bytes, mapping: Mapping | None = None, name: str = "record.W000012-VIETTEL.csv"
) -> tuple[StatementHead, list[StatementEntry]]:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    (statement,) = [(each, list(each.entries)) for each in open_statements(file, TODAY, mapping)]
    return statement[0].head, statement[1]


def test_a_telecoms_record_is_known_by_its_header_and_proven_by_its_last_line(tmp_path: Path) -> None:
    content = RECORD + LINE + LINE.replace("pay_1", "ref_1").replace("D,75000", "C,5000") + "total,2,75000,5000,,\r\n"
    head, entries = read(tmp_path, content)
    assert head == StatementHead(
        "csv", "record.W000012-VIETTEL", "", "", "VND", None, None, None, None, None, 2, 5_000, 75_000
    )
    assert entries[0] == StatementEntry(
        1, 2, "D", 75_000, "VND", TODAY, None, "pay_1", "", "", "", "", "pay", "booked", False
    )
    assert (entries[1].side, entries[1].line, entries[1].amount) == ("C", 3, 5_000)


def test_a_caller_says_what_the_file_does_not(tmp_path: Path) -> None:
    mapping = replace(named()["cho-record"], account="settlement:VIETTEL", message_id="W000012-VIETTEL")
    head, _ = read(tmp_path, RECORD + "total,0,0,0,,\r\n", mapping)
    assert (head.account, head.message_id, head.entries) == ("settlement:VIETTEL", "W000012-VIETTEL", 0)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("newest_first", [False, True])
def test_a_vietnamese_banks_export_is_read_whichever_way_its_rows_go(
    newest_first: bool, form: str, tmp_path: Path
) -> None:
    rows = [
        '23/11/2026,"75,000",,CT DI PO-000012-000001-1 chi tra,"25,000"\n',
        '23/11/2026 10:30:00,,"10,000","Nguyễn Thị Hoà nộp","35,000"\n',
    ]
    content = (
        "SAO KÊ TÀI KHOẢN\nSố tài khoản,99990000000001\n\n" + BANK
        + "".join(reversed(rows) if newest_first else rows) + 'Tổng cộng,"75,000","10,000",,\n'
    )  # fmt: skip
    head, entries = read(tmp_path, unicodedata.normalize(form, content))
    assert (head.opening, head.closing, head.debits, head.credits) == (100_000, 35_000, 75_000, 10_000)
    paid, got = reversed(entries) if newest_first else entries
    assert (paid.side, paid.amount, paid.reference) == ("D", 75_000, "PO-000012-000001-1")
    assert (got.side, got.amount, got.text, got.booked_on) == ("C", 10_000, "Nguyễn Thị Hoà nộp", TODAY)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1258"])
def test_encodings_and_marks_are_the_mappings(encoding: str, tmp_path: Path) -> None:
    mapping = Mapping.from_dict(
        {
            "name": "tab", "columns": {"booked_on": "Ngày GD", "amount": "Phát sinh", "text": "Diễn giải"},
            "delimiter": "\t", "encoding": encoding, "dates": ["%d.%m.%Y"], "decimal": ",", "thousands": ".",
            "account": "19001",
        }
    )  # fmt: skip
    content = "ngày gd\tPHÁT SINH\tDiễn giải\n23.11.2026\t-1.075.000,00\tTiền chè\n22.11.2026\t+5\tx\n"
    if encoding == "windows-1258":
        # Its accents are characters of their own.
        content = "".join(
            unicodedata.normalize("NFD", each)[0] + "".join(m for m in unicodedata.normalize("NFD", each)[1:])
            if each not in "âêôăơưÂÊÔĂƠƯđĐ" else each
            for each in content
        )  # fmt: skip
        content = content.replace("e\u0302\u0303", "ê\u0303").replace("e\u0302\u0300", "ê\u0300")
    _, (paid, got) = read(tmp_path, content.encode(encoding), mapping)
    assert (paid.side, paid.amount, paid.text) == ("D", 1_075_000, "Tiền chè")
    assert (got.side, got.amount, got.booked_on) == ("C", 5, date(2026, 11, 22))


@pytest.mark.parametrize(("total", "taken"), [("75000", True), ("150000", True), ("150001", False), ("0", False)])
def test_a_line_in_another_currency_is_told_and_in_all_sums_of_a_record_or_in_none(
    total: str, taken: bool, tmp_path: Path
) -> None:
    rows = LINE + LINE.replace("pay_1", "pay_2").replace("VND", "USD") + f"total,2,{total},0,,\r\n"
    if not taken:
        with pytest.raises(FileRefused, match=r"entries in USD are not in it"):
            read(tmp_path, (RECORD + rows).encode(), named()["cho-record"])
        return
    _, (known, foreign) = read(tmp_path, (RECORD + rows).encode(), named()["cho-record"])
    assert (known.amount, known.currency) == (75_000, "VND")
    assert (foreign.reference, foreign.amount, foreign.currency) == ("pay_2", 7_500_000, "USD")


ENTRIES = st.lists(
    st.tuples(st.sampled_from("CD"), st.integers(1, 10**9), st.sampled_from(["VND", "USD", "KWD"])), max_size=8
)


@given(entries=ENTRIES, wrong=st.integers(1, 10**6))
def test_sums_are_of_the_accounts_currency_or_of_all_numbers_and_never_a_bit_of_both(
    entries: list[tuple[str, int, str]], wrong: int
) -> None:
    tally, plain, face = Tally("VND", 0), {"C": 0, "D": 0}, {"C": 0, "D": 0}
    for side, whole, currency in entries:
        tally.add(side, whole * {"VND": 1, "USD": 100, "KWD": 1000}[currency], currency, True, 1)
        face[side] += whole
        plain[side] += whole if currency == "VND" else 0
    for sums in (plain, face):
        tally.check(Declared(len(entries), credits=sums["C"], debits=sums["D"], total=sums["C"] + sums["D"]))
        off = Declared(credits=sums["C"] + wrong, debits=sums["D"] + 2 * wrong)
        if off.credits not in (plain["C"], face["C"]):
            with pytest.raises(FileRefused, match="sum of"):
                tally.check(off)
    if all(plain[side] != face[side] for side in "CD"):
        with pytest.raises(FileRefused, match="sum of"):
            tally.check(Declared(credits=face["C"], debits=plain["D"]))


@pytest.mark.parametrize(
    ("rows", "reason", "line"),
    [
        (LINE + "total,2,75000,0,,\r\n", "COUNT", 3),
        (LINE + "total,1,75001,0,,\r\n", "TOTALS", 3),
        (LINE + "total,1,75000,1,,\r\n", "TOTALS", 3),
        (LINE, "FIELD_MISSING", 2),
        (LINE + "total,1\r\n", "COLUMNS", 3),
        (LINE + "total,1,75000,0,,\r\n" + LINE, "COLUMNS", 4),
        (LINE.replace(",VND", ""), "COLUMNS", 2),
        (LINE.replace("VND", "VND,x"), "COLUMNS", 2),
        (LINE.replace("pay,", "=1+1,"), "FORMULA", 2),
        (LINE.replace("pay,", " @SUM(A1),"), "FORMULA", 2),
        (LINE.replace("pay,", "-2+3+cmd|' /C calc'!A0,"), "FORMULA", 2),
        (LINE.replace("pay,", "+SUM(1),"), "FORMULA", 2),
        (LINE.replace("pay,", "\tx,"), "FORMULA", 2),
        (LINE.replace("pay,", "pa\0y,"), "NUL", 2),
        (LINE.replace("pay,", "x" * 9000 + ","), "LINE_TOO_LONG", 2),
        (LINE.replace("pay,", '"pay,'), "CSV_BROKEN", 2),
        (LINE.replace("pay,", '"pay"x,'), "CSV_BROKEN", 2),
        (LINE.replace("75000", "75000.5"), "AMOUNT", 2),
        (LINE.replace("75000", "75.000"), "AMOUNT", 2),
        (LINE.replace("75000", "-75000"), "AMOUNT", 2),
        (LINE.replace("75000", "0"), "AMOUNT", 2),
        (LINE.replace("75000", "1e3"), "AMOUNT", 2),
        (LINE.replace("75000", "٧"), "AMOUNT", 2),
        (LINE.replace("75000", ""), "AMOUNT", 2),
        (LINE.replace(",D,", ",X,"), "FIELD_UNKNOWN", 2),
        (LINE.replace("VND", "đồng"), "FIELD_UNKNOWN", 2),
        (LINE.replace("2026-11-23T", "2026-11-31T"), "DATE", 2),
        (LINE.replace("2026-11-23T", "2026-11-25T"), "FUTURE_DATE", 2),
        (LINE.replace("pay_1", "p" * 141), "FIELD_TOO_LONG", 2),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(rows: str, reason: str, line: int, tmp_path: Path) -> None:
    with pytest.raises(FileRefused) as refusal:
        read(tmp_path, RECORD + rows)
    assert (refusal.value.reason, refusal.value.line) == (reason, line)


def test_signs_that_begin_a_number_or_a_sentence_are_no_formula(tmp_path: Path) -> None:
    rows = LINE.replace("pay,", "- tra tien hang (A12),") + LINE.replace("pay,", "+84912345678,")
    assert [one.text for one in read(tmp_path, RECORD + rows + "total,2,150000,0,,\r\n")[1]] == [
        "- tra tien hang (A12)", "+84912345678",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("23/11/2026,5,,x,95\n23/11/2026,5,,x,91\n", "BALANCE"),
        ("23/11/2026,5,5,x,95\n", "AMOUNT"),
        ("23/11/2026,,,x,95\n", "AMOUNT"),
        ('23/11/2026,"5,00",,x,95\n', "AMOUNT"),
        ("23/11/2026,500.000,,x,400.000\n", "AMOUNT"),
        ("11/23/2026,5,,x,95\n", "DATE"),
    ],
)
def test_a_banks_export_that_does_not_follow_is_refused(rows: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(FileRefused) as refusal:
        read(tmp_path, BANK + rows)
    assert refusal.value.reason == reason


@pytest.mark.parametrize("content", ["a,b,c\n1,2,3\n", "\x89PNG....", "%PDF-1.7\n", '{"a": 1}'])
def test_what_no_mapping_fits_is_no_statement(content: str, tmp_path: Path) -> None:
    with pytest.raises(FileRefused) as refusal:
        read(tmp_path, content.encode("latin-1"))
    assert refusal.value.reason == "UNKNOWN_FORMAT"


def test_a_header_of_another_mapping_is_refused_by_name_of_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="Số dư") as refusal:
        read(tmp_path, "\n" * 19 + BANK.replace(",Số dư", ""), named()["vn-bank"])
    assert refusal.value.reason == "COLUMNS"


def test_bytes_of_another_encoding_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused) as refusal:
        read(tmp_path, (RECORD + LINE.replace("pay,", "Hòa,")).encode("latin-1"))
    assert refusal.value.reason == "ENCODING"


@pytest.mark.parametrize(
    "data",
    [
        {"name": "x"},
        {"name": "x", "columns": {"booked_on": "a", "amount": "b"}, "colour": "red"},
        {"name": "x", "columns": {"booked_on": "a", "amounts": "b"}},
        {"name": "x", "columns": {"booked_on": "a", "debit": "b"}},
        {"name": "x", "columns": {"amount": "b"}},
        {"name": "x", "columns": {"booked_on": "a", "amount": "b"}, "thousands": "."},
        {"name": "x", "columns": {"booked_on": "a", "amount": "b", "side": "c"}, "sides": {"N": "X"}},
    ],
)
def test_a_mapping_that_makes_no_sense_is_no_mapping(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="mapping"):
        Mapping.from_dict(data)


ROWS = st.lists(
    st.tuples(
        st.integers(1, 10**15), st.sampled_from("DC"), st.integers(0, 400),
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40),
    ),
    max_size=15,
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str, int, str]]
) -> None:
    content, sums = RECORD, {"D": 0, "C": 0}
    for number, (amount, side, back, text) in enumerate(rows):
        quoted = '"t' + text.replace('"', '""') + '"'
        content += f"t{number},{TODAY - timedelta(days=back)},{quoted},{side},{amount},VND\r\n"
        sums[side] += amount
    content += f"total,{len(rows)},{sums['D']},{sums['C']},,\r\n"
    _, entries = read(tmp_path_factory.mktemp("csv"), content)
    assert [(one.reference, one.amount, one.side, one.booked_on) for one in entries] == [
        (f"t{number}", amount, side, TODAY - timedelta(days=back))
        for number, (amount, side, back, _) in enumerate(rows)
    ]
    assert [one.text for one in entries] == [unicodedata.normalize("NFC", f"t{text}".strip()) for *_, text in rows]
