#!/usr/bin/env bash
# The whole suite, fast parts first. Workers' tests run in a monkey-patched process of their own (grpc hangs in one).
set -euo pipefail
cd "$(dirname "$0")/.."
# A developer's own engines must not become the tests'.
unset REDIS_URL LEDGER_URL MONGODB_URI
scripts/lint.sh
python -m pytest -q -n 2 --dist loadfile -m "not system"
python -m tests.worker -q
# Stacks side by side: who shares one, in which order, is told by tests/system/conftest.py.
python -m pytest -q -n 2 --dist loadscope --no-loadscope-reorder -m system tests/system tests/loadtests
