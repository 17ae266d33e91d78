"""`cho limits show`: every rule that is in force, with days of Vietnam."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from cli import limits
from kit.config import settings
from services.payments.limits import in_force


def test_every_rule_is_shown_and_one_without_an_end_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    done = CliRunner().invoke(limits.app, ["show"])
    assert done.exit_code == 0, done.exception
    lines = done.stdout.splitlines()
    for rule in in_force(settings().payments_a_minute):
        assert any(line.split("│")[1].strip() == rule.rule_id for line in lines if line.count("│") > 1), rule.rule_id
    pilot = next(line for line in lines if "month-316" in line)
    assert [cell.strip() for cell in pilot.split("│")[5:7]] == ["2021-03-09", "2025-12-31"]
    now = next(line for line in lines if "month-368 " in line)
    assert [cell.strip() for cell in now.split("│")[5:7]] == ["2026-01-01", ""]
