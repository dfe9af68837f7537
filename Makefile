# Everything a newcomer needs: `make demo` looks at MNIST, `make test` runs the suite, `make check`
# holds the house in order. Each works from nothing and again on top of itself.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TYPESCRIPT := 5.9.3
TSC := $(VENV)/typescript-$(TYPESCRIPT)/node_modules/.bin/tsc

.PHONY: demo test check format docs clean

demo: $(INSTALLED)
	@mkdir -p demo
	cd demo && ../$(BIN)/latentmap fit mnist
	@echo
	@echo "Look at the pictures in demo/, or try: $(BIN)/latentmap --help"

test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder

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
