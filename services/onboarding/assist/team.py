"""A community digital team: people of one commune who bring vendors in. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from kit.errors import InvalidArgument
from kit.identifiers import names
from kit.ids import is_id

MEMBERS_MAX = 30
NAME_CHARACTERS_MAX = 100
VERSION_MAX = 2**31 - 2
_WARD_CODE = re.compile(r"[0-9]{5}")


@dataclass(frozen=True, slots=True)
class Team:
    """`ward_code` is the official one of its commune or ward; `version` counts changes, 0 for one that is not yet."""

    team_id: str
    name: str
    ward_code: str
    members: tuple[str, ...]
    version: int = 0


def checked(team: Team) -> Team:
    """The team tidied. Raises InvalidArgument, naming the field."""
    if not is_id(team.team_id, "tea"):
        raise InvalidArgument('team_id must be "tea_" and a UUIDv7 without dashes', field="team_id")
    if names.problem_of(team.name, NAME_CHARACTERS_MAX):
        raise InvalidArgument(f"name must be 1 to {NAME_CHARACTERS_MAX} visible characters", field="name")
    if _WARD_CODE.fullmatch(team.ward_code) is None:
        raise InvalidArgument("ward_code must be five digits", field="ward_code")
    if len(team.members) > MEMBERS_MAX or len(set(team.members)) != len(team.members):
        raise InvalidArgument(f"members: at most {MEMBERS_MAX}, each once", field="members")
    if not all(is_id(member, "usr") for member in team.members):
        raise InvalidArgument("members must be users' ids (usr_...)", field="members")
    if not 0 <= team.version <= VERSION_MAX:
        raise InvalidArgument(f"version: 0 to {VERSION_MAX}", field="version")
    return replace(team, name=names.tidy(team.name))
