#!/usr/bin/env bash
# Style, types, contracts between rooms, protos.
set -euo pipefail
cd "$(dirname "$0")/.."
ruff check .
ruff format --check .
mypy
lint-imports
cd protos
buf lint
# What clients were promised on main stays; where there is no history to compare with, there is no promise.
if command -v git >/dev/null && git -C .. rev-parse --verify --quiet main:protos/buf.yaml >/dev/null; then
    buf breaking --against "../.git#branch=main,subdir=protos"
fi
