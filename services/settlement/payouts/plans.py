"""When a merchant is paid out: with every window, or once a day with the day's last one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta

from mongoengine import Document, StringField

from kit.clock import VIETNAM
from kit.errors import InvalidArgument
from services.settlement.schedule import DAYS_BACK_MAX, Plan

WINDOW, DAILY = "window", "daily"
# Where no schedule says when the day's last window closes.
EVENING = time(22, 0)


class PlanDocument(Document):
    """A merchant's choice; who made none is paid with every window."""

    merchant_id = StringField(primary_key=True)
    plan = StringField(required=True)

    meta = {"collection": "payout_plans", "auto_create_index": False}  # noqa: RUF012


DOCUMENTS = (PlanDocument,)


def choose(merchant_id: str, plan: str) -> None:
    """Keeps a merchant's choice. Raises InvalidArgument."""
    if plan not in (WINDOW, DAILY):
        raise InvalidArgument(f"plan is {WINDOW} or {DAILY}")
    PlanDocument.objects(merchant_id=merchant_id).update_one(set__plan=plan, upsert=True)


def chosen(merchant_id: str) -> str:
    """A merchant's plan."""
    found = PlanDocument.objects(merchant_id=merchant_id).first()
    return str(found.plan) if found else WINDOW


def daily() -> set[str]:
    """Merchants that are paid once a day."""
    return {found.merchant_id for found in PlanDocument.objects if found.plan == DAILY}


def ends_day(opened_at: datetime, closed_at: datetime, schedule: Sequence[Plan]) -> bool:
    """Whether a window is the last of a day (Vietnam's): of the day of its closing, or, where that was late, of one
    whose last cut-off came while it was open. Pure."""
    here = closed_at.astimezone(VIETNAM)
    if here.time() >= (_last_cut_off(here.date(), schedule) or EVENING):
        return True
    opened_on = max(opened_at.astimezone(VIETNAM).date(), here.date() - timedelta(days=DAYS_BACK_MAX))
    before = (opened_on + timedelta(days=n) for n in range((here.date() - opened_on).days))
    lasts = ((day, _last_cut_off(day, schedule)) for day in before)
    return any(at is not None and opened_at < datetime.combine(day, at, VIETNAM) for day, at in lasts)


def _last_cut_off(day: date, schedule: Sequence[Plan]) -> time | None:
    return max((at for plan in schedule for at in plan.on(day)), default=None)


def waits(merchant_ids: Iterable[str], opened_at: datetime, closed_at: datetime, schedule: Sequence[Plan]) -> set[str]:
    """Which of these merchants a window does not pay out: theirs is the day's last."""
    return set() if ends_day(opened_at, closed_at, schedule) else daily() & set(merchant_ids)
