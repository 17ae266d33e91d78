"""The end of a day: each institution's statement of it, and the signed pack of all that it got.

A statement (camt.053) is of the institution's position: what windows that closed on the day made it owe and be owed,
and what was settled of it on the day. It opens with what the statement before closed with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from joserfc.jwk import OKPKey

from kit.clock import VIETNAM
from services.settlement import closing, napas, store
from services.settlement.clerk.payouts import Desk, day_of
from services.settlement.exchange import open_box, sending
from services.settlement.iso import camt
from services.settlement.payouts import rules, switch
from services.settlement.payouts import store as payouts
from services.settlement.positions import PLATFORM
from services.settlement.proof import pack
from services.settlement.proof.files import digest
from services.settlement.proof.manifest import About, PackedFile
from services.settlement.records import VND, StatementEntry, StatementHead

UNPACKED_MAX = 1000
# (side, đồng, reference, text)
_Booking = tuple[str, int, str, str]


def pack_days(desk: Desk, key: OKPKey, today: date) -> bool:
    """Makes the packs of days that are over. Whether there were any."""
    by_day: dict[str, list[store.Window]] = defaultdict(list)
    for closed in store.unpacked(UNPACKED_MAX):
        by_day[day_of(closed.closed_at)].append(closed)
    over = sorted(day for day in by_day if day < today.isoformat())
    for day in over:
        _pack(desk, key, day, by_day[day])
    return bool(over)


def _pack(desk: Desk, key: OKPKey, day: str, windows: Sequence[store.Window]) -> None:
    booked: dict[str, list[_Booking]] = defaultdict(list)
    for institution, booking in _bookings(windows, day):
        booked[institution].append(booking)
    for institution, bookings in sorted(booked.items()):
        _pack_one(desk, key, day, institution, bookings, windows)
    for closed in windows:
        store.packed(closed)


def _bookings(windows: Sequence[store.Window], day: str) -> Iterator[tuple[str, _Booking]]:
    """What was booked on institutions' positions on a day, in a fixed order."""
    for closed in windows:
        text = f"Phiên {closed.number}"
        for line in closed.lines:
            for side, amount in (("D", line.debits), ("C", line.credits)):
                if amount:
                    yield line.institution, (side, amount, f"GR-{closed.number:06d}-{side}", text)
    for net in sorted(payouts.nets(settled_on=day), key=lambda net: net.id):
        side = "C" if net.amount < 0 else "D"
        yield net.institution, (side, abs(net.amount), net.end_to_end_id, f"Quyết toán phiên {net.window}")
    for side, found in (("D", payouts.paid_on(day)), ("C", payouts.returned_on(day))):
        sums: dict[tuple[str, str], int] = defaultdict(int)
        for one in found:
            payee = PLATFORM if one.payee == rules.PLATFORM else one.bank_bin
            sums[payee, one.batch] += one.amount - one.fee
        for (payee, batch), amount in sorted(sums.items()):
            yield payee, (side, amount, batch[:35], "Chi trả" if side == "D" else "Chi trả bị hoàn")


def _pack_one(
    desk: Desk, key: OKPKey, day: str, institution: str, bookings: Sequence[_Booking], windows: Sequence[store.Window]
) -> None:
    box, on = open_box(desk.home, institution), date.fromisoformat(day)
    made_at = datetime.combine(on + timedelta(days=1), datetime.min.time(), VIETNAM)
    opened = payouts.opening(institution, day)
    credits = sum(amount for side, amount, _, _ in bookings if side == "C")
    debits = sum(amount for side, amount, _, _ in bookings if side == "D")
    message_id = f"ST-D{on:%Y%m%d}-{institution}"
    head = StatementHead(
        kind="camt.053", message_id=message_id, statement_id=message_id, account=f"POSITION{institution}",
        currency=VND, created_at=made_at, from_on=on, until_on=on, opening=opened, closing=opened + credits - debits,
        entries=len(bookings), credits=credits, debits=debits,
    )  # fmt: skip
    entries = (
        StatementEntry(
            number=number, line=number, side=side, amount=amount, currency=VND, booked_on=on, value_on=on,
            reference=reference, group=message_id, bank_reference="", counterparty="", counterparty_account="",
            text=text,
        )
        for number, (side, amount, reference, text) in enumerate(bookings, 1)
    )  # fmt: skip
    with sending(box, f"camt.053.{message_id}.xml") as going:
        camt.write_statement_to(going, head, entries, PLATFORM)
    assert going.sent is not None
    files = [pack.packed("camt.053", going.sent), *_of_windows(desk, institution, windows)]
    files += _of_the_switch(desk, on, institution, made_at)
    first, last = windows[0], windows[-1]
    # As the day's last window says: taken up again by other code after a crash, the pack is the same.
    rules_version, code = store.begun_by(last, closing.RULES, closing.code_version())
    about = About(
        institution=institution, window=None, day=on, opened_at=first.opened_at, closed_at=last.closed_at,
        net=opened + credits - debits, chain_head=last.chain_head, report=None, rules=rules_version,
        code=code, created_at=made_at,
    )  # fmt: skip
    pack.seal(box, about, files, key)
    payouts.keep_day(institution, day, opened, opened + credits - debits)


def _of_the_switch(desk: Desk, on: date, institution: str, made_at: datetime) -> list[PackedFile]:
    """The transfers that a bank's customers got through the switch, NAPAS-style; none, no file."""
    if institution == desk.settings.settlement_bank or not institution.isdecimal():
        return []
    paid, returned = (
        [one for one in found if switch.passes(one, institution)]
        for found in (payouts.paid_on(on.isoformat()), payouts.returned_on(on.isoformat()))
    )
    if not paid and not returned:
        return []
    head = napas.Head(institution, on, switch.CREATOR, made_at)
    with sending(open_box(desk.home, institution), switch.file_name(on, institution)) as going:
        napas.write_to(going, head, switch.records(on, desk.scheme, paid, returned))
    assert going.sent is not None
    return [pack.packed("napas", going.sent)]


def _of_windows(desk: Desk, institution: str, windows: Sequence[store.Window]) -> list[PackedFile]:
    """What the institution got for the day's windows, as it is out."""
    out, found = open_box(desk.home, institution).out, []
    for closed in windows:
        name = f"W{closed.number:06d}-{institution}"
        for kind, file in (
            ("report", f"report.{name}.csv"), ("statement", f"statement.{name}.pdf"),
            ("workbook", f"workbook.{name}.xlsx"), ("camt.054", f"camt.054.CN-{name}.xml"),
        ):  # fmt: skip
            if (out / file).exists():
                size, sha256 = digest(out / file)
                found.append(PackedFile(file, kind, size, sha256))
    return found
