# Everything that a target needs is set up first, once: .venv from requirements/KIND.txt.
PYTHON ?= $(firstword $(foreach v,3.13 3.12 3.11 3.10,$(shell command -v python$(v) >/dev/null 2>&1 && python$(v) -c '' 2>/dev/null && echo python$(v))) python3)
# cuda where the NVIDIA driver answers, else cpu; make KIND=cpu or KIND=cuda forces either.
# Asked once, not at each use of KIND; a driver that hangs is none.
ifndef KIND
KIND := $(shell timeout 10 nvidia-smi >/dev/null 2>&1 && echo cuda || echo cpu)
endif
# For the make that a target calls.
export KIND
GET_PYTHON := install one (Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python@3.13), or name it: make PYTHON=python3.12
VENV := .venv
READY := $(VENV)/ready-$(KIND)
INSTALLED := $(VENV)/installed-$(KIND)
EXTRAS := serve ray
ifneq ($(filter-out $(EXTRAS),$(EXTRA)),)
$(error EXTRA=$(EXTRA), but what can be installed on top is: $(EXTRAS))
endif
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
INSTALL_BROWSER := { $(SUDO) apt-get -q update && $(SUDO) apt-get install -qy chromium chromium-driver; } >/dev/null || { echo "install Chromium and its driver (Debian: chromium, chromium-driver)" >&2; exit 1; }
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

# make repro PHOTOS=FOLDER or PHOTOS=FOLDER make repro, and not of a make that a target calls. As it
# was typed: make would take a $ in a folder's name for a variable of its own.
ifneq ($(filter command environment,$(origin PHOTOS)),)
override PHOTOS := $(value PHOTOS)
export PHOTOS
OWN_PHOTOS := $(if $(filter 0,$(MAKELEVEL)),photos)
endif

.PHONY: help setup photos check repro experiments export resplit sweep verify reproduce flowers best defaults quick test drills browser lint doctor mend clean-cache bench
.DEFAULT_GOAL := help

help: ## show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 13

setup: $(INSTALLED) $(EXTRA:%=$(VENV)/extra-%) ## create the environment (KIND=cpu|cuda, PYTHON=python3.12, EXTRA=serve|ray)

$(READY): requirements/$(KIND).txt
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed; $(GET_PYTHON)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 10) <= v <= (3, 13) else "Python 3.10 to 3.13 is needed, this is %d.%d; $(GET_PYTHON)" % v)'
	@echo "Setting up $(CURDIR)/$(VENV), once: $$(grep -c == $<) packages for the $(if $(filter cuda,$(KIND)),GPU (several GB on disk),CPU (2.8 GB on disk)), among them TensorFlow, OpenVINO and DVC; about 3 minutes"
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); echo "no environment was made; Debian and Ubuntu keep what it needs in: apt-get install python3-venv" >&2; exit 1; }
	@python -m pip install --disable-pip-version-check --no-deps -r $<
	@touch $@

# On top of it, what a command beside the pipeline needs; a complete list too, of the same versions.
$(VENV)/extra-%: requirements/%.txt $(READY)
	@python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@

# The project itself, editable: an edited module needs no set-up.
$(INSTALLED): $(READY) pyproject.toml
	@python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

photos: $(INSTALLED)
	@transfer-learning photos "$$PHOTOS"

check: $(INSTALLED) $(OWN_PHOTOS) ## check params.yaml, all of it
	@transfer-learning check

repro: check ## rebuild what changed (set-up included; PHOTOS=FOLDER for your own photos)
	@dvc repro
	@transfer-learning receipt

export: check ## the selected classifier for use elsewhere: data/export, reports/export.md
	@dvc repro data/outputs/dvc.yaml

experiments: $(INSTALLED) ## DVC's experiments side by side, without the columns of hashes
	dvc exp show --only-changed --drop '.*(data|reports|src|stages)/.*'

resplit: N ?= 20
resplit: check ## how much is the split: N=20 random ones, from cached features
	@transfer-learning resplit --splits $(N)

sweep: N ?= 100
sweep: check ## which settings: N=100 heads of many, from cached features (SEED=0)
	@transfer-learning sweep --heads $(N) --seed $(or $(SEED),0)

mend: $(INSTALLED) ## remove what is damaged, in DVC's cache too; make repro rebuilds it
	@transfer-learning mend

clean-cache: $(INSTALLED) ## free what DVC's cache keeps and no branch, tag or experiment has (FORCE=1)
	@transfer-learning clean-cache $(if $(FORCE),--force)

verify: $(INSTALLED) ## compare what is here, byte by byte, with what is committed (AGAINST=REVISION|RECEIPT)
	@transfer-learning verify --against $(or $(AGAINST),HEAD)

reproduce: $(INSTALLED) ## build HEAD twice from nothing, in unlike surroundings, and compare
	@transfer-learning reproduce

flowers: $(INSTALLED) ## put presets/flowers.yaml in force and rebuild: the chapter's experiment
	@transfer-learning preset flowers
	@$(MAKE) --no-print-directory repro

best: $(INSTALLED) $(OWN_PHOTOS) ## the strongest in about an hour, on the photos that are there
	@transfer-learning preset best
	@$(MAKE) --no-print-directory repro

defaults: $(INSTALLED) ## back to the default parameters, and rebuild
	@transfer-learning preset defaults
	@$(MAKE) --no-print-directory repro

# A worker for each core; the tests that share a built clone or a browser run in one.
PYTEST := pytest --numprocesses auto --dist loadgroup

quick: lint ## lint, types and the tests that take a minute, also offline: what to run while working
	@$(PYTEST) -m "not (browser or dvc or network or drill or slow)"

test: $(INSTALLED) $(VENV)/extra-ray $(VENV)/extra-moto browser ## lint, types and all tests (set-up included)
	@$(MAKE) --no-print-directory lint
	@$(PYTEST)

drills: $(INSTALLED) ## the tests that try to break it, with ten times as many tries (DRILLS=100)
	@DRILLS=$(or $(DRILLS),10) $(PYTEST) -m drill

# The tests open reports/index.html in a real browser, which the package index does not have.
browser:
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || $(INSTALL_BROWSER)

lint: $(INSTALLED) ## ruff, mypy and the layers of the packages
	@ruff check . && ruff format --check . && mypy && lint-imports

doctor: $(INSTALLED) ## what this machine will use and why: GPU or CPU, and its speed
	@transfer-learning doctor

bench: $(INSTALLED) ## benchmarks/results: against the chapter's way, stages, rebuilds, growth (hours)
	@python -m benchmarks.bench
