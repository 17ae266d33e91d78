#!/usr/bin/env bash
# The whole suite, fast parts first. Workers' tests run in a monkey-patched process of their own (grpc hangs in one).
set -euo pipefail
cd "$(dirname "$0")/.."
# A developer's own engines must not become the tests'.
unset REDIS_URL LEDGER_URL MONGODB_URI
# Engines flush whatever they are told: where there are 4 GiB free in memory, thousands of tests do not wait for the
# disk. They flush as ever, and who is killed loses no more there. Stacks are on the disk.
scratch=${TMPDIR:-/tmp}
if [ -w /dev/shm ] && [ "$(df -Pk /dev/shm | awk 'END { print $4 }')" -gt $((4 << 20)) ]; then
    scratch=/dev/shm
fi
# Neither uses more than one processor: side by side.
scripts/lint.sh &
workers=0
PYTEST_DEBUG_TEMPROOT=$scratch python -m tests.worker -q || workers=$?
wait $!
[ "$workers" = 0 ] || exit "$workers"
PYTEST_DEBUG_TEMPROOT=$scratch python -m pytest -q -n 2 --dist loadfile -m "not system" --ignore tests/system
# Stacks side by side: who shares one, in which order, is told by tests/system/conftest.py.
python -m pytest -q -n 2 --dist loadscope --no-loadscope-reorder -m system tests/system tests/loadtests
