# `make demo` and `make test` set up all they need in .venv; a Python 3.11 or newer and the package index are enough.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
BUILT_FROM := pyproject.toml hatch_build.py otel_sessions/pdata/_wire.c

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench soak clean

help:
	@echo "make demo [ARGS=--once]  start the service, send chat sessions, show what came back"
	@echo "make test [ARGS=...]     run the tests; ARGS goes to pytest"
	@echo "make lint                ruff, mypy, import-linter"
	@echo "make bench [ARGS=...]    the benchmarks, see benchmarks/README.md"
	@echo "make soak [ARGS=...]     kill -9 under load, a hundred times; ARGS=--help"

$(VENV)/.installed-demo: $(BUILT_FROM)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[embedded]'
	@touch $@

$(VENV)/.installed-dev: $(BUILT_FROM)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.installed-demo

demo: $(VENV)/.installed-demo
	$(BIN)/otel-sessions demo $(ARGS)

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks $(ARGS)

soak: $(VENV)/.installed-dev
	$(BIN)/python -m tests.soak $(ARGS)

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
