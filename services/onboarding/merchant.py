"""What a merchant is, what a registration must hold, and who may move it from state to state. Pure.

submitted -> active (approved by somebody else) -> suspended <-> active
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from kit.errors import FourEyes, InvalidArgument, WrongState
from kit.ids import is_id, key_time_ms

NAME_CHARACTERS_MAX = 100
# An ISO 20022 party name has 140; what banks print on a statement has 70.
ACCOUNT_NAME_CHARACTERS_MAX = 70
REASON_CHARACTERS_MAX = 200

_STALL = re.compile(r"[A-Z]{1,3}-[0-9]{1,4}")
_CATEGORY = re.compile(r"[0-9]{4}")
_BIN = re.compile(r"[0-9]{6}")
# No national format and no check digit exist (DOMAIN section 4): only length and alphabet can be told.
_ACCOUNT = re.compile(r"[0-9A-Za-z]{6,19}")


class State(str, Enum):
    SUBMITTED = "submitted"
    ACTIVE = "active"
    SUSPENDED = "suspended"


class Action(str, Enum):
    APPROVE = "approve"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"


# From which state, to which, and what the others are told.
_TRANSITIONS = {
    Action.APPROVE: (State.SUBMITTED, State.ACTIVE, "merchant.activated"),
    Action.SUSPEND: (State.ACTIVE, State.SUSPENDED, "merchant.suspended"),
    Action.REINSTATE: (State.SUSPENDED, State.ACTIVE, "merchant.reinstated"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What somebody of the team, a market manager or an operator hands in for a vendor."""

    request_id: str
    name: str
    market_id: str
    stall: str
    owner_id: str
    category_code: str
    bank_bin: str
    # Kept out of repr: what is logged or asserted on must not show it.
    account_number: str = field(repr=False)
    account_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """A merchant as it may be shown: the settlement account's number is masked. Times are UTC."""

    merchant_id: str
    name: str
    market_id: str
    market_name: str
    province_name: str
    stall: str
    owner_id: str
    category_code: str
    bank_bin: str
    account_masked: str
    account_name: str
    state: State
    # Counts changes; 1 when registered.
    version: int
    registered_at: datetime
    registered_by: str
    decided_at: datetime | None = None
    decided_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What an action makes of a merchant, and the event that tells of it."""

    state: State
    version: int
    reason: str
    event: str


def merchant_id_of(request_id: str) -> str:
    """The request's UUIDv7 is the merchant's id: one request, one merchant; seeding anew keeps QR codes."""
    return f"mer_{request_id.replace('-', '')}"


def checked(registration: Registration) -> Registration:
    """The registration with its texts trimmed and in NFC. Raises InvalidArgument, naming the field."""
    if key_time_ms(registration.request_id) is None:
        raise InvalidArgument("request_id must be a UUIDv7 in lower case")
    if not is_id(registration.market_id, "mkt"):
        raise InvalidArgument("market_id must be a market's id (mkt_...)")
    if not is_id(registration.owner_id, "usr"):
        raise InvalidArgument("owner_id must be a user's id (usr_...)")
    _matches(_STALL, registration.stall, "stall", 'one to three capitals, "-", one to four digits, such as A-12')
    _matches(_CATEGORY, registration.category_code, "category_code", "four digits (ISO 18245), such as 5411")
    _matches(_BIN, registration.bank_bin, "settlement_account.bank_bin", "six digits")
    _matches(
        _ACCOUNT,
        registration.account_number,
        "settlement_account.account_number",
        "6 to 19 letters and digits",
    )
    name = _text(registration.name, "name", NAME_CHARACTERS_MAX)
    if not _has_ascii_core(name):
        raise InvalidArgument("name must hold a letter or digit that its QR code can show")
    account_name = _text(registration.account_name, "settlement_account.account_name", ACCOUNT_NAME_CHARACTERS_MAX)
    return replace(registration, name=name, account_name=account_name)


def decide(
    *,
    state: State,
    version: int,
    registered_by: str,
    owner_id: str,
    action: Action,
    actor: str,
    reason: str = "",
) -> Decision:
    """What `action` by `actor` leads to. Raises WrongState, FourEyes, InvalidArgument (no reason)."""
    needed, reached, event = _TRANSITIONS[action]
    if state is not needed:
        raise WrongState(f"cannot {action.value} a merchant that is {state.value}")
    if action is Action.APPROVE:
        if actor in (registered_by, owner_id):
            raise FourEyes("who registered or owns a merchant cannot approve it")
        reason = ""
    else:
        reason = _text(reason, "reason", REASON_CHARACTERS_MAX)
    return Decision(reached, version + 1, reason, event)


def _matches(pattern: re.Pattern[str], value: str, name: str, form: str) -> None:
    # The value stays out of the message: it may be an account number.
    if pattern.fullmatch(value) is None:
        raise InvalidArgument(f"{name} must be {form}")


def _text(value: str, name: str, characters_max: int) -> str:
    text = unicodedata.normalize("NFC", value).strip()
    if not 1 <= len(text) <= characters_max or not text.isprintable():
        raise InvalidArgument(f"{name} must be 1 to {characters_max} visible characters")
    return text


def _has_ascii_core(text: str) -> bool:
    """Whether folding to ASCII leaves a letter or digit: EMV wants a name in tag 59. "Đ" folds to "D"."""
    folded = unicodedata.normalize("NFD", text.translate(str.maketrans("đĐ", "dD")))
    return any(character.isascii() and character.isalnum() for character in folded)
