"""docs/capacity.md's arithmetic, done again from the figures that it begins with."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kit.clock import VIETNAM
from kit.marketday import demand, tet

TEXT = (Path(__file__).parents[1] / "docs" / "capacity.md").read_text(encoding="utf-8")


def said(pattern: str) -> float:
    """The number in the page that `pattern` finds, its first group."""
    found = re.search(pattern, TEXT, re.DOTALL)
    assert found, pattern
    return float(found[1].replace(",", ""))


def rows(heading: str) -> dict[str, list[float]]:
    """The table under a heading row, by its first column."""
    table = TEXT.split(heading, 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return {row[0]: [float(re.sub(r"[^0-9.]", "", cell)) for cell in row[1:]] for row in cells}


NEEDS = rows("| | accounts | payments a day |")
MEMORY = rows("| | in the ledger |")


def test_what_a_core_and_a_cells_thread_carry_follows_from_the_cost_of_a_payment() -> None:
    assert said(r"\*\*(\d+) payments a second\*\*") == round(600_000 / said(r"(\d+) without the load generator"))
    assert said(r"\*\*(\d+) a second\*\*, the copy included") == round(600_000 / said(r"disk first\) ([\d,]+) µs"))
    ledger_us = said(r"at (\d+) µs a payment in a stack")
    assert said(r"full at ([\d,]+) a second") == round(1_000_000 / ledger_us)
    assert said(r"carries \*\*([\d,]+) a second\*\*") == round(600_000 / ledger_us)


def test_a_day_is_the_market_day_calendars() -> None:
    ordinary = datetime(2026, 3, 11, tzinfo=VIETNAM)
    eve = datetime.combine(tet(2027) - timedelta(days=1), datetime.min.time(), VIETNAM)
    minutes = [timedelta(minutes=number) for number in range(1440)]
    assert round(sum(demand(ordinary + minute) for minute in minutes)) == said(r"rate for (\d+) minutes")
    assert max(demand(eve + minute) for minute in minutes) == said(r"before Tết is ([\d.]+) times")


@pytest.mark.parametrize("place", NEEDS)
def test_what_is_needed_follows_from_the_accounts(place: str) -> None:
    accounts, payments, busiest, before_tet, cores = NEEDS[place]
    assert payments == accounts  # once a day
    busiest_per_s = payments / (said(r"rate for (\d+) minutes") * 60)
    tet_per_s = busiest_per_s * said(r"before Tết is ([\d.]+) times")
    digits = 1 if busiest_per_s < 10 else 0
    assert (busiest, before_tet) == (round(busiest_per_s, digits), round(tet_per_s, digits))
    assert cores == math.ceil(tet_per_s / said(r"Cores: before Tết / (\d+)"))


@pytest.mark.parametrize("place", MEMORY)
def test_what_is_kept_follows_from_the_bytes(place: str) -> None:
    wallet, id_, key, record, total = map(
        int, re.findall(r"    (\d+) \+ 75 × (\d+) \+ 7 × (\d+) \+ 40 × (\d+) = (\S+) bytes", TEXT.replace(",", ""))[0]
    )
    assert total == wallet + 75 * id_ + 7 * key + 40 * record
    for name, size in (("a wallet", wallet), ("an idempotency key", key), ("a payment's record", record)):
        assert said(rf"{name} (\d+)") == size
    accounts = next(row[0] for name, row in NEEDS.items() if name.startswith(place))
    assert MEMORY[place][0] == pytest.approx(accounts * total / 1e9, rel=0.06)
    carried = said(r"that is ([\d.]+) GB: \*\*") * 1e9 / total
    assert said(r"GB: \*\*([\d,]+) accounts") == round(carried, -3)
    assert math.ceil(11_000_000 / carried) == 5
    assert "the country five" in TEXT
