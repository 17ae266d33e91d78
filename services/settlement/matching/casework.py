"""What people do with breaks, in MongoDB: look, assign, comment, propose, approve, reject, resolve.

Every change is one write on the condition that nobody was faster. Who decides names the version that they saw.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from kit.errors import Contention, InvalidArgument, NotFound
from services.settlement.matching import breaks, kept
from services.settlement.matching.breaks import Break, Correction, State
from services.settlement.matching.documents import AFTER_ALL, BEFORE_ALL, PAGE_MAX, BreakDocument

# Times that a change is tried again because somebody was faster.
_TRIES_MAX = 5


def load(break_id: str) -> Break:
    """One as it is now. Raises NotFound."""
    found = BreakDocument.objects(id=break_id).first()
    if found is None:
        raise NotFound(f"there is no break {break_id}")
    return kept.read(found)


def of_state(institution: str, state: State, after: str = "", limit: int = PAGE_MAX) -> tuple[list[Break], str]:
    """An institution's breaks in a state, the oldest first; and what to pass as `after` for the next page, or ""."""
    return _page(limit, institution=institution, state=state.value, recency__gt=after or BEFORE_ALL)


def active(institution: str, most: int) -> tuple[list[Break], bool]:
    """An institution's breaks of which somebody still has to do something, at most `most`; whether there are more."""
    found: list[Break] = []
    for state in breaks.ACTIVE:
        after, more = "", True
        while more and len(found) <= most:
            some, after = of_state(institution, state, after)
            found, more = found + some, bool(after)
    return found[:most], len(found) > most


def of_reconciliation(reconciliation_id: str, after: str = "", limit: int = PAGE_MAX) -> tuple[list[Break], str]:
    """The breaks that this reconciliation found last, the oldest first; and the next page's `after`, or ""."""
    return _page(limit, reconciliation_id=reconciliation_id, recency__gt=after or BEFORE_ALL)


def assign(break_id: str, version: int, owner: str, by: str, at: datetime) -> Break:
    """As breaks.assign. `version`: as the caller saw it. Raises Contention where it is another now."""
    return _act(break_id, version, lambda found: breaks.assign(found, owner, by, at))


def comment(break_id: str, text: str, by: str, at: datetime) -> Break:
    """As breaks.comment; takes nothing away from anybody, so that no version is asked."""
    return change(break_id, lambda found: breaks.comment(found, text, by, at))


def propose(
    break_id: str, version: int, resolution: str, correction: Correction | None, by: str, at: datetime
) -> Break:  # fmt: skip
    """As breaks.propose, of the version that the caller saw."""
    return _act(break_id, version, lambda found: breaks.propose(found, resolution, correction, by, at))


def approve(break_id: str, version: int, by: str, at: datetime) -> Break:
    """As breaks.approve, of the version that the caller saw: nobody approves what was changed under their eyes."""
    return _act(break_id, version, lambda found: breaks.approve(found, by, at))


def reject(break_id: str, version: int, why: str, by: str, at: datetime) -> Break:
    """As breaks.reject, of the version that the caller saw."""
    return _act(break_id, version, lambda found: breaks.reject(found, why, by, at))


def resolve(break_id: str, transfer_id: str, by: str, at: datetime) -> Break:
    """As breaks.resolve. The same transfer again changes nothing."""

    def posted(found: Break) -> Break:
        if found.transfer_id == transfer_id:
            return found
        return breaks.resolve(found, transfer_id, by, at)

    return change(break_id, posted)


def refused(approved: Break, why: str, by: str, at: datetime) -> Break:
    """As breaks.refused, of that approval only: another that was given since is not the one that was refused."""

    def back(found: Break) -> Break:
        if (found.state, found.proposal, found.approved_by) != (
            State.APPROVED, approved.proposal, approved.approved_by,
        ):  # fmt: skip
            return found
        return breaks.refused(found, why, by, at)

    return change(approved.id, back)


def _act(break_id: str, version: int, become: Callable[[Break], Break]) -> Break:
    found = load(break_id)
    if found.version != version:
        raise Contention("somebody else changed it just now: look again")
    return _save(found, become(found))


def change(break_id: str, become: Callable[[Break], Break]) -> Break:
    """Changes one whatever its version is, again where somebody was faster."""
    for left in reversed(range(_TRIES_MAX)):
        found = load(break_id)
        changed = become(found)
        try:
            return changed if changed is found else _save(found, changed)
        except Contention:
            if not left:
                raise
    raise AssertionError("unreachable")


def _save(before: Break, changed: Break) -> Break:
    assert changed.version == before.version + 1, f"{changed.id}: {before.version} became {changed.version}"
    values = {f"set__{name}": value for name, value in kept.values(changed).items()}
    if BreakDocument.objects(id=changed.id, version=before.version).update_one(**values) != 1:
        raise Contention("somebody else changed it just now: look again")
    return changed


def _page(limit: int, **chosen: Any) -> tuple[list[Break], str]:
    found = BreakDocument.objects(**chosen, recency__lt=AFTER_ALL)
    documents = list(found.order_by("recency").limit(page_size(limit) + 1))
    following = documents[limit - 1].recency if len(documents) > limit else ""
    return [kept.read(one) for one in documents[:limit]], following


def page_size(limit: int) -> int:
    if not 1 <= limit <= PAGE_MAX:
        raise InvalidArgument(f"limit: 1 to {PAGE_MAX}")
    return limit
