"""Mutation testing of the money's rules: changes them one place at a time, and counts the changes that no test notices.

Prints the share of noticed ("killed") mutants, and fails below GOAL_PERCENT.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

GOAL_PERCENT = 80
STATS = Path("mutants/mutmut-cicd-stats.json")


def main() -> int:
    """The exit status."""
    if status := subprocess.run(["mutmut", "run", "--max-children", "2"]).returncode:
        return status
    subprocess.run(["mutmut", "export-cicd-stats"], check=True)
    stats = json.loads(STATS.read_text())
    killed = stats["killed"] + stats["timeout"]
    percent = 100 * killed / stats["total"]
    print(f"{killed} of {stats['total']} mutants killed: {percent:.1f} % (goal {GOAL_PERCENT} %).")
    print("`mutmut results` lists the rest, `mutmut show NAME` shows one.")
    return 0 if percent >= GOAL_PERCENT else 1


if __name__ == "__main__":
    sys.exit(main())
