"""People: phone numbers, roles, and which roles go with which institution."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field

from cho.options.v1 import options_pb2

from kit import banks
from kit.errors import InvalidArgument, PermissionDenied

NAME_LENGTH_MAX = 100
TELECOMS = frozenset({"VIETTEL", "VNPT", "MOBIFONE"})

_NOT_FOR_PEOPLE = frozenset({"unspecified", "anyone", "service"})
ROLES = (
    frozenset(name.removeprefix("ROLE_").lower() for name in options_pb2.Role.DESCRIPTOR.values_by_name)
    - _NOT_FOR_PEOPLE
)
# Whom a member of the community digital team brings in.
_TEAM_MAY_CREATE = frozenset({"shopper", "vendor"})
_AT_AN_INSTITUTION = frozenset({"officer", "agent"})
# Who sees people (RecoveryService's roles); whoever is seen and has an office themselves is seen by the latter.
_VOUCHING = frozenset({"agent", "team", "market_manager", "operator"})
_ONLY_OPERATORS = frozenset({"operator"})
# What anybody may be without a second person's approval.
_FREELY_GIVEN = frozenset({"shopper", "vendor"})


@dataclass(frozen=True, slots=True)
class User:
    """`user_id` is `usr_...`, `phone` in +84 form and never in a log, `roles` sorted lower-case names.

    `identified`: somebody has seen their citizen card.
    """

    user_id: str
    name: str
    phone: str = field(repr=False)
    roles: tuple[str, ...]
    institution: str = ""
    identified: bool = False

    @property
    def phone_masked(self) -> str:
        """+84*****678."""
        return f"+84*****{self.phone[-3:]}"


def check_name(text: str) -> str:
    """`text` without blanks around it: 1 to NAME_LENGTH_MAX printable characters. Raises InvalidArgument."""
    name = text.strip()
    if not 0 < len(name) <= NAME_LENGTH_MAX or not name.isprintable():
        raise InvalidArgument(f"name: 1 to {NAME_LENGTH_MAX} printable characters")
    return name


def display_name(name: str) -> str:
    """A name as a payer may see it before paying a phone number: enough to notice a wrong digit, not to learn a name.

    The family name stays (two in five people are Nguyễn); of the others the initial, and a star for each letter more:
    "Nguyễn T** L**". A name of one word is no family name: "L**".
    """
    # One code point a letter: otherwise a hidden "ễ" could be three stars.
    family, *given = unicodedata.normalize("NFC", name).split()
    return " ".join([family, *map(_initial, given)]) if given else _initial(family)


def _initial(word: str) -> str:
    # Never without a star: who sees a bare "Á" would take it for a whole word.
    return word[0] + "*" * max(1, len(word) - 1)


def check_roles(roles: Collection[str], institution: str) -> tuple[str, ...]:
    """`roles` sorted, each once. Raises InvalidArgument.

    An officer sees one institution and therefore has one; an agent may have one; nobody else does.
    """
    if not roles or not ROLES.issuperset(roles):
        raise InvalidArgument(f"roles: one or more of {', '.join(sorted(ROLES))}")
    if institution and institution not in TELECOMS and banks.lookup(institution) is None:
        raise InvalidArgument(f"institution: {', '.join(sorted(TELECOMS))} or the BIN of a bank")
    if institution and _AT_AN_INSTITUTION.isdisjoint(roles):
        raise InvalidArgument("institution: only officers and agents work for one")
    if not institution and "officer" in roles:
        raise InvalidArgument("institution: an officer works for one")
    return tuple(sorted(set(roles)))


def may_work_for_one(roles: Collection[str]) -> bool:
    """Whether somebody with these roles may have an institution."""
    return not _AT_AN_INSTITUTION.isdisjoint(roles)


def freely_given(roles: Collection[str]) -> tuple[str, ...]:
    """Those of `roles` that one person may give alone; "shopper" where there are none."""
    return tuple(sorted(_FREELY_GIVEN.intersection(roles))) or ("shopper",)


def is_staff(roles: Collection[str]) -> bool:
    """Whether somebody with these roles can do more than buy and sell."""
    return not _FREELY_GIVEN.issuperset(roles)


def may_vouch(voucher_roles: Collection[str], roles: Collection[str]) -> bool:
    """Who lets somebody reset their PIN by having seen them could become them: for staff only operators do."""
    return not (_ONLY_OPERATORS if is_staff(roles) else _VOUCHING).isdisjoint(voucher_roles)


def check_may_vouch(voucher_roles: Collection[str], roles: Collection[str]) -> None:
    """Raises PermissionDenied."""
    if not may_vouch(voucher_roles, roles):
        raise PermissionDenied("for people with an office only operators vouch and decide")


def check_may_create(creator_roles: Collection[str], roles: Collection[str]) -> None:
    """An operator creates anybody, a team member shoppers and vendors. Raises PermissionDenied."""
    if "operator" not in creator_roles and not _TEAM_MAY_CREATE.issuperset(roles):
        raise PermissionDenied("only an operator creates anybody but shoppers and vendors")
