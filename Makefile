# Needs python3 (3.11 or newer), pip and make; everything else is set up in .venv.
#
# The package is built as a wheel and installed from it, so that what runs, and what is tested, is
# what users get.  Stamps in .venv/stamps remember what has been done; `make clean` forgets it all.

PYTHON ?= python3
WORKERS ?= 2
ARGS ?=
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
WHEELS := $(VENV)/wheels
CONSTRAINTS := .ci/constraints.txt
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# Directories too: removing a file must rebuild the wheel.
SOURCES := $(shell find src model -not -path '*/__pycache__*' -not -name '.*') \
  pyproject.toml README.md LICENSE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help setup demo test generate lint docs docs-serve bench clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  %-12s %s\n", $$1, $$2}'

setup: $(STAMPS)/dev $(STAMPS)/node ## Set up .venv with everything that development needs

demo: $(STAMPS)/base ## Run a whole workflow; options in ARGS="--servers 5"
	@$(BIN)/pingregistrywf demo $(ARGS)

test: $(STAMPS)/dev $(STAMPS)/node ## Run the tests against the built wheel; EXHAUSTIVE=1 adds the long ones
	$(BIN)/pingregistrywf generate --check
	PINGREGISTRYWF_WHEEL=1 $(BIN)/pytest -n $(WORKERS) --dist loadgroup --benchmark-disable $(PYTEST_ARGS)

generate: $(STAMPS)/dev ## Write all that is generated from model/
	$(BIN)/pingregistrywf generate

lint: $(STAMPS)/dev ## Check style, types, and which package imports which
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(STAMPS)/dev ## Build the site into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-serve: $(STAMPS)/dev ## Show the site, and build it anew at every change
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

bench: $(STAMPS)/dev ## Measure, and print the figures
	$(BIN)/pytest tests/benchmarks --benchmark-only --benchmark-columns=min,median,max,rounds $(PYTEST_ARGS)

clean: ## Remove .venv and all that was built
	rm -rf $(VENV) build dist site .benchmarks .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

# Some systems' python3 comes without ensurepip; its own pip then installs pip into .venv.
$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is no Python 3.11 or newer: install one, or name one with make PYTHON=..." >&2; exit 2; }
	@echo "setting up $(VENV)"
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
	  $(PYTHON) -m venv $(VENV); \
	else \
	  $(PYTHON) -m venv --without-pip $(VENV) && \
	  $(PYTHON) -m pip --quiet --disable-pip-version-check --python $(BIN)/python install pip; \
	fi
	@mkdir -p $(STAMPS)
	@touch $@

$(STAMPS)/wheel: $(SOURCES) | $(STAMPS)/venv
	@echo "building the wheel"
	@rm -rf $(WHEELS)
	@$(PIP) wheel --no-deps --wheel-dir $(WHEELS) .
	@touch $@

$(STAMPS)/package: $(STAMPS)/wheel
	@$(PIP) install --no-deps --force-reinstall $(WHEELS)/*.whl
	@touch $@

$(STAMPS)/base-libraries: pyproject.toml $(CONSTRAINTS) | $(STAMPS)/package
	@echo "installing what the package needs"
	@$(PIP) install --constraint $(CONSTRAINTS) $(WHEELS)/*.whl
	@touch $@

$(STAMPS)/dev-libraries: pyproject.toml $(CONSTRAINTS) | $(STAMPS)/package
	@echo "installing what development needs"
	@for wheel in $(WHEELS)/*.whl; do \
	  $(PIP) install --constraint $(CONSTRAINTS) "$$wheel[dev]"; done
	@touch $@

$(STAMPS)/base: $(STAMPS)/package $(STAMPS)/base-libraries
	@touch $@

$(STAMPS)/dev: $(STAMPS)/package $(STAMPS)/dev-libraries
	@touch $@

# No stamp without npm, so that installing npm is enough.  No lock file: it would name hosts.
$(STAMPS)/node: tests/browser/package.json | $(STAMPS)/venv
	@if command -v npm >/dev/null; then \
	  echo "installing what browser tests need" && mkdir -p $(VENV)/node && \
	  cp tests/browser/package.json $(VENV)/node/ && \
	  npm install --prefix $(VENV)/node --no-package-lock --no-audit --no-fund --ignore-scripts \
	    --loglevel=error && touch $@; \
	else echo "npm is not installed: the tests that need its packages are skipped"; fi
