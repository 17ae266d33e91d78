"""Reconciliations in MongoDB: a file counts once, and what a run found is stored once.

    reconciliation, new = store.register(scope, file, rules, by, at)
    outcome = engine.match(expected, entries, rules, folder, as_of, scope.stream)
    store.keep(reconciliation.id, outcome, rules, by, at)      # not for a dry run

What people then do with the breaks: services/settlement/matching/casework.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from typing import Any

from mongoengine.errors import NotUniqueError
from pymongo.errors import BulkWriteError

from kit.errors import DomainError, IdempotencyConflict, InvalidArgument, NotFound
from services.settlement.matching import breaks, kept, spool
from services.settlement.matching.breaks import UNDECIDED, Break, State
from services.settlement.matching.casework import change, page_size
from services.settlement.matching.documents import (
    AFTER_ALL,
    BEFORE_ALL,
    DOCUMENTS,
    PAGE_MAX,
    BreakDocument,
    ReconciliationDocument,
)
from services.settlement.matching.model import BreakType, Outcome, Totals, digest
from services.settlement.matching.rules import RuleSet

# Documents written or read back together.
_CHUNK = 200
# Kinds of files that hold all of their scope: a later one takes the place of an earlier. Others only add to it.
_WHOLE = ("camt.053", "mt940", "csv", "record", "napas")
_NO_TOTALS = {one.name: 0 for one in fields(Totals)}


@dataclass(frozen=True, slots=True)
class Scope:
    """What a reconciliation is of: an institution's account, which movements ("payouts", "net", "postings"), and the
    dates (both included) or the settlement window. `window` 0: none."""

    institution: str
    account: str
    what: str
    from_on: date
    until_on: date
    window: int = 0

    def __post_init__(self) -> None:
        """Raises InvalidArgument for words that would make one scope look like another."""
        for word in (self.institution, self.account, self.what):
            if not word or len(word) > 100 or "|" in word:
                raise InvalidArgument("institution, account and what: 1 to 100 characters without |")
        if self.until_on < self.from_on:
            raise InvalidArgument("until_on lies before from_on")

    @property
    def stream(self) -> str:
        """Without the dates: breaks are of this, so that a later day's file can close an earlier day's."""
        return f"{self.institution}|{self.account}|{self.what}"

    @property
    def key(self) -> str:
        return f"{self.stream}|{self.from_on}|{self.until_on}|{self.window}"


@dataclass(frozen=True, slots=True)
class File:
    """What identifies a statement in a file. `sha256`: hex, of the file's bytes; `kind`: as in StatementHead, "record"
    for a telecom's own, or "napas" for the switch's. Where the sender gives no message id, the name stands for it."""

    kind: str
    message_id: str
    statement_id: str
    sha256: str
    name: str


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """As it is kept. `state`: "registered" until an outcome is stored, then "stored"; `made`, `run`: Unix ms.
    `by_type`: active and decided breaks that the last run found, [count, đồng at risk] by type."""

    id: str
    institution: str
    stream: str
    scope: str
    kind: str
    message_id: str
    statement_id: str
    name: str
    sha256: str
    rules: str
    state: str
    made_by: str
    made_ms: int
    as_of: str = ""
    totals: Totals = field(default_factory=lambda: Totals(**_NO_TOTALS))
    by_rule: dict[str, int] = field(default_factory=dict)
    by_type: dict[str, list[int]] = field(default_factory=dict)
    breaks: int = 0
    at_risk: int = 0
    run_by: str = ""
    run_ms: int = 0


__all__ = [
    "DOCUMENTS",
    "File",
    "Reconciliation",
    "Scope",
    "by_scope",
    "check_new",
    "find",
    "id_of",
    "in_breaks",
    "keep",
    "reconciliation",
    "reconciliations",
    "register",
    "replaced",
    "stored",
    "told_apart",
]

# Files ------------------------------------------------------------------------------------------------------------


def id_of(scope: Scope, file: File) -> str:
    """What the reconciliation of this file is called."""
    return digest("rec", scope.stream, file.sha256, file.statement_id)


def told_apart(statement_ids: Sequence[str]) -> list[str]:
    """A file's statement ids in its order, no two alike: banks put a second day under the number of the first, or under
    none. The first keeps its own, the next get "#2", "#3", ..., and the same file gives the same again."""
    known, times, found = set(statement_ids), Counter[str](), list[str]()
    for one in statement_ids:
        times[one] += 1
        own = one
        while times[one] > 1 and (own := f"{one}#{times[one]}") in known:
            times[one] += 1
        known.add(own)
        found.append(own)
    return found


def register(scope: Scope, file: File, rules: RuleSet, by: str, at: datetime) -> tuple[Reconciliation, bool]:
    """The reconciliation of this file, and whether it is new: the same file again is answered with the earlier one.

    Raises IdempotencyConflict where the sender used a message id for another body, InvalidArgument without a sha256.
    """
    if len(file.sha256) != 64:
        raise InvalidArgument("sha256: 64 hex digits")
    id_ = id_of(scope, file)
    ms = kept.to_ms(at)
    document = ReconciliationDocument(
        id=id_, institution=scope.institution, stream=scope.stream, scope=scope.key, kind=file.kind,
        message_id=file.message_id or file.name, statement_id=file.statement_id or "-", name=file.name,
        sha256=file.sha256, rules=rules.version, rules_json=rules.to_json(), state="registered", made_by=by, made_ms=ms,
        recency=f"{ms:015d}-{id_}",
    )  # fmt: skip
    try:
        document.save(force_insert=True)
    except NotUniqueError as error:
        found = ReconciliationDocument.objects(id=id_).first()
        if found is None:
            raise _used(file) from error
        return _reconciliation(found), False
    return _reconciliation(document), True


def check_new(scope: Scope, file: File) -> None:
    """Keeps nothing. Raises IdempotencyConflict where `register` would."""
    there = ReconciliationDocument.objects(
        stream=scope.stream, kind=file.kind, message_id=file.message_id or file.name,
        statement_id=file.statement_id or "-",
    ).first()  # fmt: skip
    if there is not None and there.id != id_of(scope, file):
        raise _used(file)


def _used(file: File) -> DomainError:
    return IdempotencyConflict(
        f"message {file.message_id or file.name} was received with another body: ask the sender for a new one, under an"
        " id of its own"
    )


def find(reconciliation_id: str) -> Reconciliation | None:
    """One as it is now; None where there is none."""
    found = ReconciliationDocument.objects(id=reconciliation_id).first()
    return _reconciliation(found) if found is not None else None


def stored(streams: Iterable[str]) -> set[str]:
    """Those of these streams ("institution|account|what") of which a file was compared to its end."""
    wanted, found = sorted(set(streams)), set[str]()
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        found.update(ReconciliationDocument.objects(stream__in=chunk, state="stored").scalar("stream"))
    return found


def by_scope(stream: str) -> dict[str, str]:
    """What counts of a stream of whole files: for each scope's key the reconciliation that was stored last."""
    found = sorted(ReconciliationDocument.objects(stream=stream, state="stored"), key=lambda one: one.recency)
    return {one.scope: one.id for one in found}


