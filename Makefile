# Every target does its own set-up: Python 3.11 or later, a C compiler and make are all it takes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
JOBS ?= 2
OUT ?= laconic-quickstart

.DEFAULT_GOAL := help
.PHONY: help setup quickstart test test-slow check docs bench clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(READY): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "laconic needs Python 3.11 or later, this is " + sys.version.split()[0] + ": name another one, as in make PYTHON=python3.11 setup")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

setup: $(READY)  ## the environment in .venv, with pinned versions

quickstart: setup  ## the main job on an embedded corpus, ending with a report to open
	$(BIN)/laconic quickstart --out $(OUT)

test: setup  ## the test suite
	$(BIN)/python -m pytest -n $(JOBS)

test-slow: setup  ## the tests that take long, too
	$(BIN)/python -m pytest -n $(JOBS) -m 'slow or not slow'

check: setup  ## format, lint, types, import contracts, docs built strict, code blocks of README and docs executed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	$(BIN)/python -m pytest -m 'slow or not slow' tests/architecture/test_docs_run.py

docs: setup  ## the documentation, served on this machine while you write
	$(BIN)/mkdocs serve

bench: setup  ## the benchmarks, one after the other; each adds a record to benchmarks/results
	@set -e; for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script; done

clean:  ## remove what was built; benchmarks/results and the environment stay
	rm -rf build dist site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis $(OUT)
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +
