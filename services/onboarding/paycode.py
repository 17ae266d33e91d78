"""What the QR code at a merchant's stall says. Pure.

The code names the merchant (template 45) and no bank account (template 38): a bank's app that finds one pays
it directly, past the ledger, and then neither the vendor's screen nor settlement hears of the payment.
"""

from __future__ import annotations

from kit import qr
from kit.errors import InvalidArgument, MerchantNotPayable
from kit.money import check_amount
from services.onboarding.merchant import Merchant, State

CITY_CHARACTERS_MAX = 15


def payload(merchant: Merchant, *, issue: int = 1, amount: int = 0, reference: str = "", purpose: str = "") -> str:
    """The EMVCo payload; with an `amount` in đồng a dynamic code, with 0 a static one.

    `issue` is the one in force of what is printed for the stall (stands): codes of the first do not name it.

    Raises MerchantNotPayable unless active, AmountInvalid, and InvalidArgument for a reference or
    purpose that does not fit.
    """
    if merchant.state is not State.ACTIVE:
        raise MerchantNotPayable(f"the merchant is {merchant.state.value}")
    code = qr.QrCode(
        static=amount == 0,
        merchant_id=merchant.merchant_id,
        stall_label=merchant.stall,
        issue=issue if issue > 1 else None,
        amount=check_amount(amount) if amount else None,
        mcc=merchant.category_code,
        merchant_name=qr.fold_name(merchant.name),
        merchant_city=qr.fold_name(merchant.province_name, CITY_CHARACTERS_MAX),
        bill_number=reference or None,
        purpose=purpose or None,
        name_vi=qr.shorten_name(merchant.name),
    )
    try:
        return qr.encode(code)
    except qr.QrError as error:
        raise InvalidArgument(error.message) from error
