# Each target keeps its own environment, so that an interpreted and a compiled mqbroker never meet:
#   .venv           editable and interpreted, with the test tools: test, test-slow, lint
#   .venv-build     what makes the wheel, which is compiled where there is a C compiler
#   .venv-run       the wheel and what it needs, nothing else: run, smoke, and what bench measures
#   .venv-compiled  the same wheel with the test tools: test-compiled
#   .venv-bench     what the benchmark itself needs
#   .venv-lowest, .venv-newest, .venv-python3.x   other versions, interpreted, with the test tools: test-lowest, ...
#   .venv-amqtt     amqtt, a client and peer that pins old versions of what mqbroker uses too
# The versions of all packages are in requirements/, so that what runs is what is tested: `make lock` takes the newest.

PYTHON ?= python3
VENV ?= .venv
VENV_BUILD ?= .venv-build
VENV_RUN ?= .venv-run
VENV_COMPILED ?= .venv-compiled
VENV_BENCH ?= .venv-bench
VENV_AMQTT ?= .venv-amqtt
WHEEL := .cache/wheel
PYTEST_ARGS ?=
# Files of tests run side by side. Many wait for processes, so there is one worker more than processors.
WORKERS ?= $(shell expr $$(nproc) + 1)
BENCH_ARGS ?=
TORTURE_CYCLES ?= 200
TORTURE_SECONDS ?= 900
RUN_ARGS ?=

SOURCES := $(shell find mqbroker -name '*.py' -o -name '*.pxd') pyproject.toml setup.py requirements/lock.txt
# octets.pxd is compiled into the modules that cimport it (setup.py)
HOT_MODULES := $(filter-out mqbroker.octets,$(subst /,.,$(basename $(shell find mqbroker -name '*.pxd'))))
STAGED := $(wildcard tests certs bench conf docs requirements pyproject.toml setup.py README.md CHANGELOG.md CONTRIBUTING.md \
    SECURITY.md LICENSE Makefile)
PIP := -m pip --disable-pip-version-check
LOCKED := --constraint requirements/lock.txt
PYTEST := -m pytest -n $(WORKERS) --dist loadfile
NPM_TIMEOUT_S := 300
export MQBROKER_TEST_HOME := $(CURDIR)
# Hundreds of tests start a broker, which would compile its modules each time where this is set to anything.
export PYTHONDONTWRITEBYTECODE =

