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
SLOW := slow or ray or engine or timing

# The tests that run with the oldest and the newest versions of the dependencies, in environments of
# their own. PYTHON=python3.13 selects another version of Python.
CORE := tests/test_model_file.py tests/test_errors.py tests/autoencoders/test_autoencoder.py \
	tests/data tests/preprocessing tests/plots tests/metrics/test_neighbor_recall.py \
	tests/analysis/test_search.py tests/analysis/test_codec_file.py tests/maps/test_landmarks.py \
	tests/maps/test_affinities.py tests/maps/test_neighbor_graph.py tests/cli/test_encode.py \
	tests/export
CORE_PYTEST := -m pytest -m 'not ($(SLOW) or browser)' -W ignore::DeprecationWarning \
	-W ignore::PendingDeprecationWarning
CORE_PACKAGES := --editable '.[cells,excel,metrics,onnx]' pandas openpyxl pytest pytest-timeout
PIP := -m pip install --quiet --disable-pip-version-check
OLDEST := .venv.oldest-$(notdir $(PYTHON))
NEWEST := .venv.newest-$(notdir $(PYTHON))

.PHONY: demo test test-slow test-oldest test-newest check format docs benchmarks clean

demo: $(INSTALLED)
	@mkdir -p demo
	cd demo && ../$(BIN)/latentmap fit mnist
	@echo
	@echo "Look at the pictures in demo/, or try: $(BIN)/latentmap --help"

test: $(INSTALLED)
	$(PYTEST) -m 'not ($(SLOW))'

test-slow: $(INSTALLED)
	$(PYTEST) -m '($(SLOW)) and not timing'
	$(BIN)/python -m pytest -m timing

test-oldest:
	$(PYTHON) -m venv $(OLDEST)
	$(PYTHON) scripts/lowest_versions.py > $(OLDEST)/constraints.txt
	$(OLDEST)/bin/python $(PIP) --constraint $(OLDEST)/constraints.txt $(CORE_PACKAGES)
	$(OLDEST)/bin/python $(CORE_PYTEST) $(CORE)

test-newest:
	$(PYTHON) -m venv $(NEWEST)
	$(NEWEST)/bin/python $(PIP) --upgrade $(CORE_PACKAGES)
	$(NEWEST)/bin/python $(CORE_PYTEST) $(CORE)

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

BENCHMARKS := article quality speed maps tables imputation csv_readers start_up dependencies scaling \
	memory partial_fit clusters compression generation outliers faces photos workers explorer

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
	rm -rf $(VENV) .venv.* demo build dist
