# `make demo` and `make test` set up everything they need; set-up that is done is skipped.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test test-slow lint format types docs bench bench-accuracy bench-generators check constraints clean

demo: $(VENV)/.ready
	$(BIN)/python -m divergences demo

# One process for each core, and one thread for each process.
test: $(VENV)/.ready-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile

test-slow: $(VENV)/.ready-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile -m slow

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.ready-dev
	$(BIN)/mypy

docs: $(VENV)/.ready-dev
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

bench: $(VENV)/.ready-dev
	$(BIN)/python -m tests.benchmarks

# Hours on two cores; it goes on where it was interrupted. Tables whose inputs are missing are left
# out and named: that of mutual information needs samples from an environment of its own. ARGS chooses, as in
# make bench-accuracy ARGS='--methods auto --only ring --fresh'.
bench-accuracy: $(VENV)/.ready-benchmarks
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.accuracy $(ARGS)
	$(BIN)/python -m tests.benchmarks.accuracy --render

# Hours, too, and it goes on in the same way: make bench-generators ARGS='--tasks grid --seeds 3 --jobs 2'.
bench-generators: $(VENV)/.ready-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.generators $(ARGS)
	$(BIN)/python -m tests.benchmarks.generators --render

check: test lint types docs

constraints: $(VENV)/.ready-dev
	@{ sed -n '/^#/p' constraints.txt; $(PIP) freeze | grep -E '^[A-Za-z0-9_.-]+==' | sed 's/+cpu//'; } > constraints.new
	@mv constraints.new constraints.txt

clean:
	rm -rf $(VENV) docs/_build docs/api/generated demo-output

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "divergences needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing divergences into $(VENV) (the first time downloads about 400 MB)"
	@$(PIP) install --constraint constraints.txt --editable ".[plots,dataframes]"
	@touch $@

$(VENV)/.ready-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing divergences and its development tools into $(VENV) (the first time downloads about 450 MB)"
	@$(PIP) install --constraint constraints.txt --editable ".[plots,dataframes,docs,dev]"
	@touch $(VENV)/.ready $@

$(VENV)/.ready-benchmarks: $(VENV)/.ready-dev
	@echo "Installing the peers that accuracy is compared with"
	@$(PIP) install --constraint constraints.txt --editable ".[benchmarks]"
	@touch $@
