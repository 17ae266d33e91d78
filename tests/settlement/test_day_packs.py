"""The end of a day: statements that open with what the one before closed with, in signed packs."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from kit.clock import VIETNAM, from_ms
from services.settlement import closing, napas, store, trust
from services.settlement.clerk import day
from services.settlement.intake.reading import open_statements
from services.settlement.napas_layout import FileName
from services.settlement.payouts import store as payouts
from services.settlement.payouts.documents import DayDocument, NetDocument, PackingDocument, PayoutDocument
from services.settlement.proof import manifest, pack
from services.settlement.records import Party

KEY = trust.signing_key("a secret")
MONDAY, TUESDAY, WEDNESDAY, THURSDAY = "2026-11-30", "2026-12-01", "2026-12-02", "2026-12-03"
FRIDAY = date(2026, 12, 4)


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


def empty() -> None:
    for document in (DayDocument, NetDocument, PackingDocument, PayoutDocument):
        document.objects.delete()


@pytest.fixture
def desk(books: None, tmp_path: Path) -> Any:
    empty()
    scheme = Party("CHO 4.0", "99990000000001", "970418")
    return SimpleNamespace(home=tmp_path, settings=SimpleNamespace(settlement_bank="970418"), scheme=scheme)


def paid(payout_id: str, amount: int, **fields: Any) -> None:
    to = {"bin": "970436", "account": "0071001234567", "name": "A"}
    payouts.insert([payouts.new(payout_id, 1, "mer_1", amount, 0, from_ms(0), to)])
    at = datetime.fromisoformat(f"{MONDAY}T15:30:01").replace(tzinfo=VIETNAM)
    changes = {"state": "paid", "paid_on": MONDAY, "batch": "PO-W000001-1", "outcome_at": at, **fields}
    PayoutDocument.objects(id=payout_id).update(**{f"set__{name}": value for name, value in changes.items()})


def settled(number: int, on: str, **amounts: int) -> None:
    payouts.decide_nets(number, amounts, from_ms(0))
    NetDocument.objects(window=number).update(set__state="settled", set__settled_on=on)


def files(desk: Any, institution: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (desk.home / "exchange" / institution / "out").iterdir()}


def dated(desk: Any, institution: str, on: str) -> list[tuple[str, str, int]]:
    """A statement's entries with their own days."""
    name = f"camt.053.ST-D{on.replace('-', '')}-{institution}.xml"
    (found,) = [
        [(entry.booked_on.isoformat(), entry.side, entry.amount) for entry in said.entries]
        for said in open_statements(desk.home / "exchange" / institution / "out" / name, date(2026, 12, 31))
    ]
    return found


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


class Died(Exception):
    """As if the process had been killed there."""


