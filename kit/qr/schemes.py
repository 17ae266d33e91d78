"""The payees a code can name that this platform understands: a bank account, a merchant of ours.

VietQR: NAPAS document v1.0 (09/2021), table 1 and section 6; QRPUSH and QRCASH come from v1.5.
Ours: 00 `vn.cho40`, 01 merchant id, 02 stall label, 03 request reference, 04 issue, in 45 (read in any of 26-51).
The issue tells a stall's printed codes apart, so that a reissued one voids what was printed before: 1 to 9999, and 1
where there is none.
"""

import re

from kit.qr.emv import QrError, is_ans

VIETQR_TAG = "38"
VIETQR_GUID = "A000000727"
VNPAY_GUID = "A000000775"
OWN_TAG = "45"
OWN_GUID = "vn.cho40"

ACCOUNT_TRANSFER = "QRIBFTTA"
SERVICES = frozenset({ACCOUNT_TRANSFER, "QRIBFTTC", "QRPUSH", "QRCASH"})

CURRENCY_VND = "704"
COUNTRY_VN = "VN"

OWN_VALUE_LENGTH_MAX = 36  # characters: an id with its prefix fits
_ISSUE = re.compile(r"[1-9][0-9]{0,3}")
_BIN = re.compile(r"[0-9]{6}")
_ACCOUNT = re.compile(r"[0-9A-Za-z]{1,19}")


def check_bank_account(bin: str, account: str, position: int | None = None) -> None:
    """BIN of six digits; account, card or merchant number of 1 to 19 ASCII letters and digits."""
    if _BIN.fullmatch(bin) is None:
        raise QrError("QR_BIN_INVALID", "a bank's BIN is six digits", position)
    if _ACCOUNT.fullmatch(account) is None:
        raise QrError("QR_ACCOUNT_INVALID", "an account is 1 to 19 ASCII letters and digits", position)


def check_own_value(value: str, what: str, position: int | None = None) -> None:
    """Merchant id, stall label, request reference: 1 to 36 printable ASCII characters."""
    if not is_ans(value) or len(value) > OWN_VALUE_LENGTH_MAX:
        limit = f"1 to {OWN_VALUE_LENGTH_MAX} printable ASCII characters"
        raise QrError("QR_MERCHANT_INVALID", f"{what} is {limit}", position)


def check_issue(value: str, position: int | None = None) -> None:
    """Which printing of a stall's code: 1 to 9999."""
    if _ISSUE.fullmatch(value) is None:
        raise QrError("QR_MERCHANT_INVALID", "an issue is 1 to 9999", position)
