"""The life of a break: who may do what when, and what a new run does to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import FourEyes, InvalidArgument, WrongState
from services.settlement.matching import breaks, days, kept, report
from services.settlement.matching.breaks import ACTIVE, Break, Correction, State
from services.settlement.matching.model import BreakType, Severity, Totals

NOW = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
FIX = Correction("mer_1", "settlement:VIETTEL", 75_000, "paid twice")


def new(**fields: object) -> Break:
    given: dict[str, object] = {
        "id": "brk_1", "institution": "970418", "stream": "970418|1|payouts", "scope": "970418|1|payouts|d|d|0",
        "reconciliation_id": "rec_1", "type": BreakType.MISSING, "detail": "", "severity": Severity.MEDIUM,
        "reference": "PO-1", "due_on": date(2026, 12, 3), "at_risk": 75_000, "difference": 0, "facts": "{}",
        "opened_at": NOW,
    }  # fmt: skip
    return Break(**(given | fields))  # type: ignore[arg-type]


def proposed(correction: Correction | None = FIX) -> Break:
    return breaks.propose(breaks.assign(new(), "lan", "huy", NOW), "pay back", correction, "lan", NOW)


def test_from_open_to_resolved_with_everything_written_down() -> None:
    found = breaks.comment(proposed(), "the bank agrees", "huy", NOW)
    found = breaks.approve(found, "huy", NOW)
    assert (found.state, found.approved_by, found.owner) == (State.APPROVED, "huy", "lan")
    found = breaks.resolve(found, "trf_9", "huy", NOW)
    assert (found.state, found.transfer_id, found.version) == (State.RESOLVED, "trf_9", 6)
    assert [(event.by, event.what) for event in found.history] == [
        ("huy", "assigned"), ("lan", "proposed"), ("huy", "commented"), ("huy", "approved"), ("huy", "resolved"),
    ]  # fmt: skip
    assert "75000 đồng, mer_1 -> settlement:VIETTEL: paid twice" in found.history[1].text


def test_where_nothing_has_to_be_posted_the_approval_resolves() -> None:
    assert breaks.approve(proposed(None), "huy", NOW).state is State.RESOLVED


def test_nobody_approves_their_own_proposal() -> None:
    with pytest.raises(FourEyes):
        breaks.approve(proposed(), "lan", NOW)


def test_an_entry_is_approved_in_time_or_its_proposal_can_only_be_rejected() -> None:
    late = NOW + breaks.DECIDE
    assert breaks.approve(proposed(), "huy", late - timedelta(milliseconds=1)).state is State.APPROVED
    with pytest.raises(WrongState, match="reject it and propose anew"):
        breaks.approve(proposed(), "huy", late)
    assert breaks.reject(proposed(), "too old", "huy", late).state is State.ASSIGNED
    assert breaks.approve(proposed(None), "huy", late).state is State.RESOLVED, "nothing waits for it at the ledger"


def test_an_approved_entry_that_the_ledger_refused_goes_back_to_its_owner_and_another_can_be_proposed() -> None:
    found = breaks.refused(breaks.approve(proposed(), "huy", NOW), "INSUFFICIENT_FUNDS", "huy", NOW)
    assert (found.state, found.proposal, found.approved_by, found.owner) == (State.ASSIGNED, None, "", "lan")
    assert (found.history[-1].what, found.history[-1].text) == ("refused", "INSUFFICIENT_FUNDS")
    assert breaks.propose(found, "from elsewhere", FIX, "huy", NOW).state is State.PROPOSED


def test_a_rejected_proposal_goes_back_and_another_can_be_made() -> None:
    found = breaks.reject(proposed(), "wrong account", "huy", NOW)
    assert (found.state, found.proposal, found.owner) == (State.ASSIGNED, None, "lan")
    found = breaks.propose(found, "pay the rest", None, "huy", NOW)
    assert breaks.approve(found, "lan", NOW).state is State.RESOLVED
    assert breaks.reject(proposed(), "a slip", "lan", NOW).history[-1].what == "withdrawn"


@pytest.mark.parametrize(
    ("act", "allowed"),
    [
        (lambda b: breaks.assign(b, "x", "y", NOW), {State.OPEN, State.ASSIGNED}),
        (lambda b: breaks.propose(b, "r", None, "y", NOW), {State.OPEN, State.ASSIGNED}),
        (lambda b: breaks.approve(b, "y", NOW), {State.PROPOSED}),
        (lambda b: breaks.reject(b, "why", "y", NOW), {State.PROPOSED}),
        (lambda b: breaks.resolve(b, "trf", "y", NOW), {State.APPROVED}),
        (lambda b: breaks.refused(b, "why", "y", NOW), {State.APPROVED}),
        (lambda b: breaks.gone(b, "rec_2", "y", NOW), {State.OPEN, State.ASSIGNED, State.PROPOSED}),
        (lambda b: breaks.comment(b, "c", "y", NOW), set(State)),
    ],
)
def test_each_step_is_for_some_states_only(act: Callable[[Break], Break], allowed: set[State]) -> None:
    for state in State:
        found = replace(proposed(), state=state)
        if state in allowed:
            assert act(found).version == found.version + 1
        else:
            with pytest.raises(WrongState, match=state.value):
                act(found)


@pytest.mark.parametrize(
    "act",
    [
        lambda: breaks.assign(new(), " ", "y", NOW),
        lambda: breaks.assign(new(), "x" * 201, "y", NOW),
        lambda: breaks.comment(new(), "", "y", NOW),
        lambda: breaks.comment(new(), "x" * 2001, "y", NOW),
        lambda: breaks.propose(new(), "", None, "y", NOW),
        lambda: breaks.propose(new(), "r", replace(FIX, amount=0), "y", NOW),
        lambda: breaks.propose(new(), "r", replace(FIX, amount=10**12 + 1), "y", NOW),
        lambda: breaks.propose(new(), "r", replace(FIX, to_account="mer_1"), "y", NOW),
        lambda: breaks.propose(new(), "r", replace(FIX, from_account=""), "y", NOW),
        lambda: breaks.propose(new(), "r", replace(FIX, reason=" "), "y", NOW),
        lambda: breaks.reject(proposed(), "", "y", NOW),
        lambda: breaks.comment(new(), "c", "", NOW),
    ],
)
def test_what_is_not_said_properly_is_refused(act: Callable[[], Break]) -> None:
    with pytest.raises(InvalidArgument):
        act()


def test_comments_have_a_limit_and_decisions_still_fit() -> None:
    found = new()
    for n in range(breaks.COMMENTS_MAX):
        found = breaks.comment(found, str(n), "y", NOW)
    with pytest.raises(InvalidArgument):
        breaks.comment(found, "one more", "y", NOW)
    assert breaks.assign(found, "x", "y", NOW).state is State.ASSIGNED


# Runs -------------------------------------------------------------------------------------------------------------


def test_the_same_found_again_changes_nothing() -> None:
    assert breaks.found_again(proposed(), new(), "job", NOW) == proposed()


def test_gone_is_opened_again_for_its_owner() -> None:
    left = breaks.gone(proposed(), "rec_2", "job", NOW)
    assert (left.state, left.proposal, left.history[-1].by) == (State.GONE, None, "job")
    again = breaks.found_again(left, new(reconciliation_id="rec_3", due_on=date(2026, 12, 9)), "job", NOW)
    assert (again.state, again.owner, again.reconciliation_id) == (State.ASSIGNED, "lan", "rec_3")
    assert (again.history[-1].what, again.due_on) == ("reopened", date(2026, 12, 9))
    nobodys = breaks.gone(new(), "rec_2", "job", NOW)
    assert breaks.found_again(nobodys, new(), "job", NOW).state is State.OPEN


def test_resolved_stays_resolved_unless_another_amount_is_at_stake() -> None:
    resolved = breaks.approve(proposed(None), "huy", NOW)
    assert breaks.found_again(resolved, new(reconciliation_id="rec_2"), "job", NOW).state is State.RESOLVED
    again = breaks.found_again(resolved, new(reconciliation_id="rec_2", at_risk=80_000), "job", NOW)
    assert (again.state, again.approved_by, again.proposal) == (State.ASSIGNED, "", None)


def test_what_was_approved_for_another_amount_than_is_at_stake_by_then_resolves_nothing() -> None:
    approved = breaks.approve(proposed(), "huy", NOW)
    found = breaks.found_again(approved, new(reconciliation_id="rec_2", at_risk=80_000), "job", NOW)
    assert (found.state, found.proposal, found.at_risk) == (State.APPROVED, approved.proposal, 80_000)
    after = breaks.resolve(found, "trf_9", "huy", NOW)
    assert (after.state, after.proposal, after.approved_by) == (State.ASSIGNED, None, "")
    assert (after.history[-1].what, after.history[-1].text.split()[0]) == ("reopened", "trf_9")
    again = breaks.approve(breaks.propose(after, "and the rest", replace(FIX, amount=5_000), "lan", NOW), "huy", NOW)
    assert breaks.resolve(again, "trf_10", "huy", NOW).state is State.RESOLVED
    same = breaks.found_again(approved, new(reconciliation_id="rec_2"), "job", NOW)
    assert breaks.resolve(same, "trf_9", "huy", NOW).state is State.RESOLVED


def test_nobody_approves_a_proposal_for_an_amount_that_has_changed_since() -> None:
    again = breaks.found_again(proposed(), new(reconciliation_id="rec_2", at_risk=80_000), "job", NOW)
    assert (again.state, again.proposal, again.at_risk) == (State.ASSIGNED, None, 80_000)


def test_what_is_kept_is_read_back_the_same() -> None:
    for found in (new(), proposed(), proposed(None), breaks.approve(proposed(), "huy", NOW)):
        stored = kept.document(found)
        stored["id"] = stored.pop("_id")
        assert kept.read(type("Stored", (), stored)) == found


# Days and reports -------------------------------------------------------------------------------------------------


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 40), st.sets(st.integers(0, 60), max_size=5))
def test_as_many_business_days_lie_between_as_were_gone(day: date, count: int, off: set[int]) -> None:
    holidays = {day + timedelta(days=n) for n in off}
    there = days.shift(day, count, holidays)
    assert days.between(day, there, holidays) == count
    assert count == 0 or days.is_business_day(there, holidays)
    assert not any(days.is_business_day(day, {day}) for _ in [0])


def test_age_counts_business_days_of_vietnam() -> None:
    friday_night = new(opened_at=datetime(2026, 11, 26, 20, 0, tzinfo=UTC))  # Friday, 3:00 in Vietnam
    assert breaks.age(friday_night, date(2026, 11, 29)) == 0
    assert breaks.age(friday_night, date(2026, 12, 1)) == 2
    assert breaks.age(friday_night, date(2026, 12, 1), {date(2026, 11, 30)}) == 1


def test_a_report_sums_what_is_not_done_by_institution_and_type() -> None:
    found = [
        new(id="brk_1"), new(id="brk_2", at_risk=5, due_on=date(2026, 11, 30)),
        new(id="brk_3", institution="VIETTEL", type=BreakType.AMOUNT, at_risk=1_000_000, state=State.APPROVED),
        new(id="brk_4", state=State.GONE), new(id="brk_5", state=State.RESOLVED),
    ]  # fmt: skip
    first, second = report.by_institution_and_type(found, date(2026, 12, 2))
    assert (first.institution, first.type, first.at_risk, first.overdue) == ("VIETTEL", "AMOUNT", 1_000_000, 0)
    assert (second.breaks, second.at_risk, second.overdue, second.oldest) == (2, 75_005, 1, 2)
    assert second.ages == {"0": 0, "1": 0, "2-3": 2, "4-5": 0, "6-10": 0, ">10": 0}


@pytest.mark.parametrize(("age", "name"), [(0, "0"), (1, "1"), (2, "2-3"), (5, "4-5"), (10, "6-10"), (11, ">10")])
def test_ages_are_told_in_buckets(age: int, name: str) -> None:
    assert report.bucket(age) == name


def test_one_of_a_million_that_is_not_matched_keeps_the_rate_below_all() -> None:
    totals = Totals(1_000_000, 0, 0, 0, 999_998, 0, 0, 0, 1, 0, 0, 0)
    assert totals.match_rate == report.match_rate([totals]) == 9_999
    assert report.match_rate([]) == 10_000


def test_rows_are_for_spreadsheets_and_hold_no_formulas() -> None:
    heading, row = report.rows([new(reference="=cmd()", state=State.PROPOSED)], date(2026, 12, 4))
    assert len(heading) == len(row)
    told = dict(zip(heading, row, strict=True))
    assert told["reference"] == "'=cmd()"
    assert (told["age_days"], told["overdue"], told["opened"]) == (4, "yes", "2026-11-30T09:00:00+07:00")
    assert ACTIVE
