# forewarn: `make demo` and `make test` need only Python 3.11–3.13, make and a package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEVELOPING := $(VENV)/.developing
SYNC := VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv sync --quiet --frozen --active --inexact
DEMO ?= --robots 12 --days 2

.PHONY: install develop demo test test-long torture soak audit check format bench docs pictures clean help

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

install: $(INSTALLED) ## create .venv with the locked dependencies

$(INSTALLED): pyproject.toml uv.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
	$(SYNC) --no-default-groups --all-extras
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pipelines.precompile
	@touch $@

develop: $(DEVELOPING) ## install, and what tests and checks need

$(DEVELOPING): $(INSTALLED)
	$(SYNC)
	@touch $@

demo: install ## a synthetic fleet, pushed through every pipeline to a risk report
	$(BIN)/forewarn demo $(DEMO)

test: develop ## the test suite
	$(BIN)/pytest -n 2

test-long: develop ## soaks and long property runs
	$(BIN)/pytest -m long -n 2 --timeout 7200

torture: develop ## faults, abuse and concurrency at length, with a table of what was tried and went wrong; goes on where it was stopped
	$(SYNC) --group torture
	$(BIN)/python -m benchmarks.torture

soak: develop ## an hour of a daemon under a steady stream: memory, handles, latency
	$(BIN)/python -m benchmarks.soak --minutes 60

audit: develop ## known vulnerabilities of the locked dependencies, and a bill of materials in build/sbom.json
	$(SYNC) --group torture
	mkdir -p build
	$(BIN)/uv export --quiet --frozen --no-default-groups --all-extras --no-emit-project -o build/requirements.txt
	$(BIN)/uv export --quiet --frozen --no-default-groups --all-extras --format cyclonedx1.5 -o build/sbom.json
	$(BIN)/pip-audit --strict --requirement build/requirements.txt --require-hashes --disable-pip \
	  || { echo "audit failed: a version has a known hole, or could not be asked about (the index does not answer or does not know it); see above"; exit 1; }

check: develop ## format, lint, types, import directions, lock file
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/uv lock --check --quiet

format: develop ## format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: develop ## speed, as ratios against named peers
	$(SYNC) --group bench
	for name in extract join lookback pipeline engine models reports dashboard; do $(BIN)/python -m benchmarks.$$name || exit 1; done

docs: install ## the documentation site, in build/site
	$(SYNC) --group docs
	$(BIN)/python -m docs.generate
	$(BIN)/zensical build

pictures: develop ## the pictures of README and docs, of a demo in build/pictures
	$(BIN)/forewarn demo $(DEMO) --folder build/pictures
	$(BIN)/python -m docs.pictures build/pictures

clean: ## remove what was made, keep .venv
	rm -rf demo build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
