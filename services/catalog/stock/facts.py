"""What is said about a lot: who grew it, where, when, how good it is. Pure rules, no I/O, no clock."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from kit.errors import InvalidArgument, LotExpired
from kit.ids import is_id

STARS_MAX = 5
CERTIFICATES_MAX = 5
TEXT_LENGTH_MAX = 100
REASON_LENGTH_MAX = 200
# What is harvested is sold within so long, or it says no harvest day: tea, honey, rice wine.
HARVEST_AGE_MAX = timedelta(days=5 * 366)
SELL_BY_AHEAD_MAX = timedelta(days=10 * 366)

# Letters, digits and what authorities put between them.
_AREA = re.compile(r"[A-Z0-9][A-Z0-9./-]{1,39}")


@dataclass(frozen=True, slots=True)
class Certificate:
    """Valid from a day to a day in Vietnam, both included."""

    name: str
    number: str
    issuer: str
    valid_from: date
    valid_to: date


@dataclass(frozen=True, slots=True)
class Facts:
    """Empty texts, None and 0 stars where nobody says."""

    grower_id: str = ""
    area_code: str = ""
    harvest_day: date | None = None
    ocop_stars: int = 0
    certificates: tuple[Certificate, ...] = ()


@dataclass(frozen=True, slots=True)
class Loss:
    """What was written off at once, in base units; `id` is its request's."""

    id: str
    quantity: int
    reason: str
    by: str
    at: datetime


NOTHING = Facts()


def tidy(facts: Facts) -> Facts:
    """With tidied texts. Raises InvalidArgument."""
    return Facts(
        facts.grower_id,
        facts.area_code.strip().upper(),
        facts.harvest_day,
        facts.ocop_stars,
        tuple(
            replace(
                one,
                name=_text("name", one.name, 1, TEXT_LENGTH_MAX),
                number=_text("number", one.number, 1, TEXT_LENGTH_MAX),
                issuer=_text("issuer", one.issuer, 0, TEXT_LENGTH_MAX),
            )
            for one in facts.certificates
        ),
    )


def check_facts(facts: Facts, sell_by: date | None, today: date) -> Facts:
    """Tidied facts of a lot that comes in today. Raises InvalidArgument, LotExpired."""
    facts = tidy(facts)
    if facts.grower_id and not is_id(facts.grower_id, "ent"):
        raise InvalidArgument("grower_id is not one")
    if facts.area_code and _AREA.fullmatch(facts.area_code) is None:
        raise InvalidArgument("area_code must be 2 to 40 letters, digits, dots, dashes")
    if not 0 <= facts.ocop_stars <= STARS_MAX:
        raise InvalidArgument(f"ocop_stars must be from 0 to {STARS_MAX}, not {facts.ocop_stars}")
    _check_days(facts.harvest_day, sell_by, today)
    if len(facts.certificates) > CERTIFICATES_MAX:
        raise InvalidArgument(f"at most {CERTIFICATES_MAX} certificates")
    for certificate in facts.certificates:
        _check_valid(certificate, today)
    return facts


def check_reason(reason: str) -> str:
    """Raises InvalidArgument."""
    return _text("reason", reason, 1, REASON_LENGTH_MAX)


def day_of(name: str, text: str) -> date | None:
    """A day, "2026-03-01"; None for "". Raises InvalidArgument."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InvalidArgument(f"{name} must be a day: 2026-03-01") from error
    if day.isoformat() != text:
        raise InvalidArgument(f"{name} must be a day: 2026-03-01")
    return day


def _check_days(harvest_day: date | None, sell_by: date | None, today: date) -> None:
    if harvest_day is not None and not today - HARVEST_AGE_MAX <= harvest_day <= today:
        raise InvalidArgument("harvest_day must be today or before, at most five years")
    if sell_by is None:
        return
    if sell_by < today:
        raise LotExpired(f"the lot's last day was {sell_by.isoformat()}", sell_by=sell_by.isoformat())
    if sell_by > today + SELL_BY_AHEAD_MAX:
        raise InvalidArgument("sell_by must be within ten years")


def _check_valid(certificate: Certificate, today: date) -> None:
    if certificate.valid_to < certificate.valid_from:
        raise InvalidArgument("a certificate's valid_to is before its valid_from")
    if certificate.valid_to < today:
        raise LotExpired(
            f"the certificate was valid to {certificate.valid_to.isoformat()}",
            vi="Giấy chứng nhận đã hết hạn.",
            certificate=certificate.number,
        )


def _text(what: str, text: str, length_min: int, length_max: int) -> str:
    tidy = " ".join(unicodedata.normalize("NFC", text).split())
    if not length_min <= len(tidy) <= length_max or not tidy.isprintable():
        raise InvalidArgument(f"{what} must have {length_min} to {length_max} characters")
    return tidy