def die_in(monkeypatch: pytest.MonkeyPatch, desk: Any, where: Any, name: str, left: int) -> None:
    """Makes packs, and dies at the call after `left` calls of that function."""
    real, calls = getattr(where, name), list[Any]()

    def die(*given: Any, **named: Any) -> Any:
        if len(calls) == left:
            raise Died
        calls.append(given)
        return real(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(where, name, die)
        with pytest.raises(Died):
            day.pack_days(desk, KEY, FRIDAY)


# Where it may die: before a pack is sealed, its day is kept, its windows are noted, or the day is.
DEATHS = (
    (pack, "seal", 0), (pack, "seal", 1), (payouts, "keep_day", 0), (payouts, "keep_day", 1), (store, "packed", 0),
    (store, "packed", 1), (payouts, "day_is_packed", 0),
)  # fmt: skip


@pytest.mark.parametrize(("where", "name", "left"), DEATHS)
def test_a_pack_is_signed_and_whole_and_made_again_after_a_crash_it_is_the_same(
    desk: Any, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, left: int
) -> None:
    window(1, f"{MONDAY}T11:00", VIETTEL=(100_000, 0), b970436=(0, 100_000))
    window(2, f"{MONDAY}T16:00", VIETTEL=(5_000, 0), b970436=(0, 5_000))
    die_in(monkeypatch, desk, where, name, left)
    before = {one: files(desk, one) for one in ("970436", "VIETTEL") if (desk.home / "exchange" / one).exists()}
    monkeypatch.setattr(closing, "code_version", lambda: "cho 99")
    assert day.pack_days(desk, KEY, FRIDAY)
    for one, found in before.items():
        assert found.items() <= files(desk, one).items()
    assert manifest.verify(desk.home / "exchange" / "VIETTEL" / "out", trust.public_keys(KEY)) == []
    assert statement(desk, "VIETTEL", MONDAY)[1] == [("D", 100_000), ("D", 5_000)]
    assert not day.pack_days(desk, KEY, FRIDAY)


def test_what_is_settled_on_a_day_without_a_window_is_on_a_statement_of_that_day(desk: Any) -> None:
    window(1, f"{MONDAY}T11:00", VIETTEL=(100_000, 0), b970436=(0, 100_000))
    settled(1, TUESDAY, VIETTEL=-100_000)
    paid("PO-000001-000001-1", 60_000, paid_on=TUESDAY)
    window(2, f"{WEDNESDAY}T11:00", VIETTEL=(7_000, 0), b970436=(0, 7_000))
    assert day.pack_days(desk, KEY, FRIDAY)
    head, entries = statement(desk, "VIETTEL", TUESDAY)
    assert (head.opening, head.closing, entries) == (-100_000, 0, [("C", 100_000)])
    head, _ = statement(desk, "VIETTEL", WEDNESDAY)
    assert (head.opening, head.closing) == (0, -7_000)
    head, _ = statement(desk, "970436", WEDNESDAY)
    assert (head.opening, head.closing) == (40_000, 47_000)
    out = desk.home / "exchange" / "970436" / "out"
    (file,) = out.glob("*.dat")
    assert FileName.parse(file.name).on.isoformat() == TUESDAY
    assert manifest.verify(out, trust.public_keys(KEY)) == []


def test_a_day_without_a_window_that_was_made_by_half_is_ended_the_same_by_other_code_and_longer_books(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid("PO-000001-000001-1", 60_000)
    paid("PO-000001-000002-1", 60_000, bank_bin="970405")
    die_in(monkeypatch, desk, payouts, "keep_day", 0)
    before = files(desk, "970405")
    monkeypatch.setattr(closing, "code_version", lambda: "cho 99")
    store.Head.objects.update(set__head=b"longer", set__seq=7)
    assert day.pack_days(desk, KEY, FRIDAY)
    assert (files(desk, "970405"), len(files(desk, "970436"))) == (before, 3)
    assert not day.pack_days(desk, KEY, FRIDAY)


def made_by_older_code(on: str, *institutions: str, closing: int) -> None:
    """Statements as they were made before days without a window had any."""
    for one in institutions:
        payouts.keep_day(one, on, 0, closing)
    store.Window.objects.update(set__day_packed=True)


def test_what_older_code_put_on_no_statement_is_on_the_next_with_its_own_date(desk: Any) -> None:
    window(1, f"{MONDAY}T11:00", VIETTEL=(100_000, 0))
    window(2, f"{WEDNESDAY}T11:00", VIETTEL=(7_000, 0))
    settled(1, TUESDAY, VIETTEL=-100_000)
    made_by_older_code(MONDAY, "VIETTEL", closing=-100_000)
    made_by_older_code(WEDNESDAY, "VIETTEL", closing=-107_000)
    settled(2, THURSDAY, VIETTEL=-7_000)
    assert day.pack_days(desk, KEY, FRIDAY)
    head, _ = statement(desk, "VIETTEL", THURSDAY)
    assert (head.opening, head.closing) == (-107_000, 0)
    assert dated(desk, "VIETTEL", THURSDAY) == [(TUESDAY, "C", 100_000), (THURSDAY, "C", 7_000)]
    assert head.from_on == date(2026, 12, 1)


@pytest.mark.parametrize("noted", [False, True])
def test_a_day_that_older_code_packed_by_half_is_ended_as_that_would_have(desk: Any, noted: bool) -> None:
    window(1, f"{MONDAY}T11:00", VIETTEL=(100_000, 0), VNPT=(0, 100_000))
    made_by_older_code(MONDAY, "VIETTEL", closing=-100_000)
    made_by_older_code(MONDAY, "VNPT", closing=100_000)
    for number, hour in ((2, 11), (3, 16)):
        window(number, f"{WEDNESDAY}T{hour}:00", VIETTEL=(7_000, 0), VNPT=(0, 7_000))
    day.pack_days(desk, KEY, date(2026, 12, 3))
    made = {one: files(desk, one) for one in ("VIETTEL", "VNPT")}
    # Its traces but for one institution's, as of a process that died while it noted the windows.
    DayDocument.objects(day=WEDNESDAY, institution__in=["VNPT"] if noted else ["VIETTEL", "VNPT"]).delete()
    PackingDocument.objects.delete()
    store.Window.objects(number=3).update(set__day_packed=False)
    for path in (desk.home / "exchange" / "VNPT" / "out").iterdir():
        path.unlink()
    settled(1, TUESDAY, VIETTEL=-100_000, VNPT=100_000)
    assert day.pack_days(desk, KEY, date(2026, 12, 3))
    assert {one: files(desk, one) for one in ("VIETTEL", "VNPT")} == made
    # What that left out is on the next.
    window(4, f"{THURSDAY}T11:00", VIETTEL=(1, 0), VNPT=(0, 1))
    assert day.pack_days(desk, KEY, FRIDAY)
    assert dated(desk, "VIETTEL", THURSDAY) == [(THURSDAY, "D", 1), (TUESDAY, "C", 100_000)]
    assert statement(desk, "VIETTEL", THURSDAY)[0].closing == -14_001
    assert statement(desk, "VNPT", THURSDAY)[0].closing == 14_001


def test_a_window_that_is_netted_after_its_day_was_packed_is_on_the_next_statement_with_its_own_date(desk: Any) -> None:
    window(1, f"{MONDAY}T11:00", VIETTEL=(100_000, 0))
    window(2, f"{MONDAY}T23:59", VIETTEL=(5_000, 0))
    store.Window.objects(number=2).update(set__stage="closed")
    assert day.pack_days(desk, KEY, date(2026, 12, 1))
    store.Window.objects(number=2).update(set__stage="netted")
    assert day.pack_days(desk, KEY, date(2026, 12, 2))
    assert dated(desk, "VIETTEL", TUESDAY) == [(MONDAY, "D", 5_000)]
    assert statement(desk, "VIETTEL", TUESDAY)[0].closing == -105_000


# What happens on a day: windows close, each with its amount; so many of those before are settled; so many payouts are
# paid, and so many come back; and whether the clerk looks at the end of the day.
DAYS = st.lists(
    st.tuples(st.lists(st.integers(1, 9), max_size=2), st.integers(0, 2), st.integers(0, 2), st.integers(0, 2),
              st.booleans()),
    min_size=1, max_size=8,
)  # fmt: skip


@given(days=DAYS)
@example_settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_statement_closes_with_all_that_was_booked_until_then_and_opens_with_what_the_one_before_closed_with(
    desk: Any, tmp_path_factory: pytest.TempPathFactory, days: Any
) -> None:
    empty()
    store.Window.objects.delete()
    desk.home = tmp_path_factory.mktemp("days")
    booked: dict[str, list[tuple[str, int]]] = {"VIETTEL": [], "970436": []}
    waiting, gone, number, payout = list[tuple[int, int]](), list[str](), 0, 0
    for n, (closing_now, settle, pay, back, looks) in enumerate(days):
        today = date.fromisoformat(MONDAY) + timedelta(days=n)
        for amount in closing_now:
            number += 1
            window(number, f"{today}T{10 + number % 9}:00", VIETTEL=(amount, 0), b970436=(0, amount))
            booked["VIETTEL"].append((str(today), -amount))
            booked["970436"].append((str(today), amount))
            waiting.append((number, amount))
        for of, amount in [waiting.pop() for _ in range(min(settle, len(waiting)))]:
            settled(of, str(today), VIETTEL=-amount)
            booked["VIETTEL"].append((str(today), amount))
        for _ in range(pay):
            payout += 1
            gone.append(f"PO-000001-{payout:06d}-1")
            paid(gone[-1], 10_000 + payout, paid_on=str(today))
            booked["970436"].append((str(today), -10_000 - payout))
        for one in [gone.pop() for _ in range(min(back, len(gone)))]:
            came_at = datetime(today.year, today.month, today.day, 20, tzinfo=VIETNAM)
            PayoutDocument.objects(id=one).update(set__returned_on=str(today), set__came_back_at=came_at)
            booked["970436"].append((str(today), 10_000 + int(one[10:16])))
        if looks:
            day.pack_days(desk, KEY, today + timedelta(days=1))
    day.pack_days(desk, KEY, date(2026, 12, 31))
    for institution, entries in booked.items():
        before, shown = 0, list[tuple[str, int]]()
        for on in sorted({on for on, _ in entries}):
            head, _ = statement(desk, institution, on)
            shown += [(dated_on, amount if side == "C" else -amount) for dated_on, side, amount in
                      dated(desk, institution, on)]  # fmt: skip
            assert (head.opening, head.closing) == (before, sum(amount for day_, amount in entries if day_ <= on))
            before = head.closing
        totals = [{on: sum(a for o, a in some if o == on) for on, _ in some} for some in (shown, entries)]
        assert totals[0] == totals[1], "each on its own day"
