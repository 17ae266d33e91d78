"""A market whose settlement tests run by hand: clerks that die where they are told to, and the bank and the telecoms.

`python -m tests.system.settling` is what clerks are forked from, so that none of them imports everything anew.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import redis

from cli import people
from cli.api import Api, ApiError
from cli.settle import close_window
from cli.stack import Stack
from kit.clock import VIETNAM
from kit.config import settings
from kit.ids import new_key
from services.onboarding.seed import made_up_person
from services.payments.store.keys import Keys
from simulators.institutions.faults import Fault, arm
from simulators.institutions.ticks import Did, Institutions
from tests.waiting import until

ROOT = Path(__file__).parents[2]
BANK, SCHEME = "970418", "99990000000001"
HOUR_NS = 3600 * 10**9


class Clerks:
    """Clerks, one after the other. `env`: of the stack; `log`: what they say."""

    def __init__(self, env: Mapping[str, str], log: Path) -> None:
        self._log = log.open("ab")
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.system.settling"], env={**os.environ, **env}, cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
        )  # fmt: skip

    def run(self, **env: str) -> int:
        """Runs one; its exit status, below zero the signal that it died of."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(json.dumps(env) + "\n")
        self._parent.stdin.flush()
        return int(self._parent.stdout.readline())

    def close(self) -> None:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.close()
        self._parent.wait()
        self._parent.stdout.close()
        self._log.close()


def main() -> None:
    """Forks a clerk for each line of standard input, which says its environment; writes how it ended."""
    from services.settlement.clerk.__main__ import main as clerk

    for line in sys.stdin:
        child = os.fork()
        if not child:
            os.dup2(2, 1)
            os.environ.update(json.loads(line))
            settings.cache_clear()
            try:
                status = clerk()
            except BaseException:
                traceback.print_exc()
                status = 1
            os._exit(status)
        _, ended = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(ended), flush=True)


