"""A real broker for the tests of the protocol, and raw connections to it.

MQBROKER_TEST_PEER, the port on loopback of another broker with the user guest, runs the same tests against that one:
with RabbitMQ 3.10.8 this shows that what is expected here is what RabbitMQ does. Tests that take `ours` are left out
then, because they need a configuration of their own or state where the two differ.
"""

import os
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from tests.support.broker_process import BrokerProcess
from tests.support.raw_amqp import RawAmqp

PEER = os.environ.get("MQBROKER_TEST_PEER")

Connect = Callable[..., RawAmqp]


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess | None]:
    """A broker with durability `write` for all tests of this folder; None when they run against another one."""
    if PEER is not None:
        yield None
        return
    with BrokerProcess(tmp_path_factory.mktemp("amqp") / "data", "--dev", "--durability", "write") as process:
        yield process


@pytest.fixture
def ours(broker: BrokerProcess | None) -> None:
    """Marks a test that only mqbroker can pass."""
    if broker is None:
        pytest.skip("a test of mqbroker's own")


@pytest.fixture
def port(broker: BrokerProcess | None) -> int:
    """Where the broker speaks AMQP."""
    return int(PEER or 0) if broker is None else broker.ports["amqp"]


@pytest.fixture
def connect(port: int) -> Iterator[Connect]:
    """Makes raw connections; all are cut at the end of the test."""
    made: list[RawAmqp] = []

    def make(to: int = 0, **options: object) -> RawAmqp:
        made.append(RawAmqp(to or port, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def client(connect: Connect) -> RawAmqp:
    """A raw connection with channel 1 open."""
    made = connect()
    made.open()
    return made


@pytest.fixture
def other(connect: Connect) -> RawAmqp:
    """A second raw connection."""
    made = connect()
    made.open()
    return made


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"t.{uuid4().hex[:12]}"
