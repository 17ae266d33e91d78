"""Each fault does what it says, once, the same for the same seed; and what was done is told truly."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.institutions.faults import Fault, FaultsBroken, arm, load
from simulators.institutions.lines import Line, Plan, plan
from simulators.institutions.ticks import Institutions
from tests.simulators import institutions_files as files
from tests.simulators.institutions_files import (
    BANK,
    came,
    done,
    give,
    give_pack,
    payouts,
    set_faults,
    statement,
    statuses,
    unsynced,
)

__all__ = ["unsynced"]

NOW = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TODAY = date(2026, 11, 29)
TRUE = {one.end_to_end_id: one.amount for one in payouts(10)}
POSTINGS = [(f"tid-{number}", "DC"[number % 2], 1000 * number) for number in range(1, 11)]


@pytest.fixture
def them(tmp_path: Path) -> Iterator[Institutions]:
    with closing(Institutions(tmp_path)) as institutions:
        yield institutions


def one_day(home: Path, them: Institutions, *faults: dict[str, object]) -> list[files.Shown]:
    """A file of ten payouts, and its day's end; what the statements show."""
    set_faults(home, BANK, *faults)
    give(home, BANK, "pain.001.M.xml", files.pain001("M", payouts(10)))
    them.tick(NOW)
    them.tick(NOW + SECOND)
    them.tick(NOW + 2 * SECOND, day_end=TODAY)
    return [statement(path) for path in came(home, "camt.053.*.xml")]


def record(home: Path, them: Institutions, *faults: dict[str, object]) -> list[list[str]]:
    """A telecom's record of ten postings."""
    set_faults(home, "VIETTEL", *faults)
    give_pack(home, "VIETTEL", files.report("VIETTEL", POSTINGS))
    them.tick(NOW)
    them.tick(NOW + SECOND)
    return read_record(home, "record.W000012-VIETTEL.csv")


def read_record(home: Path, name: str) -> list[list[str]]:
    return list(csv.reader((home / "exchange" / "VIETTEL" / "in" / name).read_text().splitlines()))


# ---------------------------------------------------------------- instructions


def test_rejected_instructions_are_not_paid(tmp_path: Path, them: Institutions) -> None:
    named = {"kind": "rejected", "end_to_end_id": "PO-000012-000004-1", "reason": "BE04"}
    (shown,) = one_day(tmp_path, them, named, {"kind": "rejected", "count": 2, "seed": 5})
    (status,) = came(tmp_path, "pain.002.*.xml")
    rejected = {one: said for one, said in statuses(status).items() if said != "ACSC"}
    assert rejected["PO-000012-000004-1"] == "RJCT BE04"
    assert len(rejected) == 3
    assert {one[0] for one in shown.entries} == TRUE.keys() - rejected.keys()
    assert {truth["references"][0] for truth in done(tmp_path)} == rejected.keys()
    assert {(truth["kind"], truth["institution"], truth["file"]) for truth in done(tmp_path)} == {
        ("rejected", BANK, "pain.001.M.xml")
    }


def test_what_is_rejected_anyway_is_neither_returned_nor_told_as_such(tmp_path: Path, them: Institutions) -> None:
    set_faults(tmp_path, BANK, {"kind": "returned", "count": 2})
    give(tmp_path, BANK, "pain.001.A.xml", files.pain001("A", payouts(2), debtor="1234567890"))
    them.tick(NOW)
    assert done(tmp_path) == []
    give(tmp_path, BANK, "pain.001.B.xml", files.pain001("B", payouts(2)))
    them.tick(NOW)
    assert [truth["file"] for truth in done(tmp_path)] == ["pain.001.B.xml"] * 2


