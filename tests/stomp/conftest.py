"""One broker process for the tests with real clients."""

from collections.abc import Iterator

import pytest

from tests.support.broker_process import BrokerProcess

SCHEMES = ("stomp", "stomps", "amqp", "mqtt", "ws", "wss", "aws")


JMS = """
[stomp]
dialect = "activemq"
http_auth = true

[destinations]
mirrored_queues = true
"""


@pytest.fixture(scope="package")
def jms_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """One in ActiveMQ's dialect."""
    data_dir = tmp_path_factory.mktemp("stomp-jms") / "data"
    with BrokerProcess(
        data_dir, "--dev", "--durability", "write", schemes=("stomp", "amqp", "ws"), config=JMS
    ) as running:
        yield running


@pytest.fixture(scope="package")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    data_dir = tmp_path_factory.mktemp("stomp") / "data"
    with BrokerProcess(data_dir, "--dev", "--durability", "write", schemes=SCHEMES) as running:
        yield running
