"""What officers' and operators' commands share, and what they say without a stack."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from cli import desk, main, reconcile, settle


def test_what_others_wrote_is_neither_markup_nor_a_control_sequence_in_a_table() -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    rows = desk.table("Của [bold]ai\x1b[2J", "text", "amount>")
    rows.add_row("[red]đỏ[/] [/closes nothing] \x1b[31mESC\r", "1 đ")
    console.print(rows)
    shown = console.export_text()
    assert "[red]đỏ[/] [/closes nothing]  [31mESC" in shown
    assert "[bold]ai" in shown
    assert "\x1b" not in shown


def test_times_are_told_in_vietnam_and_states_in_words() -> None:
    assert desk.moment("2026-11-25T18:00:00.5Z") == "2026-11-26 01:00:00"
    assert desk.moment(None) == ""
    assert [desk.state_of(name) for name in ("WINDOW_STATE_SETTLED", "PAYOUT_STATE_PAID")] == ["settled", "paid"]


def test_what_cannot_be_reached_is_told_without_the_librarys_own_words() -> None:
    error = OSError(
        "127.0.0.1:1: refused (configured timeouts: connect 20 s), Timeout: 10 s, Topology Description: <x>"
    )
    assert desk.unreachable(error) == "127.0.0.1:1: refused. cho status says what runs here"
    assert desk.unreachable(OSError()) == "OSError. cho status says what runs here"


@pytest.mark.parametrize("name", [*main.COMMANDS, *main.GROUPS])
def test_every_command_that_is_listed_is_there(name: str) -> None:
    module, attribute = main.COMMANDS.get(name) or (main.GROUPS[name][0], "app")
    found = main._get(module, attribute)
    assert isinstance(found, typer.Typer) if name in main.GROUPS else callable(found)


def test_an_option_before_a_command_of_settle_is_refused_and_not_passed_over() -> None:
    done = CliRunner().invoke(settle.app, ["--phone", "0900000005", "windows"])
    assert done.exit_code == 2
    assert "belongs behind the command" in done.output
    alone = CliRunner().invoke(settle.app, ["--timeout", "5"])
    assert (alone.exit_code, "is of --wait" in alone.output) == (2, True)


def test_how_far_a_file_is_read_is_seen_from_outside_of_its_reader(tmp_path: Path) -> None:
    path = tmp_path / "statement.xml"
    path.write_bytes(b"x" * 100_000)
    assert reconcile._position(path) is None
    with path.open("rb", buffering=0) as file:
        file.read(40_000)
        assert reconcile._position(path) == 40_000
