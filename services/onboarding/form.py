"""Everything that is filled in for one vendor, and what keeps it from being handed in. Pure.

A draft may lack anything; `problems` names what is missing or wrong, each by a stable code in Vietnamese and English.
Days are "yyyy-mm-dd".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from types import MappingProxyType

from kit import banks, phones
from kit.errors import InvalidArgument
from kit.identifiers import citizen, names, tax
from kit.ids import is_id, key_time_ms
from services.onboarding.problems import Problem, problem

NAME_CHARACTERS_MAX = 100
# An ISO 20022 party name has 140; what banks print on a statement has 70.
ACCOUNT_NAME_CHARACTERS_MAX = 70
# A field of a draft, whatever it holds.
DRAFT_CHARACTERS_MAX = 200
AGE_MIN, AGE_MAX = 18, 120
HOUSEHOLD, COOPERATIVE, COMPANY = "household", "cooperative", "company"
KINDS = (HOUSEHOLD, COOPERATIVE, COMPANY)
# The kinds of document, and which of them an enterprise must hand in. A household's owner is known by the card's code.
DOCUMENTS = ("citizen_front", "citizen_back", "stall", "licence")
DOCUMENTS_NEEDED = {HOUSEHOLD: (), COOPERATIVE: ("licence",), COMPANY: ("licence",)}
# BINs under which a Mobile Money wallet is an account whose number is its phone (kit/data/banks.json).
WALLET_BINS = frozenset({"971005", "971011"})

_STALL = re.compile(r"[A-Z]{1,3}-[0-9]{1,4}")
_CATEGORY = re.compile(r"[0-9]{4}")
_BIN = re.compile(r"[0-9]{6}")
# No national format and no check digit exist: only length and alphabet can be told.
_ACCOUNT = re.compile(r"[0-9A-Za-z]{6,19}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What somebody fills in for a vendor. What is personal is kept out of repr: it must not be logged."""

    # A client-made UUIDv7: the draft's name, and the merchant's, for ever.
    request_id: str
    market_id: str = ""
    stall: str = ""
    # What stands on the stall's code.
    name: str = ""
    # ISO 18245.
    category_code: str = ""
    # Empty until the person has an account: then found by the phone.
    owner_id: str = ""
    phone: str = field(default="", repr=False)
    # As on the citizen card.
    person_name: str = field(default="", repr=False)
    birth_date: str = field(default="", repr=False)
    # "male" or "female".
    sex: str = field(default="", repr=False)
    address: str = field(default="", repr=False)
    citizen_id: str = field(default="", repr=False)
    citizen_issued: str = field(default="", repr=False)
    # As printed on the card; empty where only the code was read: then the rule of ages says.
    citizen_expires: str = field(default="", repr=False)
    tax_code: str = field(default="", repr=False)
    # "household" unless said.
    enterprise_kind: str = ""
    bank_bin: str = ""
    account_number: str = field(default="", repr=False)
    account_name: str = field(default="", repr=False)
    # SHA-256 by kind of document.
    documents: Mapping[str, str] = field(default_factory=lambda: _NONE)


TEXTS = tuple(f.name for f in fields(Form) if f.name != "documents")


def drafted(form: Form) -> Form:
    """The form tidied, as a draft may be kept: anything may be missing or wrong, nothing may be hidden or endless.

    Raises InvalidArgument with the problem's code and its field.
    """
    if key_time_ms(form.request_id) is None:
        refuse(problem("request_id", "REQUEST_ID_FORM"))
    for name in TEXTS:
        found = names.problem_of(getattr(form, name), DRAFT_CHARACTERS_MAX)
        if found not in (None, "TEXT_MISSING"):
            refuse(problem(name, found))
    for kind, sha256 in form.documents.items():
        if kind not in DOCUMENTS:
            refuse(problem("documents", "DOCUMENT_KIND"))
        if _SHA256.fullmatch(sha256) is None:
            refuse(problem(f"documents.{kind}", "DOCUMENT_UNKNOWN"))
    return tidied(form)


def checked(form: Form, today: date) -> Form:
    """The form tidied, if nothing keeps it from being handed in on that day (in Vietnam).

    Raises InvalidArgument with the first problem's code and its field.
    """
    for found in problems(form, today):
        refuse(found)
    return tidied(form)


def problems(form: Form, today: date) -> list[Problem]:
    """What keeps the form from being handed in on that day, in the order of its fields."""
    return list(_problems(tidied(form), today))


def refuse(found: Problem) -> None:
    """Raises InvalidArgument that tells of the problem: its code, its field, and in both languages what to do."""
    where = f"settlement_account.{found.field}" if found.field in _ACCOUNT_FIELDS else found.field
    raise InvalidArgument(f"{where}: {found.en}", vi=found.vi, field=found.field, problem=found.code)


_ACCOUNT_FIELDS = ("bank_bin", "account_number", "account_name")


def tidied(form: Form) -> Form:
    """The form with its texts trimmed and in NFC, its phone and tax code in their one form."""
    changes = {name: names.tidy(getattr(form, name)) for name in TEXTS}
    changes["tax_code"] = tax.normalise(changes["tax_code"])
    changes["phone"] = _phone(changes["phone"])
    if changes["bank_bin"] in WALLET_BINS:
        changes["account_number"] = _wallet(changes["account_number"])
    return Form(documents=dict(form.documents), **changes)


def _phone(text: str) -> str:
    """In its one form, where it is a phone at all."""
    try:
        return phones.normalise(text)
    except InvalidArgument:
        return text


