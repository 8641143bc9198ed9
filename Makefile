# make run           installs requirements.txt into .venv and starts the app on 127.0.0.1:7860 (PORT= changes it)
# make test          installs what training and tests need as well, then lint, format check, types and tests
# make web           builds the page that runs the models in the browser into web/dist; needs Node.js (web/README.md)
# make lambda-local  runs the AWS Lambda function under AWS's emulator on 127.0.0.1:9000, without Docker
# make lambda-zip    builds dist/overread-lambda-py312-x86_64.zip (ARCH=arm64 for Graviton)
# make space         uploads to a Space: SPACE=YOU/overread (docs/hosting.md)
# make upgrade       raises the pinned versions and checks that they change no answer (see its comment)
# make docs          builds the documentation as a site into dist/docs
# make lambda-image  builds the container image and runs it on 127.0.0.1:9000; needs Docker

PYTHON ?= python3
PORT ?= 7860
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet
# Two test processes on two cores: a second thread in each would only wait.
ONE_THREAD := OMP_NUM_THREADS=1 OVERREAD_THREADS=1
# The emulator pins versions that Gradio does not take, hence an environment of its own.
LAMBDA_VENV := .venv-lambda
LAMBDA := $(LAMBDA_VENV)/bin
UPGRADE_VENV := .venv-upgrade
ARCH ?= x86_64
DOCKER_PLATFORM := $(if $(filter arm64,$(ARCH)),linux/arm64,linux/amd64)

.PHONY: run test format screenshots docs space lambda-test lambda-local lambda-zip lambda-image upgrade clean

run: $(VENV)/.run-installed
	GRADIO_SERVER_NAME=127.0.0.1 GRADIO_SERVER_PORT=$(PORT) $(BIN)/python app.py

test: $(VENV)/.test-installed lambda-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(ONE_THREAD) $(BIN)/python -m pytest --ignore=tests/overread_lambda -n 2 --dist loadfile

lambda-test: $(LAMBDA_VENV)/.installed
	$(LAMBDA)/python -m pytest -n 2 --confcutdir=tests/overread_lambda tests/overread_lambda

format: $(VENV)/.test-installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The pictures of the README and of shared links, taken from the running app in headless Chromium.
screenshots: $(VENV)/.test-installed
	OVERREAD_SCREENSHOTS=docs $(BIN)/python -m pytest tests/browser/test_screenshots.py

docs: $(VENV)/.test-installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# What a Space needs, from the commit that is checked out: tracked files only, without torch weights, tests and training.
space: $(VENV)/.run-installed
	@test -n "$(SPACE)" || { echo "Name the Space: make space SPACE=YOU/overread"; exit 1; }
	$(BIN)/python -m overread deploy space --to $(SPACE)

web: $(VENV)/.run-installed
	cd web && npm ci
	$(BIN)/python -m web.generate
	cd web && npm run build

lambda-local: $(LAMBDA_VENV)/.installed
	$(LAMBDA)/python -m overread_lambda.emulator --port 9000

lambda-zip: $(LAMBDA_VENV)/.installed
	$(LAMBDA)/python -m overread_lambda.package --python 3.12 --arch $(ARCH)

# Lambda takes no image index, which --provenance would make.
lambda-image:
	docker build --provenance=false --platform $(DOCKER_PLATFORM) -f lambda/Dockerfile -t overread-lambda .
	docker run --rm -p 127.0.0.1:9000:8080 -e AWS_LAMBDA_FUNCTION_MEMORY_SIZE=2048 overread-lambda

# How versions are raised. In an environment of its own (.venv-upgrade): installs the newest versions that fit together,
# writes them into the requirements files, then stops at the first of these that fails: no log-odds of an example image may
# change by more than 1e-5 (benchmarks/agreement.py), the tests must pass, the benchmarks are printed. Read `git diff`
# before committing; `git checkout '*requirements*.txt'` undoes it. Pins for older Pythons: PYTHON=python3.10.
upgrade: $(VENV)/.test-installed
	$(BIN)/python -m benchmarks.agreement --save dist/answers.npz
	rm -rf $(UPGRADE_VENV) && $(PYTHON) -m venv $(UPGRADE_VENV)
	$(BIN)/python .ci/upgrade.py names > dist/names.txt
	$(UPGRADE_VENV)/bin/python -m pip install --disable-pip-version-check --quiet packaging -r dist/names.txt
	$(UPGRADE_VENV)/bin/python .ci/upgrade.py rewrite
	$(UPGRADE_VENV)/bin/python -m benchmarks.agreement --compare dist/answers.npz
	$(MAKE) test VENV=$(UPGRADE_VENV)
	$(UPGRADE_VENV)/bin/python -m benchmarks.inference

clean:
	rm -rf $(VENV) $(LAMBDA_VENV) $(UPGRADE_VENV) dist web/dist web/node_modules examples/node_modules .mypy_cache .pytest_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "Overread needs Python 3.10 or newer; name one with: make run PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run-installed: requirements.txt | $(BIN)/python
	$(PIP) -r requirements.txt
	$(PIP) --no-deps --editable .
	@touch $@

$(VENV)/.test-installed: requirements.txt training/requirements.txt tests/requirements.txt | $(BIN)/python
	$(PIP) -r tests/requirements.txt
	$(PIP) --no-deps --editable .
	@touch $@ $(VENV)/.run-installed

$(LAMBDA_VENV)/.installed: lambda/requirements.txt lambda/requirements-dev.txt
	$(PYTHON) -m venv $(LAMBDA_VENV)
	$(LAMBDA)/python -m pip install --disable-pip-version-check --quiet -r lambda/requirements-dev.txt
	$(LAMBDA)/python -m pip install --disable-pip-version-check --quiet --no-deps --editable .
	@touch $@
