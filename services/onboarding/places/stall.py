"""What sections and stalls of a market are. Pure.

A stall's number begins with the code of its section: A-12 is in section A.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum

from kit.errors import InvalidArgument, WrongState
from services.onboarding.places.words import text

SECTIONS_MAX = 50
SECTION_NAME_CHARACTERS_MAX = 60
REASON_CHARACTERS_MAX = 200
# The plan's side: 1 km.
POSITION_CM_MAX = 100_000

_SECTION = re.compile(r"[A-Z]{1,3}")
_STALL = re.compile(r"([A-Z]{1,3})-[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a market; `code` is what its stalls begin with."""

    code: str
    name: str
    closed: bool = False


class StallState(str, Enum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Stall:
    """`x_cm` and `y_cm` lead east and south from the plan's north-west corner. `version` counts changes, from 1."""

    market_id: str
    number: str
    x_cm: int
    y_cm: int
    state: StallState = StallState.OPEN
    reason: str = ""
    version: int = 1


def section_of(number: str) -> str:
    """The section's code: A of A-12. Raises InvalidArgument."""
    found = _STALL.fullmatch(number)
    if found is None:
        raise InvalidArgument('a stall\'s number is one to three capitals, "-", one to four digits, such as A-12')
    return found[1]


def order_of(number: str) -> str:
    """By which stalls are sorted and told apart: "A-0012" of "A-12" and of "A-012". Raises InvalidArgument."""
    section = section_of(number)
    return f"{section}-{int(number[len(section) + 1 :]):04d}"


def checked(stall: Stall) -> Stall:
    """The stall itself. Raises InvalidArgument."""
    section_of(stall.number)
    if not (0 <= stall.x_cm <= POSITION_CM_MAX and 0 <= stall.y_cm <= POSITION_CM_MAX):
        raise InvalidArgument(f"position must lie between 0 and {POSITION_CM_MAX} cm")
    return stall


def checked_section(section: Section) -> Section:
    """The section with its name trimmed and in NFC. Raises InvalidArgument."""
    if _SECTION.fullmatch(section.code) is None:
        raise InvalidArgument("a section's code is one to three capitals")
    return replace(section, name=text(section.name, "section.name", SECTION_NAME_CHARACTERS_MAX))


def put_section(sections: tuple[Section, ...], section: Section, *, open_stalls: bool) -> tuple[Section, ...]:
    """The sections with this one added or changed, by code. Raises InvalidArgument, WrongState."""
    if section.closed and open_stalls:
        raise WrongState(f"section {section.code} has open stalls: close them first")
    others = tuple(one for one in sections if one.code != section.code)
    if len(others) == SECTIONS_MAX:
        raise InvalidArgument(f"a market has {SECTIONS_MAX} sections at most")
    return tuple(sorted((*others, section), key=lambda one: one.code))
