"""The end of a day: each institution's statement of it, and the signed pack of all that it got.

A statement (camt.053) is of the institution's position: what windows that closed on the day made it owe and be owed,
and what was settled of it on the day. It opens with what the statement before closed with. Whatever is booked is on
exactly one: nothing is booked on a day whose statements were begun (payouts.store.open_day), and what is on none yet is
on the next, with its own date.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from joserfc.jwk import OKPKey

from kit.clock import VIETNAM
from services.settlement import closing, napas, store
from services.settlement.clerk.payouts import Desk, day_of
from services.settlement.exchange import open_box, sending
from services.settlement.iso import camt
from services.settlement.payouts import rules, switch
from services.settlement.payouts import store as payouts
from services.settlement.payouts.documents import PackingDocument
from services.settlement.positions import PLATFORM
from services.settlement.proof import pack
from services.settlement.proof.files import digest
from services.settlement.proof.manifest import About, PackedFile
from services.settlement.records import VND, StatementEntry, StatementHead

UNPACKED_MAX = 1000
# Windows of one day that are looked for: more than a plan may have.
WINDOWS_A_DAY_MAX = 200


class _Booking(NamedTuple):
    on: str
    side: str
    amount: int
    reference: str
    text: str


def pack_days(desk: Desk, key: OKPKey, today: date) -> bool:
    """Makes the packs of days that are over, and on which something was booked. Whether there were any."""
    found = False
    while (day := _begun(desk, today.isoformat())) is not None:
        _pack(desk, key, day)
        found = True
    return found


def _begun(desk: Desk, today: str) -> PackingDocument | None:
    """The day whose packs are to be made now: one that was begun, else the first that is over and has something."""
    last = payouts.packing()
    if last is not None and not last.done:
        return last
    windows = store.unpacked(UNPACKED_MAX)
    # Of a day that older code had begun there is no more than what is out: it is ended first, as that would have.
    halves = {on for closed in windows if last is None and _is_out(desk, on := day_of(closed.closed_at))}
    day = min(halves) if halves else _first_day(windows, today)
    if day >= today:
        return None
    numbers = [closed.number for closed in windows if day_of(closed.closed_at) <= day]
    if halves:
        # That may have died while it noted which windows were packed.
        of_day = store.windows(max(numbers), WINDOWS_A_DAY_MAX)
        numbers = sorted(closed.number for closed in of_day if day_of(closed.closed_at) == day)
    return payouts.pack_day(
        last, day, after=_after(last, day), alone=bool(halves), windows=numbers, **_as_of(numbers)
    )  # fmt: skip


def _first_day(windows: Sequence[store.Window], today: str) -> str:
    """The first day of which something is to be packed; today's where there is none before."""
    open_day = payouts.open_day()
    # A window that was netted after its day's packs were begun is in the next day's.
    day = min((max(day_of(closed.closed_at), open_day) for closed in windows), default=today)
    return payouts.first_booked(_before(open_day), _before(min(day, today))) or day


def _after(last: PackingDocument | None, day: str) -> str:
    """Behind which day all is taken that is on no statement: by older code's rule that was not all."""
    if last is not None:
        return str(last.after if last.alone else last.day)
    first = min(payouts.first_statement() or day, day)
    return _before(payouts.first_booked("", _before(first)) or first)


def _before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat() if day else ""


def _is_out(desk: Desk, day: str) -> bool:
    """Whether an institution's statement of a day is out."""
    return any((desk.home / "exchange").glob(f"*/out/camt.053.ST-D{day.replace('-', '')}-*.xml"))


def _as_of(numbers: Sequence[int]) -> dict[str, str]:
    """What a day's packs rest on: the same as its last window's; without a window, the books as they are."""
    last = store.window(numbers[-1]) if numbers else None
    if last is None:
        chain_head = bytes(store.head().head).hex()
        return {"chain_head": chain_head, "rules": closing.RULES, "code": closing.code_version()}
    rules_version, code = store.begun_by(last, closing.RULES, closing.code_version())
    return {"chain_head": last.chain_head, "rules": rules_version, "code": code}


def _pack(desk: Desk, key: OKPKey, day: PackingDocument) -> None:
    windows = [closed for number in day.windows if (closed := store.window(number)) is not None]
    booked: dict[str, list[_Booking]] = defaultdict(list)
    for institution, booking in _bookings(day, windows):
        booked[institution].append(booking)
    for institution, bookings in sorted(booked.items()):
        _pack_one(desk, key, day, institution, bookings, windows)
    for closed in windows:
        store.packed(closed)
    payouts.day_is_packed(day.day)


