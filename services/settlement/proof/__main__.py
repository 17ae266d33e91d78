"""Checks packs and proves lines, by hand:

    python -m services.settlement.proof check FOLDER KEYS.json      # exit 1 where something is wrong
    python -m services.settlement.proof line REPORT.csv NUMBER      # the proof's JSON, for check_proof.py

KEYS.json is what GET /v1/trust/keys answers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from services.settlement.proof import lines, manifest


def main(arguments: list[str]) -> int:
    """0: whole, or proved; 1: something is wrong; 2: not understood."""
    try:
        match arguments:
            case ["check", folder, keys]:
                findings = manifest.verify(Path(folder), json.loads(Path(keys).read_bytes()))
                for found in findings:
                    print(f"{found.code}  {found.name or folder}: {found.text}")
                print(f"{len(findings)} findings" if findings else "whole, and signed")
                return 1 if findings else 0
            case ["line", report, number]:
                sys.stdout.buffer.write(lines.as_json(lines.prove(Path(report), int(number))))
                return 0
    except (OSError, ValueError, IndexError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
