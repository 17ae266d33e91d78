"""Archives the months of the books that are over: each once, when the first event of the next is journaled."""

from __future__ import annotations

from pathlib import Path

from kit import log
from kit.streams.entry import ReaderStopped
from services.settlement.books import archive
from services.settlement.books.manifest import ArchiveWrong

_logger = log.logger(__name__)


def archive_months(home: Path) -> int:
    """Archives what is not there yet to `<home>/archive`, oldest first; how many months. Where the journal is not what
    was chained nothing is archived, and that is told: money is settled all the same."""
    root, done = home / "archive", 0
    for month in archive.months():
        if (root / archive.name_of(month)).exists():
            continue
        try:
            made = archive.archive(root, month)
        except (ArchiveWrong, ReaderStopped) as wrong:
            _logger.critical("a month is not archived: audit the books", month=month, reason=str(wrong))
            return done
        except ValueError:
            continue  # no event in it
        done += 1
        _logger.info("month archived", month=made.manifest.month, events=made.manifest.last_seq)
    return done
