"""Names, roles, institutions."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import InvalidArgument, PermissionDenied
from services.identity.user import ROLES, User, check_may_create, check_name, check_roles, display_name


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


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Nguyễn Thị Lan", "Nguyễn T** L**"),
        ("Nguyễn  Thảo\u00a0Lan", "Nguyễn T*** L**"),
        ("Đỗ Ý", "Đỗ Ý*"),
        ("Lan", "L**"),
        ("Y", "Y*"),
        ("Bùi Thị Mỹ Ánh", "Bùi T** M* Á**"),
    ],
)
def test_a_payer_sees_the_family_name_and_initials(name: str, shown: str) -> None:
    assert display_name(name) == shown
    # However it was typed: letters with their accents apart are the same letters.
    assert display_name(unicodedata.normalize("NFD", name)) == shown


@given(st.text(min_size=1, max_size=100).map(str.strip).filter(lambda name: name and name.isprintable()))
def test_no_given_name_is_ever_shown_whole(name: str) -> None:
    words, shown = name.split(), display_name(name).split(" ")
    assert len(words) == len(shown)
    for word in shown[1:] if len(words) > 1 else shown:
        assert set(word[1:]) == {"*"}
    assert len(display_name(name)) <= 300


def test_a_phone_is_masked_and_not_in_the_representation() -> None:
    user = User("usr_1", "Lan", "+84912345678", ("shopper",))
    assert user.phone_masked == "+84*****678"
    assert "912345" not in repr(user)