def _bookings(day: PackingDocument, windows: Sequence[store.Window]) -> Iterator[tuple[str, _Booking]]:
    """What was booked on institutions' positions up to a day, and is on no statement before, in a fixed order."""
    for closed in windows:
        text = f"Phiên {closed.number}"
        for line in closed.lines:
            for side, amount in (("D", line.debits), ("C", line.credits)):
                if amount:
                    on, reference = day_of(closed.closed_at), f"GR-{closed.number:06d}-{side}"
                    yield line.institution, _Booking(on, side, amount, reference, text)
    days = [day.day] if day.alone else _days(day.after, day.day)
    # Older code made none of days without a window, and all others have what was booked on them.
    out = payouts.statements(day.after, day.day) if len(days) > 1 else set()
    for institution, booking in _settled(days):
        if (booking.on, institution) not in out:
            yield institution, booking


def _days(after: str, until: str) -> list[str]:
    first, last = date.fromisoformat(after), date.fromisoformat(until)
    return [(first + timedelta(days=n)).isoformat() for n in range(1, (last - first).days + 1)]


def _settled(days: Sequence[str]) -> Iterator[tuple[str, _Booking]]:
    """What was settled of positions on these days: net positions, what banks paid, and what came back to them."""
    for on in days:
        for net in sorted(payouts.nets(settled_on=on), key=lambda net: net.id):
            side, text = "C" if net.amount < 0 else "D", f"Quyết toán phiên {net.window}"
            yield net.institution, _Booking(on, side, abs(net.amount), net.end_to_end_id, text)
    for side, of_day, text in (
        ("D", payouts.paid_on, "Chi trả"), ("C", payouts.returned_on, "Chi trả bị hoàn"),
    ):  # fmt: skip
        for on in days:
            sums: dict[tuple[str, str], int] = defaultdict(int)
            for one in of_day(on):
                payee = PLATFORM if one.payee == rules.PLATFORM else one.bank_bin
                sums[payee, one.batch] += one.amount - one.fee
            for (payee, batch), amount in sorted(sums.items()):
                yield payee, _Booking(on, side, amount, batch[:35], text)


def _pack_one(
    desk: Desk, key: OKPKey, day: PackingDocument, institution: str, bookings: Sequence[_Booking],
    windows: Sequence[store.Window],
) -> None:  # fmt: skip
    box, on = open_box(desk.home, institution), date.fromisoformat(day.day)
    begins = datetime.combine(on, datetime.min.time(), VIETNAM)
    made_at = begins + timedelta(days=1)
    opened = payouts.opening(institution, day.day)
    credits = sum(booking.amount for booking in bookings if booking.side == "C")
    debits = sum(booking.amount for booking in bookings if booking.side == "D")
    message_id = f"ST-D{on:%Y%m%d}-{institution}"
    from_on = date.fromisoformat(min(day.day, *(booking.on for booking in bookings)))
    head = StatementHead(
        kind="camt.053", message_id=message_id, statement_id=message_id, account=f"POSITION{institution}",
        currency=VND, created_at=made_at, from_on=from_on, until_on=on, opening=opened,
        closing=opened + credits - debits, entries=len(bookings), credits=credits, debits=debits,
    )  # fmt: skip
    entries = (
        StatementEntry(
            number=number, line=number, side=one.side, amount=one.amount, currency=VND,
            booked_on=date.fromisoformat(one.on), value_on=date.fromisoformat(one.on), reference=one.reference,
            group=message_id, bank_reference="", counterparty="", counterparty_account="", text=one.text,
        )
        for number, one in enumerate(bookings, 1)
    )  # fmt: skip
    with sending(box, f"camt.053.{message_id}.xml") as going:
        camt.write_statement_to(going, head, entries, PLATFORM)
    assert going.sent is not None
    files = [pack.packed("camt.053", going.sent), *_of_windows(desk, institution, windows)]
    files += _of_the_switch(desk, on, institution, made_at)
    about = About(
        institution=institution, window=None, day=on, opened_at=windows[0].opened_at if windows else begins,
        closed_at=windows[-1].closed_at if windows else made_at, net=opened + credits - debits,
        chain_head=day.chain_head, report=None, rules=day.rules, code=day.code, created_at=made_at,
    )  # fmt: skip
    pack.seal(box, about, files, key)
    payouts.keep_day(institution, day.day, opened, opened + credits - debits)


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
