"""A break as a document: what is searched for as fields, its history as JSON, its facts as encrypted JSON.

Facts hold people's names and account numbers.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from kit.clock import from_ms
from kit.crypto import decrypt, encrypt
from services.settlement.matching.breaks import ACTIVE, Break, Correction, Event, Proposal, State
from services.settlement.matching.model import BreakType, Finding, Severity

_FIELD = "breaks.facts"
# Of a finding, what only people read.
_FACTS = ("expected", "expected_count", "expected_total", "entries", "entry_count", "entry_total", "suggestions")
_PLAIN = (
    "id", "institution", "stream", "scope", "reconciliation_id", "detail", "reference", "at_risk", "difference",
    "owner", "approved_by", "transfer_id", "version",
)  # fmt: skip


def to_ms(at: datetime) -> int:
    """Unix ms of an aware time."""
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)


def of_finding(
    finding: Finding, institution: str, stream: str, scope: str, reconciliation_id: str, at: datetime
) -> Break:  # fmt: skip
    """A new break from what a run found."""
    reference = finding.expected[0].reference if finding.expected else ""
    facts = {name: value for name, value in asdict(finding).items() if name in _FACTS}
    return Break(
        id=finding.id, institution=institution, stream=stream, scope=scope, reconciliation_id=reconciliation_id,
        type=finding.type, detail=finding.detail, severity=finding.severity,
        reference=reference or (finding.entries[0].reference if finding.entries else ""), due_on=finding.due_on,
        at_risk=finding.at_risk, difference=finding.difference,
        facts=json.dumps(facts, ensure_ascii=False, default=str, sort_keys=True), opened_at=from_ms(to_ms(at)),
    )  # fmt: skip


def values(found: Break) -> dict[str, Any]:
    """All fields but those that never change."""
    life = {
        "proposal": asdict(found.proposal) if found.proposal else None,
        "history": [asdict(event) for event in found.history],
    }
    return {name: getattr(found, name) for name in _PLAIN if name not in ("id", "institution", "stream")} | {
        "state": found.state.value,
        "active": found.state in ACTIVE,
        "type": found.type.value,
        "severity": found.severity.value,
        "due_on": found.due_on.isoformat(),
        "facts": encrypt(_FIELD, found.facts),
        "life": json.dumps(life, ensure_ascii=False, default=_text),
    }


def document(found: Break) -> dict[str, Any]:
    """A new break as MongoDB keeps it."""
    ms = to_ms(found.opened_at)
    return values(found) | {
        "_id": found.id,
        "institution": found.institution,
        "stream": found.stream,
        "opened_ms": ms,
        "recency": f"{ms:015d}-{found.id}",
    }


def read(stored: Any) -> Break:
    """A BreakDocument as a break."""
    life = json.loads(stored.life)
    # mongoengine keeps no empty text.
    plain: dict[str, Any] = {name: "" if getattr(stored, name) is None else getattr(stored, name) for name in _PLAIN}
    return Break(
        **plain,
        type=BreakType(stored.type),
        severity=Severity(stored.severity),
        state=State(stored.state),
        facts=decrypt(_FIELD, bytes(stored.facts)),
        due_on=date.fromisoformat(stored.due_on),
        opened_at=from_ms(stored.opened_ms),
        proposal=_proposal(life["proposal"]),
        history=tuple(Event(**event | {"at": datetime.fromisoformat(event["at"])}) for event in life["history"]),
    )


def _proposal(stored: dict[str, Any] | None) -> Proposal | None:
    if stored is None:
        return None
    correction = Correction(**stored["correction"]) if stored["correction"] else None
    return Proposal(stored["resolution"], correction, stored["by"], datetime.fromisoformat(stored["at"]))


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
