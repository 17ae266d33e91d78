"""A day with 30 faults ends with exactly these 30 found, each as what it is.

`N=100000` in the environment makes it the day of a large market.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.payments.transfer import NOSTRO, TRANSIT
from services.settlement import store
from services.settlement.matching import casework
from services.settlement.matching import store as kept
from services.settlement.matching.breaks import State
from services.settlement.payouts import rules
from services.settlement.payouts import store as payouts
from simulators.institutions.faults import FILE_KINDS, LINE_KINDS
from tests.settlement.clerk_office import BANK, DAY, Office, at, open_office

PAYMENTS = int(os.environ.get("N", "1200"))
pytestmark = pytest.mark.timeout(120 + PAYMENTS // 50)
TELECOMS = ("MOBIFONE", "VIETTEL", "VNPT")
WEDNESDAY, THURSDAY, FRIDAY = (DAY + timedelta(days=n) for n in (1, 2, 3))
FIRST, SECOND = "record.W000001*", "record.W000002*"
# Faults of telecoms: (telecom, on which record, kind, how often).
OF_TELECOMS = (
    ("VIETTEL", FIRST, "missing_line", 2), ("VIETTEL", FIRST, "duplicated", 1), ("VIETTEL", FIRST, "wrong_amount", 2),
    ("VIETTEL", FIRST, "extra_line", 1), ("VIETTEL", SECOND, "cut_file", 1), ("VIETTEL", SECOND, "wrong_amount", 1),
    ("VIETTEL", SECOND, "duplicate_message_id", 1),
    ("VNPT", FIRST, "missing_line", 1), ("VNPT", FIRST, "duplicated", 1), ("VNPT", FIRST, "wrong_amount", 1),
    ("VNPT", FIRST, "extra_line", 1), ("VNPT", SECOND, "wrong_total", 1),
    ("MOBIFONE", FIRST, "missing_line", 1), ("MOBIFONE", FIRST, "extra_line", 1),
    ("MOBIFONE", FIRST, "duplicate_file", 1), ("MOBIFONE", SECOND, "wrong_currency", 1),
)  # fmt: skip
# What becomes of a bank's payment, by the payout's line in the first window.
OF_PAYMENTS = (("rejected", 2), ("returned", 3), ("returned", 4), ("delayed", 5))
# What its statements show wrongly, or how they come: (kind, the payout's line or 0, of which day).
OF_STATEMENTS = (
    ("duplicated", 6, DAY), ("wrong_amount", 7, DAY), ("missing_line", 8, DAY), ("extra_line", 0, DAY),
    ("duplicate_file", 0, DAY), ("wrong_total", 0, WEDNESDAY), ("duplicate_message_id", 0, THURSDAY),
    ("cut_file", 0, FRIDAY),
)  # fmt: skip
# What each kind of fault is found as: a break's type, or the reason for which its file is refused.
BREAKS = {
    "missing_line": "MISSING", "duplicated": "DUPLICATE", "wrong_amount": "AMOUNT", "extra_line": "EXTRA",
    "returned": "REVERSED", "delayed": "LATE", "wrong_currency": "CURRENCY",
}  # fmt: skip
REFUSALS = {"wrong_total": "TOTALS", "duplicate_message_id": "MESSAGE_ID"}


@pytest.fixture
def office(books: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    yield from open_office(tmp_path, monkeypatch, banks=4)


def arm(office: Office) -> None:
    for telecom, on, kind, count in OF_TELECOMS:
        office.arm(telecom, kind=kind, on=on, count=count, seed=7, then_whole=kind == "cut_file")
    for kind, line in OF_PAYMENTS:
        office.arm(BANK, kind=kind, end_to_end_id=rules.payout_id(1, line), days=2)
    for kind, line, day in OF_STATEMENTS:
        named = {"end_to_end_id": rules.payout_id(1, line)} if line else {}
        office.arm(BANK, kind=kind, on=f"camt.053.*D{day:%Y%m%d}.xml", seed=7, then_whole=kind == "cut_file", **named)


def close_days(office: Office, *days: date) -> None:
    """The bank's days end, one after the other, and the clerk reads what comes each time."""
    for day in days:
        office.now = max(office.now, at(day, 23, 30))
        office.tick(1, day_end=day, telecoms=True)
        office.work()
        office.tick(telecoms=True)  # what comes once more
        office.work()


