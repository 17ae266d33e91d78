"""Mutation testing of the ledger's functions: one small change in their text at a time, in a copy of the tree.

No library does this for Lua: comparisons are turned, arithmetic is swapped, guards and writes are dropped, each at a
random place, and the ledger's tests have to notice. Prints the survivors and the share of noticed mutants.

    python scripts/mutate_lua.py [COUNT] [SEED]
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

FUNCTIONS = Path("services/payments/store/functions")
TREES = ("kit", "services", "protos", "tests", "cli", "gateway", "loadtests", "simulators", "pyproject.toml")
PARTS = ("ledger", "ledger_guards", "ledger_holds", "ledger_between", "ledger_rules", "model")
TESTS = tuple(f"tests/payments/test_{part}.py" for part in PARTS)
TEST_S_MAX = 180
GOAL_PERCENT = 80
SWAPS = (
    (" >= ", " > "), (" > ", " >= "), (" <= ", " < "), (" < ", " <= "), (" == ", " ~= "), (" ~= ", " == "),
    (" + ", " - "), (" - ", " + "), (" and ", " or "), (" or ", " and "),
)  # fmt: skip
# Whole lines that can be dropped: refusals that stand in one line, and planned writes.
DROPPED = re.compile(r"^\s+(if .* return refuse\(.*end|writes\[#writes \+ 1\] = \{.*\})$")

Mutant = tuple[Path, int, str, str]


def mutants() -> Iterator[Mutant]:
    """Every change of one place: file, line number (from 0), what stands there, what comes instead."""
    for path in sorted(FUNCTIONS.glob("*.lua")):
        for number, line in enumerate(path.read_text().splitlines()):
            code = line.partition("--")[0]
            for old, new in SWAPS:
                for found in re.finditer(re.escape(old), code):
                    yield path, number, line, line[: found.start()] + new + line[found.end() :]
            if DROPPED.match(line):
                yield path, number, line, ""


def killed(copy: Path, mutant: Mutant) -> bool:
    """Whether the tests notice it."""
    path, number, _, instead = mutant
    text = path.read_text().splitlines(keepends=True)
    text[number] = instead + "\n"
    (copy / path).write_text("".join(text))
    environment = os.environ | {"PYTHONPATH": str(copy)}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-n", "0", *TESTS]
    try:
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=TEST_S_MAX)
    except subprocess.TimeoutExpired:
        return True
    finally:
        shutil.copy(path, copy / path)
    return done.returncode == 1


def main(count: int, seed: int) -> int:
    """The exit status: 0 where at least GOAL_PERCENT of `count` random mutants are noticed."""
    chosen = list(mutants())
    print(f"{len(chosen)} mutants; {count} of them, seed {seed}:", flush=True)
    chosen = random.Random(seed).sample(chosen, min(count, len(chosen)))  # noqa: S311 - a sample, not a secret
    noticed = 0
    with tempfile.TemporaryDirectory(prefix="cho-mutants-") as folder:
        copy = Path(folder)
        for name in TREES:
            (shutil.copytree if Path(name).is_dir() else shutil.copy)(name, copy / name)
        for number, mutant in enumerate(chosen, start=1):
            if killed(copy, mutant):
                noticed += 1
                continue
            path, line, old, new = mutant
            print(f"survived ({number}): {path.name}:{line + 1}\n  - {old.strip()}\n  + {new.strip()}", flush=True)
    percent = 100 * noticed / len(chosen)
    print(f"{noticed} of {len(chosen)} mutants killed: {percent:.1f} % (goal {GOAL_PERCENT} %)")
    return 0 if percent >= GOAL_PERCENT else 1


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*(arguments + [40, 1][len(arguments) :])))
