"""Alarms about stalls, and who moves them: open -> seen -> resolved. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from kit.errors import WrongState
from services.onboarding.places.words import text

NOTE_CHARACTERS_MAX = 200


class Kind(str, Enum):
    FOREIGN_CODE = "foreign_code"
    QUIET = "quiet"


class State(str, Enum):
    OPEN = "open"
    SEEN = "seen"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """`times` counts how often it was raised until it was resolved; `detail` is the latest. Times are UTC."""

    alarm_id: str
    kind: Kind
    merchant_id: str
    merchant_name: str
    market_id: str
    stall: str
    raised_at: datetime
    detail: str
    state: State = State.OPEN
    times: int = 1
    seen_at: datetime | None = None
    seen_by: str = ""
    resolved_at: datetime | None = None
    resolved_by: str = ""
    note: str = ""


def seen(alarm: Alarm, by: str, at: datetime) -> Alarm:
    """Somebody is on the way; who saw it first stays named. Raises WrongState where it is resolved."""
    if alarm.state is State.RESOLVED:
        raise WrongState("the alarm is resolved")
    return alarm if alarm.state is State.SEEN else replace(alarm, state=State.SEEN, seen_by=by, seen_at=at)


def resolved(alarm: Alarm, by: str, note: str, at: datetime) -> Alarm:
    """What was found, and that it is in order now; as it is where the same person said the same.

    Raises InvalidArgument (no note) and WrongState (somebody else resolved it).
    """
    note = text(note, "note", NOTE_CHARACTERS_MAX)
    if alarm.state is State.RESOLVED:
        if (alarm.resolved_by, alarm.note) == (by, note):
            return alarm
        raise WrongState("the alarm is resolved already")
    return replace(alarm, state=State.RESOLVED, resolved_by=by, resolved_at=at, note=note)
