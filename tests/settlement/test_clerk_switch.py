"""Files of the interbank switch that banks send: what they show is compared with the payouts, and moves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from kit.clock import VIETNAM
from services.settlement import napas
from services.settlement.matching import casework
from services.settlement.matching import store as kept
from services.settlement.matching.breaks import State
from services.settlement.napas import Head, Record
from services.settlement.payouts import rules
from services.settlement.payouts import store as payouts
from services.settlement.payouts.documents import PayoutDocument
from tests.settlement.clerk_office import BANK, DAY, MERCHANTS_BANKS, Office, open_office

NEXT = DAY + timedelta(days=1)
SCHEME = "99990000000001"


@pytest.fixture
def office(books: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    for made in open_office(tmp_path, monkeypatch, banks=2):
        made.trade(60, 6)
        made.cut()
        made.work()
        made.tick(2)
        made.work()
        assert {one.state for one in paid()} == {rules.PAID}
        yield made


def paid(bank: str = "") -> list[PayoutDocument]:
    """Merchants' payouts, by id."""
    found = [one for one in payouts.of_window(1) if one.payee != rules.PLATFORM and bank in ("", one.bank_bin)]
    return sorted(found, key=lambda one: str(one.id))


def transfer(payout: PayoutDocument, on: date = DAY, **changes: object) -> Record:
    account, _ = payouts.plain_account(payout)
    amount = payout.amount - payout.fee
    told = Record(
        datetime.combine(on, time(15), VIETNAM), on, amount, amount, "000001", BANK, BANK, payout.bank_bin, SCHEME,
        account, reserved=(payout.id, "", ""),
    )  # fmt: skip
    return replace(told, **changes)  # type: ignore[arg-type]


def stranger(number: int = 0) -> Record:
    """A transfer between other people of the two banks."""
    at = datetime.combine(DAY, time(9), VIETNAM)
    return Record(at, DAY, 75_000, 75_000, "7", BANK, BANK, "970436", f"12345678{number:03d}", "0071000000009")


def send(
    office: Office, records: Iterable[Record], on: date = DAY, number: int = 1, sender: str = BANK, role: str = "ISS",
    kind: str = "TC", said: tuple[str, date] | None = None,
) -> str:  # fmt: skip
    """Puts a day's file into a bank's folder, and has the clerk read it. Its name."""
    name = f"{on:%m%d%y}_{role}_XXX_{sender}_{number}_{kind}_SWC.dat"
    receiver, day = said or (sender, on)
    head = Head(receiver, day, "NAPAS", datetime.combine(day, time(23), VIETNAM))
    folder = office.home / "exchange" / sender / "in"
    folder.mkdir(parents=True, exist_ok=True)
    napas.write(folder / name, head, records)
    office.work()
    return name


def breaks(bank: str = BANK) -> list[tuple[str, str, str]]:
    found, _ = casework.of_state(bank, State.OPEN, "", 200)
    return sorted((one.type.value, one.detail, one.reference) for one in found if one.stream.endswith("|switch"))


def compared(bank: str = BANK) -> list[kept.Reconciliation]:
    """By the files' days and numbers."""
    return sorted((one for one in kept.reconciliations(bank)[0] if one.kind == "napas"), key=lambda one: one.name)


def test_a_day_that_the_switch_shows_as_it_was_has_no_breaks_and_other_peoples_transfers_are_passed_over(
    office: Office,
) -> None:
    moved = dict(office.ledger.moved)
    send(office, [stranger(), *map(transfer, reversed(paid())), stranger(1)])
    (found,) = compared()
    assert (found.totals.entries, found.totals.matched_expected, found.totals.match_rate) == (6, 6, 10_000)
    assert (breaks(), office.refused(BANK), dict(office.ledger.moved)) == ([], {}, moved)


def test_each_thing_that_is_wrong_is_a_break_of_its_kind_and_moves_nothing(office: Office) -> None:
    first, second, third, fourth, fifth, right = paid()
    moved = dict(office.ledger.moved)
    records = [
        transfer(first), transfer(first),
        transfer(second, amount=second.amount + 7, real_amount=second.amount + 7),
        transfer(third), transfer(third, message_type="0420"),
        transfer(fourth, response="0116"), transfer(right),
        transfer(fifth, reserved=("PO-000009-000001-1", "", ""), to_account="1"),
    ]  # fmt: skip
    send(office, records)
    assert breaks() == [
        ("AMOUNT", "", second.id), ("DUPLICATE", "", first.id), ("EXTRA", "", "PO-000009-000001-1"),
        ("REVERSED", "", third.id),
    ]  # fmt: skip
    office.later(days=2)
    send(office, [], on=NEXT + timedelta(days=1))
    assert breaks() == [
        ("AMOUNT", "", second.id), ("DUPLICATE", "", first.id), ("EXTRA", "", "PO-000009-000001-1"),
        ("MISSING", "", fourth.id), ("MISSING", "", fifth.id), ("REVERSED", "", third.id),
    ], "what was refused or is not there is missing once its time is over; all else is one break for ever"  # fmt: skip
    assert dict(office.ledger.moved) == moved
    assert {one.state for one in paid()} == {rules.PAID}


