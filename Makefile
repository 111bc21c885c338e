# Everything a developer runs. Each target does the set-up it needs; Python >= 3.10 is enough for `demo` and `test`.
# The real servers for the tests are built where Go, Maven and Java are installed; elsewhere their tests are skipped and say so.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=
C_SOURCES := $(wildcard otel_events/*.[ch] otel_events/*/*.[ch] otel_events/*/*/*.[ch])
# The libraries that are compared have plugins for pytest and Datasette, which must not get into the tests.
BENCH := $(VENV)/bench
BENCH_ARGS ?=
SOAK_ARGS ?=

.PHONY: help demo test lint types backends soak bench bench-scaling bench-where bench-view bench-page images dashboards format clean

help: ## Show this list.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.demo ## A real Datasette, a day of use, its events over OTLP, in the terminal and on a live page.
	$(BIN)/otel-events demo

test: $(VENV)/.dev lint types backends ## Lint, types and all tests, against the real servers.
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.dev ## ruff: rules and format.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev ## mypy, strict.
	$(BIN)/mypy

backends: ## Build the real servers into a cache outside the checkout; what is there is left alone.
	@$(PYTHON) -m tests.backends.build $(if $(REQUIRE_BACKENDS),,--available)

soak: $(VENV)/.dev backends ## The long ones: all failures, with the tables of docs/failures.md; outages of each server; Kafka.
	$(BIN)/python -m tests.matrix.soak $(SOAK_ARGS)
	$(BIN)/python -m tests.collector_config.soak_outages
	$(BIN)/python -m tests.collector_config.soak_kafka

bench: $(BENCH)/.bench backends ## What an event costs on each way, against a real Collector; see docs/performance.md.
	$(BENCH)/bin/python -m benchmarks.compare $(BENCH_ARGS)

bench-scaling: $(BENCH)/.bench backends ## How that changes with sizes, threads, numbers and a backlog.
	$(BENCH)/bin/python -m benchmarks.scaling $(BENCH_ARGS)

bench-where: $(BENCH)/.bench backends ## Where the time of an event goes.
	$(BENCH)/bin/python -m benchmarks.where $(BENCH_ARGS)

bench-view: $(VENV)/.dev ## What the receiver takes, and how fast its live page answers at a million events.
	$(BIN)/python -m benchmarks.receiver --json benchmarks/results/receiver.json
	$(BIN)/python -m benchmarks.live_page --json benchmarks/results/live_page.json

bench-page: $(VENV)/.dev ## Write the tables and the picture of docs/performance.md from benchmarks/results.
	$(BIN)/python -m benchmarks.page

images: $(VENV)/.dev ## Draw the pictures of the docs anew.
	$(BIN)/python docs/images/make.py
	SCREENSHOTS=1 $(BIN)/python -m pytest tests/page/browser/test_images.py

dashboards: $(VENV)/.dev ## Write the dashboards of collector-config/grafana anew.
	$(BIN)/python -B collector-config/grafana/make.py

format: $(VENV)/.dev ## Format and mend what ruff can.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove the environment and caches of this checkout.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

$(VENV)/.demo: pyproject.toml hatch_build.py $(C_SOURCES)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[all]"
	touch $@

# Dependency groups came with pip 25.1.
$(VENV)/.dev: $(VENV)/.demo
	$(BIN)/python -m pip install --quiet "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[all]" --group dev
	touch $@

$(BENCH)/.bench: pyproject.toml hatch_build.py $(C_SOURCES)
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet "pip>=25.1"
	$(BENCH)/bin/python -m pip install --quiet --editable ".[all]" --group bench
	touch $@
