# Each target keeps its own environment, so that an interpreted and a compiled mqbroker never meet:
#   .venv           editable and interpreted, with the test tools: test, test-slow, lint
#   .venv-run       a wheel, compiled where there is a C compiler: run, bench
#   .venv-compiled  the same wheel with the test tools: test-compiled

PYTHON ?= python3
VENV ?= .venv
VENV_RUN ?= .venv-run
VENV_COMPILED ?= .venv-compiled
PYTEST_ARGS ?=
BENCH_ARGS ?=
RUN_ARGS ?=

SOURCES := $(shell find mqbroker -name '*.py' -o -name '*.pxd') pyproject.toml setup.py
# octets.pxd is compiled into the modules that cimport it (setup.py)
HOT_MODULES := $(filter-out mqbroker.octets,$(subst /,.,$(basename $(shell find mqbroker -name '*.pxd'))))
STAGED := $(wildcard tests certs bench conf pyproject.toml README.md CHANGELOG.md LICENSE Makefile)
PIP := -m pip --disable-pip-version-check

.PHONY: run test test-slow test-compiled lint bench bench-peers clean

run: $(VENV_RUN)/.installed
	$(VENV_RUN)/bin/mqbroker serve --dev $(RUN_ARGS)

test: $(VENV)/.installed
	$(VENV)/bin/python -m pytest $(PYTEST_ARGS)

test-slow: $(VENV)/.installed
	$(VENV)/bin/python -m pytest -m slow $(PYTEST_ARGS)

# The tests run from a copy beside which there is no source tree, so `mqbroker` can only be the installed wheel.
test-compiled: $(VENV_COMPILED)/.installed
	rm -rf $(VENV_COMPILED)/stage && mkdir $(VENV_COMPILED)/stage
	cp -R $(STAGED) $(VENV_COMPILED)/stage/
	cd $(VENV_COMPILED)/stage && MQBROKER_EXPECT_COMPILED="$(HOT_MODULES)" ../bin/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy --strict mqbroker bench certs tests

bench: $(VENV_RUN)/.bench
	$(VENV_RUN)/bin/python -m bench run $(BENCH_ARGS)

# What the benchmark compares with that comes from npm; it needs Node.js.
bench-peers:
	npm install --prefix .cache/bench-peers --no-audit --no-fund fauxqs

clean:
	rm -rf build dist *.egg-info $(VENV_RUN) $(VENV_COMPILED) .mypy_cache .ruff_cache .pytest_cache .hypothesis .cache
	find mqbroker tests certs bench -name __pycache__ -prune -exec rm -rf {} +

%/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mqbroker needs Python 3.11 or later")'
	$(PYTHON) -m venv $*

$(VENV)/.installed: pyproject.toml setup.py | $(VENV)/bin/python
	$(VENV)/bin/python $(PIP) install --quiet --editable '.[test]'
	touch $@

# `build` is removed first: setuptools would put what an earlier build left there into the wheel.
$(VENV_RUN)/.installed: $(SOURCES) | $(VENV_RUN)/bin/python
	rm -rf build
	$(VENV_RUN)/bin/python $(PIP) install --quiet .
	touch $@

$(VENV_RUN)/.bench: $(VENV_RUN)/.installed
	$(VENV_RUN)/bin/python $(PIP) install --quiet '.[bench]'
	touch $@

$(VENV_COMPILED)/.installed: $(SOURCES) | $(VENV_COMPILED)/bin/python
	rm -rf build
	$(VENV_COMPILED)/bin/python $(PIP) install --quiet '.[test]'
	touch $@
