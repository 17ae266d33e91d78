"""Which issue of a stall's printed code is in force. Pure.

The first has number 1 and its code does not say so; whoever voids what was printed begins the next, and from then on a
code of an earlier one is refused where the platform is paid through. What a bank printed is out of reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kit.errors import IdempotencyConflict, InvalidArgument, WrongState
from kit.ids import key_time_ms
from services.onboarding.places.words import text

REASON_CHARACTERS_MAX = 200
# A stall whose code is voided more often than this has another problem than its sticker.
ISSUES_MAX = 200


@dataclass(frozen=True, slots=True)
class Reissue:
    """`issue` is the one that it began, from 2. `at` is UTC."""

    request_id: str
    issue: int
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Stand:
    """A merchant's printed code: every reissue of it, oldest first."""

    merchant_id: str
    reissues: tuple[Reissue, ...] = ()

    @property
    def issue(self) -> int:
        """The one in force."""
        return self.reissues[-1].issue if self.reissues else 1


def reissued(stand: Stand, *, request_id: str, at: datetime, by: str, reason: str) -> Stand:
    """The stand with its next issue; as it is where the same request began one already.

    Raises InvalidArgument, IdempotencyConflict (the request had another reason) and WrongState (ISSUES_MAX).
    """
    if key_time_ms(request_id) is None:
        raise InvalidArgument("request_id must be a UUIDv7 in lower case")
    reason = text(reason, "reason", REASON_CHARACTERS_MAX)
    for known in stand.reissues:
        if known.request_id == request_id:
            if (known.by, known.reason) != (by, reason):
                raise IdempotencyConflict("request_id was used for another reissue")
            return stand
    if stand.issue >= ISSUES_MAX:
        raise WrongState(f"this stall's code was reissued {ISSUES_MAX} times: ask an operator what is going on")
    return Stand(stand.merchant_id, (*stand.reissues, Reissue(request_id, stand.issue + 1, at, by, reason)))