def found_breaks() -> Counter[tuple[str, str, str]]:
    found: Counter[tuple[str, str, str]] = Counter()
    for institution in (*TELECOMS, BANK):
        page = ""
        while True:
            some, page = casework.of_state(institution, State.OPEN, page, 100)
            found.update((institution, one.type.value, one.reference) for one in some)
            if not page:
                break
    return found


def reconciled_files() -> set[str]:
    return {one.name for institution in (*TELECOMS, BANK) for one in kept.reconciliations(institution)[0]}


def test_a_day_with_30_faults_ends_with_exactly_these_30_found_each_as_what_it_is(office: Office) -> None:
    merchants = max(60, PAYMENTS // 250)
    arm(office)
    for hour in (12, 17):
        office.now = at(DAY, hour)
        office.trade(PAYMENTS // 2, merchants)
        office.cut()
        office.work()
        office.release()
        office.work()
        for _ in range(4):
            office.tick(telecoms=True)
            office.work()
    close_days(office, DAY, WEDNESDAY, THURSDAY, FRIDAY)

    done = office.faults_done()
    assert len(done) == 30
    expected: Counter[tuple[str, str, str]] = Counter()
    refused: dict[str, list[tuple[str, str]]] = {name: [] for name in (*TELECOMS, BANK)}
    for fault in done:
        _expect(fault, expected, refused)
    found = found_breaks()
    cases = Counter({one: count for one, count in found.items() if one[1] in ("DISPUTED", "NO_FILE")})
    assert found - cases == expected
    assert cases == Counter(set(map(_case, done)) - {None}), "what follows from them has an owner too"
    for institution, wanted in refused.items():
        told = office.refused(institution)
        assert set(told) == {name for name, _ in wanted}
        for name, reason in wanted:
            assert reason in told[name], f"{name}: {told[name]}"

    # And the money is where it belongs.
    assert [store.window(n).stage for n in (1, 2)] == ["settled", "settled"]
    ended = Counter(one.state for window in (1, 2) for one in payouts.of_window(window))
    assert (ended[rules.FAILED], ended[rules.RETURNED]) == (1, 2)
    assert set(ended) <= rules.ENDED
    assert office.ledger.balance(TRANSIT) == 0
    paid = sum(one.amount for window in (1, 2) for one in payouts.of_window(window) if one.state == rules.PAID)
    nets = sum(net.amount for window in (1, 2) for net in payouts.nets(window=window))
    assert office.ledger.balance(NOSTRO) == paid + nets


def _expect(
    fault: dict[str, Any], breaks: Counter[tuple[str, str, str]], refused: dict[str, list[tuple[str, str]]]
) -> None:
    """What one told fault has to be found as."""
    institution, kind, file = fault["institution"], fault["kind"], fault["file"]
    if kind == "rejected":
        (payout,) = payouts.by_ids(fault["references"]).values()
        assert payout.state == rules.FAILED
    elif kind == "duplicate_file":
        assert file not in reconciled_files(), "the same file again is noticed, and counts once"
    elif kind == "cut_file":
        refused[institution].append((file, ""))
        assert file in reconciled_files(), "the whole file was taken under its name"
    elif kind == "duplicate_message_id" and institution != BANK:
        # A record's message id is its name: the second body is a second record, with a line that we do not know.
        breaks[institution, "EXTRA", fault["references"][0]] += 1
    elif kind in REFUSALS:
        refused[institution].append((file, REFUSALS[kind]))
    else:
        breaks[institution, BREAKS[kind], fault["references"][0]] += 1


def _case(fault: dict[str, Any]) -> tuple[str, str, str] | None:
    """What follows from a fault in a telecom's record: it makes another net position of it, or no record is taken."""
    institution, kind, file = fault["institution"], fault["kind"], fault["file"]
    if kind == "wrong_total" and institution != BANK:
        return institution, "NO_FILE", file
    moves_net = kind in ("missing_line", "duplicated", "wrong_amount", "wrong_currency", "extra_line")
    if institution == BANK or not moves_net:
        return None
    return institution, "DISPUTED", rules.net_id(int(file[len("record.W") :][:6]), institution, 1)


def test_the_table_knows_every_kind_of_fault_of_lines_and_files() -> None:
    armed = {kind for _, _, kind, _ in OF_TELECOMS} | {kind for kind, *_ in OF_STATEMENTS}
    assert armed == (LINE_KINDS | FILE_KINDS) - {"late_record"}
    assert sum(count for *_, count in OF_TELECOMS) + len(OF_PAYMENTS) + len(OF_STATEMENTS) == 30
