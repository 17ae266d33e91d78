"""Money is a whole number of đồng. VND has no minor unit: never floats, never times 100."""

from __future__ import annotations

from kit.errors import AmountInvalid

AMOUNT_MAX = 10**12


def check_amount(amount: int) -> int:
    """`amount` in đồng, from 1 to 10^12. Raises AmountInvalid."""
    if not 1 <= amount <= AMOUNT_MAX:
        raise AmountInvalid(f"amount must be from 1 to {AMOUNT_MAX} đồng, not {amount}")
    return amount


def share(amount: int, part: int, whole: int) -> int:
    """`amount * part / whole` in whole đồng, rounded down. Summing shares of growing parts never passes `amount`."""
    assert 0 <= part <= whole
    assert whole > 0
    return amount * part // whole


def format_vnd(amount: int) -> str:
    """`1234567` as Vietnamese people write it: `1.234.567 đ`."""
    return f"{amount:,}".replace(",", ".") + " đ"
