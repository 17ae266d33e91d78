"""Reads a code: tolerant where only comfort is at stake, never silently wrong about payee or amount.

Errors: broken structure or checksum, and whatever leaves payee, currency or amount in doubt.
Warnings: a standard not kept where the payment stays certain. Codes seen in the wild and in order get none.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kit import banks
from kit.qr import schemes
from kit.qr.amounts import check_amount, check_percentage, dong
from kit.qr.bytecounts import recount
from kit.qr.emv import CRC_HEADER, PAYLOAD_LENGTH_MAX, DataObject, QrError, crc, is_ans, parse

Fields = dict[str, Any]
Objects = Mapping[str, DataObject]

GUID_LENGTH_MAX = 32

# Fixed formats of table 3.6; a value that misses its format is an error.
_FIXED = {
    "52": ("mcc", re.compile(r"[0-9]{4}")),
    "53": ("currency", re.compile(r"[0-9]{3}")),
    "58": ("country", re.compile(r"[A-Z]{2}")),
}
# Free text and its longest length in characters; a longer value is a warning.
_ROOT_TEXT = {"59": ("merchant_name", 25), "60": ("merchant_city", 15), "61": ("postal_code", 10)}
_ADDITIONAL = {
    "01": ("bill_number", 25),
    "02": ("mobile_number", 25),
    "03": ("store_label", 25),
    "04": ("loyalty_number", 25),
    "05": ("reference_label", 25),
    "06": ("customer_label", 25),
    "07": ("terminal_label", 25),
    "08": ("purpose", 25),
    "09": ("consumer_data_request", 3),
}
_LANGUAGE = {"00": ("lang", 2), "01": ("lang_name", 25), "02": ("lang_city", 15)}
_OWN = {"01": "merchant_id", "02": "stall_label", "03": "request_reference", "04": "issue"}
_FEES = {"01": None, "02": "56", "03": "57"}


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a code says. `fields` holds every value as found, under its name; `warnings` read "CODE: text".

    `amount` and `fee_fixed` are whole đồng. `amount` is None if the payer types it, and for a currency other
    than VND ("704"), where `fields["amount"]` has the text: look at `currency` first.
    Labels and purpose may be "***": the app asks the payer.
    """

    static: bool | None
    currency: str
    country: str
    amount: int | None
    bin: str | None
    account: str | None
    service: str | None
    merchant_id: str | None
    stall_label: str | None
    request_reference: str | None
    # Which printing of a stall's code; None for the first, and for codes that are not ours.
    issue: int | None
    mcc: str | None
    merchant_name: str | None
    merchant_city: str | None
    bill_number: str | None
    store_label: str | None
    reference_label: str | None
    terminal_label: str | None
    purpose: str | None
    lang: str | None
    lang_name: str | None
    lang_city: str | None
    tip_indicator: str | None
    fee_fixed: int | None
    fee_percent: str | None
    fields: Fields
    warnings: list[str]


def decode(payload: str) -> Decoded:
    """The code in this payload; raises QrError and nothing else."""
    warnings: list[str] = []
    _check_characters(payload, warnings)
    _check_crc(payload)
    recounted = None if payload.isascii() else recount(payload)
    try:
        root = parse(payload)
    except QrError as error:
        if recounted is None:
            raise
        counted = "QR_BYTE_LENGTHS: lengths count UTF-8 bytes, the standard counts characters"
        return _decode_recounted(recounted, [*warnings, counted], error)
    if recounted is not None:
        message = "lengths make sense as characters and as bytes, with different content"
        raise QrError("QR_LENGTH_AMBIGUOUS", message)
    return _interpret(root, warnings)


def _decode_recounted(recounted: str, warnings: list[str], error: QrError) -> Decoded:
    """Read by byte lengths; if that fails too, the error of the standard's reading is the one to tell."""
    try:
        return _interpret(parse(recounted), warnings)
    except QrError:
        raise error from None


