"""Phones, roles, institutions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import InvalidArgument, PermissionDenied
from services.identity.user import ROLES, User, check_may_create, check_name, check_roles, normalise_phone


@pytest.mark.parametrize("text", ["0912345678", "+84912345678", "0912 345 678", "0912.345.678", "0912-345-678"])
def test_every_way_to_write_a_phone_is_one_phone(text: str) -> None:
    assert normalise_phone(text) == "+84912345678"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "912345678",
        "091234567",
        "09123456789",
        "84912345678",
        "0012345678",
        "+840912345678",
        "０912345678",
        "0912345678\n",
    ],
)
def test_what_is_no_vietnamese_phone_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        normalise_phone(text)
    assert not text or text not in refused.value.message


@given(st.from_regex(r"0[1-9][0-9]{8}", fullmatch=True))
def test_normalising_twice_changes_nothing_and_the_national_digits_stay(phone: str) -> None:
    once = normalise_phone(phone)
    assert normalise_phone(once) == once == "+84" + phone[1:]


def test_a_person_can_have_every_role_but_those_of_machines() -> None:
    assert {"shopper", "vendor", "agent", "team", "market_manager", "operator", "officer", "auditor"} == ROLES


@pytest.mark.parametrize(
    "roles", [[], ["service"], ["anyone"], ["unspecified"], ["SHOPPER"], ["shopper", "king"], [""]]
)
def test_unknown_roles_are_refused(roles: list[str]) -> None:
    with pytest.raises(InvalidArgument):
        check_roles(roles, "")


@given(st.lists(st.sampled_from(sorted(ROLES - {"officer"})), min_size=1))
def test_roles_come_out_sorted_and_once_each(roles: list[str]) -> None:
    assert check_roles(roles, "") == tuple(sorted(set(roles)))


@pytest.mark.parametrize("institution", ["VIETTEL", "VNPT", "MOBIFONE", "970436"])
@pytest.mark.parametrize("role", ["officer", "agent"])
def test_officers_and_agents_work_for_a_telecom_or_a_bank(role: str, institution: str) -> None:
    assert check_roles([role], institution) == (role,)


@pytest.mark.parametrize(
    ("role", "institution"),
    [("officer", ""), ("officer", "ACME"), ("agent", "000000"), ("shopper", "VIETTEL")],
)
def test_a_wrong_institution_is_refused(role: str, institution: str) -> None:
    with pytest.raises(InvalidArgument):
        check_roles([role], institution)


@given(st.sets(st.sampled_from(sorted(ROLES)), min_size=1))
def test_a_team_member_creates_shoppers_and_vendors_only_and_an_operator_anybody(roles: set[str]) -> None:
    check_may_create({"operator"}, roles)
    if roles <= {"shopper", "vendor"}:
        check_may_create({"team"}, roles)
    else:
        with pytest.raises(PermissionDenied):
            check_may_create({"team"}, roles)


@pytest.mark.parametrize("name", ["", "  ", "a" * 101, "a\nb", "a\x00"])
def test_a_name_is_one_printable_line(name: str) -> None:
    with pytest.raises(InvalidArgument):
        check_name(name)


def test_a_phone_is_masked_and_not_in_the_representation() -> None:
    user = User("usr_1", "Lan", "+84912345678", ("shopper",))
    assert user.phone_masked == "+84*****678"
    assert "912345" not in repr(user)
