PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: run install test trial install-test generate format clean

run: install
	$(BIN)/terrarium

install: $(VENV)/.installed

# Tests wait for a third of their time, so three at once keep two cores busy.
test: install-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/python -m pytest -q -n 3 --dist loadgroup

install-test: $(VENV)/.installed-test

# Faults, load and long use against real server processes, whole ways through the page, training, models in processes:
# about an hour.
trial: install-test
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup -m trial --durations=15

# What is derived from wire_protocol.py: the JSON Schema and the client's TypeScript declarations.
generate: install-test
	$(BIN)/python -m scripts.generate_protocol

format: install-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) web/node_modules

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Terrarium needs Python 3.11 or newer; set PYTHON=/path/to/it")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) install --quiet -c constraints.txt -e .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) install --quiet -c constraints.txt -e '.[test]'
	touch $@
