"""When a merchant is paid out: with every window, or once a day with the day's last one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, time

from mongoengine import Document, StringField

from kit.clock import VIETNAM
from kit.errors import InvalidArgument
from services.settlement.schedule import Plan

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


def ends_day(closed_at: datetime, schedule: Sequence[Plan]) -> bool:
    """Whether a window that closed then is the last of its day (Vietnam's). Pure."""
    here = closed_at.astimezone(VIETNAM)
    cut_offs = [at for plan in schedule for at in plan.on(here.date())]
    return here.time() >= (max(cut_offs) if cut_offs else EVENING)


def waits(merchant_ids: Iterable[str], closed_at: datetime, schedule: Sequence[Plan]) -> set[str]:
    """Which of these merchants a window does not pay out: theirs is the day's last."""
    return set() if ends_day(closed_at, schedule) else daily() & set(merchant_ids)
