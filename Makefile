# forewarn: `make demo` and `make test` need only Python 3.11–3.13, make and a package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO ?= --robots 12 --days 2

.PHONY: install demo test test-long check format bench docs clean help

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

install: $(STAMP) ## create .venv with the locked dependencies

$(STAMP): pyproject.toml uv.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv sync --quiet --frozen --active
	$(BIN)/python -m pipelines.precompile
	@touch $@

demo: install ## a synthetic fleet, pushed through every pipeline to a risk report
	$(BIN)/forewarn demo $(DEMO)

test: install ## the test suite
	$(BIN)/pytest -n 2

test-long: install ## soaks and long property runs
	$(BIN)/pytest -m long -n 2 --timeout 7200

check: install ## format, lint, types, import directions, lock file
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/uv lock --check --quiet

format: install ## format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install ## speed, as ratios against named peers
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv sync --quiet --frozen --active --group bench
	for name in extract engine models reports; do $(BIN)/python -m benchmarks.$$name || exit 1; done

docs: install ## the documentation site, in build/site
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv sync --quiet --frozen --active --group docs
	$(BIN)/python -m docs.generate
	$(BIN)/zensical build

clean: ## remove what was made, keep .venv
	rm -rf demo build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