def _wallet(text: str) -> str:
    """A wallet's account: the phone as wallets are known by it, ten digits from 0."""
    phone = _phone(text)
    return "0" + phone.removeprefix("+84") if phone.startswith("+84") else text


def _problems(form: Form, today: date) -> Iterator[Problem]:
    if key_time_ms(form.request_id) is None:
        yield problem("request_id", "REQUEST_ID_FORM")
    if not is_id(form.market_id, "mkt"):
        yield problem("market_id", "MARKET_ID_FORM")
    if form.owner_id and not is_id(form.owner_id, "usr"):
        yield problem("owner_id", "OWNER_ID_FORM")
    yield from _unlike(form, "stall", _STALL.fullmatch, "STALL_FORM")
    yield from _unlike(form, "category_code", _CATEGORY.fullmatch, "CATEGORY_FORM")
    yield from _text(form, "name", NAME_CHARACTERS_MAX)
    if form.name and not _has_ascii_core(form.name):
        yield problem("name", "NAME_NO_LETTER")
    yield from _unlike(form, "phone", _is_phone, "PHONE_FORM")
    yield from _person(form, today)
    yield from _business(form)
    yield from account_problems(form)


def _person(form: Form, today: date) -> Iterator[Problem]:
    yield from _text(form, "person_name", NAME_CHARACTERS_MAX)
    birth = day(form.birth_date)
    if birth is None:
        yield problem("birth_date", "BIRTH_DATE_FORM" if form.birth_date else "TEXT_MISSING")
    elif not citizen.birthday(birth, AGE_MIN) <= today < citizen.birthday(birth, AGE_MAX):
        yield problem("birth_date", "BIRTH_DATE_AGE")
    yield from _unlike(form, "sex", (citizen.MALE, citizen.FEMALE).__contains__, "SEX_FORM")
    if not form.citizen_id:
        yield problem("citizen_id", "TEXT_MISSING")
    elif code := citizen.problem_of(form.citizen_id, birth, form.sex):
        yield problem("citizen_id", code)
    yield from _card(form, birth, today)
    if form.address:
        yield from _text(form, "address", citizen.ADDRESS_CHARACTERS_MAX)


def _card(form: Form, birth: date | None, today: date) -> Iterator[Problem]:
    issued, expires = day(form.citizen_issued), day(form.citizen_expires)
    if not form.citizen_issued and not form.citizen_expires:
        yield problem("citizen_issued", "CARD_DATES_MISSING")
        return
    if form.citizen_issued and (issued is None or (birth is not None and issued <= birth)):
        yield problem("citizen_issued", "CARD_ISSUED_FORM")
        return
    if issued is not None and issued > today:
        yield problem("citizen_issued", "CARD_ISSUED_LATER")
        return
    if form.citizen_expires and (expires is None or (issued is not None and expires <= issued)):
        yield problem("citizen_expires", "CARD_EXPIRES_FORM")
        return
    if expires is None and issued is not None and birth is not None:
        expires = citizen.expires(birth, issued)
    if expires is not None and expires < today:
        yield problem("citizen_expires", "CARD_EXPIRED")


def _business(form: Form) -> Iterator[Problem]:
    kind = form.enterprise_kind or HOUSEHOLD
    if kind not in KINDS:
        yield problem("enterprise_kind", "KIND_FORM")
        return
    if not form.tax_code:
        if kind != HOUSEHOLD:
            yield problem("tax_code", "TAX_CODE_MISSING")
    elif code := tax.problem_of(form.tax_code):
        yield problem("tax_code", code)
    elif tax.is_personal(form.tax_code):
        if kind != HOUSEHOLD:
            yield problem("tax_code", "TAX_CODE_KIND")
        elif form.tax_code != form.citizen_id:
            yield problem("tax_code", "TAX_CODE_OTHERS")
    for needed in DOCUMENTS_NEEDED[kind]:
        if needed not in form.documents:
            yield problem(f"documents.{needed}", "DOCUMENT_MISSING")


def account_problems(form: Form) -> Iterator[Problem]:
    """What is wrong with its settlement account."""
    yield from _unlike(form, "bank_bin", _BIN.fullmatch, "BANK_FORM")
    if _BIN.fullmatch(form.bank_bin) and banks.lookup(form.bank_bin) is None:
        yield problem("bank_bin", "BANK_UNKNOWN")
    if form.bank_bin in WALLET_BINS:
        yield from _unlike(form, "account_number", _is_phone, "ACCOUNT_WALLET")
    else:
        yield from _unlike(form, "account_number", _ACCOUNT.fullmatch, "ACCOUNT_FORM")
    yield from _text(form, "account_name", ACCOUNT_NAME_CHARACTERS_MAX)


def _unlike(form: Form, name: str, is_fit: Callable[[str], object], code: str) -> Iterator[Problem]:
    value = getattr(form, name)
    if not is_fit(value):
        yield problem(name, code if value else "TEXT_MISSING")


def _text(form: Form, name: str, characters_max: int) -> Iterator[Problem]:
    if code := names.problem_of(getattr(form, name), characters_max):
        yield problem(name, code)


def _is_phone(text: str) -> bool:
    try:
        phones.normalise(text)
    except InvalidArgument:
        return False
    return True


def day(text: str) -> date | None:
    """A day of the form; None where it is none."""
    if _DAY.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _has_ascii_core(text: str) -> bool:
    """Whether folding to ASCII leaves a letter or digit: EMV wants a name in tag 59. "Đ" folds to "D"."""
    folded = unicodedata.normalize("NFD", text.translate(str.maketrans("đĐ", "dD")))
    return any(character.isascii() and character.isalnum() for character in folded)
