"""What a run is told: through the environment, since Locust is a process of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Stall:
    """A merchant as a shopper meets it: a QR code."""

    merchant_id: str
    qr_payload: str


@dataclass(frozen=True)
class Person:
    """Who signs in. `account_id`: the shopper's wallet, or the vendor's merchant account."""

    phone: str
    pin: str
    account_id: str


@dataclass(frozen=True)
class MarketDay:
    """Who comes to the market, and what is there."""

    shoppers: list[Person]
    vendors: list[Person]
    stalls: list[Stall]

    def write(self, file: Path) -> None:
        """For the run to read."""
        file.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, file: Path) -> MarketDay:
        """What `write` wrote."""
        data = json.loads(file.read_text())
        return cls(
            shoppers=[Person(**row) for row in data["shoppers"]],
            vendors=[Person(**row) for row in data["vendors"]],
            stalls=[Stall(**row) for row in data["stalls"]],
        )


@dataclass(frozen=True)
class Config:
    """Where to, who, and where to write down what happened."""

    host: str
    day: Path
    record: Path

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Config:
        """From LOADTEST_HOST, LOADTEST_DAY and LOADTEST_RECORD. Raises KeyError, ValueError."""
        return cls(loopback(env["LOADTEST_HOST"]), Path(env["LOADTEST_DAY"]), Path(env["LOADTEST_RECORD"]))

    def env(self) -> dict[str, str]:
        """What `of` reads."""
        return {"LOADTEST_HOST": self.host, "LOADTEST_DAY": str(self.day), "LOADTEST_RECORD": str(self.record)}


def loopback(url: str) -> str:
    """The URL, where it is this machine's own. Raises ValueError: nobody else's gateway is loaded from here."""
    if urlsplit(url).hostname not in LOOPBACK:
        raise ValueError(f"load goes to loopback only, not to {url}")
    return url
