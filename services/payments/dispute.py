"""Money of a top-up that the card's bank takes back for its customer. Pure.

    OPEN - TAKING - TAKEN - LOST_CASE
       \\               \\- BACK - WON
        \\- CLOSED

When the bank takes the money (`charge.dispute.created`), it is taken from the wallet; what the wallet does not hold,
its owner owes. A dispute that is won brings it back: a new top-up in the ledger, under a key of the dispute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from services.payments import transfer
from services.payments.card import calls
from services.payments.card.failures import CardFailure
from services.payments.card.objects import Dispute, DisputeStatus
from services.payments.steps import (
    DAY_MS,
    DIFFERS,
    HOUR_MS,
    PASSING,
    PROVIDER,
    REFUSED,
    STUCK,
    Ask,
    Become,
    Post,
    State,
    Step,
    TakeBack,
    Work,
    code_of,
    gone,
)  # fmt: skip

# Card schemes end a dispute within months.
CASE_MS_MAX = 200 * DAY_MS
# What the wallet cannot take back is tried again for so long.
BACK_MS_MAX = 6 * DAY_MS
NOTE, BACK_NOTE = "Ngân hàng của thẻ thu hồi tiền nạp", "Khiếu nại thẻ đã được giải quyết, hoàn lại tiền nạp"

_NO_MONEY = frozenset(
    {
        *(DisputeStatus.WARNING_NEEDS_RESPONSE, DisputeStatus.WARNING_UNDER_REVIEW),
        *(DisputeStatus.WARNING_CLOSED, DisputeStatus.PREVENTED),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardDispute(Work):
    """`id` is the provider's. `payment_id`: the ledger's top-up, "" as long as the money is not in the ledger."""

    top_up_id: str
    payment_id: str

    FINAL: ClassVar[frozenset[State]] = frozenset({State.WON, State.LOST_CASE, State.CLOSED})

    def step(self, now_ms: int) -> Step | None:
        if self._late(now_ms):
            return Become(*self.escalate(now_ms, STUCK))
        match self.state:
            case State.OPEN | State.TAKEN:
                return Ask(calls.retrieve_dispute(self.id))
            case State.TAKING if not self.payment_id:
                # The wallet has not had the money yet.
                return Become(*self.wait(now_ms))
            case State.TAKING:
                return TakeBack(
                    key=self.ledger_key("chargeback"), about=self.id, wallet_id=self.wallet_id, telecom=self.telecom,
                    owner_id=self.owner_id, amount=self.amount, related=self.payment_id, note=NOTE,
                )  # fmt: skip
            case State.BACK:
                legs = transfer.top_up(PROVIDER, self.wallet_id, self.telecom, self.amount)
                key = self.ledger_key("top_up")
                return Post(op="top_up", key=key, about=self.id, amount=self.amount, legs=legs, note=BACK_NOTE)
            case _:
                return None

    def _late(self, now_ms: int) -> bool:
        match self.state:
            case State.OPEN | State.TAKEN:
                return now_ms >= self.since_ms + CASE_MS_MAX
            case State.BACK:
                return now_ms >= self.since_ms + BACK_MS_MAX
            case State.TAKING:
                return self.stuck(now_ms)
            case _:
                return False

    def after(self, step: Step, came: Any, now_ms: int) -> tuple[Self, bool]:
        if isinstance(came, Dispute):
            return self._told(came, now_ms)
        if isinstance(came, CardFailure):
            why = gone(came)
            return self.escalate(now_ms, why) if why else self.wait(now_ms)
        code = code_of(came)
        if code in PASSING:
            return self.wait(now_ms)
        if code in REFUSED:
            return self.wait(now_ms, code=code, post_n=self.post_n + 1, post_ms=now_ms)
        if code:
            return self.escalate(now_ms, code)
        return self.go(State.TAKEN if self.state is State.TAKING else State.WON, now_ms, code="")

    def _told(self, dispute: Dispute, now_ms: int) -> tuple[Self, bool]:
        """The provider says how the case stands."""
        if dispute.amount != self.amount or dispute.intent_id != self.intent_id:
            return self.escalate(now_ms, DIFFERS)
        taken = self.state is State.TAKEN
        match dispute.status:
            case DisputeStatus.WON if taken:
                return self.go(State.BACK, now_ms, post_n=0, post_ms=now_ms)
            case DisputeStatus.WON:
                # Taken and brought back before we looked: nothing has moved in the ledger, and nothing has to.
                return self.go(State.WON, now_ms)
            case DisputeStatus.LOST if taken:
                return self.go(State.LOST_CASE, now_ms)
            case status if status in _NO_MONEY:
                if taken:
                    return self.escalate(now_ms, DIFFERS)
                if status in (DisputeStatus.WARNING_CLOSED, DisputeStatus.PREVENTED):
                    return self.go(State.CLOSED, now_ms)
                return self.wait(now_ms, most_ms=HOUR_MS)
            case _:
                return self.wait(now_ms, most_ms=HOUR_MS) if taken else self.go(State.TAKING, now_ms)
