"""`python -m gateway --out FILE` writes Envoy's bootstrap; `--openapi` prints the API's description."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from gateway.bootstrap import bootstrap, write
from gateway.openapi import openapi
from kit.config import settings


def main(argv: Sequence[str] | None = None) -> None:
    """Does what the flags say; the program's own, unless given."""
    parser = argparse.ArgumentParser(prog="python -m gateway", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, metavar="FILE", help="write Envoy's bootstrap here, mode 0600")
    what.add_argument("--openapi", action="store_true", help="print the OpenAPI document")
    arguments = parser.parse_args(argv)
    if arguments.openapi:
        json.dump(openapi(), sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
    else:
        write(bootstrap(settings()), arguments.out)


if __name__ == "__main__":
    main()
