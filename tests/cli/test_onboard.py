"""`cho onboard` before it asks anybody: what it refuses at once, and how a market for measuring is made."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from cli import onboard
from cli.api import Api
from cli.bench import onboarding as bench
from kit.config import settings
from services.onboarding.bulk import columns, reading

TOOL = typer.Typer()
TOOL.command()(onboard.onboard)


@pytest.mark.parametrize(
    ("bytes_", "words", "said"),
    [
        (reading.FILE_BYTES_MAX + 1, [], "split it, a market at a time"),
        (10, ["--result", "out.pdf"], "--result ends with .xlsx or .csv"),
    ],
)
def test_what_cannot_be_sent_or_written_is_refused_before_anybody_is_asked(
    bytes_: int, words: list[str], said: str, tmp_path: Path
) -> None:
    file = tmp_path / "cho.csv"
    file.write_bytes(b"x" * bytes_)
    done = CliRunner().invoke(TOOL, [str(file), *words])
    assert (done.exit_code, said in done.output) == (2, True), done.output


def test_a_stack_that_is_not_there_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHO_HOME", str(tmp_path))
    monkeypatch.setenv("CHO_GATEWAY_PORT", "9")
    settings.cache_clear()
    file = tmp_path / "cho.csv"
    file.write_text("x")
    done = CliRunner().invoke(TOOL, [str(file)], catch_exceptions=False)
    settings.cache_clear()
    assert (done.exit_code, len(done.output.splitlines())) == (2, 1), done.output
    assert "cho status" in done.output


def test_a_market_for_measuring_is_as_many_rows_as_was_asked_for() -> None:
    heading, rows = reading.read(bench.market_file(120))
    assert set(heading.places) == set(columns.FIELDS)
    assert len(list(rows)) == 120


class _Importing(Api):
    """A gateway whose import moves on at every look."""

    def __init__(self, *figures: tuple[str, int]) -> None:
        super().__init__("http://127.0.0.1:9")
        self._figures = iter(figures)

    def get(self, path: str, **query: str | int) -> Any:
        state, done = next(self._figures)
        return {"import": {"import_id": "imp_1", "state": f"IMPORT_STATE_{state}", "rows": "40", "done": str(done)}}


def test_a_bar_shows_how_many_rows_of_how_many_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr(onboard, "Console", lambda **_: screen)
    monkeypatch.setattr(onboard, "LOOK_EVERY_S", 0.3)  # drawn ten times a second
    with _Importing(("RUNNING", 10), ("RUNNING", 30), ("DONE", 40)) as api:
        ended = onboard.watch(api, {"import_id": "imp_1", "state": "IMPORT_STATE_RUNNING", "rows": "40"}, "handing in")
    drawn = screen.file.getvalue()  # type: ignore[attr-defined]
    assert (ended["done"], "handing in" in drawn) == ("40", True)
    # Not every look is drawn on a busy machine.
    assert re.search(r"\b[13]0/40\b", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", drawn))
    assert "━" in drawn