# Which tests run with other versions of Python; `tests` are all.
PYTHONS_TESTS ?= tests/core tests/storage tests/amqp/codec tests/mqtt/codec
PYTHONS ?= python3.12 python3.13 python3.14
# Where each version of Python is looked for, beside PATH: pyenv's shims run only what is chosen there.
PYTHON_PLACES := $(wildcard $(HOME)/.pyenv/versions/*/bin)

.PHONY: run pair pair-torture pair-histories torture test coverage test-slow test-paged test-compiled smoke test-lowest test-newest test-pythons lint lock npm bench bench-peers clean

run: $(VENV_RUN)/.installed
	$(VENV_RUN)/bin/mqbroker serve --dev $(RUN_ARGS)

# Two nodes, etcd (Debian: etcd-server) and clients of three protocols; the active node is killed under load.
pair: $(VENV)/.installed
	$(VENV)/bin/python -m tests.replication.show

# The same clients, and everything that may befall two nodes, their links, etcd, disks and clocks: half an hour, unless
# TORTURE_ARGS is --short, or names some of it.
pair-torture: $(VENV)/.installed
	$(VENV)/bin/python -m tests.replication.torture $(TORTURE_ARGS)

# Random histories of simulated pairs, 10,000 unless HISTORIES_ARGS says otherwise.
pair-histories: $(VENV)/.installed
	$(VENV)/bin/python -m tests.replication.histories $(HISTORIES_ARGS)

# A broker with a small window is killed under load: so many times, or until so many seconds have passed.
torture: $(VENV)/.installed
	$(VENV)/bin/python -m tests.crash.torture --cycles $(TORTURE_CYCLES) --seconds $(TORTURE_SECONDS)

test: $(VENV)/.installed $(VENV_AMQTT)/.installed npm
	$(VENV)/bin/python $(PYTEST) $(PYTEST_ARGS)

# What runs in other processes is not counted: brokers that are killed could not say what they have run.
coverage: $(VENV)/.installed $(VENV_AMQTT)/.installed npm
	$(VENV)/bin/python $(PYTEST) --cov=mqbroker/core --cov=mqbroker/storage --cov=mqbroker/protocols \
	    --cov-report=term:skip-covered --cov-fail-under=95 $(PYTEST_ARGS)

test-slow: $(VENV)/.installed
	$(VENV)/bin/python $(PYTEST) -m slow $(PYTEST_ARGS)

# The tests of queues once more, with queues that keep one message in memory.
test-paged: $(VENV)/.installed $(VENV_AMQTT)/.installed npm
	MQBROKER_JOURNAL_QUEUE_WINDOW=1 $(VENV)/bin/python $(PYTEST) $(PYTEST_ARGS) \
	    tests/model tests/amqp tests/mqtt tests/aws/sqs tests/crash tests/clients

# $(call suite,ENVIRONMENT,VARIABLES,TESTS): tests in an environment that has mqbroker and the test tools. They run from a
# copy beside which there is no source tree, so `mqbroker` can only be what is installed there.
suite = rm -rf $(1)/stage && mkdir $(1)/stage && cp -R $(STAGED) $(1)/stage/ && \
    (cd $(1)/stage && $(2) ../bin/python $(PYTEST) $(PYTEST_ARGS) $(3))
# $(call smoke,ENVIRONMENT): the broker of that environment, and the clients of the tests' own
smoke = MQBROKER_SMOKE_PYTHON=$(1)/bin/python $(VENV)/bin/python -m pytest -m smoke tests/smoke $(PYTEST_ARGS)
# $(call other,ENVIRONMENT,PYTHON,PIP ARGUMENTS): a new environment in which nothing is compiled
other = rm -rf $(1) build && $(2) -m venv $(1) && MQBROKER_COMPILE=0 $(1)/bin/python $(PIP) install --quiet $(3)

test-compiled: $(VENV_COMPILED)/.installed $(VENV_AMQTT)/.installed npm
	$(call suite,$(VENV_COMPILED),MQBROKER_EXPECT_COMPILED="$(HOT_MODULES)")

smoke: $(VENV)/.installed $(VENV_RUN)/.installed npm
	$(call smoke,$(VENV_RUN))

# The lowest declared versions, in place of those that the test tools ask for: celery wants a newer click than is needed.
test-lowest: $(VENV)/.installed $(VENV_AMQTT)/.installed npm
	$(call other,.venv-lowest,$(PYTHON),--requirement requirements/lowest-tools.txt)
	MQBROKER_COMPILE=0 .venv-lowest/bin/python $(PIP) install --quiet --no-deps --requirement requirements/lowest.txt .
	$(call smoke,.venv-lowest)
	$(call suite,.venv-lowest)

# What the newest versions are changes without us. Where they are those of the lock, the suite has passed with them.
test-newest: $(VENV)/.installed $(VENV_AMQTT)/.installed npm
	$(call other,.venv-newest,$(PYTHON),--upgrade '.[test]')
	$(call smoke,.venv-newest)
	@if .venv-newest/bin/python $(PIP) freeze --exclude mqbroker | grep --invert-match --line-regexp --fixed-strings \
	        --file requirements/lock.txt; then \
	    echo "newer than the lock: see above"; \
	    $(call suite,.venv-newest); \
	else echo "the newest versions are those of the lock"; fi

test-pythons: $(VENV)/.installed $(VENV_AMQTT)/.installed npm
	@set -e; for name in $(PYTHONS); do \
	    found=; \
	    for each in $$(which -a $$name) $(addsuffix /$$name,$(PYTHON_PLACES)); do \
	        if [ -x "$$each" ] && "$$each" -c '' 2>/dev/null; then found="$$each"; break; fi; \
	    done; \
	    if [ -z "$$found" ]; then echo "$$name is not installed: skipped"; continue; fi; \
	    echo "$$name is $$found"; \
	    $(call other,.venv-$$name,"$$found",$(LOCKED) '.[test]') || exit 1; \
	    $(call smoke,.venv-$$name) || exit 1; \
	    $(call suite,.venv-$$name,,$(PYTHONS_TESTS)) || exit 1; \
	done

lint: $(VENV)/.installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy --strict mqbroker bench certs tests

bench: $(VENV_RUN)/.installed $(VENV_BENCH)/.installed
	$(VENV_BENCH)/bin/python -m bench run $(BENCH_ARGS)

# aiohttp is for what it needs itself: lowest.txt is installed without dependencies.
LOWEST_CLIENTS := 'aio-pika<10' aiohttp==3.12.15 awscli==1.32.101 boto3==1.34.101
# AMQPStorm wants a newer pamqp than mqbroker needs; its test is skipped there.
TEST_TOOLS := $(PYTHON) -c 'import tomllib; print(*(each.partition(">=")[0] for each in tomllib.load( \
    open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["test"] if not each.startswith("amqpstorm")))'

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
# The third are the test tools that go with the lowest versions: those that pin what mqbroker uses too are of the same age.
lock:
	rm -rf .cache/lock .cache/lock-amqtt .cache/lock-lowest
	$(PYTHON) -m venv .cache/lock && .cache/lock/bin/python $(PIP) install --quiet --upgrade setuptools Cython '.[test,bench]'
	$(PYTHON) -m venv .cache/lock-amqtt && .cache/lock-amqtt/bin/python $(PIP) install --quiet amqtt
	.cache/lock/bin/python $(PIP) freeze --all --exclude mqbroker --exclude pip >requirements/lock.txt
	.cache/lock-amqtt/bin/python $(PIP) freeze >requirements/amqtt.txt
	$(PYTHON) -m venv .cache/lock-lowest && .cache/lock-lowest/bin/python $(PIP) install --quiet --upgrade \
	    $(LOWEST_CLIENTS) $$($(TEST_TOOLS))
	.cache/lock-lowest/bin/python $(PIP) freeze --all --exclude pip >requirements/lowest-tools.txt

clean:
	rm -rf build dist *.egg-info $(VENV_BUILD) $(VENV_RUN) $(VENV_COMPILED) $(VENV_BENCH) $(VENV_AMQTT) .venv-lowest .venv-newest .venv-python3.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .cache
	find mqbroker tests certs bench -name __pycache__ -prune -exec rm -rf {} +

%/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mqbroker needs Python 3.11 or later")'
	$(PYTHON) -m venv $*

$(VENV)/.installed: pyproject.toml setup.py requirements/lock.txt | $(VENV)/bin/python
	$(VENV)/bin/python $(PIP) install --quiet $(LOCKED) --editable '.[test]'
	touch $@

# One wheel for all that install one, made by versions of the lock. `setup.py` is run by itself because pip would show
# nothing of what takes most of a minute. `build` is removed first: what an earlier build left there would get in.
$(WHEEL)/.made: $(SOURCES) | $(VENV_BUILD)/bin/python
	$(VENV_BUILD)/bin/python $(PIP) install --quiet --no-compile $(LOCKED) setuptools Cython
	rm -rf build $(WHEEL)
	$(VENV_BUILD)/bin/python -W ignore setup.py --quiet bdist_wheel --dist-dir $(WHEEL)
	touch $@

# The environments of the wheel are filled from outside: to put pip into each would cost more than all else in them.
$(VENV_RUN)/bin/python $(VENV_COMPILED)/bin/python $(VENV_BENCH)/bin/python:
	$(PYTHON) -m venv --without-pip $(@:/bin/python=)

# $(call install,ENVIRONMENT,EXTRA): the wheel and what it needs. pip would keep a wheel that has the same version. It
# makes the bytecode, too: where PYTHONDONTWRITEBYTECODE is set, each start would spend more than that takes.
install = rm -rf $(1)/lib/python*/site-packages/mqbroker* && \
    $(VENV_BUILD)/bin/python $(PIP) --python $(1)/bin/python install --quiet $(LOCKED) "$$(echo $(WHEEL)/*.whl)$(2)"

$(VENV_RUN)/.installed: $(WHEEL)/.made | $(VENV_RUN)/bin/python
	$(call install,$(VENV_RUN))
	touch $@

$(VENV_COMPILED)/.installed: $(WHEEL)/.made | $(VENV_COMPILED)/bin/python
	$(call install,$(VENV_COMPILED),[test])
	touch $@

$(VENV_BENCH)/.installed: $(WHEEL)/.made | $(VENV_BENCH)/bin/python
	$(call install,$(VENV_BENCH),[bench])
	touch $@

$(VENV_AMQTT)/.installed: requirements/amqtt.txt | $(VENV_AMQTT)/bin/python
	$(VENV_AMQTT)/bin/python $(PIP) install --quiet --requirement requirements/amqtt.txt
	touch $@
