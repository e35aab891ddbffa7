# Needs Python 3.11 or newer, Node 20 or newer and make. Everything else is installed into .venv
# and server/tests/node/node_modules. `make` alone lists the targets.

.DEFAULT_GOAL := help
.PHONY: help setup dev check test generate bench campaign format clean

UV_VERSION := 0.13.8
VENV := .venv
BIN := $(VENV)/bin
UV := $(VENV)/uv/bin/uv
NODE_DIR := server/tests/node
STAMPS := $(VENV)/.stamps

# The first interpreter that starts and is new enough; override with `make PYTHON=...`.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& echo "$$python" && break; done)

# Where the tests run: processes that share one PostgreSQL, one more than two cores, since many wait. `make test ARGS="-k refund"` narrows.
TEST_PROCESSES ?= 3
ARGS ?=

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMPS)/python $(STAMPS)/node ## install everything into .venv and node_modules

dev: setup ## set up and serve: PostgreSQL, Redis, the API and a development account
	@exec $(BIN)/guilder dev $(ARGS)

check: setup ## lint, format, types, import law, contract, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/openapi-spec-validator openapi.yaml
	$(BIN)/python server/generate_wire.py --check

test: setup ## set up and pass every test
	$(BIN)/pytest -n $(TEST_PROCESSES) -m 'not campaign' $(ARGS)

generate: setup ## write what is generated from openapi.yaml
	$(BIN)/python server/generate_wire.py

format: setup ## format and sort the code, fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## measure speed on this machine; prints a table and a line of JSON
	$(BIN)/python bench/run.py $(ARGS)

campaign: setup ## search longer than `make test` does, for what it could have missed
	HYPOTHESIS_PROFILE=campaign $(BIN)/pytest -n $(TEST_PROCESSES) --timeout 3600 $(ARGS)

clean: ## remove .venv, node_modules and caches; the development data stays
	rm -rf $(VENV) $(NODE_DIR)/node_modules build dist
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# Compiled at once: some systems never write bytecode, and starting would be slow each time.
# A stamp is newer than what it was made from, so setting up a second time does nothing.
$(STAMPS)/uv-$(UV_VERSION):
	@test -n "$(PYTHON)" || { echo "Guilder needs Python 3.11 or newer on the PATH." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo \
		"Python could not make an environment; on Debian or Ubuntu: apt install python3-venv" >&2; \
		exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-warn-script-location \
		--upgrade --target $(VENV)/uv uv==$(UV_VERSION)
	@mkdir -p $(STAMPS)
	@touch $@

$(STAMPS)/python: pyproject.toml uv.lock $(STAMPS)/uv-$(UV_VERSION)
	@env -u VIRTUAL_ENV UV_PROJECT_ENVIRONMENT=$(VENV) UV_PYTHON_DOWNLOADS=never \
		$(UV) sync --frozen --quiet --compile-bytecode --python $(BIN)/python
	@touch $@

$(STAMPS)/node: $(NODE_DIR)/package.json $(NODE_DIR)/package-lock.json | $(STAMPS)/uv-$(UV_VERSION)
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null && command -v npm \
		>/dev/null || { echo "Guilder's tests need Node 20 or newer, with npm." >&2; exit 1; }
	@cd $(NODE_DIR) && npm ci --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@
