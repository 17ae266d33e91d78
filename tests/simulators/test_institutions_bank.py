"""The settlement bank: what it reads, executes once, answers and books."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.institutions.iso_in import Reading, Unreadable
from simulators.institutions.ticks import Institutions, tick
from tests.simulators import institutions_files as files
from tests.simulators.institutions_files import BANK, Payout, came, give, payouts, statement, statuses, unsynced

__all__ = ["unsynced"]

NOW = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)
TODAY = date(2026, 11, 29)


@pytest.fixture
def them(tmp_path: Path) -> Iterator[Institutions]:
    with closing(Institutions(tmp_path)) as institutions:
        yield institutions


def ask(home: Path, sql: str) -> list[tuple]:
    with closing(sqlite3.connect(home / "simulators" / "bank.sqlite3")) as db:
        return db.execute(sql).fetchall()


def test_a_payout_file_is_paid_once_answered_notified_and_on_the_statement(tmp_path: Path) -> None:
    content = files.pain001("PO-W000012-1", payouts(3))
    files.check_valid(content)
    give(tmp_path, BANK, "pain.001.PO-W000012-1.xml", content)
    did = tick(tmp_path, NOW)
    assert ("executed", "3 ACSC") in [(one.what, one.detail) for one in did]
    (status,) = came(tmp_path, "pain.002.*.xml")
    said = files.check_valid(status.read_bytes())
    assert said.findtext(".//OrgnlMsgId") == "PO-W000012-1"
    assert said.findtext(".//GrpSts") == "ACSC"
    assert said.findtext(".//OrgnlPmtInfId") == "PO-W000012-1-P1"
    assert statuses(status) == {one.end_to_end_id: "ACSC" for one in payouts(3)}
    (notice,) = came(tmp_path, "camt.054.*.xml")
    booked = [(one.end_to_end_id, "DBIT", one.amount, "VND") for one in payouts(3)]
    assert statement(notice).entries == booked
    tick(tmp_path, NOW + timedelta(days=1))
    (day,) = came(tmp_path, "camt.053.*.xml")
    shown = statement(day)
    assert (shown.opening, shown.closing, shown.entries) == (5_000_000_000, 5_000_000_000 - 225_006, booked)
    assert shown.agrees
    entry = files.bare(day.read_bytes()).find(".//Ntry")
    assert entry.findtext(".//Refs/MsgId") == "PO-W000012-1"
    assert entry.findtext(".//Refs/PmtInfId") == "PO-W000012-1-P1"
    assert entry.findtext(".//Refs/AcctSvcrRef") == entry.findtext("AcctSvcrRef")
    assert entry.findtext("AcctSvcrRef").startswith("FT20261129")
    ack = json.loads(came(tmp_path, "pain.001.*.ack.json")[0].read_text())
    assert ack["accepted"] is True
    assert ack["file"] == "pain.001.PO-W000012-1.xml"


def test_net_positions_move_between_the_telecoms_accounts_and_the_schemes(tmp_path: Path) -> None:
    give(tmp_path, BANK, "pacs.009.NP-W000012.xml", files.pacs009("NP-W000012", {"VIETTEL": -900_000, "VNPT": 250_000}))
    tick(tmp_path, NOW)
    (status,) = came(tmp_path, "pacs.002.*.xml")
    files.check_valid(status.read_bytes())
    assert set(statuses(status).values()) == {"ACSC"}
    shown = statement(came(tmp_path, "camt.054.*.xml")[0])
    assert shown.entries == [
        ("NP-000012-VIETTEL", "CRDT", 900_000, "VND"), ("NP-000012-VNPT", "DBIT", 250_000, "VND"),
    ]  # fmt: skip
    balances = dict(ask(tmp_path, "SELECT owner, balance - opening FROM accounts"))
    assert balances == {"PLATFORM": 650_000, "VIETTEL": -900_000, "VNPT": 250_000, "MOBIFONE": 0, "STRIPE": 0}


def test_an_institution_without_an_account_number_is_known_by_its_name(tmp_path: Path) -> None:
    content = files.pacs009("NP-W000013", {"VIETTEL": -7}).decode()
    without = content.replace("<DbtrAcct><Id><Othr><Id>99990000000101</Id></Othr></Id></DbtrAcct>", "")
    assert without != content
    give(tmp_path, BANK, "pacs.009.NP-W000013.xml", without.encode())
    tick(tmp_path, NOW)
    assert ask(tmp_path, "SELECT balance - opening FROM accounts WHERE owner = 'VIETTEL'") == [(-7,)]


def test_pacs_008_is_paid_and_answered_by_a_pacs_002(tmp_path: Path) -> None:
    content = files.pacs008("PX-1", payouts(2))
    files.check_valid(content)
    give(tmp_path, BANK, "pacs.008.PX-1.xml", content)
    tick(tmp_path, NOW)
    (status,) = came(tmp_path, "pacs.002.*.xml")
    assert statuses(status) == {one.end_to_end_id: "ACSC" for one in payouts(2)}
    assert files.check_valid(status.read_bytes()).findtext(".//OrgnlTxId") == "TPO-000012-000001-1"


def test_each_wrong_instruction_is_rejected_with_its_reason_and_the_others_are_paid(tmp_path: Path) -> None:
    of = [
        Payout("PO-000012-000001-1", 10_000),
        Payout("PO-000012-000002-1", 10_000, account="---"),
        Payout("PO-000012-000003-1", 10_000, bank="123456"),
        Payout("PO-000012-000004-1", 10_000, currency="USD"),
        Payout("PO-000012-000005-1", 0),
        Payout("PO-000012-000006-1", 6_000_000_000),
        Payout("PO-000012-000001-1", 10_000),
        Payout("PO-000012-000007-1", 20_000, bank=BANK),
    ]
    give(tmp_path, BANK, "pain.001.M.xml", files.pain001("M", of))
    tick(tmp_path, NOW)
    (status,) = came(tmp_path, "pain.002.*.xml")
    said = files.check_valid(status.read_bytes())
    assert said.findtext(".//GrpSts") == "PART"
    found = [(one.findtext("TxSts"), one.findtext(".//Rsn/Cd")) for one in said.iter("TxInfAndSts")]
    assert found == [
        ("ACSC", None), ("RJCT", "AC01"), ("RJCT", "RC01"), ("RJCT", "AM03"), ("RJCT", "AM01"), ("RJCT", "AM04"),
        ("RJCT", "AM05"), ("ACSC", None),
    ]  # fmt: skip
    assert ask(tmp_path, "SELECT opening - balance FROM accounts WHERE owner = 'PLATFORM'") == [(30_000,)]


def test_a_part_of_a_dong_and_an_unknown_debtor_are_rejected(tmp_path: Path) -> None:
    broken = [Payout("PO-000012-000001-1", 10_000, shown="9999.5"), Payout("PO-000012-000002-1", 1, shown="0.5")]
    give(tmp_path, BANK, "pain.001.A.xml", files.pain001("A", broken, total=10_000))
    give(tmp_path, BANK, "pain.001.B.xml", files.pain001("B", payouts(1), debtor="1234567890"))
    tick(tmp_path, NOW)
    first, second = came(tmp_path, "pain.002.*.xml")
    assert set(statuses(first).values()) == {"RJCT AM01"}
    assert set(statuses(second).values()) == {"RJCT AC02"}
    assert came(tmp_path, "camt.054.*.xml") == []


@pytest.mark.parametrize(("wrong", "reason"), [({"total": 1}, "AM10"), ({"count": 4}, "AM18")])
def test_a_file_that_does_not_add_up_is_rejected_as_a_whole(tmp_path: Path, wrong: dict, reason: str) -> None:
    give(tmp_path, BANK, "pain.001.M.xml", files.pain001("M", payouts(3), **wrong))
    tick(tmp_path, NOW)
    said = files.check_valid(came(tmp_path, "pain.002.*.xml")[0].read_bytes())
    assert (said.findtext(".//GrpSts"), said.findtext(".//Rsn/Cd")) == ("RJCT", reason)
    assert said.find(".//TxInfAndSts") is None
    assert ask(tmp_path, "SELECT count(*) FROM bookings") == [(0,)]


def test_the_same_message_again_is_answered_again_and_not_executed(tmp_path: Path, them: Institutions) -> None:
    content = files.pain001("M", payouts(2))
    for name in ("pain.001.M.xml", "pain.001.M-again.xml", "pain.001.M.xml"):
        give(tmp_path, BANK, name, content)
        them.tick(NOW)
    first, *others = came(tmp_path, "pain.002.*.xml")
    assert len(others) == 2
    for other in others:
        assert statuses(other) == statuses(first)
        said = files.check_valid(other.read_bytes())
        assert (said.findtext(".//GrpSts"), said.findtext(".//Rsn/Cd")) == ("ACSC", "AM05")
    assert len(came(tmp_path, "camt.054.*.xml")) == 1
    them.close()
    assert ask(tmp_path, "SELECT count(*) FROM bookings") == [(4,)]


def test_another_body_under_a_message_id_that_was_used_is_rejected(tmp_path: Path) -> None:
    give(tmp_path, BANK, "pain.001.M.xml", files.pain001("M", payouts(2)))
    tick(tmp_path, NOW)
    give(tmp_path, BANK, "pain.001.M2.xml", files.pain001("M", payouts(2, window=13)))
    tick(tmp_path, NOW)
    said = files.check_valid(came(tmp_path, "pain.002.*.xml")[1].read_bytes())
    assert (said.findtext(".//GrpSts"), said.findtext(".//Rsn/Cd")) == ("RJCT", "AM05")
    assert said.find(".//TxInfAndSts") is None
    assert ask(tmp_path, "SELECT count(*) FROM bookings") == [(4,)]


def test_an_end_to_end_id_is_paid_once_whatever_message_carries_it(tmp_path: Path) -> None:
    give(tmp_path, BANK, "pain.001.A.xml", files.pain001("A", payouts(2)))
    tick(tmp_path, NOW)
    give(tmp_path, BANK, "pain.001.B.xml", files.pain001("B", payouts(3)))
    tick(tmp_path, NOW)
    second = statuses(came(tmp_path, "pain.002.*.xml")[1])
    assert list(second.values()) == ["RJCT AM05", "RJCT AM05", "ACSC"]


def test_a_file_that_is_cut_is_refused_and_the_whole_one_is_executed_later(tmp_path: Path) -> None:
    content = files.pain001("M", payouts(50))
    give(tmp_path, BANK, "pain.001.M.xml", content[: len(content) // 2])
    tick(tmp_path, NOW)
    ack = json.loads(came(tmp_path, "*.ack.json")[0].read_text())
    assert ack["accepted"] is False
    assert ack["reason"].startswith("FF01")
    assert came(tmp_path, "pain.002.*.xml") == []
    assert ask(tmp_path, "SELECT count(*) FROM instructions") == [(0,)]
    give(tmp_path, BANK, "pain.001.M.xml", content)
    tick(tmp_path, NOW)
    assert json.loads(came(tmp_path, "*.ack.json")[0].read_text())["accepted"] is True
    assert set(statuses(came(tmp_path, "pain.002.*.xml")[0]).values()) == {"ACSC"}


@pytest.mark.parametrize(
    "content",
    [
        b"", b"<a/>", b"not XML", b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"/>',
        b'<!DOCTYPE d [<!ENTITY e "e">]>' + files.pain001("M", payouts(1)).partition(b"?>")[2],
        b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"/>',
        files.pain001("M" * 36, payouts(1)), files.pain001("M", [Payout("E" * 36, 1)]),
        files.pain001("M", [Payout("E", 1, shown="-1")]), files.pain001("M", [Payout("E", 1, shown="1e99")]),
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.xml"
    path.write_bytes(content)
    with pytest.raises(Unreadable):
        list(Reading(path).transfers())


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=20))
def test_what_is_read_is_what_was_written(tmp_path_factory: pytest.TempPathFactory, amounts: list[int]) -> None:
    of = [Payout(f"PO-000001-{number:06d}-1", amount) for number, amount in enumerate(amounts)]
    path = tmp_path_factory.getbasetemp() / "read.xml"
    path.write_bytes(files.pain001("M", of))
    reading = Reading(path)
    found = list(reading.transfers())
    assert [(one.end_to_end_id, one.amount, one.creditor.account) for one in found] == [
        (one.end_to_end_id, one.amount, one.account) for one in of
    ]
    assert (reading.count, reading.total) == (len(of), sum(amounts))
    assert {one.creditor.name for one in found} == {"Hàng xén Cô Tư & con"}


def test_each_statement_begins_where_the_one_before_ended_and_a_closed_day_stays_closed(
    tmp_path: Path, them: Institutions
) -> None:
    closings = []
    for number in range(3):
        give(tmp_path, BANK, f"pain.001.M{number}.xml", files.pain001(f"M{number}", payouts(2, window=number)))
        them.tick(NOW)
        them.tick(NOW, day_end=TODAY + timedelta(days=number))
    found = [statement(path) for path in came(tmp_path, "camt.053.*.xml")]
    closings = [one.closing for one in found]
    assert [one.opening for one in found] == [5_000_000_000, *closings[:-1]]
    assert [len(one.entries) for one in found] == [2, 2, 2]
    # Said again, nothing more comes.
    them.tick(NOW, day_end=TODAY)
    assert len(came(tmp_path, "camt.053.*.xml")) == 3


def test_a_day_without_bookings_has_a_statement_where_it_is_asked_for(tmp_path: Path) -> None:
    tick(tmp_path, NOW, day_end=TODAY)
    shown = statement(came(tmp_path, "camt.053.*.xml")[0])
    assert (shown.opening, shown.closing, shown.entries) == (5_000_000_000, 5_000_000_000, [])


def test_the_banks_customers_are_data_where_they_are_given(tmp_path: Path) -> None:
    folder = tmp_path / "exchange" / BANK
    folder.mkdir(parents=True)
    mine = [{"account": "111", "owner": "PLATFORM", "name": "Chợ", "balance": 76_000}]
    (folder / "accounts.json").write_text(json.dumps(mine))
    give(tmp_path, BANK, "pain.001.M.xml", files.pain001("M", payouts(2), debtor="111"))
    tick(tmp_path, NOW, day_end=TODAY)
    assert list(statuses(came(tmp_path, "pain.002.*.xml")[0]).values()) == ["ACSC", "RJCT AM04"]
    shown = statement(came(tmp_path, "camt.053.*.xml")[0])
    assert (shown.opening, shown.closing) == (76_000, 76_000 - 75_001)


def test_broken_customers_or_faults_stop_the_bank_until_they_are_corrected(tmp_path: Path, them: Institutions) -> None:
    give(tmp_path, BANK, "pain.001.M.xml", files.pain001("M", payouts(1)))
    (tmp_path / "exchange" / BANK / "faults.json").write_text('[{"kind": "no such"}]')
    assert [one.what for one in them.tick(NOW)] == ["STOPPED"]
    assert came(tmp_path, "*") == []
    files.set_faults(tmp_path, BANK)
    assert "executed" in [one.what for one in them.tick(NOW)]


def test_a_manifest_for_the_bank_is_acknowledged(tmp_path: Path) -> None:
    content = files.pain001("M", payouts(1))
    give(tmp_path, BANK, "pain.001.M.xml", content)
    give(tmp_path, BANK, "manifest.W000012-970418.json", files.manifest({"pain.001.M.xml": content}))
    tick(tmp_path, NOW)
    ack = json.loads(came(tmp_path, "manifest.*.ack.json")[0].read_text())
    assert ack["accepted"] is True


def test_one_process_at_a_time_has_the_book(tmp_path: Path, them: Institutions) -> None:
    assert them.tick(NOW) == []
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        Institutions(tmp_path)


def test_the_money_on_all_accounts_together_never_changes(tmp_path: Path, them: Institutions) -> None:
    files.set_faults(tmp_path, BANK, {"kind": "returned", "count": 3}, {"kind": "rejected", "count": 2})
    give(tmp_path, BANK, "pain.001.M.xml", files.pain001("M", payouts(20)))
    give(tmp_path, BANK, "pacs.009.NP-W000012.xml", files.pacs009("NP-W000012", {"VIETTEL": -9, "VNPT": 4}))
    for second in range(3):
        them.tick(NOW + timedelta(seconds=second))
    them.close()
    assert ask(tmp_path, "SELECT sum(balance) - sum(opening) FROM accounts") == [(0,)]
    moved = "SELECT sum((side = 'C') * amount) - sum((side = 'D') * amount) FROM bookings"
    assert ask(tmp_path, moved) == [(0,)]
    of_each = ask(
        tmp_path,
        "SELECT a.balance - a.opening, (SELECT coalesce(sum(CASE side WHEN 'C' THEN amount ELSE -amount END), 0) "
        "FROM bookings AS b WHERE b.agent = a.agent AND b.account = a.account) FROM accounts AS a",
    )
    assert all(balance == booked for balance, booked in of_each)
