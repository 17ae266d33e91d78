"""A vendor's consent, purely: a code for one form, once, for ten minutes and five tries; and teams."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import (
    CodeExpired,
    CodeUsed,
    ConfirmationNeeded,
    ConfirmationWrong,
    DomainError,
    InvalidArgument,
    TooManyAttempts,
)
from kit.ids import new_id
from services.onboarding.assist import confirmation as rules
from services.onboarding.assist.confirmation import Confirmation, State
from services.onboarding.assist.team import Team, checked

SENT = 1_800_000_000_000
OPEN = Confirmation("mer_1", State.SENT, "form", "hash", SENT)


@pytest.mark.parametrize("number", [0, 7, 999_999])
def test_a_code_is_six_digits_with_its_zeros(number: int) -> None:
    code = rules.new_code(lambda below: number if below == 1_000_000 else -1)
    assert (len(code), int(code)) == (6, number)
    assert rules.check_form(f" {code[:3]} {code[3:]} ") == code


@pytest.mark.parametrize("text", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦"])
def test_what_is_no_code_is_refused_before_a_try_is_counted(text: str) -> None:
    with pytest.raises(InvalidArgument):
        rules.check_form(text)


def test_a_code_works_until_its_ten_minutes_are_over() -> None:
    assert rules.require_open(OPEN, "form", SENT + 600_000 - 1) == OPEN
    with pytest.raises(CodeExpired):
        rules.require_open(OPEN, "form", SENT + 600_000)


@pytest.mark.parametrize(
    ("found", "form", "error"),
    [
        (None, "form", ConfirmationNeeded),
        (OPEN, "another form", ConfirmationNeeded),
        (replace(OPEN, tries=5), "form", TooManyAttempts),
        (replace(OPEN, state=State.CONFIRMED), "form", CodeUsed),
    ],
)
def test_no_try_can_be_made_without_an_open_code_for_this_very_form(
    found: Confirmation | None, form: str, error: type[DomainError]
) -> None:
    with pytest.raises(error) as refused:
        rules.require_open(found, form, SENT)
    assert refused.value.vi or error is ConfirmationNeeded


def test_a_wrong_code_says_how_many_tries_are_left() -> None:
    with pytest.raises(ConfirmationWrong) as refused:
        rules.require_right(replace(OPEN, tries=2), "other")
    assert refused.value.details == {"tries_left": "3"}
    assert "3" in refused.value.vi
    rules.require_right(OPEN, "hash")


@given(st.sampled_from(State), st.integers(0, 6), st.integers(-1, 1_200_000), st.sampled_from(["form", "other"]))
def test_a_code_that_is_open_can_be_tried_and_no_other_can(state: State, tries: int, age: int, form: str) -> None:
    found = replace(OPEN, state=state, tries=tries)
    try:
        rules.require_open(found, form, SENT + age)
    except DomainError:
        assert not found.is_open(form, SENT + age)
    else:
        assert found.is_open(form, SENT + age)
    assert not (found.covers(form) and found.is_open(form, SENT + age))


NAMES = st.text(max_size=120).map(lambda text: "a" + text)


@given(NAMES, NAMES)
def test_the_message_is_one_sms_and_says_what_is_agreed_to(name: str, market: str) -> None:
    text = rules.message("012345", name, market, "*********1234")
    assert len(text) <= 160
    assert text.isascii()
    assert text.startswith("012345 ")
    assert "*1234" in text


TEAM = Team(new_id("tea"), "Tổ số xóm Soi Vàng", "05488", (new_id("usr"),))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"team_id": "x"}, "team_id"), ({"name": ""}, "name"), ({"name": "a\u202eb"}, "name"),
        ({"ward_code": "548"}, "ward_code"), ({"version": -1}, "version"),
        ({"version": 2**63 - 1}, "version"), ({"members": ("x",)}, "members"),
        ({"members": TEAM.members * 2}, "members"), ({"members": tuple(new_id("usr") for _ in range(31))}, "members"),
    ],
)  # fmt: skip
def test_a_team_names_what_is_wrong_with_it(changes: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        checked(replace(TEAM, **changes))  # type: ignore[arg-type]
    assert refused.value.details["field"] == field
    assert checked(TEAM) == TEAM
