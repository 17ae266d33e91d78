"""Reading a file of many payments: as offices make them, strictly, and never as another amount or person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import InvalidArgument
from services.payments import disbursement as rules
from services.payments.disbursement import LineState, Progress

HEADING = "Số điện thoại,Số tiền,Mã hồ sơ,Ghi chú\n"


def one(row: str, heading: str = HEADING) -> rules.Line:
    (line,) = rules.read((heading + row).encode())
    return line


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1500000", 1_500_000), ("1.500.000", 1_500_000), ('"1,500,000"', 1_500_000), ("500000 đ", 500_000),
        ("500.000đ", 500_000), ("500000 VND", 500_000), ("1", 1), ("1000000000000", 10**12),
    ],
)  # fmt: skip
def test_amounts_are_read_as_spreadsheets_write_them(text: str, amount: int) -> None:
    assert one(f"0912345678,{text},HS1,").amount == amount


@pytest.mark.parametrize(
    "text", ["", "0", "-5", "1.5", "1.50.000", "0.500", "1e6", "abc", "1000000000001", "١٢", "1 000", "0x10", "9" * 40]
)
def test_what_is_no_amount_makes_a_line_bad_and_never_another_amount(text: str) -> None:
    line = one(f"0912345678,{text},HS1,")
    assert (line.state, line.code) == (LineState.BAD, "AMOUNT_INVALID")


@pytest.mark.parametrize("text", ["0912345678", "912345678", "+84912345678", "0912 345 678", "0912.345.678"])
def test_phones_are_read_however_they_are_written_and_with_the_0_that_spreadsheets_lose(text: str) -> None:
    assert one(f"{text},5000").to == "+84912345678"


@pytest.mark.parametrize("text", ["", "12", "09123456789", "abc", "wal_1"])
def test_who_cannot_be_found_makes_a_line_bad(text: str) -> None:
    assert (one(f"{text},5000").state, one(f"{text},5000").code) == (LineState.BAD, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "content",
    [
        HEADING + "0912345678,5000,HS1,x\n", "\ufeff" + HEADING + "0912345678,5000,HS1,x\r\n\r\n",
        HEADING.replace(",", ";") + "0912345678;5000;HS1;x", HEADING.replace(",", "\t") + "0912345678\t5000\tHS1\tx",
        "note,amount,PHONE,reference\nx,5000,0912345678,HS1", "SĐT, Số tiền ,Mã,Nội dung\n0912345678,5000,HS1,x",
    ],
)  # fmt: skip
def test_files_are_read_as_offices_make_them(content: str) -> None:
    (line,) = rules.read(content.encode())
    assert (line.number, line.to, line.amount, line.reference, line.note) == (2, "+84912345678", 5_000, "HS1", "x")


@pytest.mark.parametrize(
    "content",
    [b"", b"phone,amount\n", b"phone\n0912345678", b"a,b\n1,2", "phone,amount\n0912345678,5 đ".encode("utf-16")],
)
def test_what_is_no_such_file_is_refused_whole(content: bytes) -> None:
    with pytest.raises(InvalidArgument):
        rules.read(content)


def test_a_file_of_too_many_lines_is_refused_and_of_just_so_many_read() -> None:
    rows = "".join(f"09{number:08d},1000\n" for number in range(rules.LINES_MAX))
    assert len(rules.read(("phone,amount\n" + rows).encode())) == rules.LINES_MAX
    with pytest.raises(InvalidArgument):
        rules.read(("phone,amount\n" + rows + "0999999999,1").encode())


def test_the_same_line_twice_is_a_slip_and_another_reference_is_not() -> None:
    content = "phone,amount,reference\n0912345678,5000,A\n912345678,5.000,A\n0912345678,5000,B\n"
    assert [line.code for line in rules.read(content.encode())] == ["", "ALREADY_EXISTS", ""]


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: f"phone,amount\n{text}".encode()))
def test_no_file_breaks_the_reader(content: bytes) -> None:
    try:
        lines = rules.read(content)
    except InvalidArgument:
        return
    for line in lines:
        assert line.state is LineState.BAD or (line.to and 1 <= line.amount <= 10**12)
        assert rules.line_of(line.fields()) == line


@pytest.mark.parametrize("cell", ["x" * 26, "a\u200bb"])
def test_a_reference_that_cannot_be_kept_makes_a_line_bad(cell: str) -> None:
    assert one(f"0912345678,5000,{cell},").code == "INVALID_ARGUMENT"
    assert one(f"0912345678,5000,,{'x' * 141}").code == "INVALID_ARGUMENT"
    assert one(f"0912345678,5000,{'x' * 25},{'y' * 140}").code == ""


def test_a_line_has_its_own_key_and_another_one_after_each_refusal() -> None:
    line = one("0912345678,5000,HS1,")
    again = rules.line_of(line.fields() | {"tries": 1})
    keys = {
        rules.key_of(d, at, one_) for d in ("dsb_1", "dsb_2") for at in (10**12, 10**12 + 1) for one_ in (line, again)
    }
    assert len(keys) == 8
    assert rules.key_of("dsb_1", 10**12, line) == rules.key_of("dsb_1", 10**12, line)
    other = rules.line_of(line.fields() | {"amount": 5_001})
    assert rules.hash_of("dsb_1", line) != rules.hash_of("dsb_1", other)
    assert rules.hash_of("dsb_1", line) == rules.hash_of("dsb_1", again)
    assert len(rules.hash_of("dsb_1", line)) == 32


def test_what_is_approved_is_known_by_its_lines_whatever_becomes_of_them() -> None:
    line = one("0912345678,5000,HS1,")
    lines = [line, line.bad("NOT_FOUND")]
    assert rules.figures_of(lines) == (2, 1, 5_000)
    known = rules.digest_of("a", lines)
    for later in ({"state": "paid", "transfer_id": "x"}, {"state": "refused", "code": "KEY_EXPIRED", "tries": 2}):
        became = [rules.line_of(line.fields() | later), lines[1]]
        assert (rules.figures_of(became), rules.digest_of("a", became)) == ((2, 1, 5_000), known)
    changes: list[dict[str, object]] = [
        {name: f"{value}9"} for name, value in line.fields().items() if name in ("to", "reference", "note")
    ]
    changes += [{"shown": "x"}, {"telecom": "VNPT"}, {"amount": 5_001}, {"number": 3}, {"state": "bad"}]
    others = [[rules.line_of(line.fields() | change), lines[1]] for change in changes]
    others += [lines[:1], lines[::-1], [*lines, line], []]
    digests = [known, rules.digest_of("b", lines), *(rules.digest_of("a", other) for other in others)]
    assert len(set(digests)) == len(digests)


def test_progress_counts_lines_and_money() -> None:
    line = one("0912345678,5000,HS1,")
    states = ["paid", "paid", "refused", "waiting", "bad"]
    lines = [rules.line_of(line.fields() | {"state": state}) for state in states]
    assert rules.progress_of(lines) == Progress(paid=2, paid_amount=10_000, refused=1, waiting=1)
    assert rules.progress_of([]) == Progress()


def test_every_line_that_is_wrong_says_why_in_vietnamese() -> None:
    line = one("0912345678,5000,HS1,")
    assert line.message == ""
    assert line.bad("AMOUNT_INVALID").message == "số tiền không đúng"
    assert line.bad("SOMETHING_NEW").message == "không chi được"
