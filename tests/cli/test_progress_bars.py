"""Officers and operators see how far what takes long is: on a screen a bar, elsewhere (in a file, a job) none."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli import books, packs, reconcile, settle
from cli.api import Api

# So long that it is drawn, also where the machine is busy: bars are drawn ten times a second.
DRAWN_S = 0.4


def screen(is_one: bool = True) -> Console:
    return Console(file=io.StringIO(), force_terminal=is_one, width=120)


def drawn(console: Console) -> str:
    written: str = console.file.getvalue()  # type: ignore[attr-defined]
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written)


class Window(Api):
    """A gateway whose window is a little further at every look."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9")
        self.ended = iter((0, 3, 3, 7, 7, 10))

    def get(self, path: str, **query: str | int) -> Any:
        ended = next(self.ended)
        state = "SETTLED" if ended == 10 else "SETTLING"
        waits = "" if ended == 10 else f"{10 - ended} payouts"
        shown = {"state": f"WINDOW_STATE_{state}", "payouts": "10", "payouts_ended": str(ended), "waits_for": waits}
        return {"window": shown}


@pytest.mark.parametrize("is_one", [True, False])
def test_how_many_payouts_of_a_window_have_ended_is_seen_while_it_is_waited_for(
    is_one: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle, "LOOK_EVERY_S", DRAWN_S)
    console = screen(is_one)
    with Window() as api:
        assert settle.wait_settled(api, 12, None, console)
    assert bool(re.search(r"window 12 is settling .*[37]/10 payouts", drawn(console))) is is_one
    assert ("settling; still to do: 7 payouts" in drawn(console)) is not is_one
    assert ("━" in drawn(console)) is is_one


@pytest.mark.parametrize("is_one", [True, False])
def test_how_much_of_a_statement_was_read_is_seen(is_one: bool, tmp_path: Path) -> None:
    statement, console = tmp_path / "camt.053.xml", screen(is_one)
    statement.write_bytes(b"x" * 4_000_000)
    with reconcile._bar(statement, console), statement.open("rb", buffering=0) as file:
        file.read(3_000_000)
        time.sleep(4 * DRAWN_S)
    assert bool(re.search(r"reading .*3\.0/4\.0 MB", drawn(console))) is is_one
    assert ("━" in drawn(console)) is is_one


@pytest.mark.parametrize("is_one", [True, False])
def test_how_many_pages_of_the_books_were_verified_is_seen(is_one: bool) -> None:
    console = screen(is_one)
    with books._progress(console) as progress:
        task = progress.add_task("verifying", total=8)
        progress.advance(task, 5)
        time.sleep(2 * DRAWN_S)
    assert bool(re.search(r"verifying .*5/8", drawn(console))) is is_one


class _Download:
    """A reply that comes in two pieces."""

    def __enter__(self) -> _Download:
        return self

    def __exit__(self, *_: object) -> None: ...

    def raise_for_status(self) -> _Download:
        return self

    def iter_bytes(self) -> Any:
        yield b"x" * 600_000
        time.sleep(2 * DRAWN_S)
        yield b"x" * 400_000


def test_how_much_of_a_file_has_come_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    console, name = screen(), "report.W000012-VIETTEL.csv"
    with Api("http://127.0.0.1:9") as api:
        monkeypatch.setattr(api.http, "stream", lambda *_: _Download())
        said = {"institution": "VIETTEL", "files": [{"name": name, "kind": "report", "bytes": 1_000_000}]}
        packs._download(api, said, tmp_path, console)
    assert (tmp_path / name).stat().st_size == 1_000_000
    assert re.search(r"report\.W000012-VIETTEL\.csv .*0\.6/1\.0 MB", drawn(console))
