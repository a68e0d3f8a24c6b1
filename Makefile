# What a person types. On a fresh machine only `make` and Python 3.11 or later are needed: the first target that
# wants a virtual environment makes one in .venv and installs the versions pinned in .ci/constraints.txt.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
PINS   := .ci/constraints.txt
# Python compiles what is imported, when it is. Pip would compile all there is, which takes as long as to install it.
INSTALL := $(PIP) install --no-compile -c $(PINS) -e

# A stamp is younger than what it was made from; then there is nothing to do.
PROGRAM := $(VENV)/.program
TOOLS   := $(VENV)/.tools

DEMO_DIR ?= build/demo
WORKERS  ?= 2

# The tests start the program often; what is compiled once is kept, whatever the machine says.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install format lint types test bench golden revision demo packaging browser \
        postgres check corpus rate-cards sample-logs constraints clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("metering needs Python 3.11 or later; try make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo "making $(VENV), once" >&2
	@$(PYTHON) -m venv $(VENV)

$(PROGRAM): pyproject.toml $(PINS) | $(VENV)/bin/python
	@echo "installing what metering needs, at the versions of $(PINS)" >&2
	@$(INSTALL) .
	@touch $@

# Compiling a library may warn, which a test would take for an error: so all of it is compiled beforehand.
$(TOOLS): pyproject.toml $(PINS) | $(VENV)/bin/python
	@echo "installing the tools of the house, at the versions of $(PINS)" >&2
	@$(INSTALL) '.[dev]'
	@$(BIN)/python -m compileall -qq -j $(WORKERS) $(VENV)/lib || true
	@touch $@ $(PROGRAM)

install: $(TOOLS) ## make .venv with the project, editable, and its tools

format: $(TOOLS) ## rewrite the code in the house's layout
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format --quiet .

lint: $(TOOLS) ## look for mistakes and for layout, changing nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(TOOLS) ## check the types, strictly
	$(BIN)/mypy

# A file stays on one worker, since its tests share what they made. Left in their order, the long ones (browser, e2e,
# property) come first, and the short ones at the end even out the workers.
test: $(TOOLS) ## run every test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

browser: $(TOOLS) ## only the tests that open a page in Chromium
	$(BIN)/python -m pytest -m browser

packaging: $(TOOLS) ## only the tests that build and install the wheel
	$(BIN)/python -m pytest -m packaging

postgres: $(TOOLS) ## only the tests that start a PostgreSQL server
	$(BIN)/python -m pytest -m postgres

check: lint types test ## what must be green before a change is handed in

corpus: $(TOOLS) ## damage a file of every format in hundreds of ways, and read each
	$(BIN)/python -m pytest -q tests/property/test_every_format_holds.py --damages 200

bench: $(TOOLS) ## measure speed and memory against bare DuckDB
	$(BIN)/python -m tests.benchmarks

demo: $(PROGRAM) ## build a ledger from the sample company and show how it ties to the invoices
	@rm -rf $(DEMO_DIR)
	@$(BIN)/metering demo --out $(DEMO_DIR)

golden: $(TOOLS) ## rewrite the expected files and show what changed
	-$(BIN)/python -m pytest -q --update-golden tests
	git diff --stat -- tests

revision: $(TOOLS) ## draft a migration: make revision m="say what changes"
	@test -n "$(m)" || { echo 'say what changes: make revision m="…"' >&2; exit 2; }
	@mkdir -p build && rm -f build/draft.sqlite
	METERING_BOOKS_URL=sqlite:///build/draft.sqlite $(BIN)/alembic upgrade head
	METERING_BOOKS_URL=sqlite:///build/draft.sqlite $(BIN)/alembic revision --autogenerate -m "$(m)"

rate-cards: $(TOOLS) ## write the list prices again from the installed genai-prices
	$(BIN)/python -m metering.rate_cards.seed

sample-logs: $(TOOLS) ## write the sample company again; the bytes must not change
	$(BIN)/python -m tests.sample_company.generate
	git diff --stat -- sample_logs tests/sample_company

constraints: ## resolve every pin anew, in an environment of its own
	rm -rf build/resolve
	$(PYTHON) -m venv build/resolve
	build/resolve/bin/python -m pip --disable-pip-version-check --quiet install '.[dev]'
	build/resolve/bin/python -m pip freeze --exclude metering > $(PINS)
	rm -rf build/resolve

clean: ## remove what the other targets made
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
