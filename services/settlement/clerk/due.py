"""Whether there is something for the clerk to do. Cheap: the worker asks each second, and imports none of the work."""

from __future__ import annotations

import time
from importlib.resources import files
from pathlib import Path

from kit import log
from kit.clock import now
from kit.config import settings
from services.settlement import schedule, store
from services.settlement.exchange import Box, came, is_news, open_box
from services.settlement.proof.files import NameInvalid, NotAFile

# Windows that are looked at for late records at once.
LATE_MAX = 200

_logger = log.logger(__name__)


def lock_of(home: Path) -> Path:
    """What the clerk holds while it works, where files are exchanged: one place for all that could be at it. A killed
    one's lock is free at once."""
    folder = home / "exchange"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / ".clerk.lock"


def plans() -> list[schedule.Plan]:
    """When windows close; none where that is done by hand. Raises ValueError where the plans cannot be read."""
    named = settings().settlement_schedule
    if named == "off":
        return []
    if named == "shipped":
        return schedule.read(files("services.settlement").joinpath("data/schedule.json").read_text())
    return schedule.read(Path(named).read_text())


def window() -> int:
    """The open window, where it should be closed now; else 0."""
    known = plans()
    if not known:
        return 0
    newest = store.newest_window()
    before = store.window(newest) if newest else None
    opened_at = before.closed_at if before else store.founded_at()
    return newest + 1 if opened_at is not None and schedule.due(known, opened_at, now()) else 0


def record_is_late() -> bool:
    """Whether a telecom's record of a window did not come in time, and nobody was told of it yet."""
    at, known = now(), plans()
    return any(
        closed.stage != "closed" and schedule.record_due(known, closed.closed_at) <= at
        for closed in store.awaiting_records("awaited", LATE_MAX)
    )


def boxes(home: Path) -> list[Box]:
    """Of every institution that was ever sent something. What is no institution's, or is a link or not ours to enter,
    is passed over: it stops nobody else's."""
    folder, found = home / "exchange", list[Box]()
    if not folder.exists():
        return []
    for entry in sorted(folder.iterdir()):
        if not entry.is_dir():
            continue
        try:
            found.append(open_box(home, entry.name))
        except (NameInvalid, NotAFile, FileExistsError, PermissionError) as error:
            if is_news("box", str(entry)):
                # Other programs make folders too; an institution that is not heard is another thing.
                tell = _logger.warning if isinstance(error, NameInvalid) else _logger.critical
                tell("passed over", folder=entry.name, reason=f"{type(error).__name__}: {error}")
    return found


def files_wait(home: Path) -> bool:
    """Whether an institution put a file into its folder."""
    return any(came(box, time.time()).files for box in boxes(home))