@dataclass
class Town:
    """A seeded stack, somebody who pays a merchant, an operator, and the institutions."""

    stack: Stack
    api: Api
    clerks: Clerks
    institutions: Institutions
    did: list[Did] = field(default_factory=list)
    _ticks: int = 0

    def __post_init__(self) -> None:
        self.operator = self.api.sign_in(people.OPERATOR.phone, people.PIN)
        self.shopper = self.api.sign_in(people.SHOPPERS[0].phone, people.PIN)
        self.wallet = str(self.shopper.get("/v1/me/accounts")["accounts"][0]["account_id"])
        self.merchant = self._open_shop()

    def _open_shop(self) -> str:
        """A merchant who sells clothes: of the fees on food no telecom has a share, for there are none."""
        vendor, team = next(iter(people.vendors().values())), self.api.sign_in(people.TEAM.phone, people.PIN)
        (market, *_) = team.get("/v1/markets")["markets"]
        account = {"bank_bin": "970436", "account_number": "0071001234567", "account_name": "HANG VAI CO TU"}
        registered = team.post(
            "/v1/merchants", request_id=new_key(), owner_id=vendor.user_id, market_id=market["market_id"],
            name="Vải Cô Tư", stall="B-12", category_code="5651", settlement_account=account,
            **made_up_person(901, "Hàng Thị Tư", vendor.phone),
        )["merchant"]  # fmt: skip
        merchant = str(registered["merchant_id"])
        for finding in self.operator.get(f"/v1/merchants/{merchant}/findings")["findings"]:
            path = f"/v1/merchants/{merchant}/findings/{finding['finding_id']}/accept"
            self.operator.post(path, reason="sạp thứ hai của cùng một người")
        self.operator.post(f"/v1/merchants/{merchant}/approve")
        until(lambda: self._is_paid(merchant))
        return merchant

    def _is_paid(self, merchant: str) -> bool:
        """Payments hear of merchants by events: within a second."""
        try:
            self.shopper.post(
                "/v1/payments", idempotency_key=new_key(), wallet_id=self.wallet, merchant_id=merchant, amount=1_000
            )
        except ApiError:
            return False
        return True

    @property
    def home(self) -> Path:
        return self.stack.home

    def pay(self, amount: int = 15_000, times: int = 2) -> None:
        for _ in range(times):
            self.shopper.post(
                "/v1/payments", idempotency_key=new_key(), wallet_id=self.wallet, merchant_id=self.merchant,
                amount=amount,
            )  # fmt: skip

    def close(self) -> int:
        """Closes the open window; its number."""
        return close_window(self.operator)

    def open_window(self) -> int:
        return int(self.operator.get("/v1/windows", limit=1)["windows"][0]["window"])

    def state(self, window: int) -> str:
        """A window's, without its prefix."""
        found = self.operator.get("/v1/windows", limit=5)["windows"]
        return next(str(one["state"]) for one in found if int(one["window"]) == window).removeprefix("WINDOW_STATE_")

    def payouts(self, window: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.operator.get("/v1/payouts", window=window).get("payouts", [])
        return found

    def tick(self, times: int = 2) -> None:
        """The bank and the telecoms do what there is to do; what they send is old enough to be whole."""
        for _ in range(times):
            self._ticks += 1
            self.did += self.institutions.tick(datetime.now(UTC) + timedelta(milliseconds=self._ticks))
        age_files(self.home)

    def arm(self, institution: str, **fault: Any) -> None:
        arm(self.home, institution, Fault(**fault))

    def schedule(self) -> Path:
        """A plan by which the window that is open is to be closed now, and no later one."""
        cut_off = datetime.now(VIETNAM).time().isoformat()
        plan = {"from": "2020-01-01", "until": "2100-01-01", "weekdays": list(range(1, 8)), "cut_offs": [cut_off]}
        path = self.home / "schedule.json"
        path.write_text(json.dumps([plan]))
        return path

    def booked(self) -> dict[str, int]:
        """How often the bank has booked each payment on the scheme's account, by end-to-end id."""
        sql = (
            "SELECT i.end_to_end_id, count(*) FROM bookings AS b JOIN instructions AS i ON i.id = b.instruction "
            "WHERE b.agent = ? AND b.account = ? AND b.return_reason = '' GROUP BY 1"
        )
        return dict(self.institutions._bank.book.db.execute(sql, (BANK, SCHEME)))

    def messages(self) -> dict[str, int]:
        """How often the bank has got each message."""
        sql = "SELECT message_id, count(*) FROM messages GROUP BY 1"
        return dict(self.institutions._bank.book.db.execute(sql))

    def at_the_bank(self) -> int:
        """What is on the scheme's account there, less what was at first, đồng."""
        sql = "SELECT balance - opening FROM accounts WHERE agent = ? AND account = ?"
        return int(self.institutions._bank.book.db.execute(sql, (BANK, SCHEME)).fetchone()[0])

    def balance(self, account: str) -> int:
        """Debits less credits of one of the ledger's accounts, đồng."""
        of = self.stack.settings()
        with closing(redis.Redis.from_url(of.ledger_url, decode_responses=True)) as ledger:
            debits, credits = ledger.hmget(Keys(of.cell).account(account), "dp", "cp")  # type: ignore[misc]
        return int(debits or 0) - int(credits or 0)


def age_files(home: Path) -> None:
    """Files that institutions sent become an hour older, and keep their order: nobody takes them for unfinished."""
    for file in (home / "exchange").glob("*/in/*"):
        if file.is_file():
            came_ns = file.stat().st_mtime_ns - HOUR_NS
            os.utime(file, ns=(came_ns, came_ns))


@contextmanager
def town(home: Path) -> Iterator[Town]:
    """On a stack of its own, in which no clerk starts by itself and no window closes by itself."""
    home.mkdir(parents=True, exist_ok=True)
    # What the worker starts waits until an earlier clerk has ended: this one never does.
    with (home / "clerk.started.lock").open("w") as started:
        fcntl.flock(started, fcntl.LOCK_EX)
        env = {"CHO_SETTLEMENT_SCHEDULE": "off", "CHO_RATE_SCALE": "1000", "CHO_PAYMENTS_A_MINUTE": "1000000"}
        with (
            Stack(home, seed=True, env=env) as stack,
            closing(Clerks(stack.env, home / "log" / "clerks.log")) as clerks,
            closing(Institutions(stack.home)) as institutions,
            Api(stack.gateway_url) as api,
        ):
            yield Town(stack, api, clerks, institutions)


if __name__ == "__main__":
    main()
