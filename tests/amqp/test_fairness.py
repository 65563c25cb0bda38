"""Who is next when there is more for a client than it takes: queues, consumers and channels take turns."""

import select
import threading

import pytest

from mqbroker.limits import PORTION
from mqbroker.protocols.amqp.methods import encode_method
from tests.amqp.conftest import Connect
from tests.support.amqp_talk import Received
from tests.support.raw_amqp import RawAmqp
from tests.support.window import IN_MEMORY


def fill(client: RawAmqp, queue: str, count: int, size: int = 1) -> None:
    """Publishes so many messages and waits until they are there."""
    for _ in range(count):
        client.publish(queue, bytes(size))
    client.sync()


def deliveries(client: RawAmqp, count: int) -> list[Received]:
    """The next deliveries, on any channel; answers in between are passed over."""
    found: list[Received] = []
    while len(found) < count:
        received = client.next()
        if received.name == "basic.deliver":
            found.append(received)
    return found


def test_queues_take_turns_at_a_channel_with_a_global_prefetch(client: RawAmqp, name: str) -> None:
    """The fault: a channel with a global prefetch gave every place that was freed to the consumer that came first, so
    a Celery worker with -Q bulk,urgent got nothing urgent before all of bulk. RabbitMQ gives q2 deliveries 5, 7, 9, 11
    and 13, or nearly so: it varies the order."""
    bulk, urgent = client.declare(f"{name}.bulk"), client.declare(f"{name}.urgent")
    fill(client, bulk, 300)
    fill(client, urgent, 5)
    client.call("basic.qos", prefetch_count=4, global_=True)
    client.consume(bulk)
    client.consume(urgent)
    places = []
    for place in range(1, 21):
        delivery = client.delivery()
        if delivery.args["routing_key"] == urgent:
            places.append(place)
        client.send("basic.ack", delivery_tag=delivery.args["delivery_tag"])
    assert len(places) == 5
    assert places[0] <= 6
    assert places[-1] <= 16


@pytest.mark.usefixtures("ours")
@IN_MEMORY
def test_a_queue_that_waits_for_a_channel_for_the_first_time_goes_first(client: RawAmqp, name: str) -> None:
    bulk, urgent = client.declare(f"{name}.bulk"), client.declare(f"{name}.urgent")
    fill(client, bulk, 300)
    fill(client, urgent, 5)
    client.call("basic.qos", prefetch_count=4, global_=True)
    client.consume(bulk)
    client.consume(urgent)
    keys = []
    for _ in range(14):
        delivery = client.delivery()
        keys.append(delivery.args["routing_key"])
        client.send("basic.ack", delivery_tag=delivery.args["delivery_tag"])
    assert [place for place, key in enumerate(keys, 1) if key == urgent] == [5, 7, 9, 11, 13]


@pytest.mark.parametrize("channel", [1, 2], ids=["one channel", "two channels"])
def test_a_backlog_for_a_slow_reader_does_not_hold_up_another_queue(client: RawAmqp, name: str, channel: int) -> None:
    """The fault: a backlog of 40,000 messages went out as a whole before the first message of another queue, which was
    delivery 40,001 of the connection. In RabbitMQ it is 201, or 1."""
    large, small = client.declare(f"{name}.large"), client.declare(f"{name}.small")
    fill(client, large, 40_000, 1000)
    fill(client, small, 10, 1000)
    if channel == 2:
        client.call("channel.open", 2)
    client.write(
        encode_method("basic.consume", 1, queue=large, no_ack=True)
        + encode_method("basic.consume", channel, queue=small, no_ack=True)
    )
    keys = [each.args["routing_key"] for each in deliveries(client, 1000)]
    assert keys.index(small) <= PORTION + 1
    assert keys.count(small) == 10


