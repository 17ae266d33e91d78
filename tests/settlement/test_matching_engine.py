"""Matching: every cardinality, every kind of break, tolerances, dates; what is found does not depend on the order."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from services.settlement.matching import rows as matching_rows
from services.settlement.matching import spool
from services.settlement.matching.model import BreakType, Finding, Severity
from services.settlement.matching.rules import BANK, TELECOM, Rule, RuleSet
from services.settlement.records import FileRefused
from tests.settlement.matching_day import (
    FRIDAY,
    MONDAY,
    NEXT_TUESDAY,
    THURSDAY,
    TUESDAY,
    kinds,
    open_rows,
    ours,
    rows,
    run,
    theirs,
)


def only(outcome_breaks: tuple[Finding, ...]) -> Finding:
    assert len(outcome_breaks) == 1, outcome_breaks
    return outcome_breaks[0]


# Cardinalities ----------------------------------------------------------------------------------------------------


def test_one_to_one_by_reference(tmp_path: Path) -> None:
    outcome = run([ours("PO-1"), ours("PO-2", 5)], [theirs(1, "PO-2", 5), theirs(2, "PO-1")], tmp_path)
    assert outcome.breaks == ()
    assert [row[:5] for row in rows(outcome)] == [
        (1, "reference", "PO-2", "trf_PO-2", 1),
        (2, "reference", "PO-1", "trf_PO-1", 2),
    ]
    assert outcome.totals.match_rate == 10_000


def test_one_payout_booked_in_parts(tmp_path: Path) -> None:
    outcome = run([ours("PO-1", 100)], [theirs(7, "PO-1", 60), theirs(8, "PO-1", 40)], tmp_path)
    assert outcome.breaks == ()
    assert rows(outcome) == [
        (7, "reference", "PO-1", "trf_PO-1", 7, 100, 60, 0),
        (7, "reference", "PO-1", "trf_PO-1", 8, 100, 40, 0),
    ]


@pytest.mark.parametrize(
    "shown", [{"reference": "", "group": "MSG"}, {"reference": "MSG"}, {"reference": "nonref", "group": "MSG"}]
)
def test_a_batch_booked_as_one_entry(tmp_path: Path, shown: dict[str, str]) -> None:
    payouts = [ours(f"PO-{n}", n, group="MSG") for n in (1, 2, 3)]
    outcome = run(payouts, [theirs(1, amount=6, **shown)], tmp_path)
    assert outcome.breaks == ()
    assert [(row[0], row[2], row[4]) for row in rows(outcome)] == [(1, "PO-1", 1), (1, "PO-2", 1), (1, "PO-3", 1)]
    assert outcome.by_rule == {"group": 1}


@pytest.mark.parametrize("reference", ["", "BANKS-OWN"])
def test_a_batch_booked_as_a_few_entries(tmp_path: Path, reference: str) -> None:
    payouts = [ours(f"PO-{n}", n, group="MSG") for n in (1, 2, 3)]
    entries = [theirs(1, reference, 2, group="MSG"), theirs(2, reference and "BANKS-2", 4, group="MSG")]
    outcome = run(payouts, entries, tmp_path)
    assert outcome.breaks == ()
    assert [(row[0], row[2], row[4]) for row in rows(outcome)] == [(1, "PO-1", 1), (1, "PO-2", 2), (1, "PO-3", 2)]
    assert (outcome.totals.matched_expected, outcome.totals.matched_entries, outcome.totals.matches) == (3, 2, 1)


def test_several_postings_of_one_transfer_match_as_a_whole_and_by_side(tmp_path: Path) -> None:
    postings = [ours("pay_1", 70), ours("pay_1", 30), ours("pay_1", 10, side="C")]
    outcome = run(postings, [theirs(1, "pay_1", 100), theirs(2, "pay_1", 10, side="C")], tmp_path, TELECOM)
    assert outcome.breaks == ()
    assert outcome.totals.matches == 2


def test_what_remains_of_a_batch_is_booked_as_one_entry(tmp_path: Path) -> None:
    payouts = [ours(f"PO-{n}", n, group="MSG") for n in (1, 2, 3)]
    outcome = run(payouts, [theirs(1, "PO-2", 2), theirs(2, "", 4, group="MSG")], tmp_path)
    assert outcome.breaks == ()
    assert outcome.by_rule == {"group": 1, "reference": 1}


def test_an_unknown_reference_in_a_known_batch_never_stands_in_for_a_missing_payout(tmp_path: Path) -> None:
    payouts = [ours("PO-1", 5, group="MSG"), ours("PO-2", 9, group="MSG")]
    outcome = run(payouts, [theirs(1, "PO-1", 5, group="MSG"), theirs(2, "STRANGE", 9, group="MSG")], tmp_path)
    assert kinds(outcome) == [("EXTRA", ""), ("MISSING", "")]


def test_equal_sums_of_different_batches_are_not_mixed(tmp_path: Path) -> None:
    outcome = run([ours("PO-1", group="A"), ours("PO-2", group="B")], [theirs(1, "", 75_000, group="B")], tmp_path)
    assert [row[2] for row in rows(outcome)] == ["PO-2"]


# Without a reference ----------------------------------------------------------------------------------------------


def test_an_entry_without_reference_is_found_by_amount_account_and_date(tmp_path: Path) -> None:
    payouts = [
        ours("PO-1", counterparty_account="111"), ours("PO-2", counterparty_account="222"),
        ours("PO-3", 80_000, counterparty_account="111"),
    ]  # fmt: skip
    entries = [
        theirs(1, "", 80_000, counterparty_account="111"), theirs(2, "", counterparty_account="222"),
        theirs(3, "", counterparty_account="111", booked_on=FRIDAY),
    ]  # fmt: skip
    outcome = run(payouts, entries, tmp_path)
    assert outcome.breaks == ()
    assert {(row[2], row[4]) for row in rows(outcome)} == {("PO-3", 1), ("PO-2", 2), ("PO-1", 3)}


@pytest.mark.parametrize(
    "fields",
    [
        {"counterparty_account": "999"},
        {"counterparty_account": "111", "booked_on": MONDAY},
        {"counterparty_account": "111", "booked_on": TUESDAY},
        {"counterparty_account": "111", "side": "C"},
        {"counterparty_account": "111", "amount": 74_999},
        {"counterparty_account": ""},
    ],
)
def test_an_entry_without_reference_is_not_taken_for_another(tmp_path: Path, fields: dict[str, object]) -> None:
    entry = replace(theirs(1, ""), **fields)  # type: ignore[arg-type]
    outcome = run([ours("PO-1", counterparty_account="111")], [entry], tmp_path)
    assert kinds(outcome) == [("EXTRA", ""), ("MISSING", "")]


def test_equal_payouts_to_one_account_are_paired_in_the_order_of_their_dates(tmp_path: Path) -> None:
    payouts = [ours(f"PO-{n}", on=on, counterparty_account="1") for n, on in enumerate((THURSDAY, FRIDAY, MONDAY))]
    entries = [
        theirs(n, "", booked_on=on, counterparty_account="1") for n, on in ((1, MONDAY), (2, MONDAY), (3, FRIDAY))
    ]
    outcome = run(payouts, entries, tmp_path)
    assert outcome.breaks == ()
    assert {(row[2], row[4]) for row in rows(outcome)} == {("PO-0", 3), ("PO-1", 1), ("PO-2", 2)}


def test_a_payout_whose_own_reference_is_shown_is_nobody_elses(tmp_path: Path) -> None:
    entries = [theirs(1, "PO-1", 70_000), theirs(2, "", counterparty_account="111")]
    outcome = run([ours("PO-1", counterparty_account="111")], entries, tmp_path)
    assert kinds(outcome) == [("AMOUNT", ""), ("EXTRA", "")]


# Tolerance --------------------------------------------------------------------------------------------------------


def tolerant(by: str, tolerance: int) -> RuleSet:
    return RuleSet("tolerant", (Rule("r", by, tolerance),))


@pytest.mark.parametrize(("difference", "holds"), [(0, True), (5, True), (-5, True), (6, False), (-6, False)])
@pytest.mark.parametrize("by", ["reference", "group", "account"])
def test_sums_may_differ_by_the_rules_tolerance(tmp_path: Path, by: str, difference: int, holds: bool) -> None:
    payouts = [ours("PO-1", 1000, group="G", counterparty_account="1")]
    shown = {"reference": "PO-1"} if by == "reference" else {"reference": "", "counterparty_account": "1"}
    shown |= {"group": "G"} if by == "group" else {}
    outcome = run(payouts, [theirs(1, amount=1000 + difference, **shown)], tmp_path, tolerant(by, 5))
    assert (len(rows(outcome)) == 1) is holds
    assert outcome.totals.difference == (difference if holds else 0)
    if not holds and by != "account":
        assert only(outcome.breaks).type is BreakType.AMOUNT
        assert only(outcome.breaks).difference == difference


def test_the_difference_of_a_match_stands_in_one_of_its_rows(tmp_path: Path) -> None:
    entries = [theirs(1, "PO-1", 60), theirs(2, "PO-1", 37)]
    outcome = run([ours("PO-1", 100)], entries, tmp_path, tolerant("reference", 5))
    assert [row[-1] for row in rows(outcome)] == [-3, 0]
    assert outcome.totals.difference == -3


def test_within_the_tolerance_the_closest_amount_is_taken(tmp_path: Path) -> None:
    entries = [theirs(n, "", amount, counterparty_account="1") for n, amount in ((1, 1004), (2, 999), (3, 996))]
    outcome = run([ours("PO-1", 1000, counterparty_account="1")], entries, tmp_path, tolerant("account", 5))
    assert [row[4] for row in rows(outcome)] == [2]


# Breaks -----------------------------------------------------------------------------------------------------------


def test_missing(tmp_path: Path) -> None:
    found = only(run([ours("PO-1", 80)], [], tmp_path).breaks)
    assert (found.type, found.at_risk, found.expected, found.entries) == (
        BreakType.MISSING,
        80,
        (ours("PO-1", 80),),
        (),
    )


def test_extra(tmp_path: Path) -> None:
    found = only(run([], [theirs(3, "STRANGE", 80)], tmp_path).breaks)
    assert (found.type, found.at_risk, found.entries) == (BreakType.EXTRA, 80, (theirs(3, "STRANGE", 80),))


def test_amount(tmp_path: Path) -> None:
    found = only(run([ours("PO-1", 100)], [theirs(1, "PO-1", 60), theirs(2, "PO-1", 30)], tmp_path).breaks)
    assert (found.type, found.difference, found.at_risk) == (BreakType.AMOUNT, -10, 10)
    assert (found.expected_count, found.entry_count, found.entry_total) == (1, 2, 90)


def test_amount_of_a_batch_tells_its_sum_and_some_of_its_payouts(tmp_path: Path) -> None:
    payouts = [ours(f"PO-{n:02d}", 10, group="MSG") for n in range(30)]
    found = only(run(payouts, [theirs(1, "", 290, group="MSG")], tmp_path).breaks)
    assert (found.type, found.difference, found.expected_count, found.expected_total) == (
        BreakType.AMOUNT,
        -10,
        30,
        300,
    )
    assert [x.reference for x in found.expected] == [f"PO-{n:02d}" for n in range(20)]


def test_movements_of_a_batch_without_references_of_their_own_are_found_by_the_batch(tmp_path: Path) -> None:
    payouts = [ours("", n, group="MSG", transfer_id=f"trf_{n}") for n in (1, 2)]
    assert run(payouts, [theirs(1, "", 3, group="MSG")], tmp_path).breaks == ()
    assert kinds(run(payouts, [theirs(1, "", 4, group="MSG"), theirs(2, "PO-9")], tmp_path)) == [
        ("AMOUNT", ""), ("EXTRA", ""),
    ]  # fmt: skip
    assert kinds(run(payouts, [], tmp_path)) == [("MISSING", "")] * 2


def test_a_batch_that_came_back_and_one_that_is_not_booked(tmp_path: Path) -> None:
    payouts = [ours(f"PO-{n}", n, group="MSG") for n in (1, 2)]
    paid = theirs(1, "", 3, group="MSG")
    assert kinds(run(payouts, [paid, theirs(2, "", 3, group="MSG", side="C", reversal=True)], tmp_path)) == [
        ("REVERSED", "")
    ]
    assert kinds(run(payouts, [replace(paid, status="pending")], tmp_path)) == [("STATUS", "NOT_BOOKED")]
    assert kinds(run(payouts, [replace(paid, currency="USD")], tmp_path)) == [("CURRENCY", "")]


@pytest.mark.parametrize("reference", ["PO-1", ""])
def test_duplicate(tmp_path: Path, reference: str) -> None:
    entries = [theirs(n, reference, group="MSG") for n in (1, 2)]
    outcome = run([ours("PO-1", group="MSG")], entries, tmp_path)
    found = only(outcome.breaks)
    assert (found.type, found.entries, found.at_risk) == (BreakType.DUPLICATE, (entries[1],), 75_000)
    assert [row[4] for row in rows(outcome)] == [1]


def test_a_part_shown_twice_is_the_duplicate_and_the_parts_match(tmp_path: Path) -> None:
    entries = [theirs(n, "PO-1", amount, bank_reference=f"FT{amount}") for n, amount in ((1, 60), (2, 40), (3, 40))]
    outcome = run([ours("PO-1", 100)], entries, tmp_path)
    assert only(outcome.breaks).entries == (entries[2],)
    assert kinds(outcome) == [("DUPLICATE", "")]
    assert len(rows(outcome)) == 2


def test_an_unknown_entry_shown_twice_is_extra_once_and_a_duplicate(tmp_path: Path) -> None:
    outcome = run([], [theirs(n, "STRANGE", bank_reference="FT1") for n in (1, 2)], tmp_path)
    assert kinds(outcome) == [("DUPLICATE", "UNKNOWN"), ("EXTRA", "")]


def test_more_under_a_reference_than_was_paid_is_extra(tmp_path: Path) -> None:
    outcome = run([ours("PO-1", 100)], [theirs(1, "PO-1", 100), theirs(2, "PO-1", 3)], tmp_path)
    assert kinds(outcome) == [("EXTRA", "REFERENCE_USED")]
    assert only(outcome.breaks).expected == (ours("PO-1", 100),)


@pytest.mark.parametrize(
    ("booked_on", "detail"),
    [(FRIDAY, None), (MONDAY, ""), (date(2026, 11, 25), None), (TUESDAY, "EARLY")],
)
def test_late_is_matched_and_told(tmp_path: Path, booked_on: date, detail: str | None) -> None:
    outcome = run([ours("PO-1")], [theirs(1, "PO-1", booked_on=booked_on)], tmp_path)
    assert outcome.totals.matched_expected == 1
    assert kinds(outcome) == ([] if detail is None else [("LATE", detail)])
    assert outcome.totals.late == len(outcome.breaks)
    assert all(found.at_risk == 0 for found in outcome.breaks)


def test_a_weekend_and_a_holiday_make_nothing_late(tmp_path: Path) -> None:
    payouts = [ours("PO-1", on=FRIDAY)]
    assert kinds(run(payouts, [theirs(1, "PO-1", booked_on=MONDAY)], tmp_path)) == []
    entry = theirs(1, "PO-1", booked_on=NEXT_TUESDAY)
    assert kinds(run(payouts, [entry], tmp_path)) == [("LATE", "")]
    assert kinds(run(payouts, [entry], tmp_path, replace(BANK, holidays=(MONDAY,)))) == []


def test_currency(tmp_path: Path) -> None:
    found = only(run([ours("PO-1", 80)], [theirs(1, "PO-1", 80, currency="USD")], tmp_path).breaks)
    assert (found.type, found.at_risk, found.expected_count) == (BreakType.CURRENCY, 80, 1)
    unknown = only(run([], [theirs(1, "X", 80, currency="USD")], tmp_path).breaks)
    assert (unknown.type, unknown.detail, unknown.at_risk) == (BreakType.CURRENCY, "UNKNOWN", 0)


def test_reversed(tmp_path: Path) -> None:
    entries = [theirs(1, "PO-1"), theirs(2, "PO-1", side="C", reversal=True)]
    outcome = run([ours("PO-1")], entries, tmp_path)
    found = only(outcome.breaks)
    assert (found.type, found.detail, found.entries, found.expected) == (
        BreakType.REVERSED, "", (entries[1],), (ours("PO-1"),),
    )  # fmt: skip
    assert outcome.totals.matched_expected == 1


def test_a_return_whose_payment_is_not_in_this_statement_is_one_break(tmp_path: Path) -> None:
    came_back = theirs(1, "PO-1", side="C", reversal=True)
    assert kinds(run([ours("PO-1")], [came_back], tmp_path)) == [("REVERSED", "PAYMENT_NOT_SHOWN")]
    assert kinds(run([], [came_back], tmp_path)) == [("REVERSED", "UNKNOWN")]


def test_a_return_that_we_booked_matches(tmp_path: Path) -> None:
    payouts = [ours("PO-1"), ours("PO-1", side="C", what="return")]
    assert run(payouts, [theirs(1, "PO-1"), theirs(2, "PO-1", side="C", reversal=True)], tmp_path).breaks == ()


def test_status(tmp_path: Path) -> None:
    found = only(run([ours("PO-1")], [theirs(1, "PO-1", status="pending")], tmp_path).breaks)
    assert (found.type, found.detail, found.severity) == (BreakType.STATUS, "NOT_BOOKED", Severity.LOW)


def test_what_was_pending_and_is_booked_now_is_passed_over(tmp_path: Path) -> None:
    outcome = run([ours("PO-1")], [theirs(1, "PO-1", status="pending"), theirs(2, "PO-1")], tmp_path)
    assert outcome.breaks == ()
    assert outcome.totals.passed_over == 1


# Open -------------------------------------------------------------------------------------------------------------


def test_what_still_has_time_is_open_and_no_alarm(tmp_path: Path) -> None:
    payouts = [ours("PO-1"), ours("PO-2", 5)]
    entries = [theirs(1, "PO-2", 5, status="pending")]
    outcome = run(payouts, entries, tmp_path, as_of=FRIDAY)
    assert outcome.breaks == ()
    assert open_rows(outcome) == [
        ("PO-1", "", "D", 75_000, THURSDAY, FRIDAY, False),
        ("PO-2", "", "D", 5, THURSDAY, FRIDAY, True),
    ]
    assert (outcome.totals.open, outcome.totals.open_total, outcome.totals.passed_over) == (2, 75_005, 1)
    assert outcome.totals.match_rate == 10_000
    assert kinds(run(payouts, entries, tmp_path, as_of=MONDAY)) == [("MISSING", ""), ("STATUS", "NOT_BOOKED")]


def test_a_whole_record_leaves_nothing_open(tmp_path: Path) -> None:
    assert kinds(run([ours("pay_1")], [], tmp_path, TELECOM, as_of=THURSDAY)) == [("MISSING", "")]


# Weight and identity ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "severity", "due_on"),
    [
        (9_999_999, Severity.MEDIUM, date(2026, 12, 4)),
        (10_000_000, Severity.HIGH, date(2026, 12, 2)),
        (500_000_000, Severity.CRITICAL, date(2026, 12, 2)),
    ],
)
def test_the_more_is_at_risk_the_sooner_somebody_has_to_decide(
    tmp_path: Path, amount: int, severity: Severity, due_on: date
) -> None:
    found = only(run([ours("PO-1", amount)], [], tmp_path).breaks)
    assert (found.severity, found.due_on) == (severity, due_on)


def test_a_break_keeps_its_id_when_the_statement_is_numbered_anew(tmp_path: Path) -> None:
    first = run([ours("PO-1")], [theirs(1, "X"), theirs(2, "X", 9)], tmp_path)
    again = run([ours("PO-1")], [theirs(8, "X", 9), theirs(9, "X"), theirs(10, "Y")], tmp_path, as_of=date(2026, 12, 9))
    assert {one.id for one in first.breaks} < {one.id for one in again.breaks}
    other = run([ours("PO-1")], [theirs(1, "X"), theirs(2, "X", 9)], tmp_path, scope="970436|1|payouts")
    assert not {one.id for one in first.breaks} & {one.id for one in other.breaks}


def test_alike_entries_are_breaks_of_their_own(tmp_path: Path) -> None:
    assert kinds(run([], [theirs(n, "X") for n in (1, 2, 3)], tmp_path)) == [("EXTRA", "")] * 3
    assert kinds(run([ours("X")] * 2, [], tmp_path)) == [("MISSING", "")] * 2


# Suggestions ------------------------------------------------------------------------------------------------------


def test_transposed_digits_are_suggested_and_not_matched(tmp_path: Path) -> None:
    outcome = run([ours("PO-000012-000345-1")], [theirs(1, "PO-000012-000354-1")], tmp_path)
    missing, extra = sorted(outcome.breaks, key=lambda one: one.type.value, reverse=True)
    assert missing.suggestions[0].entry == 1
    assert missing.suggestions[0].why == ("AMOUNT_EQUAL", "REFERENCE_TRANSPOSED", "DATE_EQUAL")
    assert extra.suggestions[0].reference == "PO-000012-000345-1"


def test_what_is_still_open_is_suggested_for_an_unknown_entry(tmp_path: Path) -> None:
    outcome = run([ours("PO-12")], [theirs(1, "PO-21")], tmp_path, as_of=THURSDAY)
    assert only(outcome.breaks).suggestions[0].reference == "PO-12"


# Files and limits -------------------------------------------------------------------------------------------------


def test_a_run_leaves_two_files_and_a_second_run_writes_the_same_bytes(tmp_path: Path) -> None:
    payouts, entries = [ours(f"PO-{n}") for n in range(50)], [theirs(n, f"PO-{n}") for n in range(40)]
    first = run(payouts, entries, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["matches.parquet", "open.parquet"]
    before = first.matches.read_bytes(), first.open_items.read_bytes()
    again = run(iter(payouts[::-1]), iter(entries[::-1]), tmp_path)
    assert again == first
    assert (again.matches.read_bytes(), again.open_items.read_bytes()) == before


def test_words_that_strangers_write_come_through_whole(tmp_path: Path) -> None:
    odd = '=cmd("x")\n,\r\n\0;\\N"'
    entries = [theirs(1, odd, text=odd * 100, counterparty="Nguyễn Thị Ổi"), theirs(2, "\x01"), theirs(3, "NULL")]
    outcome = run([ours(odd), ours("\x01"), ours("NULL")], entries, tmp_path)
    assert outcome.breaks == ()
    strange = only(run([], entries[:1], tmp_path).breaks).entries[0]
    assert (strange.reference, strange.counterparty) == (odd, "Nguyễn Thị Ổi")
    assert strange.text == (odd * 100)[: spool.TEXT_MAX]


@pytest.mark.parametrize("text", ["chi\rtra", "chi tra\r", "\rchi tra", "chi\ntra", "chi\r\ntra"])
def test_a_line_end_of_any_kind_in_a_text_does_not_stop_a_run_and_stays_what_it_is(tmp_path: Path, text: str) -> None:
    unknown = theirs(2, "", text=text, counterparty_account=text)
    outcome = run([ours("PO-1"), ours(text)], [theirs(1, "PO-1"), unknown, theirs(3, text)], tmp_path)
    (found,) = only(outcome.breaks).entries
    assert (found.text, found.counterparty_account, outcome.totals.matched_expected) == (text, text, 2)


def test_a_lone_surrogate_does_not_stop_a_run(tmp_path: Path) -> None:
    assert kinds(run([], [theirs(1, "PO\ud800")], tmp_path)) == [("EXTRA", "")]


@pytest.mark.parametrize(
    ("expected", "entries", "reason"),
    [
        ([], [theirs(1, "A"), theirs(1, "B")], "NUMBER_TWICE"),
        ([ours("A", 0)], [], "AMOUNT"),
        ([], [theirs(1, "A", -1)], "AMOUNT"),
        ([], [theirs(1, "A", 1 << 53)], "AMOUNT"),
        ([], [theirs(1, "A" * 501)], "TOO_LONG"),
    ],
)
def test_what_cannot_be_right_is_refused(tmp_path: Path, expected: list, entries: list, reason: str) -> None:
    with pytest.raises(FileRefused) as refused:
        run(expected, entries, tmp_path)
    assert refused.value.reason == reason
    assert list(tmp_path.iterdir()) == []


def test_too_many_rows_and_too_many_breaks_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching_rows, "BREAKS_MAX", 3)
    with pytest.raises(FileRefused, match="check the account") as refused:
        run([ours(f"PO-{n}") for n in range(4)], [], tmp_path)
    assert refused.value.reason == "TOO_MANY_BREAKS"
    monkeypatch.setattr(spool, "ROWS_MAX", 3)
    with pytest.raises(FileRefused) as refused:
        run([ours(f"PO-{n}") for n in range(4)], [], tmp_path)
    assert refused.value.reason == "TOO_MANY"


def test_nothing_on_either_side_is_nothing(tmp_path: Path) -> None:
    outcome = run([], [], tmp_path)
    assert outcome.breaks == ()
    assert rows(outcome) == open_rows(outcome) == []
    assert outcome.totals.match_rate == 10_000
