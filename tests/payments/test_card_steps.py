"""Card work, a step at a time, in a world where anything may fail: it always ends or a person is asked, and what the
card paid is what the wallet got."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import BY_CODE
from services.payments.card.failures import CardFailure, Declined, Invalid, KeyMisused, NotExecuted, NotThere, Unknown
from services.payments.card.objects import Intent, IntentStatus, Refund, RefundStatus
from services.payments.cardrefund import MARK, CardRefund
from services.payments.steps import (
    DAY_MS,
    MINUTE_MS,
    TURN_MS,
    Ask,
    Become,
    Decision,
    Look,
    Post,
    State,
    TakeBack,
    Void,
    Work,
)
from services.payments.store.ledger import Posted
from services.payments.topup import ASKED, EXPIRED, RETURN_MARK, TopUp

NOW = 1_900_000_000_000
AMOUNT = 50_000
STEPS_MAX = 3_000
# So often things go wrong in one life; then the sun shines.
FAULTS_MAX = 25

# What may happen to a call: it is done and answered; not done; not done, and nobody says; done, and nobody says.
FATES = st.sampled_from(["well"] * 4 + ["not", "lost before", "lost after"])
DEATHS = st.sampled_from(["lives"] * 9 + ["dies"])
# What the ledger says to a posting.
LEDGER = st.sampled_from(
    ["OK"] * 4 + ["OUTCOME_UNKNOWN", "done and OUTCOME_UNKNOWN", "ACCOUNT_FROZEN", "GUARANTEE_SHORT"]
)


def top_up(state: State = State.CREATED, **more: Any) -> TopUp:
    return TopUp(
        id="top_1", owner_id="usr_1", wallet_id="wal_1", telecom="VNPT", amount=AMOUNT, state=state, created_ms=NOW,
        since_ms=NOW, due_ms=NOW, payment_method="pm_card_visa", return_url="https://cho.example/", **more,
    )  # fmt: skip


def refund(state: State = State.CREATED, **more: Any) -> CardRefund:
    return CardRefund(
        id="crf_1", owner_id="usr_1", wallet_id="wal_1", telecom="VNPT", amount=AMOUNT, state=state, created_ms=NOW,
        since_ms=NOW, due_ms=NOW, intent_id="pi_1", top_up_id="top_1", payment_id="trf_1", **more,
    )  # fmt: skip


class World:
    """A provider and a ledger that do what they are told, once for each key, unless `data` says otherwise."""

    def __init__(self, data: st.DataObject, card: str = "good") -> None:
        self.data, self.card = data, card
        self.status = IntentStatus.REQUIRES_PAYMENT_METHOD
        self.made, self.error = False, ""
        self.refunds: dict[str, str] = {}
        self.posted: dict[str, str] = {}
        self.held, self.confirmed = "", False
        self.faults = 0

    def fate(self, of: st.SearchStrategy[str], well: str) -> str:
        """What happens next: `well`, once enough has gone wrong."""
        drawn = self.data.draw(of) if self.faults < FAULTS_MAX else well
        self.faults += drawn != well
        return drawn

    @property
    def charged(self) -> int:
        """What the card has paid, less what it got back."""
        return (AMOUNT if self.status is IntentStatus.SUCCEEDED else 0) - AMOUNT * len(self.refunds)

    def times(self, op: str) -> int:
        return sum(done == op for done in self.posted.values())

    def do(self, step: Any) -> Any:
        match step:
            case Ask(call):
                return self._ask(call)
            case Look():
                return self._look(step)
            case Post():
                return self._post(step.op, step.key)
            case TakeBack():
                return self._post("chargeback", step.key)
            case Void():
                self.held = "voided"
                return 0
        raise AssertionError(step)

    def _ask(self, call: Any) -> Any:
        fate = self.fate(FATES, "well")
        if fate == "not":
            return NotExecuted("busy", status=429)
        if fate == "lost before":
            return Unknown("no answer")
        answer = self._provider(call)
        return Unknown("no answer") if fate == "lost after" else answer

    def _provider(self, call: Any) -> Any:
        path = call.target.split("?")[0]
        if call.method == "POST" and path.endswith("/payment_intents"):
            self.made = True
        elif path.endswith("/confirm"):
            self.confirmed = True
            if self.status is IntentStatus.CANCELED:
                return Invalid("canceled", status=400, code="payment_intent_unexpected_state")
            if self.status is IntentStatus.REQUIRES_PAYMENT_METHOD and not self.error:
                if self.card == "poor":
                    self.error = "insufficient_funds"
                    return Declined("no money", decline_code="insufficient_funds", intent_id="pi_1", status=402)
                self.status = IntentStatus.REQUIRES_ACTION if self.card == "asks" else IntentStatus.SUCCEEDED
        elif path.endswith("/cancel"):
            if self.status is IntentStatus.SUCCEEDED:
                return Invalid("succeeded", status=400, code="payment_intent_unexpected_state")
            self.status = IntentStatus.CANCELED
        elif call.method == "POST" and path.endswith("/refunds"):
            self.refunds.setdefault(call.key, f"re_{len(self.refunds)}")
            return self._refund(self.refunds[call.key])
        elif "/refunds/" in path:
            return self._refund(path.rsplit("/", 1)[1])
        return self._intent()

    def _intent(self) -> Intent:
        received = AMOUNT if self.status is IntentStatus.SUCCEEDED else 0
        failed = ("card_declined", self.error) if self.error else ("", "")
        return Intent("pi_1", self.status, AMOUNT, received, NOW // 1000, {"top_up": "top_1"}, "", "u", "ch_1", *failed)

    def _refund(self, refund_id: str) -> Refund:
        marks = {RETURN_MARK: "top_1", MARK: "crf_1"}
        return Refund(refund_id, RefundStatus.SUCCEEDED, AMOUNT, "pi_1", NOW // 1000, marks, "")

    def _look(self, look: Look) -> Any:
        if self.fate(FATES, "well") != "well":
            return Unknown("no answer")
        if "refunds" in look.listing("").target:
            return [self._refund(refund_id) for refund_id in self.refunds.values()]
        return [self._intent()] if self.made else []

    def _post(self, op: str, key: str) -> Any:
        said = self.fate(LEDGER, "OK") if key not in self.posted else "OK"
        if said in ("OK", "done and OUTCOME_UNKNOWN"):
            self.posted[key] = op
            if op == "hold":
                self.held = "held"
        if said == "OK":
            return Posted("trf_2", NOW, 7, 1, 0, 0, 0, 0)
        return BY_CODE[said.removeprefix("done and ")]("no")


def carry(work: Any, world: World, give_up_after: int = 0) -> Any:
    """The work at its end; time passes until it is due."""
    now_ms = NOW
    for number in range(STEPS_MAX):
        if number == give_up_after and isinstance(work, TopUp) and (given_up := work.give_up(now_ms)):
            work = given_up
        step = work.step(now_ms)
        if step is None:
            return work
        if isinstance(step, Become):
            work, go_on = step.work, step.go_on
        else:
            came = world.do(step)
            if world.fate(DEATHS, "lives") == "dies":  # before it was stored: it is done again, later
                now_ms += TURN_MS
                continue
            work, go_on = work.after(step, came, now_ms)
        if not go_on:
            now_ms = max(now_ms, min(work.due_ms, now_ms + DAY_MS))
        if work.state is State.REQUIRES_ACTION and world.data.draw(st.booleans()):
            world.status = IntentStatus.SUCCEEDED  # the customer was at their bank
    raise AssertionError(f"still {work.state} after {STEPS_MAX} steps")


@settings(max_examples=400)
@given(st.data(), st.sampled_from(["good", "poor", "asks"]), st.integers(1, 30))
def test_a_top_up_always_ends_and_what_the_card_paid_is_what_the_wallet_got(
    data: st.DataObject, card: str, give_up_after: int
) -> None:
    world = World(data, card)
    work = carry(top_up(), world, give_up_after)
    assert world.times("top_up") <= 1
    if work.state is State.ESCALATED:
        assert work.code
        return
    assert world.charged == AMOUNT * world.times("top_up")
    assert (work.state is State.DONE) == (world.times("top_up") == 1)
    # Nothing can be charged later: what was ever confirmed is paid or cancelled.
    assert world.status in (IntentStatus.SUCCEEDED, IntentStatus.CANCELED) or not world.confirmed


@settings(max_examples=400)
@given(st.data())
def test_a_refund_to_a_card_always_ends_and_is_given_once_or_not_at_all(data: st.DataObject) -> None:
    world = World(data)
    world.status = IntentStatus.SUCCEEDED
    work = carry(refund(), world)
    taken = world.times("unload") + world.times("chargeback")
    assert len(world.refunds) <= 1
    assert taken <= 1
    match work.state:
        case State.DONE:
            assert len(world.refunds) == taken == 1
        case State.REFUSED:
            assert (len(world.refunds), taken) == (0, 0)
            assert world.held != "held"
        case _:
            assert work.state is State.ESCALATED
            assert work.code


# ---------------------------------------------------------------- one by one


def after(work: Work, came: Any, now_ms: int = NOW) -> Any:
    step = work.step(now_ms)
    assert step is not None
    return work.after(step, came, now_ms)[0]


@pytest.mark.parametrize(
    ("came", "state"),
    [
        (NotExecuted("429"), State.CREATED),
        (Unknown("no answer"), State.LOST),
        (Invalid("no", code="amount_too_small"), State.DECLINED),
        (KeyMisused("another call's"), State.ESCALATED),
    ],
)
def test_an_intent_that_is_not_made(came: CardFailure, state: State) -> None:
    assert after(top_up(), came).state is state


@pytest.mark.parametrize(
    ("came", "state"),
    [
        (Declined("no", decline_code="lost_card"), State.CANCELLING),
        (Unknown("no answer"), State.UNKNOWN),
        (NotExecuted("429"), State.OPENED),
        (Invalid("no such card", code="resource_missing"), State.CANCELLING),
    ],
)
def test_a_card_that_is_not_charged(came: CardFailure, state: State) -> None:
    assert after(top_up(State.OPENED, intent_id="pi_1"), came).state is state


def test_nobody_is_charged_who_has_gone_home() -> None:
    late = NOW + 10 * MINUTE_MS
    made = top_up(State.OPENED, intent_id="pi_1").step(late)
    assert isinstance(made, Become)
    assert (made.work.state, made.work.giving_up) == (State.CANCELLING, EXPIRED)  # type: ignore[attr-defined]
    never = top_up().step(late)
    assert isinstance(never, Become)
    assert never.work.state is State.CANCELLED


def test_what_the_provider_cannot_say_is_escalated_and_a_person_decides() -> None:
    gone = after(top_up(State.UNKNOWN, intent_id="pi_1"), NotThere("no such intent"))
    assert (gone.state, gone.code, gone.stopped_in) == (State.ESCALATED, "NOT_AT_PROVIDER", State.UNKNOWN)
    assert gone.step(NOW) is None
    again = gone.resolve(Decision.RETRY, "usr_op", "it is there after all", NOW)
    assert (again.state, again.resolved_by) == (State.UNKNOWN, "usr_op")
    assert gone.resolve(Decision.RETURN, "usr_op", "why", NOW) is None
    assert gone.resolve(Decision.CLOSE, "usr_op", "gone", NOW).over


def test_a_provider_that_took_another_amount_is_escalated() -> None:
    asks = top_up(State.UNKNOWN, intent_id="pi_1")
    other = Intent(
        "pi_1", IntentStatus.SUCCEEDED, AMOUNT, AMOUNT - 1, NOW // 1000, {"top_up": "top_1"}, "", "", "ch_1", "", ""
    )
    for told in (other, replace(other, received=AMOUNT, amount=1), replace(other, received=AMOUNT, metadata={})):
        assert after(asks, told).code == "PROVIDER_DIFFERS"


def test_a_wallet_that_cannot_take_the_money_gives_it_back_to_the_card_after_a_day() -> None:
    refused = after(top_up(State.PAID), BY_CODE["ACCOUNT_FROZEN"]("frozen"))
    assert (refused.state, refused.code) == (State.UNPOSTED, "ACCOUNT_FROZEN")
    again = refused.step(NOW + 1)
    assert isinstance(again, Become)
    assert again.work.state is State.PAID
    assert again.work.ledger_key("top_up") != top_up(State.PAID).ledger_key("top_up")
    back = refused.step(NOW + DAY_MS)
    assert isinstance(back, Become)
    assert back.work.state is State.RETURNING


def test_who_gives_up_before_the_card_is_charged_is_let_go_and_after_it_is_not() -> None:
    given_up = top_up(State.OPENED, intent_id="pi_1").give_up(NOW)
    assert given_up is not None
    assert given_up.giving_up == ASKED
    assert top_up(State.PAID).give_up(NOW) is None


def test_a_refund_that_arrived_and_comes_back_is_put_into_the_wallet_again() -> None:
    done = refund(State.DONE, refund_id="re_1")
    failed = Refund("re_1", RefundStatus.FAILED, AMOUNT, "pi_1", NOW // 1000, {MARK: "crf_1"}, "lost_or_stolen_card")
    back = after(done, failed)
    assert back.state is State.BACK
    assert after(back, Posted("trf_3", NOW, 8, 1, 0, 0, 0, 0)).state is State.CAME_BACK
