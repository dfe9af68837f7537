# `make demo` fits a map of MNIST, `make test` runs the fast tests, `make test-slow` the slow ones, and
# `make check` checks format, lint, types and imports. Each target installs what it needs first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TYPESCRIPT := 5.9.3
TSC := $(VENV)/typescript-$(TYPESCRIPT)/node_modules/.bin/tsc

PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder
SLOW := slow or ray or engine

.PHONY: demo test test-slow check format docs clean

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

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(INSTALLED)
	$(BIN)/python scripts/cli_reference.py

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
