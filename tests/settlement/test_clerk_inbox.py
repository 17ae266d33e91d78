"""What institutions put into their folders: what is taken, what is refused and why, and in which order it is read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import redis
from lxml import etree
from pymongo.errors import AutoReconnect

from services.settlement.clerk import inbox, reconcile
from services.settlement.clerk.peers import Later
from services.settlement.exchange import REFUSED_SAME_NAME_MAX
from services.settlement.matching import casework
from services.settlement.matching import store as kept
from services.settlement.matching.breaks import State
from services.settlement.payouts import rules
from services.settlement.payouts import store as payouts
from services.settlement.records import StatusLine, StatusReport
from tests.settlement import iso_status_files
from tests.settlement.clerk_office import BANK, DAY, Office, open_office

CAMT = "{urn:iso:std:iso:20022:tech:xsd:camt.053.001.08}"


@pytest.fixture
def office(books: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    for made in open_office(tmp_path, monkeypatch):
        made.trade(60, 6)
        made.cut()
        made.work()
        yield made


def put(office: Office, institution: str, name: str, content: bytes) -> Path:
    path = office.home / "exchange" / institution / "in" / name
    path.write_bytes(content)
    return path


def waiting(office: Office, pattern: str) -> Path:
    (found,) = (office.home / "exchange" / BANK / "in").glob(pattern)
    return found


def states() -> set[str]:
    return {one.state for one in payouts.of_window(1)}


def open_breaks(institution: str) -> list[tuple[str, str]]:
    found, _ = casework.of_state(institution, State.OPEN, "", 200)
    return sorted((one.type.value, one.reference) for one in found)


# (institution, name, content, the reason for which it is refused)
NOT_THE_EXCHANGES = (
    (BANK, "record.W000001-970418.csv", b"x", "NOT_YOURS"), (BANK, "report.csv", b"x", "NAME"),
    (BANK, "statement.txt", b"x", "UNKNOWN_FORMAT"), (BANK, "camt.053.1.xml", b"", "EMPTY"),
    (BANK, "pain.002.1.xml", b"<Document/>", "NOT_A_STATUS"), (BANK, "camt.053.2.xml", b"<a><b></a>", "UNKNOWN_FORMAT"),
    ("VNPT", "pain.002.1.xml", b"<Document/>", "NOT_YOURS"), ("VNPT", "pacs.002.1.xml", b"", "NOT_YOURS"),
    ("VNPT", "camt.053.1.xml", b"x", "NAME"), ("VNPT", "record.W000001-VIETTEL.csv", b"x", "NOT_YOURS"),
    ("VNPT", "record.W000002-VNPT.csv", b"x", "WINDOW"), ("VNPT", "record.W000001-VNPT.csv", b"x\n", "COLUMNS"),
    ("VNPT", "acceptance.W000001-VNPT.json", b"[]", "ACCEPTANCE"), ("VNPT", "a.csv.ack.json", b"{}", "ACK_BROKEN"),
    ("970436", "statement.mt940", b":20:X", "NAME"),
)  # fmt: skip


def test_what_is_none_of_the_exchanges_files_is_refused_with_its_reason(office: Office) -> None:
    for institution, name, content, _ in NOT_THE_EXCHANGES:
        put(office, institution, name, content)
    office.work()
    told = {institution: office.refused(institution) for institution in (BANK, "VNPT", "970436")}
    assert sum(map(len, told.values())) == len(NOT_THE_EXCHANGES)
    for institution, name, _, reason in NOT_THE_EXCHANGES:
        assert f"Reason code: {reason}\n" in told[institution][name]
    assert states() == {rules.SENT}


def test_a_status_of_what_we_never_sent_or_of_what_was_not_in_it_moves_nothing(office: Office) -> None:
    office.tick()
    said = waiting(office, "pain.002.*")
    text = said.read_text()
    said.write_text(text.replace("PO-W000001-1<", "PO-W000009-1<"))
    put(office, BANK, "pain.002.stranger.xml", text.replace("PO-000001-000006-1<", "PO-000009-000006-1<").encode())
    office.work()
    refused = office.refused(BANK)
    assert "UNKNOWN_MESSAGE" in refused[said.name]
    assert "NOT_IN_MESSAGE" in refused["pain.002.stranger.xml"]
    assert states() == {rules.SENT}
    put(office, BANK, said.name, text.encode())
    office.work()
    assert states() == {rules.PAID}


@pytest.mark.parametrize("group", ["", "ACSC"])
def test_a_status_that_names_payouts_by_their_instructions_ids_alone_is_of_them(office: Office, group: str) -> None:
    first, *others = sorted(one.id for one in payouts.of_window(1))
    lines = (StatusLine(first, "", "RJCT", "AC01"), *(StatusLine(one, "", "ACSC") for one in others if not group))
    said = StatusReport("ST-1", office.now, "PO-W000001-1", "pacs.008.001.08", group, "", lines)
    put(office, BANK, "pacs.002.ST-1.xml", iso_status_files.content("pacs.002.001.10", said))
    office.work()
    assert office.refused(BANK) == {}
    assert {one.id for one in payouts.of_window(1) if one.state == rules.FAILED} == {first}
    assert {one.id for one in payouts.of_window(1) if one.state == rules.PAID} == set(others)


def test_of_a_file_of_two_statements_nothing_is_taken_where_the_second_is_wrong(office: Office) -> None:
    office.tick()
    office.work()
    office.tick(1, day_end=DAY)
    office.tick(1, day_end=DAY + timedelta(days=1))
    both, second = waiting(office, "camt.053.*D20261124.xml"), waiting(office, "camt.053.*D20261125.xml")
    tree = etree.parse(both)
    tree.getroot()[0].append(etree.parse(second).find(f".//{CAMT}Stmt"))
    second.unlink()
    right = etree.tostring(tree)
    closing = tree.findall(f".//{CAMT}Bal/{CAMT}Amt")[-1]
    closing.text = str(int(str(closing.text)) + 1)
    both.write_bytes(etree.tostring(tree))
    office.later(days=1)
    office.work()
    assert "BALANCE" in office.refused(BANK)[both.name]
    assert [one.reconciled for one in payouts.of_window(1)] == [""] * 6
    both.write_bytes(right)
    office.work()
    assert "" not in {one.reconciled for one in payouts.of_window(1)}
    assert open_breaks(BANK) == []


def test_of_a_file_in_which_another_account_is_too_nothing_is_taken(office: Office) -> None:
    office.tick()
    office.work()
    office.tick(1, day_end=DAY)
    office.tick(1, day_end=DAY + timedelta(days=1))
    both, second = waiting(office, "camt.053.*D20261124.xml"), waiting(office, "camt.053.*D20261125.xml")
    tree = etree.parse(both)
    other = etree.parse(second).find(f".//{CAMT}Stmt")
    next(one for one in other.iter(f"{CAMT}Id") if one.text == "99990000000001").text = "99990000000777"
    tree.getroot()[0].append(other)
    second.unlink()
    both.write_bytes(etree.tostring(tree))
    office.later(days=1)
    office.work()
    assert "ACCOUNT" in office.refused(BANK)[both.name]
    assert [one.reconciled for one in payouts.of_window(1)] == [""] * 6


def test_a_statement_that_came_cut_is_taken_when_it_comes_whole_under_the_same_name(office: Office) -> None:
    office.tick(1, day_end=DAY)
    statement = waiting(office, "camt.053.*")
    whole = statement.read_bytes()
    for cut in (len(whole) // 2, len(whole) - 12):
        statement.write_bytes(whole[:cut])
        office.work()
        assert statement.name in office.refused(BANK)
        assert [one.reconciled for one in payouts.of_window(1)] == [""] * 6
    statement.write_bytes(whole)
    office.work()
    assert "" not in {one.reconciled for one in payouts.of_window(1)}


def test_what_is_notified_after_its_day_has_its_statement_is_nothing_new(office: Office) -> None:
    office.tick()
    notices = list((office.home / "exchange" / BANK / "in").glob("camt.054.*"))
    kept_back = {notice.name: notice.read_bytes() for notice in notices}
    for notice in notices:
        notice.unlink()
    office.tick(1, day_end=DAY)
    office.work()
    for name, content in kept_back.items():
        put(office, BANK, name, content)
    office.work()
    assert len(kept_back) == 2
    assert (open_breaks(BANK), office.refused(BANK)) == ([], {})


def test_a_statement_without_any_references_is_matched_by_account_and_amount(office: Office) -> None:
    office.tick()
    office.work()
    office.tick(1, day_end=DAY)
    statement = waiting(office, "camt.053.*")
    tree = etree.parse(statement)
    for refs in list(tree.iter(f"{CAMT}Refs")):
        if any(text.startswith("PO-") for text in refs.itertext()):
            refs.getparent().remove(refs)
    statement.write_bytes(etree.tostring(tree))
    office.work()
    (found,) = [one for one in kept.reconciliations(BANK)[0] if one.kind == "camt.053"]
    assert (open_breaks(BANK), found.by_rule) == ([], {"account": 6, "reference": 3})
    assert "" not in {one.reconciled for one in payouts.of_window(1)}


def test_a_days_statement_that_is_sent_corrected_takes_the_first_ones_place(office: Office) -> None:
    office.arm(BANK, kind="wrong_amount", end_to_end_id="PO-000001-000002-1", amount=7)
    office.tick()
    office.work()
    office.tick(1, day_end=DAY)
    statement = waiting(office, "camt.053.*")
    wrong = etree.parse(statement)
    office.work()
    assert open_breaks(BANK) == [("AMOUNT", "PO-000001-000002-1")]
    put(office, BANK, "camt.053.corrected.xml", etree.tostring(corrected(wrong, "PO-000001-000002-1", -7)))
    office.work()
    assert (open_breaks(BANK), office.refused(BANK)) == ([], {})
    first, second = sorted(kept.reconciliations(BANK)[0], key=lambda one: one.name == "camt.053.corrected.xml")[-2:]
    assert (second.name, second.totals.matched_expected) == ("camt.053.corrected.xml", first.totals.expected)
    office.later(days=3)
    office.tick(1, day_end=office.now.date())
    office.work()
    assert open_breaks(BANK) == [], "what the corrected one showed is looked for no more"


def test_what_a_corrected_statement_shows_no_more_is_looked_for_again(office: Office) -> None:
    office.tick()
    office.work()
    office.tick(1, day_end=DAY)
    statement = waiting(office, "camt.053.*")
    right = etree.parse(statement)
    office.work()
    gone = "PO-000001-000002-1"
    put(office, BANK, "camt.053.corrected.xml", etree.tostring(without(right, gone)))
    office.work()
    assert {one.id: one.reconciled for one in payouts.of_window(1)}[gone] == ""
    office.later(days=3)
    office.tick(1, day_end=office.now.date())
    office.work()
    assert open_breaks(BANK) == [("MISSING", gone)]


def corrected(tree: etree._ElementTree, reference: str, by: int) -> etree._ElementTree:
    """The statement anew, with another amount for a reference."""
    _again(tree)
    entry = _entry_of(tree, reference)
    for amount in entry.iter(f"{CAMT}Amt"):
        amount.text = str(int(amount.text) + by)
    _closing(tree, -by)
    return tree


def without(tree: etree._ElementTree, reference: str) -> etree._ElementTree:
    """The statement anew, without the entry of a reference."""
    _again(tree)
    entry = _entry_of(tree, reference)
    _closing(tree, int(entry.find(f"{CAMT}Amt").text))
    entry.getparent().remove(entry)
    return tree


def _again(tree: etree._ElementTree) -> None:
    for name in (f".//{CAMT}GrpHdr/{CAMT}MsgId", f".//{CAMT}Stmt/{CAMT}Id"):
        found = tree.find(name)
        found.text = f"{found.text}-2"
    totals = tree.find(f".//{CAMT}TxsSummry")
    totals.getparent().remove(totals)  # they may be left out


def _entry_of(tree: etree._ElementTree, reference: str) -> etree._Element:
    (found,) = [one for one in tree.iter(f"{CAMT}Ntry") if reference in one.itertext()]
    return found


def _closing(tree: etree._ElementTree, by: int) -> None:
    """Of an account that holds less than nothing."""
    balance = tree.findall(f".//{CAMT}Bal")[-1]
    sign = 1 if balance.find(f"{CAMT}CdtDbtInd").text == "CRDT" else -1
    amount = balance.find(f"{CAMT}Amt")
    amount.text = str(sign * (sign * int(amount.text) + by))


def test_files_of_a_kind_are_read_in_the_order_in_which_they_came(office: Office) -> None:
    office.arm("VNPT", kind="duplicate_message_id", on="record.*", seed=3)
    office.tick(3, telecoms=True)
    office.work()
    (extra,) = open_breaks("VNPT")
    assert extra[0] == "EXTRA", "the second record, which was sent last, takes the first one's place"
    assert {one.name: one.breaks for one in kept.reconciliations("VNPT")[0]} == {
        "record.W000001-VNPT.csv": 0, "record.W000001-VNPT.2.csv": 1,
    }  # fmt: skip


def test_the_same_file_again_is_taken_and_counts_once(office: Office) -> None:
    office.tick(1, day_end=DAY)
    statement = waiting(office, "camt.053.*")
    content = statement.read_bytes()
    office.work()
    before = kept.reconciliations(BANK)[0]
    for name in (statement.name, "camt.053.again.xml"):
        put(office, BANK, name, content)
        office.work()
    assert kept.reconciliations(BANK)[0] == before
    assert office.refused(BANK) == {}


def mt940(account: str, number: str, on: date, lines: list[tuple[str, int, str]]) -> str:
    """A day's statement of (mark, đồng, reference); `number`: the field :28C:, if it has one."""
    led_to = 9_000_000_000 + sum(amount if mark == "RD" else -amount for mark, amount, _ in lines)
    shown = "".join(f":61:{on:%y%m%d}{mark}{amount},NTRFNONREF\n:86:/EREF/{of}\n" for mark, amount, of in lines)
    return (
        f":20:SAOKE\n:25:{account}\n{number}:60F:C{on:%y%m%d}VND9000000000,\n{shown}:62F:C{on:%y%m%d}VND{led_to},\n-\n"
    )


