"""Writes a code, strictly: what a standard does not allow is refused, and nothing is cut off silently."""

import unicodedata
from dataclasses import dataclass

from kit import banks
from kit.qr import emv, schemes
from kit.qr.emv import QrError, write, write_template
from kit.qr.names import NAME_LENGTH_MAX, fold

AMOUNT_MAX = 10**12  # đồng, the platform's largest posting
CITY_LENGTH_MAX = 15
LABEL_LENGTH_MAX = 25
LANGUAGE = "VI"  # ISO 639, in capitals as in the standard's own example


@dataclass(frozen=True, slots=True, kw_only=True)
class QrCode:
    """What to write: a bank account (`bin`, `account`: VietQR, tag 38), a merchant of ours (tag 45), or both.

    `amount` is whole đồng, None if the payer types it. `merchant_name`, `merchant_city` and `purpose` lose
    their diacritics; `fold_name` shortens a name that is too long. `name_vi` and `city_vi` keep theirs, in
    template 64, which makes the symbol larger and puts off bank apps that count bytes: leave them out of
    plain bank codes. A merchant of ours needs `mcc` (ISO 18245), `merchant_name` and `merchant_city`.
    """

    static: bool
    bin: str | None = None
    account: str | None = None
    service: str = schemes.ACCOUNT_TRANSFER
    merchant_id: str | None = None
    stall_label: str | None = None
    request_reference: str | None = None
    # Which printing of a stall's code; None for the first.
    issue: int | None = None
    amount: int | None = None
    mcc: str | None = None
    merchant_name: str | None = None
    merchant_city: str | None = None
    bill_number: str | None = None
    store_label: str | None = None
    reference_label: str | None = None
    terminal_label: str | None = None
    purpose: str | None = None
    name_vi: str | None = None
    city_vi: str | None = None


def encode(code: QrCode) -> str:
    """The payload, checksum included; raises QrError for what must not be printed."""
    if code.bin is None and code.account is None and code.merchant_id is None:
        raise QrError("QR_MISSING_TAG", "a code needs a bank account or a merchant of ours")
    body = "".join(
        (
            write("00", "01"),
            write("01", "11" if code.static else "12"),
            _vietqr(code),
            _own(code),
            _optional("52", _mcc(code.mcc)),
            write("53", schemes.CURRENCY_VND),
            _optional("54", _amount(code.amount)),
            write("58", schemes.COUNTRY_VN),
            _optional("59", _folded(code.merchant_name, NAME_LENGTH_MAX, "merchant_name")),
            _optional("60", _folded(code.merchant_city, CITY_LENGTH_MAX, "merchant_city")),
            _additional(code),
            _language(code),
            emv.CRC_HEADER,
        )
    )
    payload = body + emv.crc(body)
    assert len(payload) <= emv.PAYLOAD_LENGTH_MAX, "the limits of the fields leave no room for more"
    return payload


def _optional(tag: str, value: str | None) -> str:
    return "" if value is None else write(tag, value)


def _vietqr(code: QrCode) -> str:
    if code.bin is None and code.account is None:
        return ""
    if code.bin is None or code.account is None:
        raise QrError("QR_ACCOUNT_INVALID", "a bank account is a BIN and an account")
    schemes.check_bank_account(code.bin, code.account)
    if banks.lookup(code.bin) is None:
        raise QrError("QR_BIN_UNKNOWN", f"no bank is known by BIN {code.bin}")
    if code.service not in schemes.SERVICES:
        raise QrError("QR_SERVICE_UNKNOWN", "the service is none of those of NAPAS")
    beneficiary = write("00", code.bin) + write("01", code.account)
    children = {"00": schemes.VIETQR_GUID, "01": beneficiary, "02": code.service}
    return write_template(schemes.VIETQR_TAG, children)


def _own(code: QrCode) -> str:
    if code.merchant_id is None:
        if code.stall_label is not None or code.request_reference is not None or code.issue is not None:
            raise QrError("QR_MERCHANT_INVALID", "a stall, a request or an issue belongs to a merchant")
        return ""
    issue = None if code.issue is None else str(code.issue)
    if issue is not None:
        schemes.check_issue(issue)
    own = {"01": code.merchant_id, "02": code.stall_label, "03": code.request_reference, "04": issue}
    for tag, value in own.items():
        if value is not None:
            schemes.check_own_value(value, f"template {schemes.OWN_TAG}-{tag}")
    for name in ("mcc", "merchant_name", "merchant_city"):
        if getattr(code, name) is None:
            raise QrError("QR_MISSING_TAG", f"EMVCo wants a {name} in a merchant's code")
    return write_template(schemes.OWN_TAG, {"00": schemes.OWN_GUID, **own})


def _mcc(mcc: str | None) -> str | None:
    if mcc is not None and not (len(mcc) == 4 and mcc.isascii() and mcc.isdigit()):
        raise QrError("QR_FIELD_INVALID", "a merchant category code is four digits (ISO 18245)")
    return mcc


def _amount(amount: int | None) -> str | None:
    if amount is None:
        return None
    if isinstance(amount, bool) or not isinstance(amount, int) or not 1 <= amount <= AMOUNT_MAX:
        raise QrError("QR_AMOUNT_INVALID", f"an amount is 1 to {AMOUNT_MAX} whole đồng")
    return str(amount)


def _additional(code: QrCode) -> str:
    children = {
        "01": _ans(code.bill_number, LABEL_LENGTH_MAX, "bill_number"),
        "03": _ans(code.store_label, LABEL_LENGTH_MAX, "store_label"),
        "05": _ans(code.reference_label, LABEL_LENGTH_MAX, "reference_label"),
        "07": _ans(code.terminal_label, LABEL_LENGTH_MAX, "terminal_label"),
        "08": _folded(code.purpose, LABEL_LENGTH_MAX, "purpose"),
    }
    return write_template("62", children)


def _language(code: QrCode) -> str:
    name = _native(code.name_vi, NAME_LENGTH_MAX, "name_vi")
    city = _native(code.city_vi, CITY_LENGTH_MAX, "city_vi")
    if name is None:
        if city is not None:
            raise QrError("QR_MISSING_TAG", "template 64 holds a name, the city only goes with it")
        return ""
    return write_template("64", {"00": LANGUAGE, "01": name, "02": city})


def _folded(text: str | None, limit: int, what: str) -> str | None:
    return None if text is None else _ans(fold(text), limit, what)


def _ans(text: str | None, limit: int, what: str) -> str | None:
    if text is not None and not emv.is_ans(text):
        raise QrError("QR_CHARACTER_SET", f"{what} is printable ASCII, and not empty")
    return _within(text, limit, what)


def _native(text: str | None, limit: int, what: str) -> str | None:
    composed = None if text is None else unicodedata.normalize("NFC", text)
    if composed is not None and not composed.isprintable():
        raise QrError("QR_CHARACTER_SET", f"{what} holds a character that cannot be seen")
    return _within(composed, limit, what)


def _within(text: str | None, limit: int, what: str) -> str | None:
    if text is not None and len(text) > limit:
        raise QrError("QR_TOO_LONG", f"{what} has {len(text)} characters, the limit is {limit}")
    return text
