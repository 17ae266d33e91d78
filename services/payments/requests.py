"""What vendors ask for: references, and the dynamic code with the life that it carries in itself. Pure.

A request's record in the ledger ends a week after it expired. Its code on paper does not: so the code carries its
expiry in the reference label (EMVCo merchant-presented mode, 62-05), and a late payer is told so for ever.
"""

from __future__ import annotations

import hashlib
import re

from kit import qr
from kit.errors import InvalidArgument, MerchantNotPayable

DEFAULT_LIFE_S = 15 * 60
LIFE_S_MIN, LIFE_S_MAX = 30, 90 * 86_400
PURPOSE_MAX = 25
_CITY_MAX = 15
_LABEL = re.compile(r"E(\d{10})")
_REFERENCE = re.compile(r"[A-Za-z0-9._-]{1,25}")
# Crockford's base 32: no I, L, O, U, so that a reference can be said aloud.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MADE_LENGTH = 8


def expiry_label(expires_ms: int) -> str:
    """The reference label of a dynamic code that expires at `expires_ms`: "E" and seconds."""
    return f"E{expires_ms // 1000:010d}"


def expiry_of(label: str) -> int:
    """When a code with this reference label expires, ms; 0 where it does not say."""
    found = _LABEL.fullmatch(label)
    return int(found[1]) * 1000 if found else 0


def check_reference(reference: str) -> str:
    """A vendor's own reference. Raises InvalidArgument where it cannot stand in a code and an address."""
    if not _REFERENCE.fullmatch(reference):
        raise InvalidArgument('reference is 1 to 25 of A-Z, a-z, 0-9 and "-._"')
    return reference


def made_reference(request_id: str) -> str:
    """A reference for who has none: "R" and eight characters, the same for the same request."""
    number = int.from_bytes(hashlib.sha256(request_id.encode()).digest()[:5], "big")
    return "R" + "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_MADE_LENGTH)))


def check_life(expires_in_s: int) -> int:
    """How long a request lives, ms. Raises InvalidArgument."""
    if expires_in_s and not LIFE_S_MIN <= expires_in_s <= LIFE_S_MAX:
        raise InvalidArgument(f"expires_in_s must be from {LIFE_S_MIN} to {LIFE_S_MAX}, or 0 for {DEFAULT_LIFE_S}")
    return (expires_in_s or DEFAULT_LIFE_S) * 1000


def payload(
    *,
    merchant_id: str,
    name: str,
    market: str,
    stall: str,
    category: str,
    amount: int,
    reference: str,
    expires_ms: int,
    purpose: str = "",
) -> str:
    """The dynamic code of a request for `amount` đồng.

    Raises MerchantNotPayable where the merchant's particulars do not fit a code, InvalidArgument where `purpose` does
    not.
    """
    folded = _folded(purpose)
    try:
        return qr.encode(
            qr.QrCode(
                static=False,
                merchant_id=merchant_id,
                stall_label=stall or None,
                amount=amount,
                mcc=category,
                merchant_name=qr.fold_name(name),
                merchant_city=qr.fold_name(market, _CITY_MAX),
                bill_number=reference,
                reference_label=expiry_label(expires_ms),
                purpose=folded,
                name_vi=qr.shorten_name(name),
            )
        )
    except qr.QrError as error:
        raise MerchantNotPayable(f"no code can be made for this merchant: {error.message}") from error


def _folded(purpose: str) -> str | None:
    if len(purpose) > PURPOSE_MAX:
        raise InvalidArgument(f"purpose may have {PURPOSE_MAX} characters at most")
    try:
        return qr.fold_name(purpose) if purpose else None
    except qr.QrError as error:
        raise InvalidArgument("purpose has nothing that can be written in a code") from error
