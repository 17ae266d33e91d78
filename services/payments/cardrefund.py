"""Money of a top-up that goes back to its card, out of the wallet. Pure.

    CREATED - HELD - GIVEN - DONE (- BACK - CAME_BACK)
          \\       \\- RELEASING - REFUSED
           \\- REFUSED

It is set aside in the wallet first, against the top-up: so all refunds together cannot exceed it, and what the provider
was asked to give back cannot be spent meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from services.payments import transfer
from services.payments.card import calls
from services.payments.steps import (
    DAY_MS,
    DOUBTFUL,
    HOUR_MS,
    PASSING,
    PROVIDER,
    REFUSED,
    STUCK,
    Ask,
    Become,
    Given,
    Post,
    State,
    Step,
    TakeBack,
    Void,
    Work,
    code_of,
    give_back,
    given,
)  # fmt: skip

# The ledger holds money for 30 days at most.
HOLD_MS_MAX = 29 * DAY_MS
# A bank that has not taken a refund by then is asked about by a person, before the hold ends.
GIVE_MS_MAX = 28 * DAY_MS
# What the wallet cannot take back is tried again for so long.
BACK_MS_MAX = 6 * DAY_MS
NOTE, BACK_NOTE = "Hoàn tiền về thẻ", "Tiền hoàn bị trả lại từ thẻ"
MARK = "card_refund"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRefund(Work):
    """`payment_id`: the ledger's top-up. `hold_id`: the ledger's hold."""

    top_up_id: str
    payment_id: str
    hold_id: str = ""

    FINAL: ClassVar[frozenset[State]] = frozenset({State.DONE, State.REFUSED, State.CAME_BACK, State.CLOSED})

    def step(self, now_ms: int) -> Step | None:
        if self._late(now_ms):
            return Become(*self.escalate(now_ms, STUCK))
        match self.state:
            case State.CREATED:
                return Post(
                    op="hold", key=self.ledger_key("hold"), about=self.id, amount=self.amount, related=self.payment_id,
                    legs=transfer.hold(self.wallet_id, transfer.psp(PROVIDER), self.amount), note=NOTE,
                    owner=self.owner_id, expires_ms=self.created_ms + HOLD_MS_MAX,
                )  # fmt: skip
            case State.HELD:
                return give_back(self, MARK, now_ms)
            case State.GIVEN:
                return Post(
                    op="unload", key=self.ledger_key("unload"), about=self.id, amount=self.amount,
                    legs=transfer.unload(self.wallet_id, PROVIDER, self.telecom, self.amount), note=NOTE,
                    related=self.hold_id,
                )  # fmt: skip
            case State.OVERDUE:
                return TakeBack(
                    key=self.ledger_key("chargeback"), about=self.id, wallet_id=self.wallet_id, telecom=self.telecom,
                    owner_id=self.owner_id, amount=self.amount, related=self.payment_id, note=NOTE,
                )  # fmt: skip
            case State.RELEASING:
                return Void(self.hold_id, self.wallet_id, self.amount, self.payment_id, self.id)
            # A refund may come back after it arrived; then somebody told us to look.
            case State.DONE if now_ms >= self.due_ms and self.refund_id:
                return Ask(calls.retrieve_refund(self.refund_id))
            case State.BACK:
                legs = transfer.top_up(PROVIDER, self.wallet_id, self.telecom, self.amount)
                key = self.ledger_key("top_up")
                return Post(op="top_up", key=key, about=self.id, amount=self.amount, legs=legs, note=BACK_NOTE)
            case _:
                return None

    def _late(self, now_ms: int) -> bool:
        match self.state:
            case State.HELD:
                return now_ms >= self.since_ms + GIVE_MS_MAX
            case State.BACK:
                return now_ms >= self.since_ms + BACK_MS_MAX
            case State.CREATED | State.GIVEN | State.OVERDUE | State.RELEASING:
                return self.stuck(now_ms)
            case _:
                return False

    def after(self, step: Step, came: Any, now_ms: int) -> tuple[Self, bool]:
        match self.state:
            case State.HELD:
                return self._sent(came, now_ms)
            case State.DONE:
                return self._looked(came, now_ms)
        code = code_of(came)
        if code in PASSING:
            return self.wait(now_ms)
        match self.state:
            case State.CREATED if code and code not in DOUBTFUL:
                # The customer's affair: no money, more than is left of the top-up, frozen.
                return self.go(State.REFUSED, now_ms, code=code)
            case State.CREATED if not code:
                return self.go(State.HELD, now_ms, hold_id=came.transfer_id, sent_ms=now_ms)
            case State.GIVEN if code in ("HOLD_EXPIRED", "HOLD_VOIDED"):
                # The card has the money, and so has the wallet, or its holder had: taken back like any such money.
                return self.go(State.OVERDUE, now_ms, post_ms=now_ms)
            case State.OVERDUE | State.BACK if code in REFUSED:
                return self.wait(now_ms, code=code, post_n=self.post_n + 1, post_ms=now_ms)
            case State.RELEASING if code in ("", "HOLD_EXPIRED", "HOLD_VOIDED"):
                return self.go(State.REFUSED, now_ms)
            case State.GIVEN | State.OVERDUE if not code:
                return self.go(State.DONE, now_ms, code="")
            case State.BACK if not code:
                return self.go(State.CAME_BACK, now_ms)
        return self.escalate(now_ms, code)

    def _sent(self, came: Any, now_ms: int) -> tuple[Self, bool]:
        how, refund_id = given(self, MARK, came, now_ms)
        match how:
            case Given.DONE:
                return self.go(State.GIVEN, now_ms, refund_id=refund_id, post_ms=now_ms)
            case Given.WAITS:
                return self.wait(now_ms, refund_id=refund_id, most_ms=HOUR_MS)
            case Given.UNCLEAR:
                return self.wait(now_ms, looking=True)
            case Given.NOT_YET:
                return self.wait(now_ms, looking=False)
            case Given.REFUSED:
                return self.go(State.RELEASING, now_ms, code="REFUSED_BY_PROVIDER")
            case Given.ABSENT | Given.FAILED:
                return self.go(State.RELEASING, now_ms, code="NOT_TAKEN_BY_CARD", refund_id=refund_id)
            case _:
                return replace(self, refund_id=refund_id).escalate(now_ms, f"REFUND_{how.name}")

    def _looked(self, came: Any, now_ms: int) -> tuple[Self, bool]:
        """After it was done: the money is where it should be, or came back to us."""
        match given(self, MARK, came, now_ms)[0]:
            case Given.FAILED:
                return self.go(State.BACK, now_ms, post_ms=now_ms, code="NOT_TAKEN_BY_CARD")
            case Given.UNCLEAR:
                return self.wait(now_ms, most_ms=HOUR_MS)
            case _:
                return self.go(State.DONE, now_ms)
