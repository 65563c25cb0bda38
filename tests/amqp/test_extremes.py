"""The largest and smallest numbers that a frame can carry, where something counts with them."""

import pytest

from mqbroker.core.values import Int8, UInt64
from tests.support.raw_amqp import RawAmqp

pytestmark = pytest.mark.usefixtures("ours")

HUGE = [1 << 40, (1 << 63) - 1, UInt64(1 << 63), UInt64((1 << 64) - 1)]


@pytest.mark.parametrize("value", HUGE)
@pytest.mark.parametrize("argument", ["x-max-length", "x-max-length-bytes", "x-consumer-timeout"])
def test_a_huge_limit_is_as_good_as_none(client: RawAmqp, argument: str, value: int) -> None:
    """Compiled, numbers above 63 bits ended the connection as an internal error."""
    queue = client.declare(arguments={argument: value})
    client.publish(queue, b"x")
    client.consume(queue)
    assert client.delivery().body == b"x"


@pytest.mark.parametrize("value", [*HUGE, -(1 << 63), -(1 << 31) - 1, Int8(-128)])
def test_a_consumer_may_have_any_priority(client: RawAmqp, value: int) -> None:
    queue = client.declare()
    client.consume(queue, "any", no_ack=True, arguments={"x-priority": value})
    client.consume(queue, "plain", no_ack=True)
    client.publish(queue)
    assert client.delivery().args["consumer_tag"] == ("any" if value > 0 else "plain")


@pytest.mark.parametrize("value", HUGE)
def test_a_consumer_may_have_any_timeout(client: RawAmqp, value: int) -> None:
    queue = client.declare()
    client.consume(queue, no_ack=True, arguments={"x-consumer-timeout": value})
    client.publish(queue, b"x")
    assert client.delivery().body == b"x"


@pytest.mark.parametrize("value", [*HUGE, -(1 << 63), -1])
def test_a_delivery_limit_may_be_any_number(client: RawAmqp, name: str, value: int) -> None:
    client.declare(name, durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": value})
    client.publish(name, b"x")
    for tag in range(1, 26):
        assert client.get(name, no_ack=False) is not None
        client.send("basic.reject", delivery_tag=tag, requeue=True)
    client.call("queue.delete", queue=name)


@pytest.mark.parametrize("global_", [False, True])
def test_the_largest_prefetch_is_a_limit_like_others(client: RawAmqp, global_: bool) -> None:
    queue = client.declare()
    client.call("basic.qos", prefetch_count=65_535, global_=global_)
    client.consume(queue)
    client.publish(queue, b"x")
    assert client.delivery().body == b"x"


@pytest.mark.parametrize("value", [0, (1 << 64) - 1])
def test_a_timestamp_may_be_any_number(client: RawAmqp, value: int) -> None:
    queue = client.declare()
    client.publish(queue, timestamp=value)
    message = client.get(queue)
    assert message is not None
    assert message.properties is not None
    assert message.properties.text("timestamp") == str(value)


@pytest.mark.parametrize("value", ["0", "315360000000", "1"])
def test_an_expiration_may_be_any_number_up_to_ten_years(client: RawAmqp, value: str) -> None:
    queue = client.declare()
    client.publish(queue, expiration=value)
    client.sync()
    assert client.count(queue) in ((1,) if len(value) > 1 else (0, 1))


@pytest.mark.parametrize("value", [1, 60_000, 315_360_000_000])
def test_a_queue_may_live_up_to_ten_years(client: RawAmqp, value: int) -> None:
    queue = client.declare(arguments={"x-message-ttl": value, "x-expires": max(value, 60_000)})
    client.publish(queue)
    client.sync()


def test_a_channel_may_have_the_highest_number(client: RawAmqp) -> None:
    client.call("channel.open", 65_535)
    queue = client.declare(channel=65_535)
    client.publish(queue, b"x", channel=65_535)
    client.consume(queue, channel=65_535)
    assert client.delivery(65_535).body == b"x"