def _check_characters(payload: str, warnings: list[str]) -> None:
    if not payload:
        raise QrError("QR_EMPTY", "there is no payload")
    if len(payload) > PAYLOAD_LENGTH_MAX:
        raise QrError("QR_TOO_LONG", f"payload is longer than {PAYLOAD_LENGTH_MAX} characters")
    if payload.isascii() and payload.isprintable():
        return
    for position, character in enumerate(payload):
        category = unicodedata.category(character)
        if category in ("Cc", "Cs", "Zl", "Zp"):
            message = f"control character U+{ord(character):04X}"
            raise QrError("QR_CHARACTER_INVALID", message, position)
        if category == "Cf":
            message = f"U+{ord(character):04X} at character {position} changes how text looks"
            warnings.append(f"QR_INVISIBLE_CHARACTER: {message}")


def _check_crc(payload: str) -> None:
    """Section 4.7.3; lower-case hex is accepted, real MB Bank codes carry it."""
    if not payload.startswith("000201"):
        raise QrError("QR_NOT_EMVCO", "an EMVCo payment code begins with 000201", 0)
    if payload[-8:-4] != CRC_HEADER:
        parse(payload)  # a code cut off or garbled has a better reason to give
        raise QrError("QR_CRC_MISSING", "the payload does not end with a checksum (tag 63)", len(payload))
    if payload[-4:].upper() != crc(payload[:-4]):
        message = "checksum does not match: the code is damaged or altered"
        raise QrError("QR_CRC_MISMATCH", message, len(payload) - 4)


def _interpret(root: Objects, warnings: list[str]) -> Decoded:
    if list(root)[-1] != "63":
        raise QrError("QR_CRC_MISSING", "the last data object is not the checksum (tag 63)")
    fields: Fields = {}
    _initiation(root, fields)
    _accounts(root, fields, warnings)
    _fixed(root, fields)
    _schemes_agree(fields, warnings)
    amount = _amount(root, fields, warnings)
    fee_fixed = _fees(root, fields)
    _text(root, _ROOT_TEXT, fields, warnings)
    _presence(fields, warnings)
    fields["crc"] = root["63"].value
    _additional(root, fields, warnings)
    _language(root, fields, warnings)
    return _decoded(fields, amount, fee_fixed, warnings)


def _decoded(fields: Fields, amount: int | None, fee_fixed: int | None, warnings: list[str]) -> Decoded:
    typed: Fields = {name: fields.get(name) for name in Decoded.__dataclass_fields__}
    typed["issue"] = int(fields["issue"]) if "issue" in fields else None
    typed |= {"amount": amount, "fee_fixed": fee_fixed, "fields": fields, "warnings": warnings}
    return Decoded(**typed)


def _initiation(root: Objects, fields: Fields) -> None:
    """Tag 01: "11" static, "12" dynamic, others reserved."""
    if "01" not in root:
        return
    method = root["01"].value
    if method not in ("11", "12"):
        raise QrError("QR_INITIATION_INVALID", "tag 01 is 11 (static) or 12 (dynamic)", root["01"].position)
    fields["static"] = method == "11"
    fields["point_of_initiation"] = method


def _accounts(root: Objects, fields: Fields, warnings: list[str]) -> None:
    """Tags 02-51, at least one; what is not VietQR is shown whole in `merchant_account_info`."""
    others: dict[str, str | dict[str, str]] = {}
    for tag, found in root.items():
        if not "02" <= tag <= "51":
            continue
        if not is_ans(found.value):
            raise QrError("QR_TEMPLATE_INVALID", f"tag {tag} holds more than printable ASCII", found.position)
        if tag < "26":
            others[tag] = found.value
            continue
        children = _account_template(found, warnings)
        guid = children["00"].value
        if guid.upper() == schemes.VIETQR_GUID:
            _vietqr(found, children, fields, warnings)
            continue
        if guid.lower() == schemes.OWN_GUID:
            _own(found, children, fields, warnings)
        others[tag] = {child: item.value for child, item in children.items()}
    if others:
        fields["merchant_account_info"] = others
    if not others and "bin" not in fields:
        raise QrError("QR_MISSING_TAG", "no merchant account (tags 02-51): nobody to pay")


def _account_template(found: DataObject, warnings: list[str]) -> Objects:
    children = parse(found.value, f"template {found.id}", found.value_position)
    if "00" not in children:
        message = f"template {found.id} does not say whose it is (00)"
        raise QrError("QR_TEMPLATE_INVALID", message, found.position)
    if len(children["00"].value) > GUID_LENGTH_MAX:
        warnings.append(f"QR_FIELD_TOO_LONG: {found.id}-00 is longer than {GUID_LENGTH_MAX} characters")
    return children


