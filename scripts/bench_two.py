"""Two checkouts measured in turns: what a change gave, where the machine is never quiet enough for one run each.

    python scripts/bench_two.py OLD NEW [SECONDS [ROUNDS]]

Each is a checkout with its own `.venv` (`make .venv/.runtime`). A stack of each stands all the while; slices of echo
and payments at 128 connections alternate between them. Prints CPU microseconds a call by process: old, new, new / old.
Echo's are beside it: what moved there too is the path's, not the payment's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

CONNECTIONS = 128
SECONDS_MAX, ROUNDS_MAX = 30.0, 20
# Its own, and not the bench's: a checkout may be of any age.
MACHINE = {"CHO_RATE_SCALE": "10000", "CHO_PAYMENTS_A_MINUTE": "1000000", "CHO_ANSWERED_SOON_MS": "10000"}
PATHS = {"pay": "/v1/payments", "echo": "/v1/echo"}


def hold() -> None:
    """Runs in a checkout: starts its stack, then measures a slice for every line of input, "pay 3" say."""
    from rich.console import Console

    from cli.bench import payments as bench
    from cli.load import run
    from cli.stack import Stack

    with (
        tempfile.TemporaryDirectory(prefix="cho-bench-") as home,
        Stack(Path(home), seed=True, env=MACHINE) as at,
    ):
        merchant_id, payers, vendor = bench.people_of(at, Console(stderr=True))
        host, port = at.settings().gateway_host, at.settings().gateway_port
        makers = {
            what: [bench.maker(path, payers[i % len(payers)], [merchant_id]) for i in range(CONNECTIONS)]
            for what, path in PATHS.items()
        }
        for requests in makers.values():
            run(host, port, requests, bench.WARM_UP_S)
        bench.drain(at)
        with bench._Listening(at, vendor, merchant_id):  # that the stall hears of it is part of a payment
            print("ready", flush=True)
            for line in sys.stdin:
                what, seconds = line.split()
                used: dict[str, float] = {}

                def measured(what: str = what, seconds: float = float(seconds)) -> Any:
                    found = run(host, port, makers[what], seconds)
                    bench.drain(at)  # what a payment causes is its own, also when it comes later
                    return found

                outcome = bench.with_cpu(at, used, measured)
                print(json.dumps({"calls": len(outcome.latencies_ms), "cpu_s": used}), flush=True)


class Held:
    """One checkout's stack, and what its slices came to."""

    def __init__(self, tree: Path) -> None:
        python = tree.resolve() / ".venv" / "bin"
        env = os.environ | {"PATH": f"{python}:{os.environ['PATH']}"}
        self._process = subprocess.Popen(
            [python / "python", str(Path(__file__).resolve()), "--hold"], cwd=tree, env=env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.calls: Counter[str] = Counter()
        self.cpu_s: dict[str, Counter[str]] = {what: Counter() for what in PATHS}

    def until_ready(self) -> None:
        """Raises RuntimeError where its stack does not start."""
        assert self._process.stdout
        if self._process.stdout.readline().strip() != "ready":
            raise RuntimeError("a stack did not start: what it said is above")

    def measure(self, what: str, seconds: float) -> None:
        """One slice."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{what} {seconds}\n")
        self._process.stdin.flush()
        found = json.loads(self._process.stdout.readline())
        self.calls[what] += found["calls"]
        self.cpu_s[what].update(found["cpu_s"])

    def us(self, what: str, process: str) -> float:
        """CPU microseconds a call of one process, or of "all"."""
        used = self.cpu_s[what]
        return (used.total() if process == "all" else used[process]) * 1e6 / max(1, self.calls[what])

    def end(self) -> None:
        """Stops its stack."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def main(old: Path, new: Path, seconds: float, rounds: int) -> None:
    """Measures, and prints."""
    held = [Held(old), Held(new)]
    try:
        for one in held:
            one.until_ready()
        for number in range(rounds):
            for one in held if number % 2 else held[::-1]:
                for what in PATHS:
                    one.measure(what, seconds)
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
    finally:
        for one in held:
            one.end()
    before, after = held
    for what in PATHS:
        print(f"{what:<20} {'old':>8} {'new':>8} new / old   (calls: {before.calls[what]}, {after.calls[what]})")
        for name in ["all", *(name for name, _ in before.cpu_s[what].most_common())]:
            a, b = before.us(what, name), after.us(what, name)
            if a >= 2:
                print(f"{name:<20} {a:8.0f} {b:8.0f} {b / a:9.3f}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--hold"]:
        sys.path.insert(0, os.getcwd())  # this checkout's, not that of this file
        hold()
    else:
        _, _old, _new, *_more = sys.argv
        _seconds, _rounds = float(_more[0]) if _more else 3.0, int(_more[1]) if len(_more) > 1 else 6
        if not (0 < _seconds <= SECONDS_MAX and 0 < _rounds <= ROUNDS_MAX):
            sys.exit(__doc__)
        main(Path(_old), Path(_new), _seconds, _rounds)