def replaced(scope: Scope, file: File) -> list[str]:
    """Ids of reconciliations of this very scope in whose place this file's comes: of whole files, and of no other page
    of the same statement."""
    if file.kind not in _WHOLE:
        return []
    id_ = id_of(scope, file)
    found = ReconciliationDocument.objects(stream=scope.stream, scope=scope.key).limit(PAGE_MAX)
    return sorted(
        one.id for one in found
        if one.id != id_ and one.kind in _WHOLE and not _pages(one, file.sha256, file.statement_id or "-")
    )  # fmt: skip


def _pages(one: Any, sha256: str, statement_id: str) -> bool:
    """Whether a reconciliation is of another page of a statement ("S-7/2"), or of another statement of the file."""
    if one.sha256 == sha256:
        return True
    return one.statement_id != statement_id and _without_page(one.statement_id) == _without_page(statement_id)


def _without_page(statement_id: str) -> str:
    before, slash, page = statement_id.rpartition("/")
    return before if slash and page.isdecimal() else statement_id


def reconciliation(reconciliation_id: str) -> Reconciliation:
    """One as it is now. Raises NotFound."""
    found = find(reconciliation_id)
    if found is None:
        raise NotFound(f"there is no reconciliation {reconciliation_id}")
    return found


def reconciliations(institution: str, before: str = "", limit: int = PAGE_MAX) -> tuple[list[Reconciliation], str]:
    """An institution's, newest first; and what to pass as `before` for the next page, "" at the end."""
    found = ReconciliationDocument.objects(
        institution=institution, recency__gt=BEFORE_ALL, recency__lt=before or AFTER_ALL
    )
    documents = list(found.order_by("-recency").limit(page_size(limit) + 1))
    following = documents[limit - 1].recency if len(documents) > limit else ""
    return [_reconciliation(one) for one in documents[:limit]], following


# Outcomes ---------------------------------------------------------------------------------------------------------