def test_a_returned_payment_is_paid_and_comes_back_as_a_reversal(tmp_path: Path, them: Institutions) -> None:
    (shown,) = one_day(tmp_path, them, {"kind": "returned", "end_to_end_id": "PO-000012-000003-1", "reason": "AC04"})
    assert set(statuses(came(tmp_path, "pain.002.*.xml")[0]).values()) == {"ACSC"}
    back = [one for one in shown.entries if one[1] == "CRDT"]
    assert back == [("PO-000012-000003-1", "CRDT", TRUE["PO-000012-000003-1"], "VND")]
    assert shown.agrees
    notice = files.check_valid(came(tmp_path, "camt.054.*.xml")[1].read_bytes())
    (entry,) = notice.iter("Ntry")
    assert entry.findtext("RvslInd") == "true"
    assert entry.findtext(".//RtrInf/Rsn/Cd") == "AC04"
    assert entry.findtext(".//EndToEndId") == "PO-000012-000003-1"
    # Once, however long one waits.
    them.tick(NOW + timedelta(hours=1))
    assert len(came(tmp_path, "camt.054.*.xml")) == 2


def test_a_delayed_payment_is_booked_on_a_later_day(tmp_path: Path, them: Institutions) -> None:
    (today,) = one_day(tmp_path, them, {"kind": "delayed", "end_to_end_id": "PO-000012-000003-1", "days": 2})
    status = came(tmp_path, "pain.002.*.xml")[0]
    assert statuses(status)["PO-000012-000003-1"] == "ACSP"
    assert files.check_valid(status.read_bytes()).findtext(".//GrpSts") == "ACSP"
    assert len(today.entries) == 9
    them.tick(NOW + timedelta(days=3))
    later = came(tmp_path, "camt.053.*.xml")[1]
    assert later.name == "camt.053.970418-D20261201.xml"
    shown = statement(later)
    assert [one[0] for one in shown.entries] == ["PO-000012-000003-1"]
    assert shown.opening == today.closing


# ---------------------------------------------------------------- lines


@pytest.mark.parametrize("kind", ["duplicated", "wrong_amount", "wrong_currency", "missing_line", "extra_line"])
def test_a_statement_with_wrong_lines_agrees_with_itself_and_its_truth_is_told(
    tmp_path: Path, them: Institutions, kind: str
) -> None:
    (shown,) = one_day(tmp_path, them, {"kind": kind, "count": 3, "seed": 7})
    assert shown.agrees
    truths = done(tmp_path)
    assert [truth["kind"] for truth in truths] == [kind] * 3
    expected = Counter({(one, amount, "VND"): 1 for one, amount in TRUE.items()})
    for truth in truths:
        (reference,), amounts = truth["references"], truth["amounts"]
        if amounts["true"] is not None:
            expected[reference, amounts["true"], "VND"] -= 1
        for amount in amounts["shown"]:
            expected[reference, amount, "USD" if kind == "wrong_currency" else "VND"] += 1
    assert Counter((one[0], one[2], one[3]) for one in shown.entries) == +expected
    lines = {"duplicated": 13, "missing_line": 7, "extra_line": 13}
    assert len(shown.entries) == lines.get(kind, 10)


def test_a_wrong_total_is_declared_and_the_lines_are_right(tmp_path: Path, them: Institutions) -> None:
    (shown,) = one_day(tmp_path, them, {"kind": "wrong_total", "amount": 5000})
    assert not shown.agrees
    assert {one[0]: one[2] for one in shown.entries} == TRUE
    assert shown.declared == (10, 5000, sum(TRUE.values()))
    assert shown.opening - sum(TRUE.values()) == shown.closing


def test_the_bank_tells_the_truth_in_its_notifications_whatever_its_statement_shows(
    tmp_path: Path, them: Institutions
) -> None:
    one_day(tmp_path, them, {"kind": "missing_line", "count": 10})
    assert {one[0]: one[2] for one in statement(came(tmp_path, "camt.054.*.xml")[0]).entries} == TRUE


@pytest.mark.parametrize("kind", ["duplicated", "wrong_amount", "wrong_currency", "missing_line", "extra_line"])
def test_a_record_with_wrong_lines_adds_up_and_its_truth_is_told(tmp_path: Path, them: Institutions, kind: str) -> None:
    found = record(tmp_path, them, {"kind": kind, "count": 3, "seed": 7})
    *lines, total = found[1:]
    sums = {side: sum(int(row[4]) for row in lines if row[3] == side) for side in "DC"}
    assert total == ["total", str(len(lines)), str(sums["D"]), str(sums["C"]), "", ""]
    expected = Counter({(transfer_id, amount, "VND"): 1 for transfer_id, _, amount in POSTINGS})
    for truth in done(tmp_path):
        (reference,), amounts = truth["references"], truth["amounts"]
        if amounts["true"] is not None:
            expected[reference, amounts["true"], "VND"] -= 1
        for amount in amounts["shown"]:
            expected[reference, amount, "USD" if kind == "wrong_currency" else "VND"] += 1
    assert Counter((row[0], int(row[4]), row[5]) for row in lines) == +expected
    said = json.loads(came(tmp_path, "acceptance.*", "VIETTEL")[0].read_text())
    assert said["accepted"] is False
    assert said["reason"].startswith("DIFFERS")


