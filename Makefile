# make run   installs requirements.txt into .venv and starts the app on 127.0.0.1:7860 (PORT= changes it)
# make test  installs what training and tests need as well, then lint, format check, types and tests

PYTHON ?= python3
PORT ?= 7860
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet

.PHONY: run test format screenshots clean

run: $(VENV)/.run-installed
	@echo "Overread starts on http://127.0.0.1:$(PORT)"
	GRADIO_SERVER_NAME=127.0.0.1 GRADIO_SERVER_PORT=$(PORT) $(BIN)/python app.py

test: $(VENV)/.test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

format: $(VENV)/.test-installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The pictures of the README, taken from the running app in headless Chromium.
screenshots: $(VENV)/.test-installed
	OVERREAD_SCREENSHOTS=docs $(BIN)/python -m pytest tests/test_browser.py

clean:
	rm -rf $(VENV) dist .mypy_cache .pytest_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "Overread needs Python 3.10 or newer; name one with: make run PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run-installed: requirements.txt | $(BIN)/python
	$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.test-installed: requirements.txt training/requirements.txt tests/requirements.txt | $(BIN)/python
	$(PIP) -r tests/requirements.txt
	@touch $@ $(VENV)/.run-installed
