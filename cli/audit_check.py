"""One invariant that `cho audit` has looked at, and how to look again at what moves."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

FINDINGS_MAX = 20
AGAIN_S = 0.5

Key = TypeVar("Key")


@dataclass(slots=True)
class Check:
    """One invariant: what it found wrong (nothing is right), and over how much it looked."""

    name: str
    over: str
    findings: list[str] = field(default_factory=list)


def lasting(look: Callable[[Collection[Key] | None], Mapping[Key, str]], within_s: float) -> dict[Key, str]:
    """What is wrong at every look for `within_s` seconds: on a stack with traffic, what one service has told and
    another has yet to hear is wrong for a moment. `look` is asked for everything (None), then for what was wrong.
    """
    until = time.monotonic() + within_s
    found = dict(look(None))
    while found and time.monotonic() < until:
        time.sleep(AGAIN_S)
        again = look(list(found))
        found = {key: again[key] for key in found if key in again}
    return found