def test_a_transfer_is_struck_by_its_name(tmp_path: Path, them: Institutions) -> None:
    faults = (
        {"kind": "wrong_amount", "transfer_id": "tid-4", "amount": -1},
        {"kind": "missing_line", "transfer_id": "x"},
    )
    found = record(tmp_path, them, *faults)
    assert [row[4] for row in found if row[0] == "tid-4"] == ["3999"]
    assert len(found) == 12


def test_a_records_wrong_total(tmp_path: Path, them: Institutions) -> None:
    assert record(tmp_path, them, {"kind": "wrong_total", "amount": 7})[-1] == ["total", "10", "30007", "25000", "", ""]


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("then_whole", [True, False])
def test_a_cut_statement_is_half_a_file_and_the_whole_one_follows_where_asked(
    tmp_path: Path, them: Institutions, then_whole: bool
) -> None:
    set_faults(tmp_path, BANK, {"kind": "cut_file", "then_whole": then_whole})
    give(tmp_path, BANK, "pain.001.M.xml", files.pain001("M", payouts(10)))
    them.tick(NOW, day_end=TODAY)
    (cut,) = came(tmp_path, "camt.053.*.xml")
    half = cut.read_bytes()
    assert not half.rstrip().endswith(b"</Document>")
    them.tick(NOW + SECOND)
    (after,) = came(tmp_path, "camt.053.*.xml")
    if then_whole:
        assert statement(after).agrees
        assert after.read_bytes().startswith(half)
    else:
        assert after.read_bytes() == half


def test_a_duplicate_file_comes_again_under_another_name_with_the_same_bytes(
    tmp_path: Path, them: Institutions
) -> None:
    one_day(tmp_path, them, {"kind": "duplicate_file"}, {"kind": "duplicate_file", "on": "pain.002.*"})
    them.tick(NOW + timedelta(minutes=1))
    for pattern in ("camt.053.*", "pain.002.*"):
        again, first = came(tmp_path, pattern)
        assert again.name == f"{first.stem}.2.xml"
        assert again.read_bytes() == first.read_bytes()
    record(tmp_path, them, {"kind": "duplicate_file"})
    them.tick(NOW + timedelta(minutes=2))
    again, first = came(tmp_path, "record.*", "VIETTEL")
    assert (again.name, again.read_bytes()) == ("record.W000012-VIETTEL.2.csv", first.read_bytes())


def test_another_body_under_the_same_message_id_follows(tmp_path: Path, them: Institutions) -> None:
    (first,) = one_day(tmp_path, them, {"kind": "duplicate_message_id", "seed": 3})
    them.tick(NOW + timedelta(minutes=1))
    path, original = came(tmp_path, "camt.053.*.xml")
    other = statement(path)
    assert files.bare(path.read_bytes()).findtext(".//MsgId") == files.bare(original.read_bytes()).findtext(".//MsgId")
    assert other.agrees
    assert other.entries[:-1] == first.entries
    assert other.entries[-1][0] == done(tmp_path)[0]["references"][0]


def test_a_late_record_and_a_refused_net_position(tmp_path: Path, them: Institutions) -> None:
    set_faults(tmp_path, "VIETTEL", {"kind": "late_record", "late_s": 600}, {"kind": "rejected"})
    give_pack(tmp_path, "VIETTEL", files.report("VIETTEL", POSTINGS))
    for seconds in (0, 1, 599):
        them.tick(NOW + seconds * SECOND)
    assert came(tmp_path, "record.*", "VIETTEL") == []
    them.tick(NOW + 600 * SECOND)
    assert len(came(tmp_path, "record.*", "VIETTEL")) == 1
    said = json.loads(came(tmp_path, "acceptance.*", "VIETTEL")[0].read_text())
    assert said["reason"].startswith("REJECTED")
    assert [truth["kind"] for truth in done(tmp_path)] == ["late_record", "rejected"]


