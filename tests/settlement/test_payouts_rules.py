"""What is paid out, under which ids and keys, and how banks' words are taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.ids import key_time_ms
from services.settlement import interchange
from services.settlement.names import TELECOMS, name_of, report_name
from services.settlement.payouts import rules

AT = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
OWED = st.dictionaries(st.text("abc019", min_size=1, max_size=8), st.integers(-(10**12), 10**12), max_size=50)


@given(owed=OWED)
def test_whoever_is_owed_enough_is_paid_all_of_it_and_nobody_else_anything(owed: dict[str, int]) -> None:
    found = rules.due(12, owed, {}, ())
    assert {one.payee: one.amount for one in found} == {
        payee: amount for payee, amount in owed.items() if amount >= rules.LEAST_VND
    }
    assert [one.payout_id for one in found] == [f"PO-000012-{line:06d}-1" for line in range(1, len(found) + 1)]


@given(owed=OWED, seed=st.randoms(use_true_random=False))
def test_ids_follow_from_who_is_paid_and_not_from_the_order_in_which_it_was_asked(
    owed: dict[str, int], seed: object
) -> None:
    shuffled = list(owed.items())
    seed.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rules.due(1, owed, {}, ()) == rules.due(1, dict(shuffled), {}, ())


@given(owed=OWED, planned=OWED, waits=st.sets(st.text("abc019", min_size=1, max_size=8)))
def test_what_is_planned_already_is_not_planned_again_and_changes_nobodys_id(
    owed: dict[str, int], planned: dict[str, int], waits: set[str]
) -> None:
    planned = {payee: abs(amount) for payee, amount in planned.items()}
    whole = {one.payee: one for one in rules.due(12, owed, {}, ())}
    found = rules.due(12, owed, planned, waits)
    assert all(one.amount + planned.get(one.payee, 0) == owed[one.payee] for one in found)
    assert all(one.payout_id == whole[one.payee].payout_id for one in found)
    assert {one.payee for one in found} == {
        payee for payee in whole if payee not in waits and owed[payee] - planned.get(payee, 0) >= rules.LEAST_VND
    }


@given(count=st.integers(0, 25_000))
def test_every_payout_is_in_one_file_and_no_file_holds_more_than_a_bank_takes(count: int) -> None:
    ids = [rules.payout_id(3, line) for line in range(count, 0, -1)]
    files = list(rules.in_files(ids))
    assert [one for file in files for one in file] == sorted(ids)
    assert all(0 < len(file) <= rules.BATCH_MAX for file in files)


def test_ids_fit_into_35_characters_for_windows_and_lines_of_six_digits() -> None:
    ids = [
        rules.payout_id(999_999, 999_999), rules.batch_id(999_999, 999),
        rules.on_demand_id("0191f3b2-0000-7000-8000-000000000000"),
        *(rules.net_id(999_999, telecom, 99) for telecom in TELECOMS),
        *(rules.net_message_id(999_999, telecom, 99) for telecom in TELECOMS),
    ]  # fmt: skip
    assert max(map(len, ids)) <= 35
    assert len(set(ids)) == len(ids)


def test_a_later_attempt_at_a_net_position_has_ids_of_its_own() -> None:
    ids = {(rules.net_id(7, "VNPT", attempt), rules.net_message_id(7, "VNPT", attempt)) for attempt in (1, 2, 3)}
    assert ids == {
        ("NP-000007-VNPT", "NP-W000007"), ("NP-000007-VNPT-2", "NP-W000007-VNPT-2"),
        ("NP-000007-VNPT-3", "NP-W000007-VNPT-3"),
    }  # fmt: skip


def test_a_steps_key_is_the_same_whoever_takes_it_and_another_for_every_step_payout_and_try() -> None:
    made = [
        rules.key(at, about, operation, tries)
        for at in (AT, AT + timedelta(milliseconds=1)) for about in ("PO-000001-000001-1", "PO-000001-000002-1")
        for operation in ("payout", "paid", "failed", "returned") for tries in (0, 1)
    ]  # fmt: skip
    assert len(set(made)) == len(made) == 32
    assert made[0] == rules.key(AT, "PO-000001-000001-1", "payout")
    assert key_time_ms(made[0]) == AT.timestamp() * 1000


@pytest.mark.parametrize(
    ("total", "operators"), [(0, 0), (rules.FOUR_EYES_VND - 1, 0), (rules.FOUR_EYES_VND, 2), (10**15, 2)]
)
def test_from_half_a_billion_on_a_file_waits_for_two_operators(total: int, operators: int) -> None:
    assert rules.releases_needed(total) == operators


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("ACSC", "paid"), ("ACCC", "paid"), ("RJCT", "failed"), ("CANC", "failed"), ("ACCP", ""), ("ACSP", ""),
     ("PDNG", ""), ("PART", ""), ("", ""), ("acsc", "")],
)  # fmt: skip
def test_only_what_is_final_ends_a_payout(status: str, outcome: str) -> None:
    assert rules.outcome(status) == outcome


@pytest.mark.parametrize("status", ["RJCT", "CANC"])
@pytest.mark.parametrize("reason", ["AM05", "DU01", "DU02", "DU03", "DU04", "DU05"])
def test_a_rejection_as_a_duplicate_says_that_it_was_paid_before_and_so_ends_nothing(status: str, reason: str) -> None:
    assert rules.outcome(status, reason) == ""
    assert rules.outcome(status, f"{reason} seen before") == ""
    for other in ("AC04", "AM04 insufficient funds", "", "DUPL"):
        assert rules.outcome(status, other) == "failed"


def test_the_platforms_own_payout_is_no_merchants_and_its_end_is_one_of_the_ended() -> None:
    assert rules.PLATFORM == "fee:PLATFORM"
    assert {"paid", "failed", "returned", "carried"} == rules.ENDED


# Shares of fees -------------------------------------------------------------------------------------------


@given(fees=st.dictionaries(st.sampled_from(sorted(TELECOMS)), st.integers(-(10**9), 10**12)))
def test_a_telecom_gets_a_fifth_of_its_payers_fees_rounded_down_and_never_less_than_nothing(
    fees: dict[str, int],
) -> None:
    shares = interchange.shares(fees, AT)
    assert shares == {telecom: fee // 5 for telecom, fee in fees.items() if fee >= 5}
    assert list(shares) == sorted(shares)


def test_before_there_was_a_rate_nobody_got_a_share() -> None:
    assert interchange.shares({"VNPT": 10**9}, datetime(2025, 12, 31, 23, 59, tzinfo=UTC)) == {}
    assert interchange.shares({"VNPT": 10**9}, datetime(2026, 1, 1, tzinfo=UTC)) == {"VNPT": 2 * 10**8}


def test_of_two_rates_the_one_counts_that_was_in_force_when_the_window_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = datetime(2027, 1, 1, tzinfo=UTC)
    rates = (interchange.Rate(AT, turn, 200_000), interchange.Rate(turn, turn + timedelta(days=1), 100_000))
    monkeypatch.setattr(interchange, "RATES", rates)
    before, at = turn - timedelta(milliseconds=1), turn
    assert [interchange.shares({"VNPT": 1000}, when)["VNPT"] for when in (before, at)] == [200, 100]


# Names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("institution", "name"),
    [("VIETTEL", "Viettel Money"), ("970418", "BIDV"), ("PLATFORM", "Chợ 4.0"), ("STRIPE", "STRIPE"),
     ("999999", "999999")],
)  # fmt: skip
def test_people_read_a_name_and_an_unknown_institution_is_called_what_it_is_called(institution: str, name: str) -> None:
    assert name_of(institution) == name


def test_a_reports_name_says_window_and_institution() -> None:
    assert report_name(12, "VIETTEL") == "report.W000012-VIETTEL.csv"
