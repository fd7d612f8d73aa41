# `make demo` and `make test` set up all they need in .venv; a Python 3.11 or newer and the package index are enough.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
BUILT_FROM := pyproject.toml hatch_build.py otel_sessions/pdata/_wire.c proto/otel_sessions/v1/sessions.proto

OLD := import sys; v = sys.version_info; sys.exit(v < (3, 11) and "needs Python 3.11 or newer, found %d.%d" % v[:2])
WHICH := import sys; print(sys.version_info[:2], sys.base_prefix)

comma := ,
.DEFAULT_GOAL := help
.PHONY: help python demo test lint bench soak clean

help:
	@echo "make demo [ARGS=--once]  start the service, send chat sessions, show what came back"
	@echo "make test [ARGS=...]     run the tests; ARGS goes to pytest"
	@echo "make lint                ruff, mypy, import-linter"
	@echo "make bench [ARGS=...]    the benchmarks, see benchmarks/README.md"
	@echo "make soak [ARGS=...]     kill -9 under load, a hundred times; ARGS=--help"
	@echo "PYTHON=python3.12 with any of them takes another Python than python3"

# Whether there is a Python that will do; a $(VENV) of another one goes.
python:
	@command -v $(PYTHON) >/dev/null || { echo "needs Python 3.11 or newer, found no $(PYTHON)" >&2; exit 1; }
	@$(PYTHON) -c '$(OLD)' || { echo "take another one as in: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@if [ -e $(VENV) ] && [ "$$($(BIN)/python -c '$(WHICH)' 2>&1)" != "$$($(PYTHON) -c '$(WHICH)')" ]; then \
		echo "$(VENV) is of another Python: it is made anew"; rm -rf $(VENV); fi

# Of `pip install`: what it takes is about to be said, and how long it has been at it; what it made only stays when it is
# whole.
define install
	@echo "Setting up $(VENV) with $$($(PYTHON) --version): $(2), a minute or two the first time"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	@( s=0; while sleep 10 >/dev/null 2>&1; do s=$$((s + 10)); echo "  ... installing for $$s s"; done ) & said=$$!; \
	$(BIN)/python -m pip install -q --disable-pip-version-check --progress-bar off -e '.[$(1)]'; made=$$?; \
	kill $$said; [ $$made -eq 0 ] || { \
		ls $(VENV)/.installed-* >/dev/null 2>&1 || rm -rf $(VENV); \
		echo "the packages could not be installed, see above; run it again when that is mended" >&2; exit 1; }
endef

$(VENV)/.installed-demo: $(BUILT_FROM)
	$(call install,embedded$(comma)mcp,ClickHouse and 70 Python packages from the package index (some 200 MB))
	@touch $@

$(VENV)/.installed-dev: $(BUILT_FROM)
	$(call install,dev,ClickHouse and 130 Python packages from the package index (1.6 GB on disk))
	@touch $@ $(VENV)/.installed-demo

demo: python
	@$(MAKE) --silent --no-print-directory $(VENV)/.installed-demo
	@$(BIN)/otel-sessions demo $(ARGS)

# Four processes for two cores: each waits for about half of its time. Python may write what it compiles: tests start some
# hundred processes.
test: python
	@$(MAKE) --silent --no-print-directory $(VENV)/.installed-dev
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: python
	@$(MAKE) --silent --no-print-directory $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: python
	@$(MAKE) --silent --no-print-directory $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.suite $(ARGS)

soak: python
	@$(MAKE) --silent --no-print-directory $(VENV)/.installed-dev
	$(BIN)/python -m tests.soak $(ARGS)

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
