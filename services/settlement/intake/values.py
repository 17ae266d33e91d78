"""Amounts and dates as banks write them, into whole numbers and days of Vietnam. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from kit.clock import VIETNAM
from services.settlement.intake.refusals import AHEAD_DAYS, FIELD_MAX, TEXT_MAX, refused
from services.settlement.records import VND

# ISO 4217: digits after the point, where they are not 2.
_DIGITS = {
    code: digits
    for digits, codes in {
        0: ("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI", "VND VUV XAF XOF XPF"),
        3: ("BHD IQD JOD KWD LYD OMR TND",),
        4: ("CLF UYW",),
    }.items()
    for some in codes
    for code in some.split()
}
_DIGITS_MOST = 4
# 18 digits, cents included: what a database keeps.
MINOR_MAX = 10**18 - 1
_AMOUNT = re.compile(r"([0-9]{1,18})(?:\.([0-9]{0,17}))?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*", re.ASCII)
# A platform's own end-to-end id in a longer text (payouts/rules.py): window, line, attempt; a merchant's request; or
# window, institution and, from the second on, attempt.
_OURS = re.compile(
    r"\b(?:PO-\d{6}-\d{6}-\d{1,3}|RQ-[0-9a-f]{32}|NP-\d{6}-[A-Z0-9]{2,20}(?:-\d{1,3}(?!\w))?)\b", re.ASCII
)
_DAYS_KEPT = 4_096
_days: dict[str, date] = {}


def unit_of(currency: str) -> int:
    """How many ten-thousandths a currency's smallest unit is of its unit: 10,000 for đồng, 100 for cents."""
    return int(10 ** (_DIGITS_MOST - _DIGITS.get(currency, 2)))


def minor_units(text: str, currency: str, line: int, what: str = "amount") -> int:
    """ "75000", "75000." or "75000.00" VND as 75000; "12.5" USD as 1250. From 0, at most 18 digits.

    Raises FileRefused AMOUNT for more or for a fraction that the currency does not have, FIELD_UNKNOWN for none.
    """
    if currency == VND and len(text) <= 18 and text.isdecimal() and text.isascii():
        return int(text)
    if not _CURRENCY.fullmatch(currency):
        raise refused("FIELD_UNKNOWN", f"{what} in {currency[:20]!r}, which is no currency: correct the file", line)
    match = _AMOUNT.fullmatch(text)
    if not match:
        raise refused("AMOUNT", f"{what} {text[:40]!r} is not a number: correct the file", line)
    digits = _DIGITS.get(currency, 2)
    fraction = (match[2] or "").rstrip("0")
    if len(fraction) > digits:
        raise refused("AMOUNT", f"{what} {text[:40]!r} has a fraction that {currency} has not: correct the file", line)
    amount = int(match[1] + fraction.ljust(digits, "0"))
    if amount > MINOR_MAX:
        raise refused("AMOUNT", f"{what} {text[:40]!r} is more than can be kept: correct the file", line)
    return amount


def point(written: str, currency: str, line: int) -> str:
    """An amount of a text file with a decimal point, whichever mark it has. Raises FileRefused AMOUNT for three digits
    behind the mark, where the currency has others: "500.000" is half a million to who writes it, and 500 to others."""
    whole, mark, fraction = written.replace(",", ".").partition(".")
    if len(fraction) == 3 != _DIGITS.get(currency, 2):
        why = f"amount {written[:40]!r} has three digits behind its mark: write it without a mark for thousands"
        raise refused("AMOUNT", why, line)
    return f"{whole}{mark}{fraction}"


def moved(text: str, currency: str, line: int) -> int:
    """An entry's amount: as minor_units, and not 0."""
    amount = minor_units(text, currency, line)
    if not amount:
        raise refused("AMOUNT", "an entry of 0 moves nothing: take it out or correct it", line)
    return amount


def day(text: str, line: int) -> date:
    """An ISO date or moment as a day: Vietnam's where an offset is given, else as it is written. Raises DATE."""
    found = _days.get(text)
    if found is not None:
        return found
    try:
        found = _parse(text)
    except (ValueError, OverflowError):
        raise refused("DATE", f"{text[:40]!r} is no date: correct the file", line) from None
    if len(_days) >= _DAYS_KEPT:
        _days.clear()
    _days[text] = found
    return found


def _parse(text: str) -> date:
    if _DAY.fullmatch(text):
        return date.fromisoformat(text[:10])
    if not _MOMENT.fullmatch(text):
        raise ValueError(text)
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo is None else at.astimezone(VIETNAM)).date()


def moment(text: str, line: int) -> datetime:
    """An ISO moment, aware: Vietnam's time where no offset is given. Raises DATE."""
    try:
        found = datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None
        if found is not None and found.tzinfo is not None:
            found = found.astimezone(VIETNAM)  # at either end of the calendar it has none there
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise refused("DATE", f"{text[:40]!r} is no date and time: correct the file", line)
    return found if found.tzinfo is not None else found.replace(tzinfo=VIETNAM)


def latest(today: date) -> date:
    """The last day that something may be booked on."""
    return today + timedelta(days=AHEAD_DAYS)


def too_early(booked_on: date, line: int) -> Exception:
    """The refusal of a booking after `latest`."""
    return refused("FUTURE_DATE", f"it is booked on {booked_on}, which is not yet: send it when it is booked", line)


def field(text: str, what: str, line: int) -> str:
    """A reference or an account, as it is. Raises FIELD_TOO_LONG."""
    if len(text) > FIELD_MAX:
        raise refused("FIELD_TOO_LONG", f"{what} has {len(text)} characters, over {FIELD_MAX}: correct the file", line)
    return text


def prose(pieces: Iterable[str]) -> str:
    """Pieces of remittance text as one, composed (NFC), cut at TEXT_MAX."""
    text = " ".join(piece for piece in pieces if piece)
    return text[:TEXT_MAX] if text.isascii() else unicodedata.normalize("NFC", text)[:TEXT_MAX]


def our_id_in(text: str) -> str:
    """The one end-to-end id of ours in a text; "" where there is none, or more than one."""
    found = set(_OURS.findall(text))
    return found.pop() if len(found) == 1 else ""
