"""The vendor's consent: a code of six digits to their own phone, for one form and no other. Pure.

A code lives ten minutes, for five tries, and works once. It is bound to the form as it was when the code was asked for:
a draft that is changed, before or after it was confirmed, needs a new one. What is kept of a code is a keyed hash.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from kit.errors import CodeExpired, CodeUsed, ConfirmationNeeded, ConfirmationWrong, InvalidArgument, TooManyAttempts
from kit.qr.names import fold_name

CODE_DIGITS = 6
CODE_LIVES_MS = 10 * 60_000
TRIES_MAX = 5
# Between two messages for one draft: a device that resends its request sends the vendor nothing.
RESEND_AFTER_MS = 60_000
# To one phone in a day of Vietnam, whoever asks: nobody's phone is flooded, and 50 guesses are all there are.
MESSAGES_A_DAY_MAX = 10


class State(str, Enum):
    SENT = "sent"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What is known of a draft's consent; ms. `form_index` tells which form the code was sent for, or confirmed."""

    merchant_id: str
    state: State
    form_index: str
    code_hash: str
    sent_ms: int
    tries: int = 0
    confirmed_ms: int = 0

    @property
    def expires_ms(self) -> int:
        return self.sent_ms + CODE_LIVES_MS

    def covers(self, form_index: str) -> bool:
        """Whether the vendor has confirmed this very form."""
        return self.state is State.CONFIRMED and self.form_index == form_index

    def is_open(self, form_index: str, now_ms: int) -> bool:
        """Whether a code is out that still works for this very form."""
        alive = now_ms < self.expires_ms and self.tries < TRIES_MAX
        return self.state is State.SENT and self.form_index == form_index and alive


def new_code(below: Callable[[int], int]) -> str:
    """Six digits; `below(n)` gives an unpredictable number from 0 to n - 1."""
    return f"{below(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def check_form(code: str) -> str:
    """The code as it was typed, without blanks. Raises InvalidArgument where it is none."""
    digits = code.replace(" ", "")
    if len(digits) != CODE_DIGITS or not (digits.isascii() and digits.isdigit()):
        raise InvalidArgument("code must be six digits", vi="Mã xác nhận gồm sáu chữ số.", field="code")
    return digits


def require_open(found: Confirmation | None, form_index: str, now_ms: int) -> Confirmation:
    """The confirmation, where a try can be made. Raises ConfirmationNeeded, CodeUsed, CodeExpired, TooManyAttempts."""
    if found is None:
        raise ConfirmationNeeded("no code was sent for this draft: ask for one")
    if found.state is State.CONFIRMED:
        raise CodeUsed(
            "this code has been used: a code confirms once", vi="Mã này đã được dùng: mỗi mã chỉ xác nhận một lần."
        )
    if found.form_index != form_index:
        raise ConfirmationNeeded(
            "the draft was changed after the code was sent: ask for a new one",
            vi="Hồ sơ đã thay đổi sau khi gửi mã: hãy gửi mã mới.",
        )
    if now_ms >= found.expires_ms:
        raise CodeExpired("the code was for ten minutes: ask for a new one", vi="Mã đã hết hạn: hãy gửi mã mới.")
    if found.tries >= TRIES_MAX:
        raise TooManyAttempts(
            f"{TRIES_MAX} wrong tries: ask for a new code", vi=f"Sai {TRIES_MAX} lần: hãy gửi mã mới."
        )
    return found


def require_right(found: Confirmation, code_hash: str) -> None:
    """Raises ConfirmationWrong. The try is counted already: `found` is as it is after it."""
    if not hmac.compare_digest(found.code_hash, code_hash):
        left = TRIES_MAX - found.tries
        raise ConfirmationWrong(
            f"not the code that was sent; {left} tries left",
            vi=f"Mã không đúng; còn {left} lần thử." if left else "Mã không đúng: hãy gửi mã mới.",
            tries_left=str(left),
        )


def message(code: str, name: str, market_name: str, account_masked: str) -> str:
    """What the vendor reads: what they agree to, and whom to give the code. Folded, so that it is one SMS of 160."""
    stall, market = fold_name(name, 20), fold_name(market_name, 20)
    return (
        f"{code} la ma dong y mo sap {stall}, {market}, nhan tien vao TK {account_masked[-5:]}. "
        f"Chi doc cho can bo dang ngoi voi ban. Ai goi hoi ma la lua dao."
    )
