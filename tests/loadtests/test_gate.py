"""The money gate: an honest day ties, and every lie about it is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given

from loadtests.gate import collect, tie
from loadtests.gate.evidence import Evidence, Line, Posting
from tests.loadtests.gate_day import AGENT, COMMISSION, PAYMENTS, honest, report

DAY = [("wal_1", "mer_1", 20_000, 0), ("wal_2", "mer_1", 35_000, 70), ("wal_3", "mer_2", 60_000, 120)]


@given(PAYMENTS)
def test_an_honest_day_ties(payments: list[tuple[str, str, int, int]]) -> None:
    evidence = honest(payments)
    assert tie.findings(evidence) == []
    assert all(stage.holds for stage in tie.stages(evidence))
    assert tie.losses(evidence) == {"lost": 0, "doubled": 0, "drift_vnd": 0}
    verdict = collect.judge(evidence)
    assert (verdict.payments, verdict.cash_ins, verdict.found) == (len(payments), 1, 0)


@given(PAYMENTS)
def test_an_amount_told_one_dong_too_high_is_found(payments: list[tuple[str, str, int, int]]) -> None:
    evidence = honest(payments)
    evidence.told.asked["key-1"].amount += 1
    assert tie.findings(evidence)
    assert tie.losses(evidence)["drift_vnd"] == 2  # the wallet's and the stall's


def _told_and_lost(e: Evidence) -> None:
    del e.booked["key-1"]


def _not_told(e: Evidence) -> None:
    del e.told.asked["key-1"]


def _told_as_refused(e: Evidence) -> None:
    e.told.asked["key-1"].outcome = "INSUFFICIENT_FUNDS"


def _refused_but_told_done(e: Evidence) -> None:
    e.told.asked["poor"].outcome, e.told.asked["poor"].transfer_id = "done", "pay_9"


def _refusal_without_event(e: Evidence) -> None:
    del e.booked["poor"]


def _another_refusal(e: Evidence) -> None:
    e.booked["poor"] = replace(e.booked["poor"], result="ACCOUNT_FROZEN")


def _without_outcome(e: Evidence) -> None:
    e.told.asked["key-1"].outcome = ""


def _another_id(e: Evidence) -> None:
    e.told.asked["key-1"].transfer_id = "pay_7"


def _not_in_the_ledger(e: Evidence) -> None:
    del e.hot["pay_1"]


def _another_amount_in_the_ledger(e: Evidence) -> None:
    e.hot["pay_1"] += 1


def _a_strangers_in_the_ledger(e: Evidence) -> None:
    e.hot["pay_8"] = 5


def _a_balance_drifts(e: Evidence) -> None:
    e.after["mer_2"] -= 1


def _somebody_else_moved(e: Evidence) -> None:
    e.before["wal_7"], e.after["wal_7"] = 5, 4


def _never_announced(e: Evidence) -> None:
    del e.told.heard[0]


def _announced_twice(e: Evidence) -> None:
    e.told.heard.append(e.told.heard[0])


def _announced_to_another_stall(e: Evidence) -> None:
    e.told.heard[0] = replace(e.told.heard[0], merchant_id="mer_2", version=99)


def _announced_with_another_amount(e: Evidence) -> None:
    e.told.heard[0] = replace(e.told.heard[0], amount=1)


def _announced_with_another_fee(e: Evidence) -> None:
    e.told.heard[1] = replace(e.told.heard[1], fee=71)


def _announcements_with_a_gap(e: Evidence) -> None:
    e.told.heard[1] = replace(e.told.heard[1], version=40)


def _a_report_misses_a_line(e: Evidence) -> None:
    e.reports[0] = replace(e.reports[0], postings=e.reports[0].postings[1:])


def _a_reports_total_is_off(e: Evidence) -> None:
    e.reports[0] = replace(e.reports[0], credits=e.reports[0].credits + 1)


def _a_position_is_off(e: Evidence) -> None:
    e.positions[0] = replace(e.positions[0], net=e.positions[0].net + 1)


def _a_report_is_missing(e: Evidence) -> None:
    del e.reports[-1]


def _another_telecom_pays(e: Evidence) -> None:
    e.telecoms["wal_1"] = "VNPT"


def _a_window_counts_one_more(e: Evidence) -> None:
    e.window_payments += 1


def _a_pack_is_not_signed(e: Evidence) -> None:
    e.packs.append("pack of VIETTEL: SIGNATURE")


def _the_record_is_full(e: Evidence) -> None:
    e.told.full = True


def _one_key_two_answers(e: Evidence) -> None:
    e.told.contradictions.append("key-1 was told done pay_1, then done pay_2")


def _earned_otherwise(e: Evidence) -> None:
    e.told.asked["cash"].commission = COMMISSION
    e.booked["cash"] = replace(e.booked["cash"], fee=COMMISSION + 1)


def _earned_nearly_all(e: Evidence) -> None:
    """Books and balance agree on it; the agent was told something else."""
    e.told.asked["cash"].commission = COMMISSION
    e.booked["cash"] = replace(e.booked["cash"], fee=49_000)
    e.after[AGENT] += 49_000 - COMMISSION


def _one_key_twice_in_the_books(e: Evidence) -> None:
    e.twice.append(replace(e.booked["key-1"], seq=950, transfer_id="pay_again"))


def _a_refund_that_nobody_asked_for(e: Evidence) -> None:
    """In two reports, so that totals and positions sum up."""
    for number, (debit, credit) in enumerate(((900_000, 0), (0, 900_000))):
        was = e.reports[number]
        line = Posting(was.institution, "refund", "ref_1", f"settlement:{was.institution}", debit, credit)
        e.reports[number] = report(was.institution, [*was.postings, line])
    e.positions = [Line(r.institution, r.debits, r.credits, r.net, len(r.postings)) for r in e.reports]


LIES: tuple[Callable[[Evidence], None], ...] = (
    _told_and_lost, _not_told, _told_as_refused, _refused_but_told_done, _refusal_without_event, _another_refusal,
    _without_outcome, _another_id, _not_in_the_ledger, _another_amount_in_the_ledger, _a_strangers_in_the_ledger,
    _a_balance_drifts, _somebody_else_moved, _never_announced, _announced_twice, _announced_to_another_stall,
    _announced_with_another_amount, _announced_with_another_fee, _announcements_with_a_gap, _a_report_misses_a_line,
    _a_reports_total_is_off, _a_position_is_off, _a_report_is_missing, _another_telecom_pays,
    _a_window_counts_one_more, _a_pack_is_not_signed, _the_record_is_full, _one_key_two_answers,
    _earned_otherwise, _earned_nearly_all, _one_key_twice_in_the_books, _a_refund_that_nobody_asked_for,
)  # fmt: skip


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__.strip("_"))
def test_a_lie_is_found(lie: Callable[[Evidence], None]) -> None:
    evidence = honest(DAY)
    lie(evidence)
    assert tie.findings(evidence)
    assert not collect.judge(evidence).holds


def test_what_the_platform_shed_before_doing_anything_needs_no_event() -> None:
    evidence = honest(DAY)
    evidence.told.asked["poor"].outcome = "OVERLOADED"
    del evidence.booked["poor"]
    assert tie.findings(evidence) == []


def test_the_same_payment_carried_out_twice_is_counted() -> None:
    evidence = honest(DAY)
    evidence.booked["again"] = replace(evidence.booked["key-1"], key="again", transfer_id="pay_99")
    assert tie.losses(evidence)["doubled"] == 1
    assert "pay_99 is in the books, and nobody asked for it" in tie.findings(evidence)


def test_a_day_without_a_payment_proves_nothing() -> None:
    assert not collect.judge(honest([])).holds
