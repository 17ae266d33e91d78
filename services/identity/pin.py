"""What a PIN must be: six digits that a stranger would not try first."""

from __future__ import annotations

import itertools
import re

from kit.errors import InvalidArgument, PinWeak

_SIX_DIGITS = re.compile(r"[0-9]{6}")
_DAY = r"(0[1-9]|[12][0-9]|3[01])"
_MONTH = r"(0[1-9]|1[0-2])"
_YEAR = r"(19[3-9][0-9]|20[0-2][0-9])"
# Birthdays, the commonest choice of all and printed on every ID card: ddmmyy, yymmdd, mmyyyy, yyyymm.
_DATE = re.compile(f"{_DAY}{_MONTH}..|..{_MONTH}{_DAY}|{_MONTH}{_YEAR}|{_YEAR}{_MONTH}")
# Shapes on the keypad and counts in pairs, from published lists of leaked PINs.
_FAVOURITES = frozenset(
    {
        *("112233", "332211", "246810"),
        *("147258", "147369", "258369", "159753", "159357", "456123", "789456", "741852", "963852"),
    }
)


def check_format(pin: str) -> str:
    """`pin` if it is six ASCII digits. Raises InvalidArgument."""
    if not _SIX_DIGITS.fullmatch(pin):
        raise InvalidArgument("a PIN is six digits")
    return pin


def check_strength(pin: str, phone: str) -> str:
    """`pin` if it may be chosen by the owner of `phone` (+84 form). Raises InvalidArgument or PinWeak."""
    check_format(pin)
    if is_weak(pin) or pin in phone or pin in phone.replace("+84", "0"):
        raise PinWeak("too easy to guess: no runs, repeats, dates, or digits of the phone number")
    return pin


def is_weak(pin: str) -> bool:
    """Whether six digits are a run, a repetition, a mirror, a date, two digits mixed, or a favourite."""
    return (
        len(set(pin)) < 3
        or _is_run(pin)
        or pin[:3] in (pin[3:], pin[:2:-1])
        or pin[:2] == pin[2:4] == pin[4:]
        or _DATE.fullmatch(pin) is not None
        or pin in _FAVOURITES
    )


def _is_run(pin: str) -> bool:
    """Equal steps from digit to digit, 9 followed by 0: 345678, 210987, 024680."""
    steps = {(int(b) - int(a)) % 10 for a, b in itertools.pairwise(pin)}
    return len(steps) == 1
