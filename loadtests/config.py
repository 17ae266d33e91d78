"""What a run is told: through the environment, since Locust runs in processes of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kit.marketday import tet

LOOPBACK = ("127.0.0.1", "::1", "localhost")
# In a cluster the gateway is reached by this name of its own namespace, and by no other.
IN_CLUSTER = "gateway"


@dataclass(frozen=True)
class Stall:
    """A merchant as a shopper meets it: a QR code. `after`: of the ledger's events, the last before the run; `version`:
    of its account, then.
    """

    merchant_id: str
    qr_payload: str
    after: int = 0
    version: int = 0


@dataclass(frozen=True)
class Person:
    """Who signs in. `account_id`: a shopper's wallet, an agent's float, a vendor's merchant account.

    `institution`: the telecom of wallet or float, or whom an officer works for. `customers`: an agent's, by wallet.
    `token`: of who has signed in beforehand, as most phones have.
    """

    phone: str
    pin: str
    account_id: str = ""
    institution: str = ""
    user_id: str = ""
    customers: tuple[str, ...] = ()
    token: str = ""


@dataclass(frozen=True)
class MarketDay:
    """Who comes to the market, and what is there. `closed_window`: what officers pull reports of; 0 for none."""

    shoppers: list[Person]
    vendors: list[Person]
    stalls: list[Stall]
    agents: list[Person] = field(default_factory=list)
    officers: list[Person] = field(default_factory=list)
    hostile: list[Person] = field(default_factory=list)
    closed_window: int = 0

    def write(self, file: Path) -> None:
        """For the run to read, all of it or nothing. It holds PINs: in a folder that nobody else reads."""
        new = file.with_suffix(".new")
        new.write_text(json.dumps(asdict(self)))
        new.replace(file)

    @classmethod
    def read(cls, file: Path) -> MarketDay:
        """What `write` wrote."""
        data = json.loads(file.read_text())
        people = {kind: [_person(row) for row in data[kind]] for kind in _KINDS}
        stalls = [Stall(**row) for row in data["stalls"]]
        return cls(stalls=stalls, closed_window=data["closed_window"], **people)


_KINDS = ("shoppers", "vendors", "agents", "officers", "hostile")


def _person(row: dict[str, Any]) -> Person:
    return Person(**{**row, "customers": tuple(row["customers"])})


@dataclass(frozen=True)
class Config:
    """Where to, who, for how long in which shape, and where to write down what happened.

    `users`: people at the peak. `rate`: payments a second at the peak, open loop; 0 for a closed loop. `workers`: load
    processes. `day`: the calendar's day that is played. `grpc`: where the payments service is reached directly
    ("" for nowhere), `edge`: what proves there that a caller was checked. `trouble`: there is some on purpose, so that
    people ask again where they got no answer.
    """

    host: str
    people: Path
    folder: Path
    shape: str = "steady"
    seconds: int = 30
    users: int = 50
    rate: float = 0.0
    workers: int = 1
    day: date = field(default_factory=lambda: day_of_peak(2026))
    grpc: str = ""
    edge: str = ""
    trouble: bool = False

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Config:
        """From LOADTEST_HOST and the like (`env`). Raises KeyError, ValueError."""
        given = {name: env[f"LOADTEST_{name.upper()}"] for name in cls.__dataclass_fields__ if _is_set(env, name)}
        grpc = given.get("grpc", "")
        return cls(
            host=loopback(env["LOADTEST_HOST"], env),
            people=Path(env["LOADTEST_PEOPLE"]),
            folder=Path(env["LOADTEST_FOLDER"]),
            shape=given.get("shape", "steady"),
            seconds=int(given.get("seconds", 30)),
            users=int(given.get("users", 50)),
            rate=float(given.get("rate", 0)),
            workers=int(given.get("workers", 1)),
            day=date.fromisoformat(given["day"]) if "day" in given else day_of_peak(2026),
            grpc=urlsplit(loopback(f"grpc://{grpc}", env)).netloc if grpc else "",
            edge=given.get("edge", ""),
            trouble=given.get("trouble", "False") == "True",
        )

    def env(self) -> dict[str, str]:
        """What `of` reads."""
        return {f"LOADTEST_{name.upper()}": str(value) for name, value in vars(self).items()}


def _is_set(env: Mapping[str, str], name: str) -> bool:
    return bool(env.get(f"LOADTEST_{name.upper()}"))


def day_of_peak(year: int) -> date:
    """The busiest day of a year's calendar: Tết's eve."""
    return date.fromordinal(tet(year).toordinal() - 1)


def loopback(url: str, env: Mapping[str, str] | None = None) -> str:
    """The URL, where it is this machine's own or, inside a cluster, its gateway. Raises ValueError: nobody else's
    gateway is loaded from here.
    """
    host = urlsplit(url).hostname
    if host in LOOPBACK or (host == IN_CLUSTER and env and env.get("KUBERNETES_SERVICE_HOST")):
        return url
    raise ValueError(f"load goes to loopback only, not to {url}")
