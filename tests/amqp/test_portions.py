"""What a client asks for that is much work is done in portions, and what it sends afterwards sees all of it done."""

from collections.abc import Iterable

from mqbroker.core.message import new_message
from mqbroker.core.queues.base import Queue
from mqbroker.core.rabbitmq.declaring import declare_queue
from mqbroker.limits import ACKS_AT_ONCE, PORTION
from mqbroker.protocols.amqp.methods import encode_method
from mqbroker.protocols.amqp.properties import build
from tests.support.amqp_house import DirectAmqp, House

COUNT = 5 * ACKS_AT_ONCE


class Slowly:
    """A client whose requests are handled one portion at a time."""

    def __init__(self, house: House, talk: DirectAmqp) -> None:
        self.house = house
        self.talk = talk

    def send(self, *methods: bytes) -> None:
        """Sends methods in one chunk."""
        self.talk.session.receive_data(b"".join(methods), self.house.now)

    def portions(self) -> Iterable[int]:
        """Has portions done, one after the other, until nothing is left; counts them."""
        count = 0
        while self.house.broker.scheduler.step(self.house.now):
            count += 1
            yield count

    def unacked(self) -> int:
        """How many deliveries of channel 1 wait for their acknowledgement."""
        return self.talk.session.channels[1].unacked.live


def method(name: str, channel: int = 1, /, **args: object) -> bytes:
    return encode_method(name, channel, **args)


def fill(house: House, queue: str, count: int = COUNT, **arguments: object) -> Queue:
    """A queue with so many numbered messages."""
    given = {f"x-{name.replace('_', '-')}": value for name, value in arguments.items()}
    made = declare_queue(house.broker.vhost("/"), queue, True, False, False, given, house.now)
    put(house, queue, *range(count))
    return made


def put(house: House, queue: str, *numbers: int) -> None:
    """Publishes such messages."""
    vhost = house.broker.vhost("/")
    for number in numbers:
        vhost.publish(vhost.route("", queue), new_message("", queue, build(), b"%d" % number, house.now), house.now)


def holding(house: House, queue: str, count: int = COUNT) -> Slowly:
    """A client with so many deliveries that wait for its acknowledgement."""
    client = house.connect()
    client.consume(queue, "c")
    assert [client.delivery().args["delivery_tag"] for _ in range(count)] == list(range(1, count + 1))
    return Slowly(house, client)


def take(client: DirectAmqp, count: int) -> list[int]:
    """The numbers of the next deliveries."""
    return [int(client.delivery().body) for _ in range(count)]


def test_a_multiple_ack_of_many_is_done_in_portions() -> None:
    """The fault: a multiple ack of 100,000 held everybody up. What the client asks after it sees them settled."""
    house = House()
    fill(house, "q")
    client = holding(house, "q")
    client.send(
        method("basic.ack", delivery_tag=COUNT, multiple=True),
        method("queue.delete", queue="q", if_unused=False, if_empty=True),
    )
    assert client.unacked() == COUNT - ACKS_AT_ONCE
    left = [client.unacked() for _ in client.portions() if "q" in house.broker.vhost("/").queues]
    assert left[:4] == list(range(COUNT - 2 * ACKS_AT_ONCE, -1, -ACKS_AT_ONCE))
    house.turn()
    client.talk.expect("queue.delete-ok")
    client.talk.expect("basic.cancel")


def test_a_few_are_acknowledged_at_once() -> None:
    house = House()
    fill(house, "q", 10)
    client = holding(house, "q", 10)
    client.send(method("basic.ack", delivery_tag=7, multiple=True))
    assert client.unacked() == 3
    client.send(method("basic.ack", delivery_tag=0, multiple=True))
    assert client.unacked() == 0
    assert not house.broker.scheduler.round


def test_a_multiple_nack_of_many_gives_all_back_in_their_order() -> None:
    house = House()
    fill(house, "q")
    client = holding(house, "q")
    client.talk.call("basic.cancel", consumer_tag="c")
    other = house.connect()
    other.consume("q", no_ack=True)
    put(house, "q", COUNT)
    house.turn()
    assert take(other, 1) == [COUNT]
    client.send(
        method("basic.nack", delivery_tag=COUNT - 1, multiple=True, requeue=True),
        method("queue.declare", queue="q", passive=True),
    )
    for _ in client.portions():
        assert client.unacked() == 1 or not other.session.out
    house.turn()
    assert take(other, COUNT - 1) == list(range(COUNT - 1))
    client.talk.expect("queue.declare-ok")
    assert client.unacked() == 1


def test_refused_for_good_in_portions() -> None:
    house = House()
    fill(house, "q", dead_letter_exchange="", dead_letter_routing_key="dead")
    dead = fill(house, "dead", 0)
    client = holding(house, "q")
    client.send(
        method("basic.nack", delivery_tag=0, multiple=True, requeue=False),
        method("queue.declare", queue="dead", passive=True),
    )
    assert dead.waiting_count() == PORTION
    house.turn()
    assert client.talk.expect("queue.declare-ok").args["message_count"] == COUNT
    assert [int(entry.message.content()) for entry in dead.waiting()] == list(range(COUNT))