@pytest.mark.parametrize("number", [":28C:328\n", ""])
def test_of_a_file_of_two_statements_under_one_number_both_are_compared_and_once(office: Office, number: str) -> None:
    office.tick(2)
    office.work()
    for notice in (office.home / "exchange" / BANK / "in").glob("camt.054.*"):
        notice.unlink()
    paid = [("D", one.amount - one.fee, one.id) for one in payouts.of_window(1)]
    back = ("RD", *paid[0][1:])
    account = office.desk.settings.scheme_account
    office.later(days=1)
    both = mt940(account, number, DAY, paid) + mt940(account, number, DAY + timedelta(days=1), [back])
    put(office, BANK, "saoke.sta", both.encode())
    office.work()
    assert {one.id for one in payouts.of_window(1) if one.state == rules.RETURNED} == {back[2]}
    before = kept.reconciliations(BANK)[0]
    named = number.strip().removeprefix(":28C:")
    assert {one.statement_id for one in before if one.kind == "mt940"} == {named, f"{named}#2"}
    put(office, BANK, "saoke.again.sta", both.encode())
    office.work()
    assert kept.reconciliations(BANK)[0] == before
    assert (office.refused(BANK), office.ledger.moved["returned"]) == ({}, 1)


def test_an_mt940_is_of_the_day_of_its_closing_balance(office: Office) -> None:
    office.tick()
    office.work()
    paid = [("D", one.amount - one.fee, one.id) for one in payouts.of_window(1)]
    whole, before = mt940(office.desk.settings.scheme_account, ":28C:328\n", DAY, paid), DAY - timedelta(days=1)
    put(office, BANK, "saoke.sta", whole.replace(f":60F:C{DAY:%y%m%d}", f":60F:C{before:%y%m%d}").encode())
    office.work()
    (found,) = [one for one in kept.reconciliations(BANK)[0] if one.kind == "mt940"]
    assert (found.as_of, found.scope) == (str(DAY), f"{found.stream}|{before}|{DAY}|0")


