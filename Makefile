# Each target keeps its own environment, so that an interpreted and a compiled mqbroker never meet:
#   .venv           editable and interpreted, with the test tools: test, test-slow, lint
#   .venv-run       a wheel, compiled where there is a C compiler: run, bench
#   .venv-compiled  the same wheel with the test tools: test-compiled
#   .venv-amqtt     amqtt, a client and peer that pins old versions of what mqbroker uses too
# The versions of all packages are in requirements/, so that what runs is what is tested: `make lock` takes the newest.

PYTHON ?= python3
VENV ?= .venv
VENV_RUN ?= .venv-run
VENV_COMPILED ?= .venv-compiled
VENV_AMQTT ?= .venv-amqtt
PYTEST_ARGS ?=
# Files of tests run side by side. Many wait for processes, so there is one worker more than processors.
WORKERS ?= $(shell expr $$(nproc) + 1)
BENCH_ARGS ?=
RUN_ARGS ?=

SOURCES := $(shell find mqbroker -name '*.py' -o -name '*.pxd') pyproject.toml setup.py requirements/lock.txt
# octets.pxd is compiled into the modules that cimport it (setup.py)
HOT_MODULES := $(filter-out mqbroker.octets,$(subst /,.,$(basename $(shell find mqbroker -name '*.pxd'))))
STAGED := $(wildcard tests certs bench conf docs pyproject.toml README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md LICENSE \
    Makefile)
PIP := -m pip --disable-pip-version-check
LOCKED := --constraint requirements/lock.txt
PYTEST := -m pytest -n $(WORKERS) --dist loadfile
NPM_TIMEOUT_S := 300
export MQBROKER_TEST_HOME := $(CURDIR)

.PHONY: run test test-slow test-compiled lint lock npm bench bench-peers clean

run: $(VENV_RUN)/.installed
	$(VENV_RUN)/bin/mqbroker serve --dev $(RUN_ARGS)

test: $(VENV)/.installed $(VENV_AMQTT)/.installed npm
	$(VENV)/bin/python $(PYTEST) $(PYTEST_ARGS)

test-slow: $(VENV)/.installed
	$(VENV)/bin/python $(PYTEST) -m slow $(PYTEST_ARGS)

# The tests run from a copy beside which there is no source tree, so `mqbroker` can only be the installed wheel.
test-compiled: $(VENV_COMPILED)/.installed $(VENV_AMQTT)/.installed npm
	rm -rf $(VENV_COMPILED)/stage && mkdir $(VENV_COMPILED)/stage
	cp -R $(STAGED) $(VENV_COMPILED)/stage/
	cd $(VENV_COMPILED)/stage && MQBROKER_EXPECT_COMPILED="$(HOT_MODULES)" ../bin/python $(PYTEST) $(PYTEST_ARGS)

lint: $(VENV)/.installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy --strict mqbroker bench certs tests

bench: $(VENV_RUN)/.bench
	$(VENV_RUN)/bin/python -m bench run $(BENCH_ARGS)

# What the benchmark compares with that comes from npm, which needs Node.js, or needs an environment of its own.
bench-peers: $(VENV_AMQTT)/.installed
	npm install --prefix .cache/bench-peers --no-audit --no-fund fauxqs

# The Node.js clients of the tests. Without npm or a network their tests are skipped, and nothing waits for ever.
npm:
	@mkdir -p .cache/node
	@cmp -s tests/clients/node/package.json .cache/node/installed.json || \
	    { cp tests/clients/node/package.json .cache/node/ && cd .cache/node && \
	      timeout $(NPM_TIMEOUT_S) npm install --no-audit --no-fund --no-package-lock --ignore-scripts && \
	      cp package.json installed.json; } || \
	    echo "npm could not install the Node.js clients (see above): tests that need them are skipped"

# The newest versions that there are, of everything that is run or tested, and of amqtt in an environment of its own.
lock:
	rm -rf .cache/lock .cache/lock-amqtt
	$(PYTHON) -m venv .cache/lock && .cache/lock/bin/python $(PIP) install --quiet '.[test,bench]'
	$(PYTHON) -m venv .cache/lock-amqtt && .cache/lock-amqtt/bin/python $(PIP) install --quiet amqtt
	.cache/lock/bin/python $(PIP) freeze --exclude mqbroker >requirements/lock.txt
	.cache/lock-amqtt/bin/python $(PIP) freeze >requirements/amqtt.txt

clean:
	rm -rf build dist *.egg-info $(VENV_RUN) $(VENV_COMPILED) $(VENV_AMQTT) .mypy_cache .ruff_cache .pytest_cache .hypothesis .cache
	find mqbroker tests certs bench -name __pycache__ -prune -exec rm -rf {} +

%/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mqbroker needs Python 3.11 or later")'
	$(PYTHON) -m venv $*

$(VENV)/.installed: pyproject.toml setup.py requirements/lock.txt | $(VENV)/bin/python
	$(VENV)/bin/python $(PIP) install --quiet $(LOCKED) --editable '.[test]'
	touch $@

# `build` is removed first: setuptools would put what an earlier build left there into the wheel.
$(VENV_RUN)/.installed: $(SOURCES) | $(VENV_RUN)/bin/python
	rm -rf build
	$(VENV_RUN)/bin/python $(PIP) install --quiet $(LOCKED) .
	touch $@

$(VENV_RUN)/.bench: $(VENV_RUN)/.installed
	$(VENV_RUN)/bin/python $(PIP) install --quiet $(LOCKED) '.[bench]'
	touch $@

$(VENV_COMPILED)/.installed: $(SOURCES) | $(VENV_COMPILED)/bin/python
	rm -rf build
	$(VENV_COMPILED)/bin/python $(PIP) install --quiet $(LOCKED) '.[test]'
	touch $@

$(VENV_AMQTT)/.installed: requirements/amqtt.txt | $(VENV_AMQTT)/bin/python
	$(VENV_AMQTT)/bin/python $(PIP) install --quiet --requirement requirements/amqtt.txt
	touch $@
