"""When settlement windows close: dated plans of cut-offs, in data (`data/schedule.json`, or CHO_SETTLEMENT_SCHEDULE).

A plan names the times of day (Vietnam's) at which the open window closes, on which days of the week, and other times
for holidays: none at all on the first days of Tết, when banks do not settle. What is paid meanwhile stays in the window
that is open. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from kit.clock import VIETNAM

CUT_OFFS_A_DAY_MAX = 96
# How far back a missed cut-off is looked for: longer than any holiday.
DAYS_BACK_MAX = 40
# How long a telecom has to send its own record of a window, where no plan says: hours, and the most that one may say.
RECORDS_WITHIN_H, RECORDS_WITHIN_H_MAX = 24, 240


@dataclass(frozen=True, slots=True)
class Plan:
    """Cut-offs from one day to another (not included). `weekdays`: 1 is Monday. `holidays`: a day's own cut-offs.
    `records_within_h`: how many hours after a window's end telecoms' own records of it have to be there."""

    starts: date
    ends: date
    weekdays: frozenset[int]
    cut_offs: tuple[time, ...]
    holidays: dict[date, tuple[time, ...]] = field(default_factory=dict)
    records_within_h: int = RECORDS_WITHIN_H

    def on(self, day: date) -> tuple[time, ...]:
        """A day's cut-offs; none where the plan is not of that day."""
        if not self.starts <= day < self.ends:
            return ()
        return self.holidays.get(day, self.cut_offs if day.isoweekday() in self.weekdays else ())


def read(text: str) -> list[Plan]:
    """Plans as JSON has them. Raises ValueError naming what is wrong: no plan is read by half."""
    plans = [_plan(entry) for entry in json.loads(text)]
    plans.sort(key=lambda plan: plan.starts)
    if any(one.ends > other.starts for one, other in pairwise(plans)):
        raise ValueError("two plans are of one day")
    return plans


def last_cut_off(plans: Sequence[Plan], now: datetime) -> datetime | None:
    """The newest cut-off that is not after `now`; None where there was none in the last 40 days."""
    here = now.astimezone(VIETNAM)
    for back in range(DAYS_BACK_MAX):
        day = here.date() - timedelta(days=back)
        times = sorted({at for plan in plans for at in plan.on(day)}, reverse=True)
        for at in times:
            cut_off = datetime.combine(day, at, VIETNAM)
            if cut_off <= now:
                return cut_off
    return None


def due(plans: Sequence[Plan], opened_at: datetime, now: datetime) -> bool:
    """Whether the window that was opened then should be closed now. However many cut-offs were missed, it is closed
    once: an empty window tells nobody anything."""
    cut_off = last_cut_off(plans, now)
    return cut_off is not None and opened_at < cut_off


def record_due(plans: Sequence[Plan], closed_at: datetime) -> datetime:
    """Until when telecoms have to send their records of a window that closed then."""
    day = closed_at.astimezone(VIETNAM).date()
    hours = next((plan.records_within_h for plan in plans if plan.starts <= day < plan.ends), RECORDS_WITHIN_H)
    return closed_at + timedelta(hours=hours)


def _plan(entry: dict[str, object]) -> Plan:
    optional = {"holidays", "records_within_h"}
    known = {"from", "until", "weekdays", "cut_offs"} | optional
    if not isinstance(entry, dict) or set(entry) - known or not known - optional <= set(entry):
        raise ValueError(f"a plan has {', '.join(sorted(known))}")
    weekdays, holidays = entry["weekdays"], entry.get("holidays", {})
    if not isinstance(weekdays, list) or not isinstance(holidays, dict):
        raise ValueError("weekdays are a list, holidays an object")  # noqa: TRY004
    if not set(weekdays) <= set(range(1, 8)):
        raise ValueError("weekdays are 1 (Monday) to 7")
    hours = entry.get("records_within_h", RECORDS_WITHIN_H)
    if not isinstance(hours, int) or not 1 <= hours <= RECORDS_WITHIN_H_MAX:
        raise ValueError(f"records_within_h: 1 to {RECORDS_WITHIN_H_MAX} hours")
    return Plan(
        date.fromisoformat(str(entry["from"])), date.fromisoformat(str(entry["until"])), frozenset(weekdays),
        _times(entry["cut_offs"]), {date.fromisoformat(day): _times(times) for day, times in holidays.items()}, hours,
    )  # fmt: skip


def _times(texts: object) -> tuple[time, ...]:
    if not isinstance(texts, list):
        raise ValueError("cut-offs are a list of hh:mm")  # noqa: TRY004
    times = tuple(sorted(time.fromisoformat(text) for text in texts))
    if len(times) > CUT_OFFS_A_DAY_MAX or len(set(times)) < len(times):
        raise ValueError(f"at most {CUT_OFFS_A_DAY_MAX} different cut-offs a day")
    return times
