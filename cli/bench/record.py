"""A bench's run as a file: its figures, and what they mean little without (machine, versions, commit, settings).

`cho bench compare` reads two of them. Figures are named so that their unit and their better side can be told from the
name: `..._per_s` and `ratio...` are better when higher, `..._ms`, `..._us`, `..._s`, `..._mb` and `...bytes...` when
lower (compare.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from cli import machine as host
from kit.config import settings

FORMAT = 1
FILE_BYTES_MAX = 1 << 20
# The option of every bench.
OUT: Any = typer.Option(
    None, "--out", dir_okay=False, help="The file where the run is kept; CHO_HOME/bench/NAME-TIME.json unless given."
)

Figures = Mapping[str, Any]


class RunUnreadable(ValueError):
    """A file is no run of a bench."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(f"{file} is no run of a bench ({why}); `cho bench NAME --out FILE` writes one")


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `at` in UTC, `asked` the options that it was started with."""

    bench: str
    file: Path
    at: datetime
    asked: Mapping[str, Any]
    machine: Mapping[str, Any] = field(default_factory=host.hardware)
    versions: Mapping[str, str] = field(default_factory=host.versions)
    commit: Mapping[str, Any] = field(default_factory=host.commit)
    figures: Figures = field(default_factory=dict)

    def end(self, figures: Figures, as_json: bool, shown: str) -> None:
        """Writes the file, and says what was found: `shown`, or the figures as JSON."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(
            json.dumps(
                {
                    "format": FORMAT, "bench": self.bench, "at": self.at.isoformat(), "asked": dict(self.asked),
                    "machine": dict(self.machine), "versions": dict(self.versions), "commit": dict(self.commit),
                    "figures": dict(figures),
                },
                indent=2,
                ensure_ascii=False,
            )
            + "\n",
            encoding="utf-8",
        )  # fmt: skip
        typer.echo(json.dumps(figures, indent=2, ensure_ascii=False) if as_json else shown)
        typer.echo(f"kept in {self.file}", err=True)


def begin(bench: str, out: Path | None, **asked: Any) -> Run:
    """A run that starts now. Called before a stack changes this process's settings: its file is in the home of whoever
    asked, unless `out` names one."""
    at = datetime.now(UTC)
    file = out or settings().home / "bench" / f"{bench}-{at:%Y%m%dT%H%M%SZ}.json"
    return Run(bench, file.resolve(), at, asked)


def read(file: Path) -> Run:
    """A run that was kept. Raises RunUnreadable."""
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            raise RunUnreadable(file, f"more than {FILE_BYTES_MAX} bytes")
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise error if isinstance(error, RunUnreadable) else RunUnreadable(file, str(error)) from error
    if not isinstance(kept, dict) or kept.get("format") != FORMAT:
        raise RunUnreadable(file, "another format")
    try:
        return Run(
            str(kept["bench"]), file, datetime.fromisoformat(kept["at"]), kept["asked"],
            kept["machine"], kept["versions"], kept["commit"], kept["figures"],
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise RunUnreadable(file, f"incomplete: {error}") from error


def lines(figures: Figures) -> str:
    """Figures for people, one a line."""
    shown = []
    for name, value in figures.items():
        text = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        shown.append(f"{name.replace('_', ' '):<36} {text}")
    return "\n".join(shown)
