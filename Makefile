.DEFAULT_GOAL := help
# Where it is set, each of the tests' processes would compile all it imports.
export PYTHONDONTWRITEBYTECODE :=
SHELL := bash
VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?= python3
MINUTES ?= 10
ROUNDS ?= 5
DEVICE ?= cuda:0
EXAMPLE := assets/examples/first-light.csv

.PHONY: help setup run check test tests ray nodes wild lint bench gpu clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/.ready  ## create .venv with the app and its development tools

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Promptsheet needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 ...")'
	@echo "Making $(VENV), and installing Promptsheet with its development tools into it."
	@echo "The first time that downloads about 2.8 GB with CUDA; packages that are there are left alone."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@
	@echo "Ready: $(BIN)/promptsheet opens the app, make run opens it with the example sheet."

run: setup  ## open the app with the example sheet; without a terminal, render it
	@if [ -t 0 ] && [ -t 1 ]; then $(BIN)/promptsheet $(EXAMPLE); else $(BIN)/promptsheet run $(EXAMPLE); fi

lint: setup  ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint  ## lint and the quick tests: two minutes or so
	$(BIN)/pytest -m "not slow"

test: setup  ## everything CI runs
	@$(MAKE) --no-print-directory --jobs=2 lint tests

tests: setup ray
	$(BIN)/pytest -rs

# Needed by tests alone: 79 MB, which neither setup nor run fetches. Nothing else moves by it.
ray: setup
	@$(BIN)/python -c 'import sys; from importlib.util import find_spec; sys.exit(not find_spec("ray"))' || \
	  $(BIN)/pip install --disable-pip-version-check --quiet --constraint constraints.txt ray || \
	  echo "Ray cannot be fetched: the tests of renderers on other machines are skipped."

nodes: setup ray  ## the tests on a Ray cluster alone, which is begun here
	$(BIN)/pytest -n0 -rs tests/ray

wild: setup  ## the property tests ROUNDS=5 times, each time with other examples
	for round in $$(seq $(ROUNDS)); do \
	  $(BIN)/pytest -m hypothesis --hypothesis-profile=wild || exit; done

bench: setup  ## the benchmarks and the long kill test
	$(BIN)/python -m tests.bench

gpu: setup  ## what only a GPU can tell, in at most MINUTES=10 on DEVICE=cuda:0
	$(BIN)/python -m tests.bench gpu --minutes $(MINUTES) --device $(DEVICE)

clean:  ## remove .venv and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
