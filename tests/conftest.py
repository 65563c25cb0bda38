"""What every area of the tests shares: programs that a test needs are required, not hoped for."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.amqp_talk import Talk

settings.register_profile("house", deadline=None)  # how long an example takes says more of the machine than of the code
settings.load_profile("house")

HOME = Path(os.environ.get("MQBROKER_TEST_HOME", Path(__file__).parents[1]))
"""Where `make` has put what tests need beside Python packages: .cache/node and .venv-amqtt."""

REQUIRED = frozenset(filter(None, os.environ.get("MQBROKER_REQUIRE", "").split(",")))


@pytest.fixture
def program(request: pytest.FixtureRequest) -> str:
    """The path of the program named by the test's `parametrize(..., indirect=True)`; skips where it is missing.

    MQBROKER_REQUIRE lists programs, separated by commas, whose absence is a failure instead.
    """
    return find_program(request.param)


def find_amqtt_python() -> str:
    """The interpreter of amqtt's own environment."""
    path = HOME / ".venv-amqtt" / "bin" / "python"
    if path.exists():
        return str(path)
    if "amqtt" in REQUIRED:
        pytest.fail("amqtt has no environment, and MQBROKER_REQUIRE says that it must be here")
    pytest.skip("amqtt has no environment: make .venv-amqtt/.installed")


def find_program(name: str) -> str:
    """The path of a program that a test cannot do without."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/lib/rabbitmq/bin")
    if path is not None:
        return path
    if name in REQUIRED:
        pytest.fail(f"{name} is missing, and MQBROKER_REQUIRE says that it must be here")
    pytest.skip(f"{name} is not installed")


@pytest.fixture(autouse=True)
def _no_stray_frames() -> Iterator[None]:
    """Fails a test to whose AMQP connections the broker has sent what the test did not ask for."""
    Talk.made.clear()
    yield
    strays = [stray for talk in Talk.made for stray in talk.strays()]
    Talk.made.clear()
    assert not strays, f"nobody asked for {strays}"