def _vietqr(found: DataObject, children: Objects, fields: Fields, warnings: list[str]) -> None:
    """00 GUID, 01 (00 BIN, 01 account), 02 service: anything missing or nested elsewhere is an error."""
    if "bin" in fields:
        raise QrError("QR_AMBIGUOUS_PAYEE", "two VietQR accounts in one code", found.position)
    _require(children, ("01", "02"), found)
    beneficiary = children["01"]
    inner = parse(beneficiary.value, f"template {found.id}-01", beneficiary.value_position)
    if set(inner) != {"00", "01"}:
        message = f"template {found.id}-01 holds a BIN (00) and an account (01), nothing else"
        raise QrError("QR_TEMPLATE_INVALID", message, beneficiary.position)
    bank_bin, account, service = inner["00"].value, inner["01"].value, children["02"].value
    schemes.check_bank_account(bank_bin, account, beneficiary.position)
    if banks.lookup(bank_bin) is None:
        warnings.append(f"QR_BIN_UNKNOWN: no bank is known by BIN {bank_bin}")
    if service not in schemes.SERVICES:
        warnings.append(f"QR_SERVICE_UNKNOWN: {found.id}-02 is none of the services of NAPAS")
    if found.id != schemes.VIETQR_TAG:
        warnings.append(f"QR_TEMPLATE_UNUSUAL: VietQR in tag {found.id}, it belongs in {schemes.VIETQR_TAG}")
    _warn_unknown(children, ("00", "01", "02"), found.id, warnings)
    fields |= {"guid": children["00"].value, "template": found.id}
    fields |= {"bin": bank_bin, "account": account, "service": service}


def _own(found: DataObject, children: Objects, fields: Fields, warnings: list[str]) -> None:
    if "merchant_id" in fields:
        raise QrError("QR_AMBIGUOUS_PAYEE", "two merchants of this platform in one code", found.position)
    _require(children, ("01",), found)
    for tag, name in _OWN.items():
        if tag in children:
            schemes.check_own_value(children[tag].value, name, children[tag].position)
            if name == "issue":
                schemes.check_issue(children[tag].value, children[tag].position)
            fields[name] = children[tag].value
    _warn_unknown(children, ("00", *_OWN), found.id, warnings)


def _require(children: Objects, tags: tuple[str, ...], template: DataObject) -> None:
    for tag in tags:
        if tag not in children:
            message = f"template {template.id} lacks {tag}"
            raise QrError("QR_TEMPLATE_INVALID", message, template.position)


def _warn_unknown(children: Objects, known: tuple[str, ...], template: str, warnings: list[str]) -> None:
    unknown = [tag for tag in children if tag not in known]
    if unknown:
        warnings.append(f"QR_TAG_UNKNOWN: template {template} holds {', '.join(unknown)}, ignored")


def _fixed(root: Objects, fields: Fields) -> None:
    for tag, (name, form) in _FIXED.items():
        if tag not in root:
            continue
        if form.fullmatch(root[tag].value) is None:
            message = f"tag {tag} ({name}) does not look like one"
            raise QrError("QR_FIELD_INVALID", message, root[tag].position)
        fields[name] = root[tag].value
    for tag, name in (("53", "currency"), ("58", "country")):
        if tag not in root:
            raise QrError("QR_MISSING_TAG", f"tag {tag} ({name}) is missing")


def _schemes_agree(fields: Fields, warnings: list[str]) -> None:
    """VietQR and our own codes are in đồng (NAPAS table 1); in Vietnam we expect a scheme that we know."""
    domestic = "bin" in fields or "merchant_id" in fields
    if domestic and fields["currency"] != schemes.CURRENCY_VND:
        raise QrError("QR_CURRENCY_INVALID", "a VietQR or Chợ 4.0 code is in VND (704)")
    if domestic and fields["country"] != schemes.COUNTRY_VN:
        warnings.append("QR_COUNTRY_UNUSUAL: a VietQR or Chợ 4.0 code is of country VN")
    if "bin" in fields and "static" not in fields:
        warnings.append("QR_INITIATION_MISSING: VietQR asks for tag 01, static or dynamic")
    if fields["country"] == schemes.COUNTRY_VN and not domestic and not _is_vnpay(fields):
        warnings.append("QR_SCHEME_UNKNOWN: the merchant account is of no scheme that we know")


