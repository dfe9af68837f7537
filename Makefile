# `make demo` fits a map of MNIST, `make test` runs the fast tests, `make test-slow` the slow ones, and
# `make check` checks format, lint, types, imports and the documentation. `make benchmarks` measures
# everything anew, which takes hours. Each target installs what it needs first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TYPESCRIPT := 5.9.3
TSC := $(VENV)/typescript-$(TYPESCRIPT)/node_modules/.bin/tsc

PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder
SLOW := slow or ray or engine

.PHONY: demo test test-slow check format docs benchmarks clean

demo: $(INSTALLED)
	@mkdir -p demo
	cd demo && ../$(BIN)/latentmap fit mnist
	@echo
	@echo "Look at the pictures in demo/, or try: $(BIN)/latentmap --help"

test: $(INSTALLED)
	$(PYTEST) -m 'not ($(SLOW))'

test-slow: $(INSTALLED)
	$(PYTEST) -m '$(SLOW)'

check: $(INSTALLED) $(TSC)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python scripts/cli_reference.py --check
	$(TSC) --project src/latentmap/explorer/page/jsconfig.json
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(INSTALLED)
	$(BIN)/python scripts/cli_reference.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "Open build/site/index.html"

BENCHMARKS := article quality speed maps tables imputation csv_readers start_up scaling memory \
	partial_fit clusters compression generation outliers faces workers explorer

benchmarks: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable '.[benchmarks,ray]'
	for name in $(BENCHMARKS); do $(BIN)/python benchmarks/$$name.py || exit 1; done
	$(BIN)/python benchmarks/charts.py

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

$(TSC):
	mkdir -p $(VENV)/typescript-$(TYPESCRIPT)
	npm install --silent --no-save --no-package-lock --no-audit --no-fund \
		--prefix $(VENV)/typescript-$(TYPESCRIPT) typescript@$(TYPESCRIPT)

clean:
	rm -rf $(VENV) demo build dist
