"""Changing a settlement account: how money is stolen, and so a matter of a fresh PIN, a second person and time. Pure.

proposed (by the owner) -> cooling (approved by somebody else; payouts still go to the old account) -> in force

Until it is in force the owner, or who could approve it, gives it up. The hours are data (data/account_rules.json).
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cache
from importlib import resources

from kit.errors import AccountChangeOpen, FourEyes, InvalidArgument, WrongState
from kit.identifiers import names
from kit.ids import key_time_ms
from services.onboarding import form
from services.onboarding.form import Form
from services.onboarding.merchant import State

CHANGEABLE = (State.ACTIVE, State.SUSPENDED)


class NameCheck(str, Enum):
    """What a bank says of an account's name; UNCHECKED where it cannot be asked."""

    SAME = "SAME"
    DIFFERS = "DIFFERS"
    UNKNOWN = "UNKNOWN"
    UNCHECKED = "UNCHECKED"


@dataclass(frozen=True, slots=True)
class Rules:
    """`cooling_hours` from the approval to the first payout; `fresh_pin_s` how long a PIN entered counts, s."""

    cooling_hours: int
    fresh_pin_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where money is paid out to. The number is kept out of repr."""

    bank_bin: str
    number: str = field(repr=False)
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An account that is asked for; `in_force_at` (UTC) is None until somebody approved it."""

    change_id: str
    bank_bin: str
    account_masked: str
    account_name: str
    name_check: NameCheck
    proposed_by: str
    proposed_at: datetime
    approved_by: str = ""
    in_force_at: datetime | None = None


@cache
def rules() -> Rules:
    """As data/account_rules.json says."""
    text = resources.files("services.onboarding").joinpath("data/account_rules.json").read_text(encoding="utf-8")
    return Rules(**json.loads(text))


def checked(account: Account) -> Account:
    """The account tidied. Raises InvalidArgument with the problem's code and its field."""
    filled = Form(
        request_id="", bank_bin=account.bank_bin, account_number=account.number, account_name=account.name
    )  # fmt: skip
    filled = form.tidied(filled)
    for found in form.account_problems(filled):
        form.refuse(found)
    return Account(bank_bin=filled.bank_bin, number=filled.account_number, name=filled.account_name)


def change_id_of(request_id: str) -> str:
    """The request's UUIDv7 is the change's id. Raises InvalidArgument."""
    if key_time_ms(request_id) is None:
        raise InvalidArgument("request_id must be a UUIDv7 in lower case", problem="REQUEST_ID_FORM")
    return f"chg_{request_id.replace('-', '')}"


def require_changeable(state: State, waiting: bool) -> None:
    """Raises WrongState (nobody is paid out to it), AccountChangeOpen."""
    if state not in CHANGEABLE:
        raise WrongState(f"the account of a merchant that is {state.value} is changed in its draft")
    if waiting:
        raise AccountChangeOpen("another change waits: cancel it first")


def require_second_person(actor: str, proposed_by: str, owner_id: str, makers: Collection[str]) -> None:
    """Raises FourEyes: neither who asked, nor the owner, nor who filled the merchant in, says yes."""
    if actor in {proposed_by, owner_id, *makers}:
        raise FourEyes("who asked for the account, or owns or filled in the merchant, does not approve it")


def require_reason(check: NameCheck, reason: str) -> None:
    """Raises InvalidArgument: where the bank does not say that the name is right, the second person says why it is."""
    if check is not NameCheck.SAME and not names.tidy(reason):
        raise InvalidArgument(
            f"the bank's answer is {check.value}: give the reason why the account is right",
            vi="Ngân hàng chưa xác nhận tên chủ tài khoản: hãy ghi lý do vẫn chấp nhận.",
            field="reason",
            problem=f"ACCOUNT_NAME_{check.value}",
        )
