# The daily commands; `make help` lists them. Everything runs out of .venv, which `make setup` builds once.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help

help:  ## list the daily commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: .venv/.ready web/dist/.ready  ## build .venv and the web page (once)

.venv/.ready: requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "penstock needs Python >= 3.11; name one with: make setup PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "this Python has no ensurepip; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

web/dist/.ready: web/package.json web/package-lock.json $(wildcard web/src/*) web/bundle.sh web/bundle.mjs web/tsconfig.json web/.npmrc | .venv/.ready
	PATH="$(CURDIR)/$(BIN):$$PATH" sh web/bundle.sh
	@touch $@

test: setup  ## run the tests: cores, then sockets, then ffmpeg and browsers
	$(BIN)/pytest

check: setup  ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fmt: setup  ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

demo: setup  ## encode a clip, serve it through the caches, play it, write report/
	$(BIN)/penstock demo

bench: setup  ## run the benchmarks and print their tables
	$(BIN)/pytest benchmarks --benchmark-enable --benchmark-only --benchmark-columns=median,iqr,ops,rounds --benchmark-sort=name

soak: setup  ## the long tests
	$(BIN)/pytest -m soak

lock: .venv/.ready  ## pin the dependencies anew (hashes, no addresses)
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --quiet --output-file requirements/dev.lock
	$(BIN)/uv pip compile requirements/node.in --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --quiet --output-file requirements/node.lock

.PHONY: help setup test check fmt demo bench soak lock
