#!/usr/bin/env bash
# Resolves the lock files: names, versions and hashes, no hosts.
set -euo pipefail
cd "$(dirname "$0")/.."
lock() { uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet "$@"; }
lock -o runtime.txt runtime.in
lock -o dev.txt dev.in
lock -o bench.txt bench.in
lock -o bootstrap.txt bootstrap.in
lock -o web.txt web.in
lock --no-deps -o schemas.txt schemas.in
