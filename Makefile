# `make` lists the targets. What they make stays in this folder: .venv, .venv-*, .demo, and in sdk/
# node_modules and dist.

.DEFAULT_GOAL := help
.PHONY: help venv node demo test lint types suite sdk-test others format bench soak pins clean
.NOTPARALLEL:

PY := .venv/bin/python
CANDIDATES := $(or $(PYTHON),python3.13 python3.12 python3.11 python3)
PYTEST := --quiet --numprocesses 2 --dist loadgroup
title = @printf '\n=== %s\n' "$(1)"

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

venv: ## make .venv with what development needs; PYTHON=… says with which Python
	@tools/venv .venv requirements-dev.txt $(CANDIDATES)

node:
	@tools/node sdk/typescript sdk/typescript/runtimes
	@npm --prefix sdk/typescript run --silent build

test: lint types suite sdk-test others ## everything that CI checks

lint: venv ## ruff: rules and format
	$(call title,lint)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

# The wrapper of pyright says when there is a newer one, but the pin decides.
types: export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
types: venv ## mypy and pyright, both strict
	$(call title,types)
	$(PY) -m mypy
	$(PY) -m pyright --pythonpath $(PY)

suite: venv node ## the whole suite on the Python of .venv, with coverage
	$(call title,the suite with coverage)
	@tools/chromium
	@$(PY) --version
	@$(PY) -m coverage erase
	$(PY) -m coverage run -m pytest $(PYTEST)
	@$(PY) -m coverage combine --quiet
	$(PY) -m coverage report --skip-covered

# With COVERAGE_FILE, what the suite has measured stays.
sdk-test: export COVERAGE_FILE := .coverage.sdk
sdk-test: venv node ## the tests of both SDKs: Python with coverage, TypeScript on each runtime
	$(call title,the Python SDK)
	@$(PY) -m coverage erase
	$(PY) -m coverage run --source conductor_sdk -m pytest $(PYTEST) sdk/python/tests
	@$(PY) -m coverage combine --quiet
	$(PY) -m coverage report --skip-covered
	$(call title,the TypeScript SDK)
	npm --prefix sdk/typescript test

others: venv node ## the suite on the other Pythons (3.11 to 3.13) that are installed
	@tools/other-pythons $(PYTEST) -m "not once"

format: venv ## let ruff put everything in order
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: export PYTHONPATH := sdk/python/src
bench: ## how fast it is, beside a floor and peers; ONLY=added,cold for some sections
	@tools/venv .venv-bench bench/requirements.txt $(CANDIDATES)
	@.venv-bench/bin/python bench/run.py $(if $(ONLY),--only $(ONLY))

soak: export BEARER_AUTH_SOAK := 1
soak: venv ## revocation under load on each database, 300 rounds; five minutes of schemathesis
	$(PY) -m pytest --quiet tests/freshness tests/examples/test_schemathesis.py

demo: ## a real server with real keys, and its dashboard; PORT=8000 to move it, CHECK=1 to check it and stop
	@tools/venv .venv-demo examples/requirements.txt $(CANDIDATES)
	@.venv-demo/bin/python examples/demo --port $(or $(PORT),8000) $(if $(filter-out 0,$(CHECK)),--check)

pins: COMPILE = $(PY) -m uv pip compile --quiet --universal --python-version 3.11 \
    --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml
pins: venv ## write the three files of pinned packages anew, with the newest versions
	$(PY) -m pip install -qq uv
	$(COMPILE) --extra dev --upgrade --output-file requirements-dev.txt
	$(COMPILE) --extra all --group demo --constraint requirements-dev.txt \
	    --output-file examples/requirements.txt
	$(COMPILE) --extra all --group bench --constraint requirements-dev.txt --upgrade \
	    --output-file bench/requirements.txt

clean: ## remove all that the other targets made
	rm -rf .venv .venv-* .demo .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache \
	    .ruff_cache build dist htmlcov sdk/*/dist sdk/*/*.tgz
	find sdk -name node_modules -type d -prune -exec rm -rf {} +
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
