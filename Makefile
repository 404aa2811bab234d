# Everything that a target needs is set up first, once: .venv from requirements/KIND.txt.
PYTHON ?= $(firstword $(foreach v,3.13 3.12 3.11 3.10,$(shell command -v python$(v) >/dev/null 2>&1 && python$(v) -c '' 2>/dev/null && echo python$(v))) python3)
# cuda where the NVIDIA driver answers, else cpu; make KIND=cpu or KIND=cuda forces either.
KIND ?= $(shell nvidia-smi >/dev/null 2>&1 && echo cuda || echo cpu)
VENV := .venv
READY := $(VENV)/ready-$(KIND)
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PYTHONPATH := src

.PHONY: help setup check repro test lint
.DEFAULT_GOAL := help

help: ## show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(READY) ## create the environment (KIND=cpu|cuda, PYTHON=python3.12)

$(READY): requirements/$(KIND).txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 10) <= v <= (3, 13) else "Python 3.10 to 3.13 is needed, this is %d.%d; name one: make PYTHON=python3.12" % v)'
	$(PYTHON) -m venv --clear $(VENV)
	python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@

check: $(READY) ## check params.yaml, all of it
	@python -m transfer_learning.check

repro: check ## rebuild what changed (set-up included)
	@dvc repro

test: $(READY) ## lint, types and tests (set-up included)
	@$(MAKE) --no-print-directory lint
	@pytest

lint: $(READY) ## ruff and mypy
	@ruff check . && ruff format --check . && mypy
