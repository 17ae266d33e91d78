"""The QR code that an order is paid by. Pure."""

from __future__ import annotations

from datetime import datetime

from kit import qr
from kit.errors import MerchantNotPayable

CITY_CHARACTERS_MAX = 15


def payload(
    *,
    merchant_id: str,
    merchant_name: str,
    market_name: str,
    stall: str,
    category_code: str,
    amount: int,
    code: str,
    expires_at: datetime,
) -> str:
    """A dynamic EMVCo code: merchant (template 45), amount (đồng), the order's code as bill number (62-01).

    Its reference label (62-05) says until when it can be paid, as payments' own requests do: who scans it later, or
    again, is told so before money moves.

    Raises MerchantNotPayable where the merchant's particulars do not fit a code.
    """
    try:
        return qr.encode(
            qr.QrCode(
                static=False,
                merchant_id=merchant_id,
                stall_label=stall or None,
                amount=amount,
                mcc=category_code,
                merchant_name=qr.fold_name(merchant_name),
                merchant_city=qr.fold_name(market_name, CITY_CHARACTERS_MAX),
                bill_number=code,
                reference_label=f"E{int(expires_at.timestamp()):010d}",
                name_vi=qr.shorten_name(merchant_name),
            )
        )
    except qr.QrError as error:
        raise MerchantNotPayable(f"no code can be made for this merchant: {error.message}") from error