# ---------------------------------------------------------------- the same by the seed, and once


def test_the_same_seed_does_the_same_and_another_does_otherwise(tmp_path: Path) -> None:
    def shown(home: Path, seed: int) -> tuple[list, bytes]:
        faults = [{"kind": kind, "count": 2, "seed": seed} for kind in ("wrong_amount", "rejected", "extra_line")]
        with closing(Institutions(home)) as them:
            one_day(home, them, *({**one, "id": str(n)} for n, one in enumerate(faults)))
            record(home, them, *({**one, "id": str(n)} for n, one in enumerate(faults)))
        return done(home), came(home, "camt.053.*.xml")[0].read_bytes()

    assert shown(tmp_path / "a", 1) == shown(tmp_path / "b", 1)
    assert shown(tmp_path / "a", 1) != shown(tmp_path / "c", 2)


def test_a_fault_that_was_used_up_does_not_strike_again_and_one_of_many_goes_on(
    tmp_path: Path, them: Institutions
) -> None:
    set_faults(tmp_path, BANK, {"kind": "rejected", "count": 3})
    for number in range(4):
        give(tmp_path, BANK, f"pain.001.M{number}.xml", files.pain001(f"M{number}", payouts(2, window=number)))
        them.tick(NOW)
    rejected = [sum(said != "ACSC" for said in statuses(path).values()) for path in came(tmp_path, "pain.002.*.xml")]
    assert rejected == [2, 1, 0, 0]


def test_faults_are_armed_one_by_one(tmp_path: Path) -> None:
    first = arm(tmp_path, BANK, Fault(kind="rejected", count=2))
    second = arm(tmp_path, BANK, Fault(kind="rejected", count=2))
    assert load(tmp_path, BANK) == [first, second]
    assert first.id != second.id
    with pytest.raises(FaultsBroken):
        arm(tmp_path, BANK, first)


def test_faults_that_are_the_same_are_told_apart(tmp_path: Path) -> None:
    set_faults(tmp_path, BANK, {"kind": "rejected"}, {"kind": "rejected"})
    first, second = load(tmp_path, BANK)
    assert second.id == f"{first.id}.2"
    assert load(tmp_path, BANK) == [first, second]


_KINDS = st.sampled_from(["duplicated", "wrong_amount", "wrong_currency", "missing_line", "extra_line", "wrong_total"])


@given(
    st.lists(st.tuples(st.sampled_from("CD"), st.integers(1, 10**9)), max_size=40),
    st.lists(st.tuples(_KINDS, st.integers(1, 10), st.integers(0, 9)), max_size=6),
)
def test_whatever_the_faults_a_plan_knows_what_its_lines_add_up_to(
    lines: list[tuple[str, int]], faults: list[tuple[str, int, int]]
) -> None:
    true = [Line(f"r{number}", side, amount) for number, (side, amount) in enumerate(lines)]
    armed = [
        Fault.model_validate({"kind": k, "count": n, "seed": s, "id": str(i)}) for i, (k, n, s) in enumerate(faults)
    ]
    made, truths = plan(armed, {}, len(true), lambda _: {}, lambda indexes: {index: true[index] for index in indexes})
    made = Plan.from_json(json.loads(json.dumps(made.as_json())))
    for side in "CD":
        shown = [
            one for index, line in enumerate(true) if line.side == side
            for one in made.of(index, line.amount, line.currency)
        ] + [(line.amount, line.currency) for line in made.extra if line.side == side]  # fmt: skip
        of_side = [line.amount for line in true if line.side == side]
        counts, sums, in_vnd = made.changes[side]
        assert len(shown) == len(of_side) + counts
        assert sum(amount for amount, _ in shown) == sum(of_side) + sums
        assert sum(amount for amount, currency in shown if currency == "VND") == sum(of_side) + in_vnd
        assert all(amount > 0 for amount, _ in shown)
    struck = Counter(truth.fault.id for truth in truths)
    assert all(struck[fault.id] <= fault.times for fault in armed)
