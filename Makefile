# Every target makes its own .venv when there is none.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Two threads at most: small matrices on more cores only wait for each other.
export OMP_NUM_THREADS ?= 2
export OMP_WAIT_POLICY ?= PASSIVE
export GOMP_SPINCOUNT ?= 0
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false
export MPLBACKEND ?= agg

.PHONY: help install demo test test-all check lint format types bench notebooks clean

help:  ## List the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

install: $(STAMP)  ## Make .venv with everything for development.

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP)

demo: install  ## From nothing to demo/report.html, then live with and without the controller.
	$(BIN)/probexit demo --out demo

test: install  ## The default tests.
	$(BIN)/python -m pytest

test-all: install  ## All tests, the slow ones too.
	$(BIN)/python -m pytest -m "slow or not slow"

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: install  ## Format the code.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: install
	$(BIN)/mypy -p probexit

check: lint types test  ## ruff, format, mypy --strict and the tests: what CI runs.

bench: install  ## Measure: forced exits against re-prefilling, saved tokens against saved time.
	$(BIN)/python -m probexit.experiments.bench

notebooks: install  ## Execute the notebooks.
	$(BIN)/python -m pytest --nbmake --nbmake-timeout=600 experiments/notebooks

clean:  ## Remove what can be made again.
	rm -rf $(VENV) demo build *.egg-info probexit.egg-info .mypy_cache .ruff_cache .pytest_cache