def test_of_a_file_whose_last_statement_has_the_ids_of_an_earlier_one_nothing_is_taken(office: Office) -> None:
    office.tick()
    office.work()
    account, next_day = office.desk.settings.scheme_account, DAY + timedelta(days=1)
    paid = [("D", one.amount - one.fee, one.id) for one in payouts.of_window(1)]
    put(office, BANK, "saoke.1.sta", mt940(account, ":28C:329\n", DAY, []).encode())
    office.work()
    office.later(days=1)
    both = mt940(account, ":28C:328\n", DAY, paid) + mt940(account, ":28C:329\n", next_day, [])
    put(office, BANK, "saoke.2.sta", both.encode())
    office.work()
    assert "Reason code: MESSAGE_ID\n" in office.refused(BANK)["saoke.2.sta"]
    assert [one.reconciled for one in payouts.of_window(1)] == [""] * 6
    put(office, BANK, "saoke.3.sta", both.replace(":28C:329", ":28C:330").encode())
    office.work()
    assert "" not in {one.reconciled for one in payouts.of_window(1)}


@pytest.mark.parametrize(("days", "decided"), [(0, False), (1, False), (1, True)])
def test_what_the_bank_booked_twice_and_puts_right_did_not_come_back_from_its_payee(
    office: Office, days: int, decided: bool
) -> None:
    office.tick(1)
    office.work()
    for notice in (office.home / "exchange" / BANK / "in").glob("camt.054.*"):
        notice.unlink()
    paid = [("D", one.amount - one.fee, one.id) for one in payouts.of_window(1)]
    twice, right = paid[0], ("RD", *paid[0][1:])
    account = office.desk.settings.scheme_account
    lines = [[*paid, twice, right]] if not days else [[*paid, twice], [right]]
    for day, shown in enumerate(lines):
        on = DAY + timedelta(days=day)
        statement = mt940(account, f":28C:{day}\n", on, shown).replace("SAOKE", str(on))
        put(office, BANK, f"saoke.{day}.sta", statement.encode())
        office.work()
        if decided and not day:
            (found,) = casework.of_state(BANK, State.OPEN)[0]
            proposed = casework.propose(found.id, found.version, "theirs to put right", None, "usr_a", office.now)
            casework.approve(found.id, proposed.version, "usr_b", office.now)
        office.later(days=1)
    assert office.refused(BANK) == {}
    assert (states(), office.ledger.moved["returned"]) == ({rules.PAID}, 0)
    assert ("REVERSED", twice[2]) in open_breaks(BANK)