def keep(reconciliation_id: str, outcome: Outcome, rules: RuleSet, by: str, at: datetime) -> Reconciliation:
    """Stores what a run found: once, however often it is stored, also after a crash in between.

    Breaks that it finds again are opened again where they were gone; those it no longer finds are gone. Raises
    NotFound, and InvalidArgument for an outcome of another scope.
    """
    run = ReconciliationDocument.objects(id=reconciliation_id).first()
    if run is None:
        raise NotFound(f"there is no reconciliation {reconciliation_id}: register its file first")
    if outcome.scope != run.stream:
        raise InvalidArgument(f"the outcome is of {outcome.scope}, and the reconciliation of {run.stream}")
    now = {
        finding.id: kept.of_finding(finding, run.institution, run.stream, run.scope, reconciliation_id, at)
        for finding in outcome.breaks
    }
    for chunk in _chunks(list(now.values())):
        for id_ in _insert(chunk):
            change(id_, lambda found: breaks.found_again(found, now[found.id], by, at))
    _close_gone(run, outcome, set(now), by, at)
    by_type: dict[str, list[int]] = {}
    for finding in outcome.breaks:
        count, at_risk = by_type.get(finding.type.value, (0, 0))
        by_type[finding.type.value] = [count + 1, at_risk + finding.at_risk]
    after = ReconciliationDocument.objects(id=reconciliation_id).modify(
        new=True, set__state="stored", set__as_of=outcome.as_of.isoformat(), set__rules=outcome.rules,
        set__rules_json=rules.to_json(),
        set__totals={one.name: getattr(outcome.totals, one.name) for one in fields(Totals)},
        set__by_rule=outcome.by_rule, set__by_type=by_type, set__breaks=len(outcome.breaks),
        set__at_risk=sum(finding.at_risk for finding in outcome.breaks), set__run_by=by, set__run_ms=kept.to_ms(at),
    )  # fmt: skip
    if after is None:
        raise NotFound(f"reconciliation {reconciliation_id} is gone: register its file again")
    return _reconciliation(after)


def _insert(new: list[Break]) -> list[str]:
    """Inserts those that are new; returns the ids of the others."""
    try:
        BreakDocument._get_collection().insert_many([kept.document(one) for one in new], ordered=False)
    except BulkWriteError as error:
        failed = error.details["writeErrors"]
        if any(one["code"] != 11000 for one in failed):
            raise
        return [new[one["index"]].id for one in failed]
    return []


def _close_gone(run: Any, outcome: Outcome, found: set[str], by: str, at: datetime) -> None:
    """Undecided breaks of this account that this run would have found, or whose movement it matched."""
    others = [one for one in _active_of(run.stream) if one.id not in found and one.state in UNDECIDED]
    if not others:
        return
    matched = _matched(outcome, {one.reference for one in others if one.reference})
    pages = {
        one.id for one in ReconciliationDocument.objects(stream=run.stream, scope=run.scope).limit(PAGE_MAX)
        if one.id != run.id and _pages(one, run.sha256, run.statement_id)
    }  # fmt: skip
    for one in others:
        in_place = one.scope == run.scope and run.kind in _WHOLE and one.reconciliation_id not in pages
        if one.reconciliation_id == run.id or in_place or (one.reference in matched and one.type in breaks.OF_OURS):
            change(one.id, lambda now: breaks.gone(now, run.id, by, at) if now.state in UNDECIDED else now)


def in_breaks(stream: str, types: Iterable[BreakType], references: Iterable[str]) -> set[str]:
    """Those of these references of which the stream has a break of one of these types, whatever was decided on it; one
    that is gone is none."""
    wanted, kinds, found = sorted(set(references)), [one.value for one in types], set[str]()
    for start in range(0, len(wanted), _CHUNK):
        those = BreakDocument.objects(stream=stream, type__in=kinds, reference__in=wanted[start : start + _CHUNK])
        found.update(one.reference for one in those.only("reference", "state") if one.state != State.GONE.value)
    return found


def _active_of(stream: str) -> Iterator[Break]:
    after = BEFORE_ALL
    while True:
        found = BreakDocument.objects(stream=stream, active=True, recency__gt=after, recency__lt=AFTER_ALL)
        documents = list(found.order_by("recency").limit(_CHUNK))
        yield from map(kept.read, documents)
        if len(documents) < _CHUNK:
            return
        after = documents[-1].recency


def _matched(outcome: Outcome, references: set[str]) -> set[str]:
    """Those of these references that the run matched."""
    if not references:
        return set()
    rows = spool.read(
        "SELECT DISTINCT reference FROM read_parquet($path) SEMI JOIN (SELECT unnest($references) AS reference)"
        " USING (reference)",
        path=str(outcome.matches), references=sorted(references),
    )  # fmt: skip
    return {reference for (reference,) in rows}


def _chunks(all_of: list[Break]) -> Iterable[list[Break]]:
    return (all_of[start : start + _CHUNK] for start in range(0, len(all_of), _CHUNK))


def _reconciliation(document: Any) -> Reconciliation:
    values = {one.name: getattr(document, one.name) for one in fields(Reconciliation)}
    given = {name: value for name, value in values.items() if value is not None}
    totals = Totals(**(_NO_TOTALS | dict(document.totals or {})))
    found = Reconciliation(**given | {"totals": totals, "statement_id": document.statement_id or ""})
    return replace(
        found,
        statement_id="" if found.statement_id == "-" else found.statement_id,
        by_rule=dict(document.by_rule or {}),
        by_type={name: list(pair) for name, pair in (document.by_type or {}).items()},
    )
