"""What stores know of one payment, put in order: the chapters of its story. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from kit.ids import is_id

_PREFIX, _TIME = slice(0, 3), slice(4, 16)


@dataclass(frozen=True, slots=True)
class Chapter:
    """What one store knows. `at_ms`: Unix ms, None where it does not say when; `missing`: why it knows nothing;
    `unreachable`: whether that is because it could not be asked.
    """

    store: str
    what: str
    at_ms: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    missing: str = ""
    unreachable: bool = False


@dataclass(slots=True)
class Story:
    """`chapters` in order of time. `findings`: what two stores say differently; empty where it holds together."""

    payment_id: str
    chapters: list[Chapter] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    @property
    def known(self) -> bool:
        """Whether ledger or books know the payment at all; where one of them is `unasked`, False says nothing."""
        return any(one.store in ("ledger", "books") and not one.missing for one in self.chapters)

    @property
    def unasked(self) -> list[str]:
        """Stores that could not be asked, or not for everything."""
        return list(dict.fromkeys(one.store for one in self.chapters if one.unreachable))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"known": self.known, "unasked": self.unasked}


def in_order(chapters: Sequence[Chapter]) -> list[Chapter]:
    """By time; one without a time stays behind the one before it, and what a store does not know comes last."""
    placed: list[tuple[int, int, Chapter]] = []
    at_ms = 0
    for place, one in enumerate(chapters):
        if not one.missing:
            at_ms = one.at_ms if one.at_ms is not None else at_ms
            placed.append((at_ms, place, one))
    told = [one for _, _, one in sorted(placed, key=lambda each: each[:2])]
    return told + [one for one in chapters if one.missing]


def id_time_ms(transfer_id: str) -> int | None:
    """When an id was made (UUIDv7), Unix ms; None where it is no id of ours."""
    return int(transfer_id[_TIME], 16) if is_id(transfer_id, transfer_id[_PREFIX]) else None
