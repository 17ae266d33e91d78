"""One-time codes that a payer shows: their digits, and what the ledger knows of them. Pure, but for chance.

Eighteen digits, as bar codes of 1D scanners hold them: 17 by chance and a check digit, so that a slip of the finger is
noticed before anybody is asked. With 100,000 codes alive, one guess in 10^12 would hit one.
"""

from __future__ import annotations

import secrets

from kit.crypto import blind_index
from kit.errors import CodeInvalid, InvalidArgument

LENGTH = 18
DEFAULT_LIFE_S = 120
LIFE_S_MIN, LIFE_S_MAX = 30, 600


def new_code() -> str:
    """A code that nobody can guess."""
    digits = f"{secrets.randbelow(10 ** (LENGTH - 1)):0{LENGTH - 1}d}"
    return digits + check_digit(digits)


def check_digit(digits: str) -> str:
    """Luhn's: one wrong digit, and nearly every swap of two neighbours, is noticed."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * 2 if place % 2 == 0 else int(digit)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def digest_of(code: str) -> str:
    """What the ledger knows a code by, spaces and dashes aside. Raises CodeInvalid for what is none."""
    digits = code.replace(" ", "").replace("-", "")
    known_shape = len(digits) == LENGTH and digits.isascii() and digits.isdigit()
    if not known_shape or check_digit(digits[:-1]) != digits[-1]:
        raise CodeInvalid("not a one-time code: scan or type it again")
    return blind_index("payments.code", digits)


def check_life(lives_s: int) -> int:
    """How long a code lives, ms. Raises InvalidArgument."""
    if lives_s and not LIFE_S_MIN <= lives_s <= LIFE_S_MAX:
        raise InvalidArgument(f"lives_s must be from {LIFE_S_MIN} to {LIFE_S_MAX}, or 0 for {DEFAULT_LIFE_S}")
    return (lives_s or DEFAULT_LIFE_S) * 1000
