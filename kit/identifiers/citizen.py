"""The citizen number and the chip-based card's QR code.

Twelve digits (Decree 137/2015 article 13, Circular 07/2016/TT-BCA article 7): three of the province where the birth was
registered, one of century and sex, two of the birth year, six at random. There is no check digit. The merger of July
2025 renumbered no card. A birth registered abroad carries a country's code, of which we have no list: such a number is
refused (CITIZEN_ID_PROVINCE).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import NoReturn

from kit.errors import InvalidArgument
from kit.identifiers import names

# 63 codes: 001 to 096 without these.
_GAPS = frozenset({
    3, 5, 7, 9, 13, 16, 18, 21, 23, 28, 29, 32, 39, 41, 43, 47, 50,
    53, 55, 57, 59, 61, 63, 65, 69, 71, 73, 76, 78, 81, 85, 88, 90,
})  # fmt: skip
PROVINCES = frozenset(f"{code:03d}" for code in range(1, 97) if code not in _GAPS)
MALE, FEMALE = "male", "female"
SEXES = {"Nam": MALE, "Nữ": FEMALE}
# A card is renewed at these ages; one that was issued in the last two years before one of them holds until the next,
# and after the last for life (Law on Identification 26/2023/QH15, article 21).
RENEWAL_AGES = (25, 40, 60)
RENEWAL_SPARED_YEARS = 2
# Nobody is older: a card that says so was misread, and there is no calendar for when it would expire.
LIFE_YEARS_MAX = 150
# What a card's code holds is a tenth of it; a code that is longer is none.
PAYLOAD_CHARACTERS_MAX = 1_000
NAME_CHARACTERS_MAX = 100
ADDRESS_CHARACTERS_MAX = 200

_NUMBER = re.compile(r"[0-9]{12}")
_OLD_NUMBER = re.compile(r"(?:[0-9]{9}|[0-9]{12})?")
_DAY = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{4})")


def problem_of(number: str, birth: date | None = None, sex: str = "") -> str | None:
    """CITIZEN_ID_FORM, CITIZEN_ID_PROVINCE, and against the birth date and the sex, where they are known,
    CITIZEN_ID_CENTURY, CITIZEN_ID_YEAR and CITIZEN_ID_SEX."""
    if _NUMBER.fullmatch(number) is None:
        return "CITIZEN_ID_FORM"
    if number[:3] not in PROVINCES:
        return "CITIZEN_ID_PROVINCE"
    century, odd = divmod(int(number[3]), 2)
    if birth is not None:
        if birth.year // 100 != 19 + century:
            return "CITIZEN_ID_CENTURY"
        if birth.year % 100 != int(number[4:6]):
            return "CITIZEN_ID_YEAR"
    if sex and sex != (FEMALE if odd else MALE):
        return "CITIZEN_ID_SEX"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a card's code says. Kept out of repr: nothing of it may be logged."""

    number: str = field(repr=False)
    # Nine digits, where the person had a card of the old kind; else empty.
    old_number: str = field(repr=False)
    name: str = field(repr=False)
    birth: date = field(repr=False)
    sex: str = field(repr=False)
    address: str = field(repr=False)
    issued: date = field(repr=False)


def read_card(payload: str) -> Card:
    """A card's QR code: `number|old number|name|ddmmyyyy|Nam or Nữ|address|ddmmyyyy`, and what newer cards add.

    Raises InvalidArgument with the problem's code: CARD_FORM, CARD_ENCODING (read as something else than UTF-8),
    BIRTH_DATE_FORM, SEX_FORM, CARD_ISSUED_FORM, those of `problem_of`, and those of names.
    """
    if len(payload) > PAYLOAD_CHARACTERS_MAX:
        _refuse("CARD_FORM", "the code is longer than a citizen card's")
    parts = [names.tidy(part) for part in payload.strip("\r\n").split("|")]
    if len(parts) < 7 or _OLD_NUMBER.fullmatch(parts[1]) is None:
        _refuse("CARD_FORM", "not the code on the back of a chip-based citizen card")
    number, old_number, name, birth_text, sex_text, address, issued_text = parts[:7]
    if any(_misread(part) for part in payload.split("|")):
        _refuse("CARD_ENCODING", "the scanner did not read the code as UTF-8: set it to UTF-8 and scan again")
    for text, most in ((name, NAME_CHARACTERS_MAX), (address, ADDRESS_CHARACTERS_MAX)):
        if problem := names.problem_of(text, most):
            _refuse(problem, "the name or address on the card cannot be taken")
    birth, sex, issued = _day(birth_text), SEXES.get(sex_text), _day(issued_text)
    if birth is None:
        _refuse("BIRTH_DATE_FORM", "the card's birth date is no day")
    if sex is None:
        _refuse("SEX_FORM", 'the card\'s sex is neither "Nam" nor "Nữ"')
    if issued is None or issued < birth or issued.year > birth.year + LIFE_YEARS_MAX:
        _refuse("CARD_ISSUED_FORM", "the card's issue date is no day, or not within a life")
    if problem := problem_of(number, birth, sex):
        _refuse(problem, "the card's number and its other fields contradict each other")
    return Card(
        number=number, old_number=old_number, name=name, birth=birth, sex=sex, address=address, issued=issued
    )  # fmt: skip


def expires(birth: date, issued: date) -> date | None:
    """The day on which a card's validity ends by the rule of ages; None where it holds for life."""
    for age in RENEWAL_AGES:
        renewal = birthday(birth, age)
        if birthday(issued, RENEWAL_SPARED_YEARS) < renewal:
            return renewal
    return None


def birthday(born: date, years: int) -> date:
    """The same day `years` later; 1 March for who was born on 29 February, where that year has none."""
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return date(born.year + years, 3, 1)


def _day(text: str) -> date | None:
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    try:
        return date(int(match[3]), int(match[2]), int(match[1]))
    except ValueError:
        return None


def _misread(text: str) -> bool:
    """Whether UTF-8 was read as something else: "Phạm" as "Pháº¡m", or as replacement characters."""
    if "\ufffd" in text:
        return True
    for encoding in ("latin-1", "cp1252"):
        try:
            if text.encode(encoding).decode() != text:
                return True
        except UnicodeError:
            continue
    return False


def _refuse(problem: str, message: str) -> NoReturn:
    raise InvalidArgument(f"payload: {message}", field="payload", problem=problem)
