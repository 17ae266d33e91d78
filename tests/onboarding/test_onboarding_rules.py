"""The rules of registration and of the state machine, without any engine."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kit.errors import FourEyes, InvalidArgument, WrongState
from kit.ids import is_id, new_id, new_key
from kit.qr import fold_name
from services.onboarding.merchant import Action, Registration, State, checked, decide, merchant_id_of

PEOPLE = ("usr_registrar", "usr_owner", "usr_manager", "usr_operator")
VALID = Registration(
    request_id=new_key(),
    name="Rau sạch Cô Nga",
    market_id=new_id("mkt"),
    stall="A-12",
    owner_id=new_id("usr"),
    category_code="5411",
    bank_bin="970405",
    account_number="000000009001",
    account_name="PHAM THI NGA",
)


class Merchant(RuleBasedStateMachine):
    """Any people doing anything in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.state, self.version = State.SUBMITTED, 1
        self.events: list[str] = []
        self.approver = ""

    @rule(
        action=st.sampled_from(Action),
        actor=st.sampled_from(PEOPLE),
        reason=st.sampled_from(["", " ", "hàng giả"]),
    )
    def somebody_acts(self, action: Action, actor: str, reason: str) -> None:
        try:
            decision = decide(
                state=self.state,
                version=self.version,
                registered_by="usr_registrar",
                owner_id="usr_owner",
                action=action,
                actor=actor,
                reason=reason,
            )
        except WrongState:
            legal = {
                Action.APPROVE: State.SUBMITTED,
                Action.SUSPEND: State.ACTIVE,
                Action.REINSTATE: State.SUSPENDED,
            }
            assert self.state is not legal[action]
            return
        except FourEyes:
            assert action is Action.APPROVE
            assert actor in ("usr_registrar", "usr_owner")
            return
        except InvalidArgument:
            assert action is not Action.APPROVE
            assert not reason.strip()
            return
        assert decision.version == self.version + 1
        assert decision.state is not self.state
        self.state, self.version = decision.state, decision.version
        self.events.append(decision.event)
        if action is Action.APPROVE:
            self.approver = actor

    @invariant()
    def nobody_is_active_without_a_second_person(self) -> None:
        if self.state is not State.SUBMITTED:
            assert self.approver in ("usr_manager", "usr_operator")

    @invariant()
    def every_change_has_its_one_event_in_a_legal_order(self) -> None:
        turns = ["merchant.suspended", "merchant.reinstated"] * len(self.events)
        assert self.events == ["merchant.activated", *turns][: len(self.events)]
        assert self.version == 1 + len(self.events)

    @invariant()
    def the_last_event_agrees_with_the_state(self) -> None:
        told = {"merchant.suspended": State.SUSPENDED}.get(self.events[-1], State.ACTIVE) if self.events else None
        assert self.state is (told or State.SUBMITTED)


TestAnyPeopleDoingAnything = Merchant.TestCase


def test_a_registration_becomes_the_merchant_of_the_same_id() -> None:
    assert is_id(merchant_id_of(VALID.request_id), "mer")
    assert merchant_id_of(VALID.request_id) == merchant_id_of(VALID.request_id)


def test_texts_are_trimmed_and_composed() -> None:
    decomposed = unicodedata.normalize("NFD", "  Gạo Định Hóa ")
    assert checked(replace(VALID, name=decomposed)).name == "Gạo Định Hóa"


@pytest.mark.parametrize(
    "field",
    [
        {"request_id": ""},
        {"request_id": "a987fbc9-4bed-4078-8f07-9141ba07c9f3"},
        {"name": ""},
        {"name": "   "},
        {"name": "a" * 101},
        {"name": "Chè\nxanh"},
        {"name": "Chè \u202excod"},
        {"name": "🍵🍵"},
        {"market_id": "Hùng Sơn"},
        {"market_id": new_id("mer")},
        {"stall": ""},
        {"stall": "a-12"},
        {"stall": "A-12\n"},
        {"stall": "A12345"},
        {"owner_id": new_id("mer")},
        {"category_code": "541"},
        {"category_code": "５４１１"},
        {"bank_bin": "97040"},
        {"account_number": "12345"},
        {"account_number": "1" * 20},
        {"account_number": "12 34 56"},
        {"account_name": ""},
        {"account_name": "N" * 71},
    ],
)
def test_a_malformed_field_is_refused(field: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument) as refused:
        checked(replace(VALID, **field))
    assert next(iter(field)) in refused.value.message


@given(st.text())
def test_a_refused_account_number_is_not_repeated_to_anybody(number: str) -> None:
    registration = replace(VALID, account_number=f"-{number}")
    with pytest.raises(InvalidArgument) as refused:
        checked(registration)
    assert refused.value.message == "settlement_account.account_number must be 6 to 19 letters and digits"
    assert "account_number" not in repr(registration)


@given(st.text(max_size=120))
def test_an_accepted_name_is_composed_visible_and_can_be_folded(name: str) -> None:
    try:
        accepted = checked(replace(VALID, name=name)).name
    except InvalidArgument:
        return
    assert unicodedata.is_normalized("NFC", accepted)
    assert accepted.isprintable()
    assert 1 <= len(accepted) <= 100
    assert fold_name(accepted)
