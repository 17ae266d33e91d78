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
    assert plans.ends_day(at(f"2026-11-24T{closed}"), SHIPPED) is last


def test_without_a_schedule_the_evening_ends_the_day() -> None:
    assert not plans.ends_day(at("2026-11-24T16:00"), [])
    assert plans.ends_day(at("2026-11-24T22:00"), [])


def test_who_chose_once_a_day_waits_for_the_days_last_window_and_the_others_do_not(books: None) -> None:
    plans.PlanDocument.objects.delete()
    plans.choose("mer_a", plans.DAILY)
    plans.choose("mer_b", plans.DAILY)
    plans.choose("mer_b", plans.WINDOW)
    assert plans.waits(["mer_a", "mer_b", "mer_c"], at("2026-11-24T11:00"), SHIPPED) == {"mer_a"}
    assert plans.waits(["mer_a", "mer_b", "mer_c"], at("2026-11-24T23:00"), SHIPPED) == set()
    assert (plans.chosen("mer_a"), plans.chosen("mer_c")) == (plans.DAILY, plans.WINDOW)


def test_another_plan_is_refused(books: None) -> None:
    with pytest.raises(InvalidArgument):
        plans.choose("mer_a", "never")
