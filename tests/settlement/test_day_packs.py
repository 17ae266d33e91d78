"""The end of a day: statements that open with what the one before closed with, in signed packs."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kit.clock import VIETNAM, from_ms
from services.settlement import napas, store, trust
from services.settlement.clerk import day
from services.settlement.intake.reading import open_statements
from services.settlement.napas_layout import FileName
from services.settlement.payouts import store as payouts
from services.settlement.payouts.documents import DayDocument, NetDocument, PayoutDocument
from services.settlement.proof import manifest
from services.settlement.records import Party

KEY = trust.signing_key("a secret")
MONDAY, TUESDAY = "2026-11-30", "2026-12-01"


def window(number: int, at: str, **lines: tuple[int, int]) -> None:
    closed_at = datetime.fromisoformat(at).replace(tzinfo=VIETNAM)
    store.Window(
        number=number, first_seq=number * 10, last_seq=number * 10 + 9, opened_at=from_ms(0), closed_at=closed_at,
        chain_head="ab" * 32, stage="settling", payments=0, refunds=0, value=0,
        lines=[
            store.PositionLine(institution=name.removeprefix("b"), debits=debits, credits=credits, transfers=1)
            for name, (debits, credits) in lines.items()
        ],
    ).save(force_insert=True)  # fmt: skip


@pytest.fixture
def desk(books: None, tmp_path: Path) -> Any:
    for document in (DayDocument, NetDocument, PayoutDocument):
        document.objects.delete()
    scheme = Party("CHO 4.0", "99990000000001", "970418")
    return SimpleNamespace(home=tmp_path, settings=SimpleNamespace(settlement_bank="970418"), scheme=scheme)


def paid(payout_id: str, amount: int, **fields: Any) -> None:
    to = {"bin": "970436", "account": "0071001234567", "name": "A"}
    payouts.insert([payouts.new(payout_id, 1, "mer_1", amount, 0, from_ms(0), to)])
    at = datetime.fromisoformat(f"{MONDAY}T15:30:01").replace(tzinfo=VIETNAM)
    changes = {"state": "paid", "paid_on": MONDAY, "batch": "PO-W000001-1", "outcome_at": at, **fields}
    PayoutDocument.objects(id=payout_id).update(**{f"set__{name}": value for name, value in changes.items()})


def statement(desk: Any, institution: str, on: str) -> tuple[Any, list[tuple[str, int]]]:
    name = f"camt.053.ST-D{on.replace('-', '')}-{institution}.xml"
    (found,) = [
        (said.head, [(entry.side, entry.amount) for entry in said.entries])
        for said in open_statements(desk.home / "exchange" / institution / "out" / name, date(2026, 12, 31))
    ]
    return found


def test_a_days_statement_opens_with_what_the_one_before_closed_with(desk: Any) -> None:
    window(1, f"{MONDAY}T11:00", VIETTEL=(100_000, 30_000), b970436=(0, 70_000))
    window(2, f"{MONDAY}T23:00", VIETTEL=(50_000, 0), b970436=(0, 50_000))
    window(3, f"{TUESDAY}T11:00", VIETTEL=(0, 10_000), b970436=(10_000, 0))
    assert day.pack_days(desk, KEY, date(2026, 12, 2))
    head, entries = statement(desk, "VIETTEL", MONDAY)
    assert (head.opening, head.closing) == (0, -120_000)
    assert entries == [("D", 100_000), ("C", 30_000), ("D", 50_000)]
    head, _ = statement(desk, "VIETTEL", TUESDAY)
    assert (head.opening, head.closing) == (-120_000, -110_000)
    assert not day.pack_days(desk, KEY, date(2026, 12, 2))


def test_what_was_settled_on_the_day_is_on_its_statement(desk: Any) -> None:
    window(1, f"{MONDAY}T11:00", VIETTEL=(100_000, 0), b970436=(0, 100_000))
    payouts.decide_nets(1, {"VIETTEL": -100_000}, from_ms(0))
    NetDocument.objects.update(set__state="settled", set__settled_on=MONDAY)
    paid("PO-000001-000001-1", 60_000)
    day.pack_days(desk, KEY, date(2026, 12, 1))
    head, entries = statement(desk, "VIETTEL", MONDAY)
    assert (head.closing, entries) == (0, [("D", 100_000), ("C", 100_000)])
    head, entries = statement(desk, "970436", MONDAY)
    assert (head.closing, entries) == (40_000, [("C", 100_000), ("D", 60_000)])


def test_a_banks_pack_has_its_transfers_as_the_switch_would_tell_them(desk: Any) -> None:
    window(1, f"{MONDAY}T11:00", VIETTEL=(10**10, 0), b970436=(0, 10**10), b970418=(0, 1))
    for number in (2, 1):
        paid(f"PO-000001-00000{number}-1", 60_000 + number)
    back_at = datetime.fromisoformat(f"{MONDAY}T18:00").replace(tzinfo=VIETNAM)
    paid("PO-000001-000003-1", 70_000, came_back_at=back_at, returned_on=MONDAY)
    paid("PO-000001-000004-1", 500_000_000)  # more than the switch takes
    paid("PO-000001-000005-1", 80_000, bank_bin="970418")  # at the settlement bank itself
    day.pack_days(desk, KEY, date(2026, 12, 1))
    out = desk.home / "exchange" / "970436" / "out"
    (file,) = out.glob("*.dat")
    name = FileName.parse(file.name)
    assert (name.on, name.role, name.bin) == (date(2026, 11, 30), "BNB", "970436")
    records = list(napas.read(file))
    entries = [napas.entry(record, number, name.role, file.name) for number, record in enumerate(records, 1)]
    assert [(one.reference, one.side, one.amount, one.reversal) for one in entries if one] == [
        ("PO-000001-000001-1", "C", 60_001, False), ("PO-000001-000002-1", "C", 60_002, False),
        ("PO-000001-000003-1", "C", 70_000, False), ("PO-000001-000003-1", "D", 70_000, True),
    ]  # fmt: skip
    assert {record.to_account for record in records} == {"0071001234567"}
    assert records[0].at.isoformat() == f"{MONDAY}T15:30:01+07:00"
    assert file.name in (out / f"manifest.D{MONDAY}-970436.json").read_text()
    assert manifest.verify(out, trust.public_keys(KEY)) == []
    assert not list((desk.home / "exchange").glob("970418/out/*.dat"))
    assert not list((desk.home / "exchange").glob("VIETTEL/out/*.dat"))


def test_a_day_that_is_not_over_is_not_packed(desk: Any) -> None:
    window(1, f"{MONDAY}T11:00", VIETTEL=(100_000, 0), b970436=(0, 100_000))
    assert not day.pack_days(desk, KEY, date(2026, 11, 30))


def test_a_pack_is_signed_and_whole_and_made_again_after_a_crash_it_is_the_same(desk: Any) -> None:
    window(1, f"{MONDAY}T11:00", VIETTEL=(100_000, 0), b970436=(0, 100_000))
    day.pack_days(desk, KEY, date(2026, 12, 1))
    out = desk.home / "exchange" / "VIETTEL" / "out"
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert manifest.verify(out, trust.public_keys(KEY)) == []
    store.Window.objects.update(set__day_packed=False)  # died before it was noted
    day.pack_days(desk, KEY, date(2026, 12, 1))
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
