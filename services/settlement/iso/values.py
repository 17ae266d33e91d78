"""How our values are written in ISO 20022's simple types: names and texts, ids, amounts, times. Pure.

What identifies (ids, accounts, agents) is never changed: it fits, or ValueError. What describes (names, texts) is
cleaned and cut.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from kit.clock import VIETNAM

NAME_MAX = TEXT_MAX = 140
ID_MAX = 35
ACCOUNT_MAX = 34
# ActiveCurrencyAndAmount and DecimalNumber: 18 digits.
AMOUNT_MAX = 10**18 - 1

_ID = re.compile(r"[!-~](?:[ -~]*[!-~])?")


def clean(text: str, limit: int) -> str:
    """Text as Max<limit>Text may have it: composed (NFC) so that Vietnamese letters are one character each, without
    control characters, bidi marks and other invisible ones, runs of white space as one space, at most `limit`
    characters and none of them torn from its accents. "" where nothing is left."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " if c.isspace() else "" for c in text)
    text = " ".join(unicodedata.normalize("NFC", text).split())
    if len(text) <= limit:
        return text
    end = limit
    while end and unicodedata.category(text[end]).startswith("M"):
        end -= 1
    return text[: end or limit].rstrip()


def identifier(value: str, limit: int = ID_MAX) -> str:
    """An id, account number or agent as it is: 1 to `limit` printable ASCII characters, no space at an end.

    Raises ValueError: an id that was changed would match nothing when it comes back.
    """
    if len(value) > limit or not _ID.fullmatch(value):
        raise ValueError(f"{value!r} is no id of 1 to {limit} printable ASCII characters")
    return value


def amount(dong: int) -> str:
    """Whole đồng, 1 to 18 digits. Raises ValueError for zero, less, or more."""
    if not 0 < dong <= AMOUNT_MAX:
        raise ValueError(f"{dong} đồng: an amount is 1 to {AMOUNT_MAX}")
    return str(dong)


def total(dong: int) -> str:
    """A sum or an unsigned balance: as `amount`, but it may be zero."""
    return amount(dong) if dong else "0"


def moment(at: datetime) -> str:
    """An aware time as Vietnam's, to the ms, with its offset. Raises ValueError for a naive one."""
    if at.tzinfo is None:
        raise ValueError(f"{at} says no time zone")
    return at.astimezone(VIETNAM).isoformat(timespec="milliseconds")
