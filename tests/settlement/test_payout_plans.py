"""A merchant is paid with every window, or once a day."""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files

import pytest

from kit.clock import VIETNAM
from kit.errors import InvalidArgument
from services.settlement import schedule
from services.settlement.payouts import plans

SHIPPED = schedule.read(files("services.settlement").joinpath("data/schedule.json").read_text())


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


@pytest.mark.parametrize(("closed", "last"), [("11:00", False), ("22:59", False), ("23:00", True), ("23:05", True)])
def test_the_days_last_window_is_the_one_of_its_last_cut_off(closed: str, last: bool) -> None:
    assert plans.ends_day(at("2026-11-23T23:00"), at(f"2026-11-24T{closed}"), SHIPPED) is last


@pytest.mark.parametrize(
    ("opened", "closed", "last"),
    [
        ("2026-11-23T18:00", "2026-11-24T00:10", True), ("2026-11-20T18:00", "2026-11-24T08:00", True),
        ("2026-11-23T23:00", "2026-11-24T00:10", False), ("2026-11-24T00:10", "2026-11-24T11:00", False),
    ],
)  # fmt: skip
def test_a_window_that_was_closed_after_midnight_is_still_the_last_of_the_day_that_it_was_to_end(
    opened: str, closed: str, last: bool
) -> None:
    assert plans.ends_day(at(opened), at(closed), SHIPPED) is last


def test_without_a_schedule_the_evening_ends_the_day() -> None:
    assert not plans.ends_day(at("2026-11-23T16:00"), at("2026-11-24T16:00"), [])
    assert plans.ends_day(at("2026-11-24T16:00"), at("2026-11-24T22:00"), [])


def test_who_chose_once_a_day_waits_for_the_days_last_window_and_the_others_do_not(books: None) -> None:
    plans.PlanDocument.objects.delete()
    plans.choose("mer_a", plans.DAILY)
    plans.choose("mer_b", plans.DAILY)
    plans.choose("mer_b", plans.WINDOW)
    owed, before = ["mer_a", "mer_b", "mer_c"], at("2026-11-23T23:00")
    assert plans.waits(owed, before, at("2026-11-24T11:00"), SHIPPED) == {"mer_a"}
    assert plans.waits(owed, before, at("2026-11-24T23:00"), SHIPPED) == set()
    assert (plans.chosen("mer_a"), plans.chosen("mer_c")) == (plans.DAILY, plans.WINDOW)


def test_another_plan_is_refused(books: None) -> None:
    with pytest.raises(InvalidArgument):
        plans.choose("mer_a", "never")
