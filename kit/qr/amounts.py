"""Amounts in tags 54, 56 and 57 (EMV QRCPS MPM v1.0, table 3.6 and section 4.7)."""

import re

from kit.qr.emv import QrError

AMOUNT_LENGTH_MAX = 13  # characters
_NUMBER = re.compile(r"([0-9]*)(?:\.([0-9]*))?")
_PERCENT = re.compile(r"[0-9]{1,2}(\.[0-9]{0,2})?")


def check_amount(text: str, position: int) -> None:
    """Digits with at most one ".", not zero, 13 characters at most; any currency."""
    if len(text) > AMOUNT_LENGTH_MAX:
        raise QrError("QR_AMOUNT_INVALID", f"amount is longer than {AMOUNT_LENGTH_MAX} characters", position)
    if _NUMBER.fullmatch(text) is None or not text.strip("."):
        raise QrError("QR_AMOUNT_INVALID", 'an amount is digits with at most one "."', position)
    if not text.strip("0."):
        raise QrError("QR_AMOUNT_INVALID", "an amount is more than zero", position)


def dong(text: str, position: int) -> int:
    """The amount in whole đồng; VND has exponent 0, so a fraction may only be zero.

    Three zeros after the point are refused: EMV reads 50.000 as fifty, every Vietnamese as fifty thousand.
    """
    check_amount(text, position)
    whole, _, fraction = text.partition(".")
    if fraction not in ("", "0", "00"):
        raise QrError("QR_AMOUNT_INVALID", "an amount in đồng has no fraction", position)
    return int(whole)


def check_percentage(text: str, position: int) -> None:
    """00.01 to 99.99, without a percent sign."""
    if _PERCENT.fullmatch(text) is None or not text.strip("0."):
        raise QrError("QR_FEE_INVALID", "a percentage fee is 00.01 to 99.99", position)