def _is_vnpay(fields: Fields) -> bool:
    templates = fields["merchant_account_info"].values()
    return any(isinstance(item, dict) and item["00"].upper() == schemes.VNPAY_GUID for item in templates)


def _amount(root: Objects, fields: Fields, warnings: list[str]) -> int | None:
    if "54" not in root:
        return None
    text, position = root["54"].value, root["54"].position
    fields["amount"] = text
    if fields["currency"] != schemes.CURRENCY_VND:
        check_amount(text, position)
        return None
    amount = dong(text, position)
    if text != str(amount):
        warnings.append(f"QR_AMOUNT_FORMAT: the amount is written {text}, read as {amount} đồng")
    return amount


def _fees(root: Objects, fields: Fields) -> int | None:
    """55 absent or 01: neither 56 nor 57. 02: 56, a fixed fee, returned in đồng. 03: 57, a percentage."""
    indicator = root.get("55")
    if indicator is not None:
        if indicator.value not in _FEES:
            raise QrError("QR_FEE_INVALID", "tag 55 is 01, 02 or 03", indicator.position)
        fields["tip_indicator"] = indicator.value
    wanted = _FEES[indicator.value] if indicator is not None else None
    for tag in ("56", "57"):
        if (tag in root) != (tag == wanted):
            raise QrError("QR_FEE_INVALID", f"tag 55 and tag {tag} contradict each other")
    if wanted == "57":
        check_percentage(root["57"].value, root["57"].position)
        fields["fee_percent"] = root["57"].value
    if wanted != "56":
        return None
    fee = root["56"]
    fields["fee_fixed"] = fee.value
    if fields["currency"] == schemes.CURRENCY_VND:
        return dong(fee.value, fee.position)
    check_amount(fee.value, fee.position)
    return None


def _presence(fields: Fields, warnings: list[str]) -> None:
    """52, 59 and 60: EMVCo wants them, NAPAS and VNPAY do without."""
    if fields["country"] == schemes.COUNTRY_VN:
        return
    for name in ("mcc", "merchant_name", "merchant_city"):
        if name not in fields:
            warnings.append(f"QR_FIELD_MISSING: the code has no {name}")


def _text(
    objects: Objects,
    names: Mapping[str, tuple[str, int]],
    fields: Fields,
    warnings: list[str],
    fits: Callable[[str], bool] = is_ans,
) -> None:
    for tag, (name, limit) in names.items():
        if tag not in objects:
            continue
        value = fields[name] = objects[tag].value
        if len(value) > limit:
            warnings.append(f"QR_FIELD_TOO_LONG: {name} has {len(value)} characters, the limit is {limit}")
        if not fits(value):
            warnings.append(f"QR_CHARACTER_SET: {name} holds characters that do not belong there")


def _additional(root: Objects, fields: Fields, warnings: list[str]) -> None:
    """Template 62; what has no name yet (10-99) keeps its number, as "62-10"."""
    if "62" not in root:
        return
    children = parse(root["62"].value, "template 62", root["62"].value_position)
    _text(children, _ADDITIONAL, fields, warnings)
    fields |= {f"62-{tag}": item.value for tag, item in children.items() if tag not in _ADDITIONAL}
    asked = fields.get("consumer_data_request", "")
    if not set(asked) <= set("AME") or len(set(asked)) != len(asked):
        warnings.append("QR_FIELD_UNUSUAL: 62-09 asks for A, M and E, each once at most")


def _language(root: Objects, fields: Fields, warnings: list[str]) -> None:
    """Template 64: a name in the merchant's own language, precomposed Unicode."""
    if "64" not in root:
        return
    children = parse(root["64"].value, "template 64", root["64"].value_position)
    _text(children, _LANGUAGE, fields, warnings, fits=lambda text: unicodedata.is_normalized("NFC", text))
    for tag in ("00", "01"):
        if tag not in children:
            warnings.append(f"QR_FIELD_MISSING: template 64 lacks {tag}")
