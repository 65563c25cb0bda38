"""One broker process for each module of client tests, and names that no other test uses."""

import itertools
from collections.abc import Iterator

import pytest

from tests.support.broker_process import BrokerProcess

SCHEMES = ("amqp", "amqps", "mqtt", "mqtts", "ws", "wss")

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker with every kind of listener, which tests may kill and start again: it keeps its ports and its data."""
    data_dir = tmp_path_factory.mktemp("broker") / "data"
    with BrokerProcess(data_dir, "--dev", "--durability", "write", schemes=SCHEMES) as running:
        yield running


@pytest.fixture
def name() -> str:
    """A name for a queue or an exchange of this test's own."""
    return f"test-{next(_numbers)}"
