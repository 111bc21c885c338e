# Everything a developer runs. Each target does the set-up it needs; Python >= 3.10 is enough for `demo` and `test`.
# The real servers for the tests are built where Go is installed; elsewhere their tests are skipped and say so.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=

.PHONY: help demo test lint types backends bench images format clean

help: ## Show this list.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.demo ## A real Datasette, a day of use, its events over OTLP, in the terminal.
	$(BIN)/otel-events demo

test: $(VENV)/.dev lint types backends ## Lint, types and all tests, against the real servers.
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.dev ## ruff: rules and format.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev ## mypy, strict.
	$(BIN)/mypy

backends: ## Build the real servers into a cache outside the checkout; what is there is left alone.
	@if command -v go >/dev/null || [ -n "$$REQUIRE_BACKENDS" ]; then $(PYTHON) -m tests.backends.build; \
	else echo "Go is not installed: tests against the real servers will be skipped."; fi

bench: $(VENV)/.dev backends ## What an event costs on each pipeline, against a real Collector.
	$(BIN)/python -m benchmarks.pipelines

images: $(VENV)/.dev ## Draw the pictures of the docs anew.
	$(BIN)/python docs/images/make.py

format: $(VENV)/.dev ## Format and mend what ruff can.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove the environment and caches of this checkout.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

$(VENV)/.demo: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[all]"
	touch $@

# Dependency groups came with pip 25.1.
$(VENV)/.dev: $(VENV)/.demo
	$(BIN)/python -m pip install --quiet "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[all]" --group dev
	touch $@
