"""Closes the run's window, waits for the clerk's report of every institution, and reads them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cli.api import Api
from loadtests.gate.evidence import Line, Posting, Report
from loadtests.gate.watch import until
from services.settlement.exchange import open_box
from services.settlement.names import report_name
from services.settlement.proof import manifest

CLERK_S_MAX = 120.0
# A ledger that did not move for so many looks of a quarter of a second: the clerk has posted what it had to.
QUIET_LOOKS = 10
# What the settlement bank is to pay lies beside its packs, and in none.
ORDERS = ("pain.001.", "pacs.009.")
NETTED = ("WINDOW_STATE_SETTLING", "WINDOW_STATE_SETTLED")


class NotSettled(RuntimeError):
    """The clerk did not net the window in CLERK_S_MAX."""


def close(operator: Api) -> int:
    """Closes the open window; its number. Raises ApiError."""
    window = int(operator.get("/v1/windows", limit=1)["windows"][0]["window"])
    operator.post(f"/v1/windows/{window}/close")
    return window


def positions(operator: Api, window: int) -> dict[str, Any]:
    """The window's positions, once the clerk has netted it and sealed every pack. Raises NotSettled, ApiError."""
    found: dict[str, Any] = {}

    def netted() -> bool:
        found.update(operator.get(f"/v1/windows/{window}/positions"))
        return found["window"]["state"] in NETTED

    if not until(netted, CLERK_S_MAX, 0.25):
        raise NotSettled(f"window {window} is not netted after {CLERK_S_MAX:g} s: see the log of settlement.work")
    return found


def lines(found: dict[str, Any]) -> list[Line]:
    """Positions by institution."""
    return [
        Line(one["institution"], *(int(one[name]) for name in ("debits", "credits", "net", "transfers")))
        for one in found["positions"]
    ]


def read_reports(home: Path, window: int, institutions: list[str]) -> list[Report]:
    """Every institution's report file. Raises OSError where one is missing, ValueError where it is no report."""
    return [read_report(open_box(home, name).out / report_name(window, name), name) for name in institutions]


def read_report(file: Path, institution: str) -> Report:
    """One report: its postings, and what its last two lines say."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        return parse_report(text, institution)


def parse_report(text: Iterable[str], institution: str) -> Report:
    """The same of its lines, without the byte order mark. Raises ValueError where it is no report."""
    rows = list(csv.DictReader(text))
    if [row["operation"] for row in rows[-2:]] != ["total", "net"]:
        raise ValueError(f"the report of {institution} does not end in its totals")
    total, net = rows[-2:]
    return Report(
        institution, tuple(_postings(rows[:-2], institution)), int(total["debit_vnd"]), int(total["credit_vnd"]),
        int(net["credit_vnd"]),
    )  # fmt: skip


def _postings(rows: list[dict[str, str]], institution: str) -> Iterator[Posting]:
    for row in rows:
        yield Posting(
            institution, row["operation"], row["transfer_id"], row["account_id"], int(row["debit_vnd"] or 0),
            int(row["credit_vnd"] or 0),
        )  # fmt: skip


def check_packs(home: Path, institutions: list[str], jwks: dict[str, Any]) -> list[str]:
    """What is wrong with the signed packs of these institutions."""
    return [
        f"pack of {name}: {found.code} {found.name}: {found.text}"
        for name in institutions
        for found in manifest.verify(open_box(home, name).out, jwks)
        if not found.name.startswith(ORDERS)
    ]


def until_quiet(operator: Api) -> int:
    """Waits until the clerk has posted what it has to after a window, but for what a bank has to answer. Returns the
    books' last event, which then is the ledger's: nobody trades meanwhile.
    """
    seen: list[int] = []

    def quiet() -> bool:
        seen.append(int(operator.get("/v1/books/head")["seq"]))
        return len(seen) > QUIET_LOOKS and len(set(seen[-QUIET_LOOKS:])) == 1

    until(quiet, CLERK_S_MAX, 0.25)
    return seen[-1]
