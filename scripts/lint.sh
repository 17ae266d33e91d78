#!/usr/bin/env bash
# Style, types, contracts between rooms, protos.
set -euo pipefail
cd "$(dirname "$0")/.."
ruff check .
ruff format --check .
mypy
lint-imports
(cd protos && buf lint)
