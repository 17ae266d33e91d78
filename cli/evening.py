"""The end of `cho demo`: the window closes, the bank pays, the telecoms answer, and one of them makes a mistake."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import packs, settle
from kit.clock import VIETNAM, now
from kit.config import settings
from kit.money import format_vnd
from simulators.institutions.faults import Fault, arm
from simulators.institutions.ticks import Did, Institutions

if TYPE_CHECKING:
    from cli.demo import Morning

# The clerk that could not go on is started again after half a minute (services/settlement/worker.py).
SETTLED_S_MAX = 120.0
LOOK_EVERY_S = 0.25
TELECOM = "VIETTEL"
WRONG_BY = 5_000
# What the bank is given for a window: the payouts, the net positions.
FILES_A_WINDOW = 2


class Evening:
    """The steps, in order. `home`: the stack's, where banks and telecoms find their folders."""

    def __init__(self, morning: Morning, home: Path) -> None:
        self._morning, self._home = morning, home
        self._operator, self._auditor = morning.operator, morning.auditor
        self.step, self.say, self.must = morning.step, morning.say, morning.must

    def run(self) -> None:
        window = self.close()
        with closing(Institutions(self._home)) as them:
            self.be_paid(window, them)
        self.prove(window)
        self.reconcile(window)
        self.find_the_mistake(window + 1)

    def close(self) -> int:
        self.step("13. The window closes: who owes whom")
        window = settle.close_window(self._operator)
        self.must(settle.show_positions(self._operator, window, self._morning.console) == 0, "it does not sum to zero")
        # The next one's record is to be wrong; it closes at once, so that the clerk is at both together.
        arm(self._home, TELECOM, Fault(kind="wrong_amount", amount=WRONG_BY, on=f"record.W{window + 1:06d}-*"))
        self._broken = self._morning.pay(self._morning.payload, 40_000)["payment"]
        settle.close_window(self._operator)
        self.say(f"trade goes on: 40.000 đ are paid in window {window + 1}, which closes too")
        return window

    def be_paid(self, window: int, them: Institutions) -> None:
        self.step("14. The settlement bank pays, telecoms settle")
        today = datetime.now(VIETNAM).date()

        def settled() -> bool:
            them.tick(now())
            of = [settle.window_of(self._operator, number) for number in (window, window + 1)]
            return all(one["state"] == settle.SETTLED for one in of)

        executed = 0
        while executed < 2 * FILES_A_WINDOW:  # the bank's day ends when it has paid all
            executed += sum(did.what == "executed" for did in self._answers(them))
        them.tick(now(), today)
        self._wait(settled, "the windows are not settled")
        for payout in self._operator.get("/v1/payouts", window=window)["payouts"]:
            told = f"{payout['payout_id']}: {format_vnd(int(payout['amount']))} to {payout['bank_bin']}"
            state = settle.state_of(payout["state"])
            self.say(f"{told}, account {payout['account_masked']}: {state}")
            self.must(state == "paid", f"{payout['payout_id']} is {state}, not paid")
        self.say(f"windows {window} and {window + 1} are settled")
        self._keep_reports(window)

    def prove(self, window: int) -> None:
        self.step("15. One line of a report is proven by what was signed")
        found, said, holds = packs.proven(self._auditor, window, TELECOM, 2)
        self.must(holds, "the proof does not lead to the signed root")
        self.say(found["line"])
        root, count = said["report"]["root"][:16], len(found["siblings"])
        self.say(f"is in {found['file']}: {count} hashes lead to the signed root {root}...")

    def reconcile(self, window: int) -> None:
        self.step("16. The bank's statement and the telecom's record say what our books say")
        for institution, file in ((settings().settlement_bank, "camt.053."), (TELECOM, f"record.W{window:06d}")):
            done = self._reconciled(institution, file)
            self.must(done["breaks"] == "0", f"{done['file']} has {done['breaks']} breaks")
            self.say(f"{done['file']}: {done['matched']} of {done['expected']} matched, no breaks")

    def find_the_mistake(self, window: int) -> None:
        self.step("17. The telecom's next record is wrong by 5.000 đ: one break")
        done = self._reconciled(TELECOM, f"record.W{window:06d}")

        def disputed() -> Any:
            listed = self._operator.get("/v1/breaks", institution=TELECOM)["breaks"]
            return listed if any(one["type"] == "DISPUTED" for one in listed) else None

        found = self._wait(disputed, f"{TELECOM}'s net differs from ours, and it disputes nothing")
        lines = [one for one in found if one["type"] != "DISPUTED"]
        self.must(len(lines) == 1 and done["breaks"] == "1", f"one mistake, and {done['breaks']} breaks")
        (one,) = lines
        right = (one["reference"], int(one["difference"])) == (self._broken["transfer_id"], WRONG_BY)
        self.must(right, "the break is not where the mistake is")
        self.say(f"{one['type']} at {one['reference']}: theirs is {format_vnd(WRONG_BY)} more, {one['severity']}")
        self.say(f"so {TELECOM} disputes its net position, which is somebody's to settle, too")
        self.say(f"somebody has to decide until {one['due_on']}: cho breaks show {one['break_id']}")

    # Helpers

    def _wait(self, attempt: Callable[[], Any], otherwise: str) -> Any:
        """Until something is so; what it is. Raises DemoFailed."""
        deadline = time.monotonic() + SETTLED_S_MAX
        while not (found := attempt()):
            self.must(time.monotonic() < deadline, f"waited {SETTLED_S_MAX:g} s: {otherwise}")
            time.sleep(LOOK_EVERY_S)
        return found

    def _answers(self, them: Institutions) -> list[Did]:
        """What bank and telecoms do next."""
        did: list[Did] = self._wait(lambda: them.tick(now()), "there is nothing to answer")
        return did

    def _reconciled(self, institution: str, file: str) -> dict[str, Any]:
        """What became of a file that they sent, once the clerk has compared it."""

        def look() -> Any:
            listed = self._operator.get("/v1/reconciliations", institution=institution)["reconciliations"]
            return next((one for one in listed if one["file"].startswith(file) and one["state"] == "stored"), None)

        done: dict[str, Any] = self._wait(look, f"{file} of {institution} is not compared")
        return done

    def _keep_reports(self, window: int) -> None:
        """Each report's last line is the institution's position."""
        folder = self._morning.reports
        folder.mkdir(parents=True, exist_ok=True)
        for line in self._operator.get(f"/v1/windows/{window}/positions")["positions"]:
            institution = line["institution"]
            data = self._auditor.download(f"/v1/windows/{window}/reports/{institution}")
            file = folder / f"window-{window}-{institution}.csv"
            file.write_bytes(data)
            last = data.decode("utf-8-sig").strip().splitlines()[-1].split(",")
            self.must(last[-1] == line["net"], f"the report of {institution} does not tie with its position")
            self.say(f"report {file.name}: {len(data.splitlines()) - 3} postings, net {format_vnd(int(last[-1]))}")
