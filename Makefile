# Two commands do all the set-up on a fresh machine: `make baseline` and `make test`.
PYTHON ?= python3
ENV := .venv
READY := $(ENV)/.ready
WORKERS ?= 2

.PHONY: env baseline quick browser test slow bench torture lint docs clean

env: $(READY)

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "ganbench needs Python 3.11 to 3.13; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12")'
	$(PYTHON) -m venv --clear $(ENV)
	$(ENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $(READY)

baseline: env
	$(ENV)/bin/ganbench run --suite baseline

quick: env
	$(ENV)/bin/ganbench run --suite quick

# Chromium and axe-core, for the tests of the report; without them those tests are skipped and say so
browser: env
	tests/browser/setup.sh $(ENV)

test: env browser
	$(ENV)/bin/python -m pytest -n $(WORKERS) --dist worksteal -m 'not slow'

# the few tests that take half a minute and more
slow: env browser
	$(ENV)/bin/python -m pytest -n $(WORKERS) --dist worksteal -m slow --durations 20

bench: env browser
	$(ENV)/bin/python -m benchmarks.engine
	$(ENV)/bin/python -m benchmarks.draws
	$(ENV)/bin/python -m benchmarks.evaluation
	$(ENV)/bin/python -m benchmarks.scaling
	$(ENV)/bin/python -m benchmarks.fooling
	$(ENV)/bin/python -m benchmarks.diagnosis
	$(ENV)/bin/python -m benchmarks.comparison
	$(ENV)/bin/python -m benchmarks.pairing
	$(ENV)/bin/python -m benchmarks.report_size
	$(ENV)/bin/python -m benchmarks.many_runs

# faults injected for real: kills, damaged files, a full disk, misbehaving plugins; --quick is a small part
torture: env
	$(ENV)/bin/python -m benchmarks.torture --write

# the documentation as pages in build/docs; a dead link or anchor fails
docs: env
	NO_MKDOCS_2_WARNING=1 $(ENV)/bin/mkdocs build --strict --quiet

lint: env docs
	$(ENV)/bin/ruff check .
	$(ENV)/bin/ruff format --check .
	$(ENV)/bin/mypy
	$(ENV)/bin/lint-imports --no-cache
	$(ENV)/bin/python -m tools.words

clean:
	rm -rf $(ENV) .venv-newest build dist .mypy_cache .pytest_cache .ruff_cache