def test_recover_gives_all_back_before_what_is_younger() -> None:
    house = House()
    fill(house, "q")
    client = holding(house, "q")
    client.send(method("basic.recover", requeue=True))
    put(house, "q", COUNT)
    house.turn()
    client.talk.expect("basic.recover-ok")
    assert take(client.talk, COUNT + 1) == list(range(COUNT + 1))


def test_what_was_acknowledged_before_the_socket_is_lost_stays_so() -> None:
    house = House()
    queue = fill(house, "q")
    client = holding(house, "q")
    client.send(method("basic.ack", delivery_tag=COUNT - 1, multiple=True))
    assert client.unacked() > 1
    client.talk.lose()
    assert [entry.message.content() for entry in queue.waiting()] == [b"%d" % (COUNT - 1)]


def test_a_lost_connection_gives_back_in_portions_and_its_successor_gets_the_old_order() -> None:
    """The fault: a connection that was lost with 100,000 deliveries stopped the whole broker for a second."""
    house = House()
    queue = fill(house, "q", single_active_consumer=True)
    client = holding(house, "q")
    client.talk.declare("mine")
    successor = house.connect()
    successor.consume("q", no_ack=True)
    house.talks.remove(client.talk)
    client.talk.session.connection_lost(house.now)
    assert "mine" not in house.broker.vhost("/").queues
    assert queue.waiting_count() <= PORTION
    assert len(queue.consumers) == 1
    put(house, "q", COUNT)
    for _ in client.portions():
        assert not (queue.holds and successor.session.out)
    house.turn()
    assert take(successor, COUNT + 1) == list(range(COUNT + 1))


def test_a_channel_is_closed_when_all_is_back() -> None:
    house = House()
    queue = fill(house, "q")
    client = holding(house, "q")
    client.send(method("channel.close", reply_code=200, reply_text="", class_id=0, method_id=0))
    for _ in client.portions():
        assert 1 in client.talk.session.channels
    assert queue.waiting_count() == COUNT
    house.turn()
    client.talk.expect("channel.close-ok")
    client.talk.call("channel.open")
    assert client.talk.call("queue.declare", queue="q", passive=True).args["message_count"] == COUNT


def test_a_connection_is_closed_when_all_its_channels_are() -> None:
    house = House()
    queue = fill(house, "q")
    client = holding(house, "q")
    client.talk.call("channel.open", 2)
    client.send(
        method("basic.nack", delivery_tag=10, multiple=True, requeue=True),
        method("channel.close", reply_code=200, reply_text="", class_id=0, method_id=0),
        method("connection.close", 0, reply_code=200, reply_text="", class_id=0, method_id=0),
        method("connection.close", 0, reply_code=200, reply_text="", class_id=0, method_id=0),
    )
    count = 0
    for count in client.portions():  # noqa: B007
        assert b"\x00\x0a\x00\x33" not in client.talk.session.out
    assert count > COUNT // PORTION // 2
    assert queue.waiting_count() == COUNT
    house.turn()
    assert take(client.talk, 10) == list(range(10))
    client.talk.expect("channel.close-ok")
    client.talk.expect("connection.close-ok", 0)
    house.pass_time(1000)
    assert client.talk.is_silent()


def test_get_waits_for_what_has_expired() -> None:
    house = House()
    client = Slowly(house, house.connect())
    fill(house, "q", message_ttl=100)
    house.now += 100
    put(house, "q", COUNT)
    client.send(method("basic.get", queue="q", no_ack=True), method("basic.get", queue="q", no_ack=True))
    assert len(list(client.portions())) > COUNT // PORTION // 2
    house.turn()
    assert int(client.talk.expect("basic.get-ok").body) == COUNT
    client.talk.expect("basic.get-empty")


def test_get_from_a_queue_that_is_deleted_meanwhile_is_refused() -> None:
    house = House()
    fill(house, "q", message_ttl=100)
    house.now += 100
    client = Slowly(house, house.connect())
    client.send(method("basic.get", queue="q", no_ack=True))
    house.broker.vhost("/").delete_queue("q")
    house.turn()
    assert client.talk.refusal().code == 404


def test_a_purge_is_answered_when_the_journal_has_all_of_it() -> None:
    house = House()
    fill(house, "q")
    client = Slowly(house, house.connect())
    client.send(method("queue.purge", queue="q"), method("queue.declare", queue="q", passive=True))
    put(house, "q", 7)
    assert sum(not client.talk.session.out for _ in client.portions()) >= COUNT // PORTION - 1
    house.turn()
    assert client.talk.expect("queue.purge-ok").args["message_count"] == COUNT
    assert client.talk.expect("queue.declare-ok").args["message_count"] == 1