def test_another_content_under_a_name_that_was_taken_is_refused_before_anything_of_it_counts(office: Office) -> None:
    office.tick()
    said = waiting(office, "pain.002.*")
    paid = said.read_text()
    said.write_text(paid.replace("ACSC", "ACSP"))
    office.work()
    assert (states(), office.refused(BANK)) == ({rules.SENT}, {})
    put(office, BANK, said.name, paid.encode())
    office.work()
    assert "Reason code: NAME_TAKEN\n" in office.refused(BANK)[said.name]
    assert states() == {rules.SENT}
    put(office, BANK, "pain.002.corrected.xml", paid.encode())
    office.work()
    assert states() == {rules.PAID}


def test_what_a_killed_writer_left_in_the_folders_is_gone_once_it_is_old(office: Office) -> None:
    left = put(office, "VNPT", ".a.csv.0a1b2c3d.part", b"half")
    fresh = put(office, BANK, ".b.csv.0a1b2c3d.part", b"half")
    os.utime(left, (1, 1))
    inbox.read_all(office.desk)
    assert (left.exists(), fresh.exists()) == (False, True)


# What cannot be an amount of đồng, as JSON has it.
NO_AMOUNTS = ("9" * 30, "-9223372036854775809", "9007199254740993", "1e3", "true", '"5"', "9" * 5000)


