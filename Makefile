# Chợ 4.0. `make` alone prints this help; everything sets itself up on a machine with Python >= 3.11 and nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run test demo loadtest fuzz bench chaos mutate lint protos screenshots k8s lock clean

help:  ## Show what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# uv is fast; where it cannot reach what pip can (certificates, mirrors that only pip knows), pip installs the same.
install = $(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python --compile-bytecode --require-hashes $(1) \
	|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes $(1)

# Stamp files: nothing is installed twice, and a changed lock file installs what changed.
$(VENV)/bin/uv:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: https://www.python.org"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) -V). Set PYTHON=python3.11"; exit 1; }
	@echo "Making a virtual environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bootstrap.txt

$(VENV)/.runtime: runtime.txt pyproject.toml | $(VENV)/bin/uv
	@echo "Installing what the platform runs on ..."
	@$(call install,-r runtime.txt)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: dev.txt schemas.txt $(VENV)/.runtime
	@echo "Installing what tests and builds need ..."
	@$(call install,-r runtime.txt -r dev.txt)
	@$(call install,--no-deps -r schemas.txt)
	@touch $@

# What the pages lean on; without it they work, but for reading QR codes on phones that cannot by themselves.
web/node_modules/.fetched: web/package-lock.json | $(VENV)/.runtime
	@echo "Fetching what the pages need ..."
	@scripts/web.sh && touch $@ || echo "Not fetched: phones without a QR reader of their own cannot scan."

run: $(VENV)/.runtime web/node_modules/.fetched  ## Run the platform with seeded data, in the foreground; Ctrl-C stops it
	@cho up

test: $(VENV)/.dev web/node_modules/.fetched  ## Run the whole test suite
	@scripts/test.sh

demo: $(VENV)/.runtime  ## A market morning end to end, on a stack of its own; the exit status says whether it held
	@cho demo

loadtest: $(VENV)/.dev web/node_modules/.fetched  ## A market day by Locust, counted to the đồng; LOADTEST_SECONDS=300 LOADTEST_USERS=100
	@$(BIN)/python -m loadtests.headless

fuzz: $(VENV)/.dev  ## Schemathesis against the gateway's document, as every role; CASES=10000
	@$(BIN)/python -m loadtests.fuzz

bench: $(VENV)/.runtime  ## Payments a second against an echo over the same path
	@cho bench payments

lint: $(VENV)/.dev  ## Style, types, contracts between rooms, protos
	@scripts/lint.sh

protos: $(VENV)/.dev  ## Generate code from protos/
	@scripts/generate_protos.sh

chaos: $(VENV)/.dev  ## kill -9 at random moments under load, then a market day in trouble; KILLS=1000, FAILOVERS=20
	@cho chaos --kills $(or $(KILLS),100) --failovers $(or $(FAILOVERS),5)
	@$(BIN)/python -m loadtests.headless --faults all --out out/chaos

mutate: $(VENV)/.dev  ## Mutation testing of the money's rules and of the ledger's functions; minutes
	@$(BIN)/python scripts/mutate.py
	@$(BIN)/python scripts/mutate_lua.py

screenshots: $(VENV)/.dev web/node_modules/.fetched  ## Pictures of the pages into docs/pictures, and how soon they can be used
	@$(BIN)/python scripts/screenshots.py

k8s: $(VENV)/.dev  ## Check the Kubernetes manifests
	@$(BIN)/python -m pytest -q tests/k8s

lock: $(VENV)/bin/uv  ## Resolve the lock files anew
	@scripts/lock.sh

clean:  ## Remove the virtual environment, caches and local state
	@rm -rf $(VENV) web/node_modules .cho .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
