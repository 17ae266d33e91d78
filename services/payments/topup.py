"""A top-up: a card is charged, and the money put into a wallet, or given back. Pure.

    CREATED - OPENED - (REQUIRES_ACTION, PENDING, UNKNOWN) - PAID - DONE
                  \\            \\- CANCELLING - CANCELLED, DECLINED   \\- UNPOSTED - RETURNING - RETURNED

The card is asked in two calls: one makes the provider's payment, which moves nothing; the second confirms it. So money
can only move under an intent that we know, and one that is given up is cancelled, which the provider does or refuses
for good. Nothing is confirmed long after it was asked for: nobody is charged who has gone home.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from services.payments import transfer
from services.payments.card import calls
from services.payments.card.failures import CardFailure, Declined, Invalid, NotExecuted, Unknown
from services.payments.card.objects import Intent, IntentStatus
from services.payments.steps import (
    DAY_MS,
    DIFFERS,
    HOUR_MS,
    MINUTE_MS,
    PASSING,
    PROVIDER,
    REFUSED,
    STUCK,
    TURN_MS,
    Ask,
    Become,
    Decision,
    Given,
    Look,
    Post,
    State,
    Step,
    Work,
    code_of,
    give_back,
    given,
    gone,
)  # fmt: skip

# What the provider takes, đồng (for VND: as much as its least in dollars, and eight digits).
AMOUNT_MIN, AMOUNT_MAX = 13_000, calls.AMOUNT_MAX
# So long after it was asked for, a card may be charged.
SEND_MS_MAX = 10 * MINUTE_MS
# So long a customer may take at their bank's page.
ACTION_MS_MAX = 30 * MINUTE_MS
# So long the provider's list is searched for an intent whose making was not answered.
SEARCH_MS_MAX = HOUR_MS
# Clocks of ours and the provider's are at most so far apart, s.
CLOCKS_S_MAX = 600
# Money that the wallet cannot take is given back to the card after this.
UNPOSTED_MS_MAX = DAY_MS
# The ledger is asked again for so long; then its key is about to be too old.
POST_MS_MAX = 6 * DAY_MS
# Banks may take so long with a refund.
RETURN_MS_MAX = 30 * DAY_MS

# The card is not known to have been charged: it may be given up.
OPEN = frozenset(
    {
        *(State.CREATED, State.LOST, State.OPENED, State.UNKNOWN, State.PENDING),
        *(State.REQUIRES_ACTION, State.CANCELLING),
    }
)
# Why one is given up.
ASKED, EXPIRED, CARD = "asked", "expired", "card"

NOTE = "Nạp tiền từ thẻ"
RETURN_MARK = "top_up_return"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUp(Work):
    """`giving_up`: why it is being cancelled, "" where it is not. `decline_code`: why the card's bank refused.

    `unposted_ms`: since when the wallet cannot take the money. `transfer_id`, `seq`: the ledger's.
    """

    payment_method: str
    return_url: str
    redirect_url: str = ""
    giving_up: str = ""
    decline_code: str = ""
    unposted_ms: int = 0
    transfer_id: str = ""
    seq: int = 0

    FINAL: ClassVar[frozenset[State]] = frozenset(
        {State.DONE, State.DECLINED, State.CANCELLED, State.RETURNED, State.CLOSED}
    )

    def step(self, now_ms: int) -> Step | None:
        if self.over or self.state is State.ESCALATED:
            return None
        if late := self._too_late(now_ms):
            return late
        match self.state:
            case State.CREATED:
                mark = {"top_up": self.id, "wallet": self.wallet_id}
                return Ask(calls.create_intent(self.amount, f"{self.id}-create", mark))
            case State.LOST:
                made_s = self.created_ms // 1000
                until_s = made_s + (SEND_MS_MAX + TURN_MS) // 1000 + CLOCKS_S_MAX
                return Look(calls.list_intents("top_up", self.id, made_s - CLOCKS_S_MAX, until_s))
            case State.OPENED:
                return Ask(
                    calls.confirm_intent(
                        self.intent_id,
                        f"{self.id}-confirm",
                        payment_method=self.payment_method,
                        return_url=self.return_url,
                    )
                )
            case State.UNKNOWN | State.PENDING | State.REQUIRES_ACTION:
                return Ask(calls.retrieve_intent(self.intent_id))
            case State.CANCELLING:
                # A key of its own each time: a refusal would be the key's answer when it can be cancelled later.
                return Ask(calls.cancel_intent(self.intent_id, f"{self.id}-cancel-{now_ms}"))
            case State.PAID:
                legs = transfer.top_up(PROVIDER, self.wallet_id, self.telecom, self.amount)
                key = self.ledger_key("top_up")
                return Post(op="top_up", key=key, about=self.id, amount=self.amount, legs=legs, note=NOTE)
            case State.UNPOSTED:
                return Become(*self.next_key(now_ms).go(State.PAID, now_ms))
            case _:
                return give_back(self, RETURN_MARK, now_ms)

    def _too_late(self, now_ms: int) -> Become | None:
        """What it becomes since its time in this state is over; None where it is not."""
        made_ms, up = self.created_ms, {"giving_up": self.giving_up or EXPIRED}
        match self.state:
            # Never confirmed, so whatever was made of it at the provider cannot be charged.
            case State.CREATED if now_ms >= made_ms + SEND_MS_MAX or self.giving_up:
                return Become(*self.go(State.CANCELLED, now_ms, **up))
            case State.LOST if now_ms >= made_ms + SEARCH_MS_MAX:
                return Become(*self.go(State.CANCELLED, now_ms, **up))
            case State.OPENED if now_ms >= made_ms + SEND_MS_MAX or self.giving_up:
                return Become(*self.go(State.CANCELLING, now_ms, **up))
            case State.REQUIRES_ACTION if now_ms >= self.since_ms + ACTION_MS_MAX or self.giving_up:
                return Become(*self.go(State.CANCELLING, now_ms, **up))
            case State.UNPOSTED if now_ms >= self.unposted_ms + UNPOSTED_MS_MAX or self.code == "ACCOUNT_CLOSED":
                return Become(*self.go(State.RETURNING, now_ms, sent_ms=now_ms))
            case State.PAID:
                late = now_ms >= self.since_ms + POST_MS_MAX
            case State.RETURNING:
                late = now_ms >= self.since_ms + RETURN_MS_MAX
            case State.UNKNOWN | State.PENDING | State.CANCELLING:
                late = self.stuck(now_ms)
            case _:
                late = False
        return Become(*self.escalate(now_ms, STUCK)) if late else None

    def give_up(self, now_ms: int) -> Self | None:
        """Cancelled by its customer; None where the card may not be let go any more."""
        if self.state not in OPEN:
            return None
        return replace(self, giving_up=self.giving_up or ASKED, due_ms=now_ms)

    def resolve(self, decision: Decision, who: str, reason: str, now_ms: int) -> Self | None:
        if decision is Decision.RETURN:
            if self.stopped_in not in (State.PAID, State.UNPOSTED, State.RETURNING):
                return None
            decided = replace(self, resolved_by=who, resolution=reason, refund_id="", stopped_in=None)
            return decided.go(State.RETURNING, now_ms, sent_ms=now_ms)[0]
        return Work.resolve(self, decision, who, reason, now_ms)

    # ---------------------------------------------------------------- what came

    def after(self, step: Step, came: Any, now_ms: int) -> tuple[Self, bool]:
        if isinstance(came, Intent):
            return self._told(came, now_ms)
        match self.state:
            case State.CREATED:
                return self._not_made(came, now_ms)
            case State.LOST:
                return self._searched(came, now_ms)
            case State.OPENED:
                return self._not_confirmed(came, now_ms)
            case State.UNKNOWN | State.PENDING | State.REQUIRES_ACTION:
                why = gone(came)
                return self.escalate(now_ms, why) if why else self.wait(now_ms)
            case State.CANCELLING:
                if why := gone(came):
                    return self.escalate(now_ms, why)
                # Not any more: it was paid, or is over already.
                return self.flip(State.UNKNOWN, now_ms) if isinstance(came, Invalid) else self.wait(now_ms)
            case State.PAID:
                return self._posted(came, now_ms)
            case _:
                return self._returned(came, now_ms)

    def _told(self, intent: Intent, now_ms: int) -> tuple[Self, bool]:
        """The provider says how the payment stands."""
        if intent.amount != self.amount or intent.metadata.get("top_up") != self.id:
            return replace(self, intent_id=intent.intent_id).escalate(now_ms, DIFFERS)
        known = replace(self, intent_id=intent.intent_id)
        match intent.status:
            case IntentStatus.SUCCEEDED:
                if intent.received != self.amount:
                    return known.escalate(now_ms, DIFFERS)
                return known.go(State.PAID, now_ms, redirect_url="", giving_up="", decline_code="")
            case IntentStatus.CANCELED:
                ended = State.DECLINED if known.giving_up == CARD else State.CANCELLED
                return known.go(ended, now_ms, redirect_url="", giving_up=known.giving_up or EXPIRED)
            case IntentStatus.PROCESSING:
                return known.wait(now_ms, State.PENDING)
            case IntentStatus.REQUIRES_ACTION:
                if known.giving_up:
                    return known.go(State.CANCELLING, now_ms)
                return known.wait(now_ms, State.REQUIRES_ACTION, redirect_url=intent.redirect_url)
            case IntentStatus.REQUIRES_CAPTURE:
                return known.escalate(now_ms, DIFFERS)
        if intent.error_code:
            return known._declined(intent.decline_code or intent.error_code, now_ms)
        if known.giving_up:
            return known.flip(State.CANCELLING, now_ms)
        # Not confirmed, or not yet: what was sent may still be on its way.
        made = self.state in (State.CREATED, State.LOST)
        return known.go(State.OPENED, now_ms) if made else replace(known, state=State.OPENED).wait(now_ms)

    def _declined(self, code: str, now_ms: int) -> tuple[Self, bool]:
        """The intent would wait for another card for ever."""
        return replace(self, giving_up=CARD, decline_code=code, redirect_url="").flip(State.CANCELLING, now_ms)

    def _not_made(self, came: CardFailure, now_ms: int) -> tuple[Self, bool]:
        if why := gone(came):
            return self.escalate(now_ms, why)
        if isinstance(came, Invalid | Declined):
            return self.go(State.DECLINED, now_ms, decline_code=came.code or "invalid")
        # Where it may have been made it is looked for: a stored 500 says so for ever.
        return replace(self, state=State.LOST if isinstance(came, Unknown) else State.CREATED).wait(now_ms)

    def _searched(self, came: list[Intent] | CardFailure, now_ms: int) -> tuple[Self, bool]:
        if isinstance(came, CardFailure):
            return self.wait(now_ms)
        if len(came) > 1:
            return self.escalate(now_ms, DIFFERS)
        if came:
            return self._told(came[0], now_ms)
        young = now_ms < self.created_ms + SEND_MS_MAX
        return replace(self, state=State.CREATED).wait(now_ms) if young else self.wait(now_ms)

    def _not_confirmed(self, came: CardFailure, now_ms: int) -> tuple[Self, bool]:
        if isinstance(came, Declined):
            return self._declined(came.decline_code or came.code or "card_declined", now_ms)
        if isinstance(came, Unknown):
            return replace(self, state=State.UNKNOWN).wait(now_ms)
        if isinstance(came, NotExecuted):
            return self.wait(now_ms)
        # No such card, or not in its present state: cancelling tells which.
        return self._declined(came.code or "invalid", now_ms)

    def _posted(self, came: Any, now_ms: int) -> tuple[Self, bool]:
        code = code_of(came)
        if not code:
            return self.go(State.DONE, now_ms, transfer_id=came.transfer_id, seq=came.seq, code="")
        if code in PASSING:
            return self.wait(now_ms)
        if code in REFUSED:
            # Each time a key of its own, and each time later.
            refused = replace(self, state=State.UNPOSTED, tries=self.post_n, unposted_ms=self.unposted_ms or now_ms)
            return refused.wait(now_ms, code=code)
        return self.escalate(now_ms, code)

    def _returned(self, came: Any, now_ms: int) -> tuple[Self, bool]:
        how, refund_id = given(self, RETURN_MARK, came, now_ms)
        match how:
            case Given.DONE:
                return self.go(State.RETURNED, now_ms, refund_id=refund_id)
            case Given.WAITS:
                return self.wait(now_ms, refund_id=refund_id, most_ms=HOUR_MS)
            case Given.UNCLEAR:
                return self.wait(now_ms, looking=True)
            case Given.NOT_YET:
                return self.wait(now_ms, looking=False)
            case Given.ABSENT:
                return self.go(State.RETURNING, now_ms, sent_ms=now_ms)
            case Given.REFUSED:
                return self.escalate(now_ms, came.code or "RETURN_REFUSED")
            case _:
                return replace(self, refund_id=refund_id).escalate(now_ms, f"RETURN_{how.name}")


# What the customer is told of a decline (the provider's page "Decline codes", as far as it helps them).
_SAID = {
    "insufficient_funds": "Thẻ không đủ tiền.",
    "expired_card": "Thẻ đã hết hạn.",
    "incorrect_cvc": "Mã bảo mật (CVC) không đúng.",
    "incorrect_number": "Số thẻ không đúng.",
    "lost_card": "Ngân hàng từ chối thẻ này. Hãy hỏi ngân hàng phát hành thẻ.",
    "stolen_card": "Ngân hàng từ chối thẻ này. Hãy hỏi ngân hàng phát hành thẻ.",
    "processing_error": "Ngân hàng chưa xử lý được. Hãy thử lại sau ít phút.",
    "payment_intent_authentication_failure": "Bạn chưa xác nhận với ngân hàng, hoặc ngân hàng không chấp nhận.",
    "authentication_required": "Ngân hàng yêu cầu xác nhận. Hãy thử lại và xác nhận với ngân hàng.",
    "resource_missing": "Không đọc được thẻ. Hãy nhập lại thẻ.",
}
_SAID_ELSE = "Ngân hàng từ chối giao dịch. Hãy dùng thẻ khác hoặc hỏi ngân hàng phát hành thẻ."


def said(decline_code: str) -> str:
    """A decline in Vietnamese; "" where there was none."""
    return _SAID.get(decline_code, _SAID_ELSE) if decline_code else ""
