"""When windows close."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.clock import VIETNAM
from services.settlement import schedule

SHIPPED = schedule.read(files("services.settlement").joinpath("data/schedule.json").read_text())
moments = st.datetimes(datetime(2026, 6, 1), datetime(2027, 12, 31)).map(lambda at: at.replace(tzinfo=VIETNAM))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


def test_a_window_closes_at_the_first_cut_off_after_it_was_opened() -> None:
    assert not schedule.due(SHIPPED, at("2026-11-24T11:00"), at("2026-11-24T15:59"))
    assert schedule.due(SHIPPED, at("2026-11-24T11:00"), at("2026-11-24T16:00"))


def test_a_window_that_was_opened_by_a_cut_off_waits_for_the_next() -> None:
    assert not schedule.due(SHIPPED, at("2026-11-24T16:00"), at("2026-11-24T16:00"))


def test_nothing_closes_on_the_first_days_of_tet_and_what_was_paid_then_waits() -> None:
    opened = at("2027-02-05T23:00")
    assert not schedule.due(SHIPPED, opened, at("2027-02-09T23:59"))
    assert schedule.due(SHIPPED, opened, at("2027-02-10T11:00"))


def test_cut_offs_that_were_missed_while_nobody_ran_close_one_window() -> None:
    assert schedule.last_cut_off(SHIPPED, at("2026-11-24T23:30")) == at("2026-11-24T23:00")


@given(moments, moments)
def test_a_window_opened_now_is_never_due_now(opened: datetime, later: datetime) -> None:
    assert not schedule.due(SHIPPED, opened, opened)
    if later > opened + timedelta(days=6):
        assert schedule.due(SHIPPED, opened, later)


@pytest.mark.parametrize(
    "text",
    [
        '[{"from": "2026-01-01"}]',
        '[{"from": "2026-01-01", "until": "2027-01-01", "weekdays": [0], "cut_offs": []}]',
        '[{"from": "2026-01-01", "until": "2027-01-01", "weekdays": [1], "cut_offs": ["11:00", "11:00"]}]',
        '[{"from": "2026-01-01", "until": "2027-01-01", "weekdays": [1], "cut_offs": ["25:00"]}]',
        '[{"from": "2026-01-01", "until": "2027-01-01", "weekdays": [1], "cut_offs": []},'
        ' {"from": "2026-06-01", "until": "2027-01-01", "weekdays": [1], "cut_offs": []}]',
    ],
)
def test_a_plan_that_cannot_be_read_whole_closes_nothing(text: str) -> None:
    with pytest.raises(ValueError):
        schedule.read(text)


def test_a_plan_says_what_it_closes_on_a_day_and_nothing_on_days_that_are_not_its_own() -> None:
    (plan,) = schedule.read(
        '[{"from": "2026-01-01", "until": "2027-01-01", "weekdays": [1, 2], "cut_offs": ["16:00", "11:00"],'
        ' "holidays": {"2026-01-05": ["23:00"], "2026-01-07": ["09:00"], "2026-01-06": []}}]'
    )
    on = {day: [at.strftime("%H:%M") for at in plan.on(date(2026, 1, day))] for day in (5, 6, 7, 8, 12)}
    assert on == {5: ["23:00"], 6: [], 7: ["09:00"], 8: [], 12: ["11:00", "16:00"]}
    assert plan.on(date(2025, 12, 30)) == ()
    assert plan.on(date(2027, 1, 4)) == (), "the day after its last"


def test_plans_follow_one_another_and_a_day_is_of_one_of_them() -> None:
    text = (
        '[{"from": "2026-06-01", "until": "2027-01-01", "weekdays": [1], "cut_offs": ["12:00"]},'
        ' {"from": "2026-01-01", "until": "2026-06-01", "weekdays": [1], "cut_offs": ["10:00"]}]'
    )
    earlier, later = schedule.read(text)
    assert (earlier.starts, later.starts) == (date(2026, 1, 1), date(2026, 6, 1))
    assert schedule.last_cut_off([earlier, later], at("2026-06-01T11:59")) == at("2026-05-25T10:00")
    assert schedule.last_cut_off([earlier, later], at("2026-06-01T12:00")) == at("2026-06-01T12:00")


def test_a_cut_off_of_long_ago_closes_nothing_any_more() -> None:
    plans = schedule.read('[{"from": "2026-01-01", "until": "2026-01-10", "weekdays": [1], "cut_offs": ["10:00"]}]')
    assert schedule.last_cut_off(plans, at("2026-02-13T09:00")) == at("2026-01-05T10:00")
    assert schedule.last_cut_off(plans, at("2026-02-14T09:00")) is None


def test_a_day_has_so_many_cut_offs_at_most() -> None:
    times = ", ".join(f'"{minute // 60:02d}:{minute % 60:02d}"' for minute in range(schedule.CUT_OFFS_A_DAY_MAX + 1))
    plan = '[{{"from": "2026-01-01", "until": "2027-01-01", "weekdays": [1], "cut_offs": [{}]}}]'
    with pytest.raises(ValueError, match="at most 96 different cut-offs a day"):
        schedule.read(plan.format(times))
    assert len(schedule.read(plan.format(times.rpartition(", ")[0]))[0].cut_offs) == 96


@pytest.mark.parametrize(("wrong", "said"), [('"weekdays": 1', "lists?"), ('"weekdays": [8]', "Monday"),
                                             ('"weekdays": [1], "cut_off": []', "a plan has")])  # fmt: skip
def test_what_is_wrong_with_a_plan_is_said(wrong: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        schedule.read(f'[{{"from": "2026-01-01", "until": "2027-01-01", {wrong}, "cut_offs": ["10:00"]}}]')
