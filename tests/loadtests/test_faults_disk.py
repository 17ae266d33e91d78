"""The busy disk: it flushes while it lasts, and leaves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.faults import disk
from loadtests.gate.watch import until


def test_a_busy_disk_flushes_while_it_lasts_and_leaves_nothing(tmp_path: Path) -> None:
    with disk.BusyDisk(tmp_path) as busy:
        assert until(lambda: busy.flushes >= disk.WRITERS, 60), busy.flushes
        assert len(disk.flush_ms(tmp_path, 3)) == 3  # others go on beside it
    ended = busy.flushes
    assert list(tmp_path.iterdir()) == []
    assert not until(lambda: busy.flushes > ended, 0.3), "somebody still writes"


def test_a_disk_that_cannot_be_written_is_told_and_not_taken_for_a_busy_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), disk.BusyDisk(tmp_path / "nowhere") as busy:
        assert until(lambda: not any(thread.is_alive() for thread in busy._threads), 10)
