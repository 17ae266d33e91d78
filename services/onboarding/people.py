"""Enterprises, and which grower lets which stall sell for it. Pure. Days are Vietnam's, "yyyy-mm-dd"."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import Enum

from kit.errors import InvalidArgument, NotFound, WrongState
from kit.identifiers import names, tax
from kit.ids import is_id, key_time_ms
from services.onboarding import form
from services.onboarding.problems import problem

NAME_CHARACTERS_MAX = 100
# A relation may be agreed on this long before it begins, and last this long at most; then it is made anew.
AHEAD_DAYS_MAX = 366
LASTS_DAYS_MAX = 10 * 366

_WARD = re.compile(r"[0-9]{5}")


class Kind(str, Enum):
    HOUSEHOLD = form.HOUSEHOLD
    COOPERATIVE = form.COOPERATIVE
    COMPANY = form.COMPANY


@dataclass(frozen=True, slots=True, kw_only=True)
class Enterprise:
    """Who grows, sells or does both. A household's tax code may be its owner's citizen number: kept out of repr."""

    request_id: str
    kind: Kind
    name: str
    tax_code: str = field(default="", repr=False)
    # Who speaks for it: a user.
    representative_id: str
    grows: bool
    sells: bool
    # Official code of its commune or ward (July 2025).
    ward_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A grower lets a stall sell for it from a day to a day, both included; no `to_day`: until somebody ends it."""

    relation_id: str
    grower_id: str
    merchant_id: str
    from_day: str
    to_day: str
    started_by: str
    ended_by: str = ""
    reason: str = ""
    version: int = 1
    made_at: datetime

    def in_force(self, today: date) -> bool:
        """Whether the stall sells for the grower on that day."""
        day = today.isoformat()
        return self.from_day <= day and (not self.to_day or day <= self.to_day)


def checked(enterprise: Enterprise) -> Enterprise:
    """The enterprise tidied. Raises InvalidArgument with the problem's code and its field."""
    if key_time_ms(enterprise.request_id) is None:
        form.refuse(problem("request_id", "REQUEST_ID_FORM"))
    if code := names.problem_of(enterprise.name, NAME_CHARACTERS_MAX):
        form.refuse(problem("name", code))
    if not is_id(enterprise.representative_id, "usr"):
        form.refuse(problem("representative_id", "OWNER_ID_FORM"))
    if not enterprise.grows and not enterprise.sells:
        raise InvalidArgument("grows or sells, or both", vi="Hãy chọn trồng trọt, bán hàng, hoặc cả hai.")
    if _WARD.fullmatch(enterprise.ward_code) is None:
        raise InvalidArgument("ward_code must be five digits", vi="Mã xã, phường phải là năm số.")
    code = tax.normalise(enterprise.tax_code)
    if not code and enterprise.kind is not Kind.HOUSEHOLD:
        form.refuse(problem("tax_code", "TAX_CODE_MISSING"))
    if code and (wrong := tax.problem_of(code)):
        form.refuse(problem("tax_code", wrong))
    if code and tax.is_personal(code) and enterprise.kind is not Kind.HOUSEHOLD:
        form.refuse(problem("tax_code", "TAX_CODE_KIND"))
    return replace(enterprise, name=names.tidy(enterprise.name), tax_code=code)


def start(
    *, request_id: str, grower_id: str, merchant_id: str, from_day: str, to_day: str, by: str, today: date, at: datetime
) -> Relation:  # fmt: skip
    """A new relation. Raises InvalidArgument."""
    if key_time_ms(request_id) is None:
        form.refuse(problem("request_id", "REQUEST_ID_FORM"))
    begins, ends = form.day(from_day), form.day(to_day)
    if begins is None or (to_day and ends is None):
        raise InvalidArgument("from_day and to_day are days (yyyy-mm-dd)", vi="Ngày phải có dạng năm-tháng-ngày.")
    if abs((begins - today).days) > AHEAD_DAYS_MAX:
        raise InvalidArgument(f"from_day must be within {AHEAD_DAYS_MAX} days", vi="Ngày bắt đầu quá xa hôm nay.")
    if ends is not None and not 0 <= (ends - begins).days <= LASTS_DAYS_MAX:
        raise InvalidArgument(
            f"to_day must be from_day or at most {LASTS_DAYS_MAX} days later", vi="Ngày kết thúc phải sau ngày bắt đầu."
        )
    return Relation(
        relation_id=f"rel_{request_id.replace('-', '')}",
        grower_id=grower_id,
        merchant_id=merchant_id,
        from_day=from_day,
        to_day=to_day,
        started_by=by,
        made_at=at,
    )


def end(relation: Relation, to_day: str, by: str, reason: str, today: date) -> Relation:
    """The relation ended with a day, today unless said: not before today, for what was sold was sold.

    Raises InvalidArgument, WrongState (it has ended).
    """
    if relation.to_day and relation.to_day < today.isoformat():
        raise WrongState("the relation has ended already")
    chosen = form.day(to_day) if to_day else max(today, date.fromisoformat(relation.from_day))
    if chosen is None or chosen < today or chosen.isoformat() < relation.from_day:
        raise InvalidArgument("to_day must be today or later", vi="Ngày kết thúc phải từ hôm nay trở đi.")
    if relation.to_day and chosen.isoformat() > relation.to_day:
        raise InvalidArgument("to_day must not be later than agreed", vi="Không được kéo dài quá ngày đã hẹn.")
    return replace(
        relation, to_day=chosen.isoformat(), ended_by=by, reason=reason, version=relation.version + 1
    )  # fmt: skip


def require_party(caller: str, *parties: str) -> None:
    """Raises NotFound, so that a stranger cannot tell what exists."""
    if caller not in parties:
        raise NotFound("there is no such thing, or it is not yours")
