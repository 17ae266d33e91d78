"""docs/ledger.md describes the ledger that there is."""

from __future__ import annotations

import re
from pathlib import Path

from services.payments.store import library

TEXT = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text()
SOURCE = library.source()


def _table() -> dict[str, str]:
    """Legs by the name of the event that they make."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in TEXT.splitlines() if line.startswith("| ")]
    by_event: dict[str, str] = {}
    for _, legs, _, events in rows[2:]:
        for event in re.findall(r"`(\w+)`", events):
            by_event[event] = by_event.get(event, "") + legs
    return by_event


def test_every_operation_has_its_row_and_every_row_its_operation() -> None:
    shapes = SOURCE[SOURCE.index("local SHAPES") : SOURCE.index("local REVERSES")]
    operations = set(re.findall(r"^  (\w+) += ", shapes, re.MULTILINE))
    assert len(operations) > 12
    assert set(_table()) == operations | {"reverse", "void", "expire"}


def test_every_kind_of_account_that_an_operation_posts_on_stands_in_its_row() -> None:
    source = SOURCE.replace("PAID,", "{['d:wallet,c:merchant,c:clearing,d:settlement,c:fee'] = 'anaaf'},")
    for event, legs in re.findall(r"^  (\w+) += (\{.*?\}),?$", source, re.MULTILINE | re.DOTALL):
        if event in ("disburse", "capture") or event not in _table():
            continue  # "as a payment", "as a transfer"
        kinds = set(re.findall(r"[dc]:(\w+)", legs))
        missing = [kind for kind in kinds if kind not in _table()[event]]
        assert not missing, f"{event}: {missing}"


def test_every_other_event_is_named() -> None:
    facts = set(re.findall(r"op = '(\w+)'", SOURCE)) | {"genesis", "promote"}
    assert len(facts) > 8
    assert not [event for event in facts if f"`{event}`" not in TEXT]
