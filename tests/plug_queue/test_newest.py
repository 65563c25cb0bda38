"""A new kind of queue is one module and one line: clients declare it, and it is there again after a restart."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pika  # type: ignore[import-untyped]
import pytest
from pika.adapters.blocking_connection import BlockingChannel  # type: ignore[import-untyped]
from pika.exceptions import ChannelClosedByBroker  # type: ignore[import-untyped]

from tests.support.broker_process import BrokerProcess

NEWEST = {"x-queue-type": "newest"}
PERSISTENT = pika.BasicProperties(delivery_mode=2)


class NewestProcess(BrokerProcess):
    """A broker that knows the kind."""

    def command(self) -> list[str]:
        return ["tests.plug_queue" if word == "mqbroker" else word for word in BrokerProcess.command(self)]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    with NewestProcess(tmp_path / "data", "--dev", "--durability", "write") as process:
        yield process


@contextmanager
def opened(broker: BrokerProcess) -> Iterator[BlockingChannel]:
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        yield channel


def put(channel: BlockingChannel, *bodies: bytes) -> None:
    for body in bodies:
        channel.basic_publish("", "q", body, PERSISTENT)


def got(channel: BlockingChannel, queue: str = "q", auto_ack: bool = True) -> bytes | None:
    return cast("bytes | None", channel.basic_get(queue, auto_ack)[2])


def test_it_is_declared_by_its_name_and_survives_a_restart(broker: BrokerProcess) -> None:
    """A new kind of queue had to be taught to the vhost, the restart, and the arguments of RabbitMQ."""
    with opened(broker) as channel:
        channel.queue_declare("q", durable=True, arguments=NEWEST)
        put(channel, b"1", b"2", b"3")
    broker.kill()
    broker.start()
    with opened(broker) as channel:
        assert channel.queue_declare("q", durable=True, arguments=NEWEST).method.message_count == 1
        assert got(channel, auto_ack=False) == b"3"
        put(channel, b"4", b"5")
        assert (got(channel), got(channel)) == (b"5", None)


def test_it_has_what_any_queue_has(broker: BrokerProcess) -> None:
    arguments = {**NEWEST, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    with opened(broker) as channel:
        channel.queue_declare("dead")
        channel.queue_declare("q", arguments=arguments)
        put(channel, b"1")
        method, _, body = channel.basic_get("q")
        put(channel, b"2")
        assert body == b"1"
        channel.basic_nack(method.delivery_tag)
        assert (got(channel), got(channel), got(channel, "dead")) == (b"2", None, b"1")


def test_declaring_it_as_something_else_is_refused(broker: BrokerProcess) -> None:
    with opened(broker) as channel:
        channel.queue_declare("q", durable=True, arguments=NEWEST)
        with pytest.raises(ChannelClosedByBroker, match="inequivalent arg 'x-queue-type' for queue 'q'"):
            channel.queue_declare("q", durable=True)


def test_a_type_that_nobody_has_registered_is_refused(broker: BrokerProcess) -> None:
    with opened(broker) as channel, pytest.raises(ChannelClosedByBroker, match="unsupported queue type"):
        channel.queue_declare("q", arguments={"x-queue-type": "oldest"})
