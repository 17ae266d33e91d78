"""The life of a merchant, without any engine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kit.errors import FourEyes, InvalidArgument, WrongState
from kit.ids import is_id, new_key
from services.onboarding.merchant import Action, State, decide, merchant_id_of, reason_of

MAKERS = frozenset({"usr_registrar", "usr_owner"})
PEOPLE = ("usr_registrar", "usr_owner", "usr_manager", "usr_operator")
LEGAL = {
    Action.SUBMIT: {State.DRAFT},
    Action.CLAIM: {State.SUBMITTED},
    Action.RELEASE: {State.IN_REVIEW},
    Action.RETURN: {State.SUBMITTED, State.IN_REVIEW},
    Action.REFUSE: {State.SUBMITTED, State.IN_REVIEW},
    Action.APPROVE: {State.SUBMITTED, State.IN_REVIEW},
    Action.SUSPEND: {State.ACTIVE},
    Action.REINSTATE: {State.SUSPENDED},
    Action.CLOSE: {State.DRAFT, State.SUSPENDED},
}
REVIEWS = {Action.CLAIM, Action.RETURN, Action.REFUSE, Action.APPROVE, Action.REINSTATE}
USUAL = {
    Action.SUBMIT: "hồ sơ đã đủ",
    Action.CLAIM: "nhận thẩm định",
    Action.APPROVE: "đạt yêu cầu",
}
GIVE_REASONS = {Action.RELEASE, Action.RETURN, Action.REFUSE, Action.SUSPEND, Action.REINSTATE, Action.CLOSE}


class Merchant(RuleBasedStateMachine):
    """Any people doing anything in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.state, self.version, self.assigned_to = State.DRAFT, 1, ""
        self.events: list[str] = []
        self.approver = ""

    @rule(
        action=st.sampled_from(Action),
        actor=st.sampled_from(PEOPLE),
        reason=st.sampled_from(["", " ", "hàng giả"]),
        supervises=st.booleans(),
    )
    def somebody_acts(self, action: Action, actor: str, reason: str, supervises: bool) -> None:
        try:
            decision = decide(
                state=self.state,
                version=self.version,
                makers=MAKERS,
                assigned_to=self.assigned_to,
                action=action,
                actor=actor,
                reason=reason,
                supervises=supervises,
            )
        except WrongState:
            assert self.state not in LEGAL[action]
            return
        except FourEyes:
            made = action in REVIEWS and actor in MAKERS
            others = self.state is State.IN_REVIEW and actor != self.assigned_to
            assert made or others
            return
        except InvalidArgument:
            assert action in GIVE_REASONS
            assert not reason.strip()
            return
        assert self.state in LEGAL[action]
        assert not (action in REVIEWS and actor in MAKERS)
        assert decision.version == self.version + 1
        assert decision.state is not self.state
        assert decision.reason == (reason.strip() or USUAL[action]), "every transition says why"
        if self.state is State.IN_REVIEW:
            assert actor == self.assigned_to or (action is Action.RELEASE and supervises)
        self.assigned_to = actor if action is Action.CLAIM else ""
        self.state, self.version = decision.state, decision.version
        self.events.append(decision.event)
        if action is Action.APPROVE:
            self.approver = actor

    @invariant()
    def nobody_sells_without_a_second_person(self) -> None:
        if self.state in (State.ACTIVE, State.SUSPENDED):
            assert self.approver in ("usr_manager", "usr_operator")

    @invariant()
    def every_change_has_its_one_event(self) -> None:
        assert self.version == 1 + len(self.events)

    @invariant()
    def what_is_closed_stays_closed(self) -> None:
        ends = {"merchant.closed", "merchant.refused"}
        assert not ends.intersection(self.events[:-1])
        assert (self.state is State.CLOSED) == bool(ends.intersection(self.events))


TestAnyPeopleDoingAnything = Merchant.TestCase


def test_a_form_becomes_the_merchant_of_the_same_id() -> None:
    request_id = new_key()
    assert is_id(merchant_id_of(request_id), "mer")
    assert merchant_id_of(request_id) == merchant_id_of(request_id)


@given(st.text(max_size=250))
def test_a_reason_is_short_and_visible(text: str) -> None:
    try:
        reason = reason_of(text)
    except InvalidArgument:
        assert not text.strip() or not text.strip().isprintable() or len(text.strip()) > 190
        return
    assert 1 <= len(reason) <= 200
    assert reason.isprintable()


@pytest.mark.parametrize("action", sorted(GIVE_REASONS))
def test_who_ends_something_says_why(action: Action) -> None:
    (state, *_) = sorted(LEGAL[action])
    with pytest.raises(InvalidArgument):
        decide(state=state, version=1, makers=MAKERS, assigned_to="usr_manager", action=action, actor="usr_manager")
