"""Statements and notifications: valid by the official schema, with balances that follow from their entries."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from services.settlement.iso import camt
from services.settlement.records import StatementEntry, StatementHead
from tests.settlement import iso_xsd
from tests.settlement.test_iso_written import ACCOUNTS, AMOUNTS, ANY_TEXT, IDS, text

AT = datetime(2026, 11, 29, 17, tzinfo=UTC)
ON = date(2026, 11, 29)
OPENING = -500_000

ENTRIES = (
    StatementEntry(
        1, 0, "C", 1_325_000, "VND", ON, ON, "NP-000012-VIETTEL", "NP-W000012", "FT26333.1", "Viettel Money",
        "99990000000002", "Vị thế phiên 12",
    ),
    StatementEntry(2, 0, "D", 75_000, "VND", ON, None, "", "", "", "", "", "", reversal=True),
)  # fmt: skip

ANY_ENTRIES = st.lists(
    st.builds(
        StatementEntry, st.integers(1, 10**6), st.just(0), st.sampled_from("CD"), AMOUNTS, st.just("VND"), st.dates(),
        st.none() | st.dates(), IDS | st.just(""), IDS | st.just(""), IDS | st.just(""), ANY_TEXT,
        ACCOUNTS | st.just(""), ANY_TEXT, st.just("booked"), st.booleans(),
    ),
    max_size=5,
)  # fmt: skip


def head_of(entries: Any, kind: str = "camt.053") -> StatementHead:
    credits, debits = (sum(one.amount for one in entries if one.side == side) for side in "CD")
    of_statement = kind == "camt.053"
    return StatementHead(
        kind, "ST-W000012-VIETTEL", "000012", "99990000000001", "VND", AT, ON, ON, OPENING if of_statement else None,
        OPENING + credits - debits if of_statement else None, len(entries), credits, debits,
    )  # fmt: skip


def write(path: Path, head: StatementHead, entries: Any) -> etree._Element:
    camt.write_statement(path, head, entries, "970418")
    return iso_xsd.valid(path)


@settings(max_examples=40)
@given(ANY_ENTRIES, st.sampled_from(("camt.053", "camt.054")))
def test_any_entries_give_a_valid_file_with_their_references_and_amounts(
    entries: list[StatementEntry], kind: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = write(Path(folder) / "it.xml", head_of(entries, kind), entries)
    details = "NtryDtls/TxDtls"
    found = [
        (
            text(one, "CdtDbtInd"), text(one, "Amt"), text(one, f"{details}/Refs/EndToEndId"),
            text(one, f"{details}/Refs/MsgId"), text(one, f"{details}/Refs/PmtInfId"), text(one, "AcctSvcrRef"),
            text(one, f"{details}/RltdPties/{'Dbtr' if text(one, 'CdtDbtInd') == 'CRDT' else 'Cdtr'}Acct/Id/Othr/Id"),
            text(one, "BookgDt/Dt"), text(one, "RvslInd"),
        )
        for one in root.iter("{*}Ntry")
    ]  # fmt: skip
    assert found == [
        (
            "CRDT" if one.side == "C" else "DBIT", str(one.amount), one.reference, one.group, one.group,
            one.bank_reference, one.counterparty_account, one.booked_on.isoformat(), "true" if one.reversal else "",
        )
        for one in entries
    ]  # fmt: skip


def test_a_statement_has_balances_and_sums_and_a_notification_sums_only(tmp_path: Path) -> None:
    root = write(tmp_path / "53.xml", head_of(ENTRIES), ENTRIES)
    balances = [
        [text(one, name) for name in ("Tp/CdOrPrtry/Cd", "Amt", "CdtDbtInd", "Dt/Dt")] for one in root.iter("{*}Bal")
    ]
    assert balances == [["OPBD", "500000", "DBIT", "2026-11-29"], ["CLBD", "750000", "CRDT", "2026-11-29"]]
    sums = ["TtlNtries/NbOfNtries", "TtlNtries/Sum", "TtlNtries/TtlNetNtry/Amt", "TtlCdtNtries/Sum", "TtlDbtNtries/Sum"]
    summary = root.find(".//{*}TxsSummry")
    assert [text(summary, name) for name in sums] == ["2", "1400000", "1250000", "1325000", "75000"]
    notified = write(tmp_path / "54.xml", head_of(ENTRIES, "camt.054"), ENTRIES)
    assert notified.find(".//{*}Bal") is None
    assert [text(notified.find(".//{*}TxsSummry"), name) for name in sums] == [
        text(summary, name) for name in sums
    ]  # fmt: skip


def test_a_statement_says_whose_account_which_days_and_who_is_on_the_other_side(tmp_path: Path) -> None:
    root = write(tmp_path / "it.xml", head_of(ENTRIES), ENTRIES)
    statement, entry = root.find(".//{*}Stmt"), root.find(".//{*}Ntry")
    told = ("Id", "Acct/Id/Othr/Id", "Acct/Ccy", "FrToDt/FrDtTm", "FrToDt/ToDtTm")
    assert [text(statement, name) for name in told] == [
        "000012", "99990000000001", "VND", "2026-11-29T00:00:00.000+07:00", "2026-11-29T23:59:59.999+07:00",
    ]  # fmt: skip
    assert text(statement, "Acct/Svcr/FinInstnId/ClrSysMmbId/MmbId") == "970418"
    details = "NtryDtls/TxDtls"
    assert [text(entry, f"{details}/{name}") for name in ("RltdPties/Dbtr/Pty/Nm", "RmtInf/Ustrd")] == [
        "Viettel Money", "Vị thế phiên 12",
    ]  # fmt: skip


def test_a_head_may_leave_sums_unsaid(tmp_path: Path) -> None:
    head = replace(head_of(ENTRIES), entries=None, credits=None, debits=None)
    assert write(tmp_path / "it.xml", head, ENTRIES).find(".//{*}TxsSummry") is None


def test_a_day_on_which_nothing_moved_has_a_statement(tmp_path: Path) -> None:
    root = write(tmp_path / "it.xml", head_of(()), ())
    assert [text(one, "Amt") for one in root.iter("{*}Bal")] == ["500000", "500000"]


@pytest.mark.parametrize(
    "said",
    [
        {"closing": 750_001}, {"opening": 0}, {"entries": 3}, {"credits": 1}, {"debits": 0}, {"closing": None},
        {"opening": None}, {"from_on": None}, {"created_at": None}, {"currency": "USD"}, {"kind": "camt.052"},
        {"account": "9" * 35}, {"message_id": ""},
    ],
)  # fmt: skip
def test_a_head_that_does_not_follow_leaves_no_file(said: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        camt.write_statement(tmp_path / "it.xml", replace(head_of(ENTRIES), **said), ENTRIES, "970418")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [{"currency": "USD"}, {"status": "pending"}, {"amount": 0}, {"reference": "x" * 36}])
def test_an_entry_that_a_statement_cannot_have_leaves_no_file(wrong: dict[str, Any], tmp_path: Path) -> None:
    entries = (replace(ENTRIES[0], **wrong), ENTRIES[1])
    with pytest.raises(ValueError):
        camt.write_statement(tmp_path / "it.xml", head_of(entries), entries, "970418")
    assert list(tmp_path.iterdir()) == []


def test_a_notification_may_tell_what_is_pending(tmp_path: Path) -> None:
    entries = (replace(ENTRIES[0], status="pending"),)
    root = write(tmp_path / "it.xml", head_of(entries, "camt.054"), entries)
    assert text(root.find(".//{*}Ntry"), "Sts/Cd") == "PDNG"