def test_an_acceptance_of_an_amount_that_cannot_be_is_refused_and_stops_nothing(office: Office) -> None:
    for number, net in enumerate(NO_AMOUNTS):
        said = f'{{"pack": "W000001-VNPT", "net": {net}, "accepted": false, "reason": "DIFFERS: x"}}'
        put(office, "VNPT", f"acceptance.W000001-VNPT.{number}.json", said.encode())
    office.work()
    told = office.refused("VNPT")
    assert sorted(told) == [f"acceptance.W000001-VNPT.{number}.json" for number in range(len(NO_AMOUNTS))]
    assert [name for name, text in told.items() if "Reason code: ACCEPTANCE\n" not in text] == []
    assert open_breaks("VNPT") == []


def test_an_acceptance_with_half_a_character_in_its_reason_is_refused(office: Office) -> None:
    said = rb'{"pack": "W000001-VNPT", "net": 5, "accepted": false, "reason": "DIFFERS: \ud83d"}'
    put(office, "VNPT", "acceptance.W000001-VNPT.json", said)
    office.work()
    assert "Reason code: ACCEPTANCE\n" in office.refused("VNPT")["acceptance.W000001-VNPT.json"]


def test_a_file_on_which_we_fail_stays_where_it_is_and_keeps_nobody_elses_from_being_read(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise AssertionError("a mistake of ours")

    stuck = put(office, "VNPT", "record.W000001-VNPT.csv", b"x")
    monkeypatch.setattr(reconcile, "record", fails)
    office.tick(2)
    office.work()
    assert (stuck.exists(), states()) == (True, {rules.PAID})
    monkeypatch.undo()


def test_where_somebody_cannot_be_reached_the_file_waits_with_all_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = put(office, "VNPT", "record.W000001-VNPT.csv", b"x")
    for error in (Later("later"), AutoReconnect("away"), redis.ConnectionError("away")):

        def away(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(reconcile, "record", away)
        with pytest.raises(type(error)):
            office.work()
        assert waits.exists()


def test_a_file_that_cannot_be_moved_away_keeps_nobody_elses_from_being_read(office: Office) -> None:
    refused = office.home / "exchange" / "VNPT" / "in" / "refused"
    for number in range(1, REFUSED_SAME_NAME_MAX + 1):
        (refused / ("junk.bin" + (f".{number}" if number > 1 else ""))).write_text(str(number))
    junk = put(office, "VNPT", "junk.bin", b"one more")
    os.utime(junk, (1, 1))
    office.tick(2)
    office.work()
    assert junk.exists()
    assert states() == {rules.PAID}