@pytest.mark.usefixtures("ours")
def test_large_backlogs_alternate_on_a_connection_that_is_read_slowly(client: RawAmqp, name: str) -> None:
    """A socket takes less than a portion of messages of 10 KB; both queues have it in turn all the same."""
    queues = [client.declare(f"{name}.{number}") for number in range(3)]
    for queue in queues:
        fill(client, queue, 1500, 10_000)
    client.write(b"".join(encode_method("basic.consume", 1, queue=queue, no_ack=True) for queue in queues))
    keys = [each.args["routing_key"] for each in deliveries(client, 3000)]
    counts = [keys.count(queue) for queue in queues]
    assert max(counts) - min(counts) <= 3 * PORTION


def test_consumers_of_many_connections_share_a_backlog(connect: Connect, client: RawAmqp, name: str) -> None:
    client.declare(name, auto_delete=False, exclusive=False)
    fill(client, name, 3000)
    others = [connect() for _ in range(2)]
    for other in others:
        other.open()
        other.call("basic.qos", prefetch_count=500)
        other.consume(name)
        assert len(deliveries(other, 500)) == 500
    client.call("queue.delete", queue=name)


@pytest.mark.parametrize(("prefetch", "expected"), [(0, 6), (4, 4)])
def test_a_prefetch_for_each_consumer_lifts_the_limit_of_the_channel(
    client: RawAmqp, name: str, prefetch: int, expected: int
) -> None:
    """The fault: after basic.qos with global, one without it left the limit of the channel in force: 2 arrived."""
    client.declare(name)
    fill(client, name, 6)
    client.call("basic.qos", prefetch_count=2, global_=True)
    client.call("basic.qos", prefetch_count=prefetch)
    client.consume(name)
    client.sync()
    assert len(deliveries(client, expected)) == expected
    assert client.count(name) == 6 - expected


@pytest.mark.parametrize("prefetch", [0, 1])
def test_running_consumers_go_on_at_once_when_the_limit_of_the_channel_is_lifted(
    client: RawAmqp, name: str, prefetch: int
) -> None:
    """The fault: consumers that waited for the channel's limit were not told that it was lifted."""
    first, second = client.declare(f"{name}.1"), client.declare(f"{name}.2")
    fill(client, first, 3)
    fill(client, second, 3)
    client.call("basic.qos", prefetch_count=2, global_=True)
    client.consume(first)
    client.consume(second)
    assert len(deliveries(client, 2)) == 2
    client.call("basic.qos", prefetch_count=prefetch)
    assert len(deliveries(client, 4)) == 4


def test_a_global_prefetch_that_grows_is_in_force_at_once(client: RawAmqp, name: str) -> None:
    client.declare(name)
    fill(client, name, 10)
    client.call("basic.qos", prefetch_count=2, global_=True)
    client.consume(name)
    assert len(deliveries(client, 2)) == 2
    client.call("basic.qos", prefetch_count=5, global_=True)
    client.sync()
    assert len(deliveries(client, 3)) == 3
    assert client.count(name) == 5


@pytest.mark.usefixtures("ours")
def test_a_client_that_sends_much_does_not_hold_up_others(connect: Connect, client: RawAmqp, name: str) -> None:
    """The fault: a socket with more to read was read thirty times in a row, 256 KiB at a time, whatever that led to:
    others waited four seconds for the answer to anything while 100,000 declarations were carried out."""
    other = connect()
    other.open()
    declarations = [
        encode_method("queue.declare", 1, queue=f"{name}.{number}", exclusive=True, nowait=True)
        for number in range(30_000)
    ]
    last = encode_method("channel.close", 1, reply_code=200, reply_text="", class_id=0, method_id=0)
    sender = threading.Thread(target=client.write, args=(b"".join(declarations) + last,), daemon=True)
    sender.start()
    for _ in range(10):
        other.sync()
    assert not select.select([client.socket], [], [], 0)[0], "all of it was done before others had their turn"
    client.socket.settimeout(60)
    client.expect("channel.close-ok")
    sender.join(10)
