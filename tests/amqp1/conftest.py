"""A broker for the tests of AMQP 1.0, and the blocking client of Qpid Proton."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.amqp1.raw import RawAmqp1
from tests.support.broker_process import BrokerProcess

SCHEMES = ("amqp", "amqps", "mqtt", "ws", "wss", "aws")

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker with all kinds of listeners."""
    data_dir = tmp_path_factory.mktemp("amqp1") / "data"
    with BrokerProcess(data_dir, "--dev", "--durability", "write", schemes=SCHEMES) as running:
        yield running
    assert "Traceback" not in running.log()


@pytest.fixture
def name() -> str:
    """A name for a queue or an exchange of this test's own."""
    return f"amqp1-{next(_numbers)}"


@pytest.fixture
def client(broker: BrokerProcess) -> Iterator[RawAmqp1]:
    """A client that speaks frame by frame, with a session."""
    with RawAmqp1(broker.ports["amqp"]) as client:
        client.open()
        client.begin()
        yield client


@pytest.fixture
def proton(broker: BrokerProcess) -> Iterator[Any]:
    """A blocking connection of Qpid Proton."""
    connection = connect(broker)
    try:
        yield connection
    finally:
        connection.close()


def connect(broker: BrokerProcess, **options: Any) -> Any:
    """One more of them."""
    utils = pytest.importorskip("proton.utils", reason="python-qpid-proton is not installed")
    url = f"amqp://guest:guest@127.0.0.1:{broker.ports['amqp']}"
    return utils.BlockingConnection(url, timeout=15, allowed_mechs="PLAIN", **options)
