"""NAPAS-style files: what is written comes back, damage is found with its line, and a transfer becomes an entry."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.clock import VIETNAM
from services.settlement import napas
from services.settlement.napas import Head, Record, entry
from services.settlement.napas_layout import FEES, FIELDS, FileName, md5_checksum
from services.settlement.records import FileRefused

ON = date(2026, 12, 31)
HEAD = Head("970418", ON, "cho", datetime(2027, 1, 1, 4, 15, 7, tzinfo=VIETNAM))
ONE = Record(
    datetime(2026, 12, 31, 10, 31, 5, tzinfo=VIETNAM), date(2027, 1, 2), 75_000, 75_000, "304956", "970436", "970436",
    "970418", "0011001004242", "99990000000001", pan="9704360011001004", retrieval_reference="636511065932",
    approval="747210", transfer_reference="6365IBT1aQGDB517", fees=(38_500, 0, 33_050, 0, 0, 0, 0, 0, 0),
    reserved=("PO-000012-000345-1", "", ""),
)  # fmt: skip
TWO = replace(ONE, trace="304957", amount=9_999_999_999, real_amount=1, reserved=("", "a", "b c"))

VALUES = st.text("AZaz09 -.:/", max_size=8).map(str.strip)
DIGITS = st.text("0123456789", max_size=8)
RECORDS = st.builds(
    Record,
    at=st.datetimes(datetime(2026, 10, 1), datetime(2027, 3, 1)).map(
        lambda at: at.replace(microsecond=0, tzinfo=VIETNAM)
    ),
    settled_on=st.dates(date(2026, 10, 1), date(2027, 3, 1)),
    amount=st.integers(5, 10**10 - 1),
    real_amount=st.integers(0, 5),
    trace=DIGITS,
    acquirer=VALUES,
    issuer=VALUES,
    beneficiary=VALUES,
    from_account=VALUES,
    to_account=VALUES,
    message_type=st.sampled_from(("0210", "0420")),
    pan=DIGITS,
    merchant=VALUES,
    fees=st.tuples(*[st.integers(0, 10**12 - 1)] * len(FEES)),
    reserved=st.tuples(VALUES, VALUES, VALUES),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "123126_BNB_BID_970418_1_TC_SWC.dat"
    napas.write(path, HEAD, [ONE, TWO])
    return path


def refused(path: Path, change: Callable[[str], str], resealed: bool = False) -> tuple[str, int]:
    """Why a changed file is refused, and its line. `resealed`: its checksums are right."""
    text = change(path.read_bytes().decode("latin-1"))
    if resealed:
        text = re.sub(
            r"(?m)^(.*\[CS[RF]\])[0-9a-f]{32}(\r?)$",
            lambda found: found[1] + md5_checksum(found[1].encode("latin-1"), "970418") + found[2],
            text,
        )
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(FileRefused) as caught:
        list(napas.read(path))
    return caught.value.reason, caught.value.line


@settings(max_examples=40)
@given(st.lists(RECORDS, max_size=4))
def test_transfers_come_back_as_they_were_written(records: list[Record]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "it.dat"
        napas.write(path, HEAD, records)
        found = list(napas.read(path))
    assert found == records
    assert [one.line for one in found] == list(range(2, len(records) + 2))


def test_a_file_has_the_fields_of_the_layout_at_their_widths(path: Path) -> None:
    header, first, _, trailer = path.read_bytes().decode("ascii").split("\r\n")[:-1]
    assert header == "HR[REV]  970418[DATE]31122026"
    assert first.startswith(
        "DR[MTI]0210[F2]   9704360011001004[F3]910000[SVC]    IF_DEP[TCC]97[F4]000007500000[RTA]000007500000[F49]704"
    )
    assert "[F11]304956[F12]103105[F13]1231[F15]0102[F18]0000" in first
    pieces = re.findall(r"\[([A-Z0-9]+)\]([^\[]*)", first)
    assert [tag for tag, _ in pieces] == [*(one.tag for one in FIELDS), "CSR"]
    widths = {one.tag: one.width for one in FIELDS if one.fill}
    assert {tag: len(value) for tag, value in pieces if tag in widths} == widths
    assert re.fullmatch(r"TR\[NOT\]000000002\[CRE\] {17}cho\[TIME\]041507\[DATE\]01012027\[CSF\][0-9a-f]{32}", trailer)


def test_the_checksum_is_the_one_of_a_published_trailer() -> None:
    published = b"TR[NOT]000000001[CRE]               hoind[TIME]041507[DATE]29042025[CSF]"
    assert md5_checksum(published, "971003") == "1af6c580d04185ee04f5c0811f503b5c"


def test_another_formula_takes_its_place(tmp_path: Path) -> None:
    def formula(record: bytes, bank: str) -> str:
        return f"{len(record):032d}"

    path = tmp_path / "it.dat"
    napas.write(path, HEAD, [ONE], formula)
    assert list(napas.read(path, formula)) == [ONE]
    with pytest.raises(FileRefused, match="checksum"):
        list(napas.read(path))


def test_a_trailer_may_call_its_checksum_csr(path: Path) -> None:
    text = path.read_bytes().replace(b"[CSF]", b"[CSR]")
    trailer = text.split(b"\r\n")[-2]
    path.write_bytes(text.replace(trailer, trailer[:-32] + md5_checksum(trailer[:-32], "970418").encode()))
    assert list(napas.read(path)) == [ONE, TWO]


def test_a_change_of_any_character_is_found(path: Path) -> None:
    whole = path.read_bytes()
    for at in range(0, len(whole), 17):
        changed = bytearray(whole)
        changed[at] = ord("7") if changed[at] != ord("7") else ord("8")
        path.write_bytes(changed)
        if changed[at : at + 1] in b"\r\n" or whole[at : at + 1] in b"\r\n":
            continue
        # The header has no checksum: its day and BIN are the file's name too, and the BIN is the key.
        if b"DATE" in whole[:at] and at < whole.index(b"\r\n"):
            continue
        with pytest.raises(FileRefused):
            list(napas.read(path))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text[: text.index("TR[")], ("TRAILER_MISSING", 0)),
        (lambda text: "", ("TRAILER_MISSING", 0)),
        (lambda text: text + "DR", ("AFTER_TRAILER", 5)),
        (lambda text: text.replace("75000", "75001", 1), ("CHECKSUM", 2)),
        (lambda text: text.replace("IF_DEP", "\xd0_DEP", 1), ("NOT_ASCII", 2)),
        (lambda text: text.replace("IF_DEP", "x" * 2_000, 1), ("LINE_TOO_LONG", 2)),
        (lambda text: text.replace("HR[REV]", "TR[REV]"), ("RECORD", 1)),
        (lambda text: text.replace("  970418[DATE]", " VIETTEL[DATE]"), ("FIELDS", 1)),
        (lambda text: text.replace("31122026", "31132026"), ("DATE", 1)),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(
    change: Callable[[str], str], reason: tuple[str, int], path: Path
) -> None:
    assert refused(path, change) == reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace("[NOT]000000002", "[NOT]000000003"), ("COUNT", 4)),
        (lambda text: re.sub("DR.*\n", "", text, count=1), ("COUNT", 3)),
        (lambda text: text.replace("[TCC]97", ""), ("FIELDS", 2)),
        (lambda text: text.replace("[TCC]97[F4]000007500000", "[F4]000007500000[TCC]97"), ("FIELDS", 2)),
        (lambda text: text.replace("[RRC]0000", "[RRC]00000"), ("FIELDS", 2)),
        (lambda text: text.replace("[F18]0000", "[F18]00A0"), ("FIELDS", 2)),
        (lambda text: text.replace("[CSR]", "[X]1[CSR]"), ("FIELDS", 2)),
        (lambda text: text.replace("DR[", "XR["), ("RECORD", 2)),
        (lambda text: text.replace("[F13]1231", "[F13]1331"), ("DATE", 2)),
        (lambda text: text.replace("[F12]103105", "[F12]253105"), ("DATE", 2)),
        (lambda text: text.replace("[F4]000007500000", "[F4]000007500050"), ("AMOUNT", 2)),
        (lambda text: text.replace("[F4]000007500000", "[F4]000007400000"), ("AMOUNT", 2)),
    ],
)
def test_a_wrong_file_is_refused_though_its_checksums_are_right(
    change: Callable[[str], str], reason: tuple[str, int], path: Path
) -> None:
    assert refused(path, change, resealed=True) == reason


def test_more_transfers_than_the_limit_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(napas, "RECORDS_MAX", 1)
    assert refused(path, str) == ("TOO_MANY", 3)
    with pytest.raises(ValueError):
        napas.write(path, HEAD, [ONE, TWO])


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": -1}, {"amount": 10**10}, {"currency": "840"}, {"trace": "1" * 9}, {"from_account": "1" * 29},
        {"merchant": "[CSR]"}, {"merchant": "chợ"}, {"fees": (0,)}, {"response": "OK"},
    ],
)  # fmt: skip
def test_what_does_not_fit_leaves_no_file(wrong: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        napas.write(tmp_path / "it.dat", HEAD, [replace(ONE, **wrong)])  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_day_is_of_the_year_nearest_to_the_files(tmp_path: Path) -> None:
    head = replace(HEAD, on=date(2028, 3, 1))
    late = replace(ONE, at=ONE.at.replace(year=2028, month=2, day=29), settled_on=date(2028, 3, 1))
    napas.write(tmp_path / "it.dat", head, [late])
    assert list(napas.read(tmp_path / "it.dat")) == [late]


def test_a_files_name_says_whose_side_it_shows() -> None:
    name = "123126_BNB_BID_970418_1_TC_SWC.dat"
    parsed = FileName.parse(name)
    assert parsed == FileName(ON, "BNB", "BID", "970418", 1, "TC", "SWC")
    assert parsed.text == name


@pytest.mark.parametrize(
    "name", ["", "133126_BNB_BID_970418_1_TC_SWC.dat", "123126_XXX_BID_970418_1_TC_SWC.dat", "../123126_BNB_BID.dat"]
)
def test_another_name_is_refused(name: str) -> None:
    with pytest.raises(FileRefused) as caught:
        FileName.parse(name)
    assert caught.value.reason == "NAME"


def test_a_transfer_is_an_entry_of_the_bank_whose_side_is_shown() -> None:
    paid = entry(replace(ONE, line=2), 1, "BNB", "123126_BNB_BID_970418_1_TC_SWC.dat")
    assert paid is not None
    assert (paid.side, paid.amount, paid.currency, paid.reference) == ("C", 75_000, "VND", "PO-000012-000345-1")
    assert (paid.counterparty, paid.counterparty_account) == ("970436", "0011001004242")
    assert (paid.booked_on, paid.value_on, paid.line, paid.bank_reference) == (
        date(2026, 12, 31), date(2027, 1, 2), 2, "636511065932",
    )  # fmt: skip
    pays = entry(ONE, 1, "ISS", "")
    assert pays is not None
    assert (pays.side, pays.counterparty, pays.counterparty_account) == ("D", "970418", "99990000000001")


def test_what_was_reversed_in_part_moved_the_rest_and_what_was_reversed_whole_nothing() -> None:
    rest = entry(replace(ONE, real_amount=25_000), 1, "BNB", "")
    assert rest is not None
    assert rest.amount == 25_000
    assert entry(replace(ONE, real_amount=0), 1, "BNB", "") is None


def test_a_reversal_message_goes_the_other_way_and_what_was_not_approved_is_only_told() -> None:
    back = entry(replace(ONE, message_type="0420"), 1, "BNB", "")
    assert back is not None
    assert (back.side, back.reversal) == ("D", True)
    told = entry(replace(ONE, response="0116"), 1, "BNB", "")
    assert told is not None
    assert told.status == "info"


def test_another_currency_is_never_taken_for_dong(path: Path) -> None:
    text = path.read_bytes().replace(b"[F49]704", b"[F49]840")
    seal = re.compile(rb"(?m)^(.*\[CS[RF]\])[0-9a-f]{32}")
    path.write_bytes(seal.sub(lambda found: found[1] + md5_checksum(found[1], "970418").encode(), text))
    first = entry(next(iter(napas.read(path))), 1, "BNB", "")
    assert first is not None
    assert (first.currency, first.amount) == ("840", 7_500_000)
