"""Whether telecoms' own records of windows have come: who has not sent one in time is told of as a case."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from kit import log
from services.settlement import schedule, store
from services.settlement.clerk.due import plans
from services.settlement.matching import cases
from services.settlement.matching import store as kept
from services.settlement.matching.cases import Case
from services.settlement.matching.model import BreakType
from services.settlement.names import TELECOMS

WINDOWS_MAX = 200

_logger = log.logger(__name__)


def stream(institution: str, window: int) -> str:
    """What a telecom's record of a window is reconciled as."""
    return f"{institution}|settlement:{institution}|postings W{window:06d}"


def look(at: datetime) -> bool:
    """Opens a case for every record that is late, and closes it when it has come. Whether anything has changed."""
    awaiting = [
        closed for state in ("awaited", "late") for closed in store.awaiting_records(state, WINDOWS_MAX)
        if closed.stage != "closed"
    ]  # fmt: skip
    came = kept.stored(stream(one, closed.number) for closed in awaiting for one in _telecoms(closed))
    changed = [_look_at(closed, came, at) for closed in awaiting]
    return any(changed)


def _telecoms(closed: store.Window) -> list[str]:
    """Who has to send a record of the window."""
    return sorted(line.institution for line in closed.lines if line.institution in TELECOMS)


def _look_at(closed: store.Window, came: Collection[str], at: datetime) -> bool:
    telecoms = _telecoms(closed)
    missing = [one for one in telecoms if stream(one, closed.number) not in came]
    if closed.records == "late":
        for telecom in telecoms:
            if telecom not in missing:
                cases.close_case(_case(closed, telecom), "it came", at)
    if not missing:
        store.records_are(closed, "in")
        return True
    if closed.records == "late" or schedule.record_due(plans(), closed.closed_at) > at:
        return False
    for telecom in missing:
        cases.open_case(_case(closed, telecom), at)
        _logger.error("a telecom's record is late", window=closed.number, institution=telecom)
    store.records_are(closed, "late")
    return True


def _case(closed: store.Window, telecom: str) -> Case:
    # What it would be compared with: all that the window made the telecom owe and be owed.
    moved = sum(line.debits + line.credits for line in closed.lines if line.institution == telecom)
    name = f"record.W{closed.number:06d}-{telecom}.csv"
    return Case(telecom, "record", BreakType.NO_FILE, name, said="its record of the window has not come", at_risk=moved)
