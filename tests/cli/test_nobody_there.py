"""Commands that ask the gateway say in one line that nobody answers, and what to look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import breaks, disburse, liquidity, payouts, settle, tax, trust
from kit.config import settings


@pytest.fixture(autouse=True)
def nobody_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CHO_HOME", str(tmp_path))
    monkeypatch.setenv("CHO_GATEWAY_PORT", "9")
    (tmp_path / "statement.jws").write_text("a.b.c")
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        (disburse.app, ["watch", "dis_1"]),
        (trust.app, ["statement", "VNPT", "2026-11-24"]),
        (trust.app, ["verify", "{home}/statement.jws"]),
        (settle.app, ["windows"]), (payouts.app, ["batches"]), (breaks.app, ["ls"]), (liquidity.app, ["show"]),
        (tax.app, ["thresholds"]), (tax.app, ["near", "2026"]),
    ],
    ids=lambda given: given[0] if isinstance(given, list) else "",
)  # fmt: skip
def test_it_is_said_in_one_line(tool: object, words: list[str], tmp_path: Path) -> None:
    words = [word.format(home=tmp_path) for word in words]
    done = CliRunner().invoke(tool, words, catch_exceptions=False)  # type: ignore[arg-type]
    assert (done.exit_code, len(done.output.splitlines())) == (2, 1), done.output
    assert "cho status" in done.output
