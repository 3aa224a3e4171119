# One word for each thing one does here. Everything is set up on the way; uv is fetched when missing.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Compiled modules are kept: a model server that starts without them takes three times as long.
unexport PYTHONDONTWRITEBYTECODE
export UV_PYTHON_DOWNLOADS := never
# Registries are trusted as the machine trusts them, behind a company's own authority, too.
export UV_SYSTEM_CERTS := 1

UV := $(shell command -v uv 2>/dev/null || echo .venv/bin/uv)
BIN := .venv/bin
MLSERVER := .venv-mlserver/bin/mlserver

.PHONY: help setup controlplane tools demo test coverage check compiled bench clean

help:            ## What there is
	@grep -E '^[a-z]+: .*## ' $(MAKEFILE_LIST) | sed -E 's/: [^#]*## /\t/' | expand -t 14

setup: .venv/.ready $(MLSERVER)  ## Everything demo, test and check need

.venv/.ready: pyproject.toml uv.lock
	@started=$$(date +%s); \
	command -v uv >/dev/null || test -x .venv/bin/uv || { python3 -m venv .venv && .venv/bin/pip install -q uv; }; \
	$(UV) sync --frozen --quiet --inexact --group dev; \
	echo "installed deployer into .venv in $$(( $$(date +%s) - started )) s"
	@touch $@

$(MLSERVER): .venv/.ready examples/iris/requirements.txt
	@started=$$(date +%s); \
	$(UV) venv --quiet --allow-existing --python $(BIN)/python .venv-mlserver; \
	$(UV) pip install --quiet --python .venv-mlserver/bin/python -r examples/iris/requirements.txt; \
	echo "installed the model server into .venv-mlserver in $$(( $$(date +%s) - started )) s"
	@touch $@

demo: setup      ## Three stand-in clouds on this machine: deploy, lose one, upgrade, refuse, roll back, price
	$(BIN)/python examples/iris/demo.py

controlplane: .venv/.ready  ## The Kubernetes that tests run on: built once (7 minutes), where Go is
	@$(BIN)/python -m tests.cluster build

tools: controlplane  ## Others' programs that tests meet: object stores, OpenTofu, schemas, policies
	@$(BIN)/python -m tests.conformance.programs
	@$(BIN)/python tests/terraform/toolchain.py

test: setup controlplane  ## All tests
	$(BIN)/pytest -q -n 2

coverage: setup controlplane  ## All tests, and what they run of the code: half as long again
	$(BIN)/pytest -q -n 2 --cov --cov-report=term

check: setup     ## Lint, types, import contracts, lock, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(UV) lock --check --quiet
	$(BIN)/pytest -q tests/architecture

compiled: .venv/.ready  ## A wheel in dist/ whose router takes a third less CPU: needs a C compiler and Python's headers
	@started=$$(date +%s); \
	rm -rf dist .compiled; \
	HATCH_BUILD_HOOKS_ENABLE=1 $(UV) build --quiet --python $(BIN)/python --out-dir dist; \
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --target .compiled dist/*.whl; \
	PYTHONPATH=.compiled $(BIN)/python -P -c 'import deployer.routing.exchange as e; assert e.__file__.endswith(".so")'; \
	echo "compiled dist/$$(basename dist/*.whl) in $$(( $$(date +%s) - started )) s; unpacked in .compiled"

bench: setup     ## Benchmarks: ratios against a peer or a limit in the same run
	$(BIN)/python -m tests.bench

clean:           ## Remove what setup made
	rm -rf .venv .venv-mlserver .compiled dist .mypy_cache .ruff_cache .pytest_cache
