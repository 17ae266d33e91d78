#!/usr/bin/env bash
# The whole suite: lint first (it is fast), then pytest, then the workers' tests in a process that is monkey-patched.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/lint.sh
python -m pytest -q
python -m tests.worker -q
