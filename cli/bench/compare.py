"""`cho bench compare A B`: what changed between two runs of one bench."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from cli.bench.record import Figures, Run, RunUnreadable, read

# Changes below it are not called better or worse: two runs of the same code differ by as much.
ALIKE = 0.05
# What makes a machine the same one, as far as speed goes.
_SAME = ("processor", "architecture", "cores", "memory_mb")
# Without these a run is no figure, however fast.
_TRUE = ("balanced", "tied")
# By a figure's whole name, "payment_ms.p99" say; the first that matches decides.
_HIGHER = re.compile(r"per_s\b|ratio")
_LOWER = re.compile(r"_ms\b|_us\b|_us_|_s\b|_mb\b|bytes|failed|broken|unheard|lag|behind")


@dataclass(frozen=True, slots=True)
class Change:
    """One figure in both runs. `verdict`: "better", "worse", or "" where it is alike or has no better side."""

    name: str
    old: float
    new: float
    verdict: str

    @property
    def ratio(self) -> float | None:
        """New over old; None where there was none."""
        return self.new / self.old if self.old else None


def compare(
    old: Path = typer.Argument(help="A run's file."),
    new: Path = typer.Argument(help="Another of the same bench."),
    anyway: bool = typer.Option(False, "--anyway", help="Also where machine, bench or options differ."),
    as_json: bool = typer.Option(False, "--json"),
) -> None:
    """What changed between two runs: old, new, ratio, better or worse. Exit status 2 where they cannot be compared."""
    try:
        runs = read(old), read(new)
    except RunUnreadable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    differ = differences(*runs)
    if differ and not anyway:
        typer.echo(
            f"These runs cannot be compared: {'; '.join(differ)}. Repeat one of them alike, or add --anyway.", err=True
        )
        raise typer.Exit(2)
    found = changes(runs[0].figures, runs[1].figures)
    if as_json:
        rows = [{"name": c.name, "old": c.old, "new": c.new, "ratio": c.ratio, "verdict": c.verdict} for c in found]
        typer.echo(json.dumps({"differ": differ, "changes": rows}, indent=2, ensure_ascii=False))
    else:
        _show(runs, differ, found)


def differences(old: Run, new: Run) -> list[str]:
    """Why figures of these runs say nothing about each other; empty where they do."""
    found = [f"bench {old.bench} and {new.bench}"] if old.bench != new.bench else []
    pairs = [(name, old.machine.get(name), new.machine.get(name)) for name in _SAME]
    pairs += [(name, old.asked.get(name), new.asked.get(name)) for name in sorted({*old.asked, *new.asked})]
    found += [f"{name} {a} and {b}" for name, a, b in pairs if a != b]
    both = (("old", old), ("new", new))
    return found + [f"the {w} run is not {name}" for w, run in both for name in _TRUE if run.figures.get(name) is False]


def changes(old: Figures, new: Figures) -> list[Change]:
    """The numbers that both have, in the order of the first."""
    after = dict(_numbers(new))
    return [Change(name, a, after[name], _verdict(name, a, after[name])) for name, a in _numbers(old) if name in after]


def _numbers(figures: Figures, before: str = "") -> Iterator[tuple[str, float]]:
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from _numbers(value, f"{before}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{before}{name}", value


def _verdict(name: str, old: float, new: float) -> str:
    if abs(new - old) <= ALIKE * abs(old):
        return ""
    if _HIGHER.search(name):
        return "better" if new > old else "worse"
    if _LOWER.search(name):
        return "better" if new < old else "worse"
    return ""


def _show(runs: tuple[Run, Run], differ: list[str], found: list[Change]) -> None:
    console = Console()
    for word, run in zip(("old", "new"), runs, strict=True):
        console.print(f"{word}: {run.bench}, {run.at:%Y-%m-%d %H:%M} UTC, {_commit(run.commit)}", highlight=False)
    for line in differ:
        console.print(f"[yellow]differs: {line}")
    table = Table("", "old", "new", "new / old", "")
    for column in table.columns[1:4]:
        column.justify = "right"
    for change in found:
        ratio = "" if change.ratio is None else f"{change.ratio:.3f}"
        table.add_row(change.name, f"{change.old:g}", f"{change.new:g}", ratio, change.verdict)
    console.print(table)


def _commit(commit: Any) -> str:
    head, changed = str(commit.get("commit", ""))[:10], commit.get("files_changed_since", 0)
    return f"commit {head or 'unknown'}{f' and {changed} changed files' if changed else ''}"
