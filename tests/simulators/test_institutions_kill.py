"""kill -9 at any moment: nothing is executed twice, nothing is lost."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from types import FrameType

from simulators.institutions import ticks
from simulators.institutions.store import Store
from simulators.institutions.ticks import Institutions
from tests.simulators import institutions_files as files
from tests.simulators.institutions_files import (
    BANK,
    came,
    done,
    give,
    give_pack,
    payouts,
    set_faults,
    statement,
    statuses,
    unsynced,
)

__all__ = ["unsynced"]

NOW = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)
STRIDE = 7
OURS = str(Path(ticks.__file__).parent)


@dataclass(frozen=True)
class Work:
    """What waits, and how much of it goes wrong."""

    messages: int
    of_each: int
    postings: int
    returned: int
    rejected: int
    missing: int

    @property
    def ordered(self) -> dict[str, int]:
        return {
            one.end_to_end_id: one.amount for number in range(self.messages) for one in payouts(self.of_each, number)
        }

    def give(self, home: Path) -> None:
        returned = {"kind": "returned", "count": self.returned, "seed": 1}
        set_faults(home, BANK, returned, {"kind": "rejected", "count": self.rejected, "seed": 2})
        set_faults(home, "VIETTEL", {"kind": "missing_line", "count": self.missing, "seed": 3})
        for number in range(self.messages):
            give(home, BANK, f"pain.001.M{number}.xml", files.pain001(f"M{number}", payouts(self.of_each, number)))
        postings = [(f"tid-{number}", "D", number + 1) for number in range(self.postings)]
        give_pack(home, "VIETTEL", files.report("VIETTEL", postings))

    def check(self, home: Path) -> None:
        """Ends the work and the day, and finds everything once."""
        with closing(Institutions(home)) as them:
            for second in range(4):
                them.tick(NOW + timedelta(minutes=1, seconds=second))
            them.tick(NOW + timedelta(minutes=2), day_end=date(2026, 11, 29))
            moved = "SELECT sum(balance) - sum(opening) FROM accounts"
            assert them._bank.book.db.execute(moved).fetchone() == (0,)
        told: Counter[str] = Counter()
        answers: dict[str, str] = {}
        for path in came(home, "pain.002.*.xml"):
            told.update(statuses(path).keys())
            answers |= statuses(path)
        assert told == Counter(self.ordered.keys()), "each instruction is answered once"
        paid = {one for one, said in answers.items() if said == "ACSC"}
        assert len(told) - len(paid) == self.rejected
        (shown,) = (statement(path) for path in came(home, "camt.053.*.xml"))
        debits = Counter((one[0], one[2]) for one in shown.entries if one[1] == "DBIT")
        assert debits == Counter((one, self.ordered[one]) for one in paid)
        back = [one[0] for one in shown.entries if one[1] == "CRDT"]
        assert len(back) == len(set(back)) == self.returned
        assert shown.agrees
        notified = Counter(one[:2] for path in came(home, "camt.054.*.xml") for one in statement(path).entries)
        assert notified == Counter(one[:2] for one in shown.entries)
        truths = done(home)
        expected = {"returned": self.returned, "rejected": self.rejected, "missing_line": self.missing}
        assert Counter(truth["kind"] for truth in truths) == expected
        missing = {truth["references"][0] for truth in truths if truth["kind"] == "missing_line"}
        record = (home / "exchange" / "VIETTEL" / "in" / "record.W000012-VIETTEL.csv").read_text().splitlines()[1:-1]
        everything = [f"tid-{number}" for number in range(self.postings)]
        assert [line.partition(",")[0] for line in record] == [one for one in everything if one not in missing]
        assert len(came(home, "*.ack.json")) == self.messages


def killed(work: Callable[[Callable[[], None]], None], left: int) -> bool:
    """Runs `work` in a process that kills itself at the step `left` of those that `work` counts; False: it was done."""

    def step() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    process = os.fork()
    if process == 0:
        try:
            work(step)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) == 0, "it broke"
    return False


def tick_until_quiet(home: Path) -> None:
    them, at = Institutions(home), NOW
    while them.tick(at) or at == NOW:
        at += timedelta(milliseconds=5)


def by_lines(home: Path, step: Callable[[], None]) -> None:
    """Each line of the simulators' code is a step."""

    def line(frame: FrameType, event: str, _: object) -> object:
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        if event == "line":
            step()
        return line

    sys.settrace(line)
    tick_until_quiet(home)


def by_effects(home: Path, step: Callable[[], None]) -> None:
    """Each SQL statement, fsync and rename is a step."""
    opened, renamed = Store.__init__, Path.rename

    def open_store(self: Store, *arguments: object) -> None:
        opened(self, *arguments)  # type: ignore[arg-type]
        self.db.set_trace_callback(lambda _: step())

    def rename(self: Path, target: Path) -> Path:
        step()
        moved = renamed(self, target)
        step()
        return moved

    Store.__init__ = open_store  # type: ignore[method-assign]
    Path.rename = rename  # type: ignore[method-assign]
    os.fsync = lambda _: step()
    tick_until_quiet(home)


def test_a_process_that_is_killed_again_and_again_pays_each_once_and_answers_all(tmp_path: Path) -> None:
    work, chance = Work(messages=8, of_each=30, postings=400, returned=5, rejected=7, missing=9), random.Random(20)
    work.give(tmp_path)
    seen: set[str] = set()
    kills = 0
    while killed(partial(by_lines, tmp_path), chance.randrange(14_000)):
        kills += 1
        now = {path.name for path in came(tmp_path, "[!.]*")}
        assert seen <= now, "what was answered stays"
        seen = now
    assert kills > 5, "it was killed in the midst of it"
    work.check(tmp_path)


def test_wherever_between_two_effects_a_process_is_killed_the_next_one_ends_its_work(tmp_path: Path) -> None:
    work = Work(messages=2, of_each=2, postings=4, returned=1, rejected=1, missing=1)
    work.give(tmp_path / "given")
    left, was_killed = 0, True
    while was_killed:
        home = tmp_path / str(left)
        shutil.copytree(tmp_path / "given", home)
        was_killed = killed(partial(by_effects, home), left)
        work.check(home)
        shutil.rmtree(home)
        # Every one takes long; the same few effects come with every file, so that these meet all of them.
        left += STRIDE
    assert left > 100
