"""Breaks that no file shows: a file that never came, a net position that is disputed, an entry that the ledger refused.

    case = Case("VIETTEL", "net position", BreakType.DISPUTED, "NP-000012-VIETTEL", "DIFFERS", at_risk=77_000)
    cases.open_case(case, at)
    cases.close_case(case, "it is accepted now", at)

They live as every break does (breaks.py): somebody owns them, and two people resolve them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pymongo.errors import DuplicateKeyError

from kit.clock import VIETNAM
from services.settlement.matching import breaks, days, kept
from services.settlement.matching.breaks import UNDECIDED, Break, State
from services.settlement.matching.casework import change
from services.settlement.matching.documents import PAGE_MAX, BreakDocument
from services.settlement.matching.model import ANSWER_DAYS, BreakType, Severity, digest
from services.settlement.matching.rules import BANK

BY = "service:settlement"
SAID_MAX = 500


@dataclass(frozen=True, slots=True)
class Case:
    """`what`: which of the institution's affairs it is about; `reference`: of which one; both without "|". `detail`: a
    stable code, `said`: somebody's words, `at_risk` in đồng. What it is, and of what, is its id: told again, it is the
    same case."""

    institution: str
    what: str
    type: BreakType
    reference: str
    detail: str = ""
    said: str = ""
    at_risk: int = 0

    @property
    def stream(self) -> str:
        """As reconciliations' are, so that no two things are one."""
        return f"{self.institution}|{self.reference}|{self.what}"

    @property
    def id(self) -> str:
        """The break's id."""
        return digest("brk", self.stream, self.type.value)


def open_case(case: Case, at: datetime) -> bool:
    """Opens it; whether it is new. One that was closed as gone is opened again, with its history; what people decided
    stays decided."""
    now = _break(case, at)
    try:
        BreakDocument._get_collection().insert_one(kept.document(now))
    except DuplicateKeyError:
        change(case.id, lambda found: breaks.found_again(found, now, BY, at))
        return False
    return True


def close_case(case: Case, why: str, at: datetime) -> None:
    """Closes it as gone where nobody has decided yet; where there is none, nothing happens."""
    close_cases([case], why, at)


def close_cases(cases: Iterable[Case], why: str, at: datetime) -> None:
    """Closes those of them that there are and of which nobody has decided yet."""
    ids = [case.id for case in cases]
    for start in range(0, len(ids), PAGE_MAX):
        for there in BreakDocument.objects(id__in=ids[start : start + PAGE_MAX]):
            if State(there.state) in UNDECIDED:
                change(there.id, lambda found: breaks.gone(found, why, BY, at) if found.state in UNDECIDED else found)


def _break(case: Case, at: datetime) -> Break:
    severity = Severity.MEDIUM
    if case.at_risk >= BANK.critical_from:
        severity = Severity.CRITICAL
    elif case.at_risk >= BANK.high_from:
        severity = Severity.HIGH
    due_on = days.shift(at.astimezone(VIETNAM).date(), ANSWER_DAYS[severity])
    return Break(
        id=case.id, institution=case.institution, stream=case.stream, scope=case.stream, reconciliation_id="",
        type=case.type, detail=case.detail, severity=severity, reference=case.reference, due_on=due_on,
        at_risk=case.at_risk, difference=0, opened_at=at,
        facts=json.dumps({"said": case.said[:SAID_MAX]}, ensure_ascii=False),
    )  # fmt: skip