def test_a_switch_that_leaves_out_our_ids_is_matched_by_account_and_amount(office: Office) -> None:
    send(office, [transfer(one, reserved=("", "", "")) for one in paid()])
    (found,) = compared()
    assert (breaks(), found.by_rule) == ([], {"account": 6})


def test_what_passes_after_midnight_is_on_the_next_days_file_and_once_only(office: Office) -> None:
    late, *others = paid()
    send(office, map(transfer, others))
    assert (breaks(), compared()[0].totals.open) == ([], 1)
    office.later(days=1)
    send(office, [transfer(late, NEXT)], on=NEXT)
    assert (breaks(), compared()[1].totals.expected) == ([], 1)
    office.later(days=1)
    send(office, [transfer(late, NEXT + timedelta(days=1))], on=NEXT + timedelta(days=1))
    assert breaks() == [("EXTRA", "", late.id)], "shown as paid a second time"


def test_what_was_not_shown_in_time_is_missing_and_gone_once_it_is_shown(office: Office) -> None:
    late, *others = paid()
    send(office, map(transfer, others))
    office.later(days=2)
    send(office, [], on=DAY + timedelta(days=2))
    assert breaks() == [("MISSING", "", late.id)]
    office.later(days=1)
    send(office, [transfer(late, DAY + timedelta(days=3))], on=DAY + timedelta(days=3))
    assert [kind for kind, *_ in breaks()] == ["LATE"]


def test_days_without_a_file_are_not_looked_for(office: Office) -> None:
    office.later(days=2)
    send(office, [], on=DAY + timedelta(days=2))
    assert (breaks(), compared()[0].totals.expected) == ([], 0)


def test_what_came_back_and_we_know_of_has_to_be_shown_as_paid_and_as_come_back(office: Office) -> None:
    back, *others = paid()
    PayoutDocument.objects(id=back.id).update(
        set__state=rules.RETURNED, set__returned_on=DAY.isoformat(), set__came_back_at=office.now
    )
    send(office, [*map(transfer, others), transfer(back), transfer(back, message_type="0420")])
    assert (breaks(), compared()[0].totals.matched_expected) == ([], 7)
    office.later(days=2)
    send(office, [], on=DAY + timedelta(days=2))
    assert (breaks(), compared()[1].totals.expected) == ([], 0)


def test_a_merchants_bank_tells_what_its_own_customers_got(office: Office) -> None:
    bank = MERCHANTS_BANKS[1]
    assert 0 < len(paid(bank)) < 6
    send(office, [stranger(), *map(transfer, paid(bank)[1:])], sender=bank, role="BNB")
    assert (breaks(bank), compared(bank)[0].totals.open) == ([], 1)
    office.later(days=2)
    send(office, [], on=DAY + timedelta(days=2), sender=bank, role="BNB")
    assert breaks(bank) == [("MISSING", "", paid(bank)[0].id)]
    assert breaks(BANK) == []


def test_a_file_sent_corrected_stands_in_the_first_ones_place_and_the_same_again_is_nothing_new(office: Office) -> None:
    first, *others = paid()
    more = first.amount + 7
    send(office, [transfer(first, amount=more, real_amount=more), *map(transfer, others)])
    assert breaks() == [("AMOUNT", "", first.id)]
    send(office, map(transfer, paid()), number=2)
    assert (breaks(), compared()[1].totals.matched_expected) == ([], 6)
    send(office, map(transfer, paid()), number=2)
    assert len(compared()) == 2


# (the reason for which it is refused, what is wrong with it)
NOT_WHAT_IT_SENDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("KIND", {"kind": "SL"}), ("NOT_YOURS", {"role": "BNB"}), ("NOT_YOURS", {"sender": "970436", "role": "ISS"}),
    ("NAME", {"said": (BANK, NEXT)}), ("NAME", {"said": ("970436", DAY)}), ("FUTURE_DATE", {"on": NEXT}),
)  # fmt: skip


def test_a_file_that_is_not_what_this_bank_has_to_send_is_refused(office: Office) -> None:
    for number, (code, changes) in enumerate(NOT_WHAT_IT_SENDS, 1):
        name, sender = send(office, [], number=number, **changes), changes.get("sender", BANK)
        assert f"Reason code: {code}\n" in office.refused(sender)[name]
        assert compared(sender) == []


def test_of_a_file_with_one_damaged_line_nothing_is_taken(office: Office) -> None:
    name = f"{DAY:%m%d%y}_ISS_XXX_{BANK}_1_TC_SWC.dat"
    whole = office.home / "whole.dat"
    napas.write(whole, Head(BANK, DAY, "NAPAS", datetime.combine(DAY, time(23), VIETNAM)), map(transfer, paid()))
    damaged = whole.read_bytes().replace(paid()[-1].id.encode(), b"PO-000009-000009-9")
    (office.home / "exchange" / BANK / "in" / name).write_bytes(damaged)
    office.work()
    assert "Reason code: CHECKSUM\n" in office.refused(BANK)[name]
    assert "Dòng: 7\n" in office.refused(BANK)[name]
    assert (compared(), [one.switched for one in paid()]) == ([], [[]] * 6)
