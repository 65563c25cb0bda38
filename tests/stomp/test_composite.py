"""One subscription to several queues at once: composite destinations and wildcards of queues."""

import pytest

from mqbroker.core.access.access import Permissions
from mqbroker.core.destinations.naming import Naming
from mqbroker.core.destinations.subscriptions import TopicSubscription, open_subscription
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.limits import PORTION
from mqbroker.protocols.stomp.limits import STOMP_COMPOSITE_QUEUES_MAX
from tests.stomp.house import House


@pytest.fixture
def house() -> House:
    return House(dialect="activemq")


def test_a_composite_destination_is_subscribed_to(house: House) -> None:
    """A composite destination was for SEND only."""
    client, publisher = house.connect(), house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a,b,topic://c", ack="client", receipt="r")
    client.take("RECEIPT")
    for destination in ("/queue/a", "/queue/b", "/topic/c", "/queue/d"):
        publisher.send("SEND", destination.encode(), destination=destination)
    found = client.frames()
    assert [(each.headers["subscription"], each.body) for each in found] == [
        ("1", b"/queue/a"), ("1", b"/queue/b"), ("1", b"/topic/c"),
    ]  # fmt: skip
    client.send("ACK", id=found[1].headers["ack"])  # and what came before, whichever queue it is from
    assert [house.vhost.queues[name].unacked_count for name in ("a", "b")] == [0, 0]
    client.send("UNSUBSCRIBE", id=1)
    publisher.send("SEND", b"again", destination="/queue/a")
    assert client.frames() == []
    client.send("ACK", id=found[2].headers["ack"], receipt="late")
    client.take("RECEIPT")
    assert all(not queue.consumers for queue in house.vhost.queues.values())


def test_wildcards_of_queues_mean_those_that_come_too(house: House) -> None:
    client, publisher = house.connect(), house.connect()
    publisher.send("SEND", b"1", destination="/queue/shop.orders")
    client.send("SUBSCRIBE", id=1, destination="/queue/shop.*,other")
    publisher.send("SEND", b"2", destination="/queue/shop.returns")
    publisher.send("SEND", b"3", destination="/queue/shop.returns.old")
    publisher.send("SEND", b"4", destination="/queue/other")
    assert client.messages() == [b"1", b"2", b"4"]
    house.vhost.delete_queue("shop.orders")
    assert client.frames() == []  # one of many is gone
    house.connect().send("SEND", b"5", destination="/queue/shop.orders")
    assert client.messages() == [b"5"]
    client.lose()
    publisher.send("SEND", b"6", destination="/queue/shop.more")
    assert house.vhost.queues["shop.more"].waiting_count() == 1
    assert all(not queue.consumers for queue in house.vhost.queues.values())


def test_what_a_lost_connection_held_of_several_queues_goes_back(house: House) -> None:
    client, publisher = house.connect(), house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a,b", ack="client-individual")
    for name in ("a", "b", "a"):
        publisher.send("SEND", name.encode(), destination=f"/queue/{name}")
    assert len(client.frames()) == 3
    client.lose()
    assert [house.vhost.queues[name].waiting_count() for name in ("a", "b")] == [2, 1]


def test_too_many_queues_leave_nothing_behind(house: House) -> None:
    """Each SUBSCRIBE that was refused left a queue of its own, and those of its topics, which took messages."""
    client = house.connect()
    many = ",".join(f"topic://{number}" for number in range(STOMP_COMPOSITE_QUEUES_MAX + 1))
    client.send("SUBSCRIBE", id=1, destination=f"/queue/{many}")
    assert "more than 1024 queues" in client.take("ERROR").body.decode()
    assert not house.vhost.queues


@pytest.mark.parametrize(
    "headers",
    [
        {"destination": "/topic/a", "activemq.prefetchSize": "many"},
        {"destination": "/topic/a", "activemq.priority": "high"},
        {"destination": "/topic/a,queue://taken"},
        {"destination": "/topic/a,queue://closed"},
    ],
)
def test_a_refused_subscription_leaves_nothing_behind(house: House, headers: dict[str, str]) -> None:
    """The queue of a topic, bound already, took messages for nobody."""
    house.broker.put_user("other", "other")
    house.broker.set_permissions("other", "/", Permissions(".*", ".*", "^(amq|stomp).*"))
    taken = house.vhost.declare(QueueSpec("taken"), house.now)
    closed = house.vhost.declare(QueueSpec("closed"), house.now)
    client = house.connect(user="other")
    client.send("SUBSCRIBE", id=1, **headers)
    client.take("ERROR")
    house.turn()
    assert list(house.vhost.queues.values()) == [taken, closed]


@pytest.mark.parametrize("first", ["theirs", "topic://t"])
def test_a_refused_subscription_leaves_what_was_there(house: House, first: str) -> None:
    """An auto-delete queue that nobody consumed from yet was deleted, with the messages that it had."""
    topics = house.vhost.exchange(house.settings.topic_exchange)
    open_subscription(house.vhost, topics, TopicSubscription("theirs", ("t",)), house.now)
    house.vhost.declare(QueueSpec("closed", owner=house), house.now)
    client = house.connect()
    client.send("SEND", b"x", destination="/topic/t")
    client.send("SUBSCRIBE", id=1, destination=f"/queue/{first},queue://closed", **{"x-queue-name": "theirs"})
    client.take("ERROR")
    house.turn()
    assert {name: queue.waiting_count() for name, queue in house.vhost.queues.items()} == {"theirs": 1, "closed": 0}


@pytest.mark.parametrize("destination", ["/queue/b,a.x,a.y", "/queue/b,a.*", "/queue/a.*,b"])
def test_several_queues_are_browsed_at_once(house: House, destination: str) -> None:
    """A composite destination could not be browsed."""
    client, publisher = house.connect(), house.connect()
    for name in ("a.x", "a.y", "b"):
        for number in range(PORTION + 1):
            publisher.send("SEND", f"{name}{number}".encode(), destination=f"/queue/{name}", n=number)
    client.send("SUBSCRIBE", id=1, destination=destination, browser="true", selector="n <> 7", receipt="r")
    receipt, *messages, last = client.frames()
    assert receipt.command == "RECEIPT"
    numbers = [number for number in range(PORTION + 1) if number != 7]
    bodies = [each.body for each in messages]
    assert sorted(bodies) == sorted(f"{name}{number}".encode() for name in ("a.x", "a.y", "b") for number in numbers)
    assert [body for body in bodies if body[:1] == b"b"] == [b"b%d" % number for number in numbers]
    assert {each.headers["destination"] for each in messages} == {"/queue/a.x", "/queue/a.y", "/queue/b"}
    assert (last.headers["browser"], last.headers["subscription"]) == ("end", "1")
    assert all(house.vhost.queues[name].waiting_count() == PORTION + 1 for name in ("a.x", "a.y", "b"))
    client.send("UNSUBSCRIBE", id=1, receipt="r")
    client.take("RECEIPT")
    assert set(house.vhost.queues) == {"a.x", "a.y", "b", "ActiveMQ.DLQ"}
    client.send("SUBSCRIBE", id=1, destination="/queue/none.>", browser="true")
    assert client.take("MESSAGE").headers["browser"] == "end"


def test_a_composite_destination_has_its_limits(house: House) -> None:
    client = house.connect(client_id="c")
    client.send("SUBSCRIBE", id=1, destination="/queue/a,topic://b", browser="true")
    assert client.error() == ("Invalid destination", "topics cannot be browsed\n")
    assert not house.vhost.queues


def test_destinations_stand_for_others_by_setting(house: House) -> None:
    """Only clients could send to several at once."""
    house.services.naming = Naming(composites={"queue://all": ("queue://a", "topic://t"), "topic://t": ("queue://b",)})
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/topic/t")
    client.send("SEND", b"x", destination="/queue/all")
    client.send("SEND", b"y", destination="/topic/t")
    assert client.messages() == [b"x"]
    assert {name: queue.waiting_count() for name, queue in house.vhost.queues.items() if name in ("a", "b", "all")} == {
        "a": 1, "b": 1,
    }  # fmt: skip


def test_queues_of_virtual_topics_may_know_what_their_consumers_select(house: House) -> None:
    """What nobody selected piled up in the queue until it was full."""
    house.services.naming = Naming(is_selector_aware=True)
    client, publisher = house.connect(), house.connect()
    name = "Consumer.A.VirtualTopic.x"

    def publish(*destinations: str) -> None:
        for destination in destinations:
            for number in (1, 2):
                publisher.send("SEND", b"%d" % number, destination=destination, n=number)

    publisher.send("SEND", b"", destination=f"/queue/{name}")
    publish("/topic/VirtualTopic.x")
    queue = house.vhost.queues[name]
    assert queue.waiting_count() == 1  # what was sent to it
    client.send("SUBSCRIBE", id=1, destination=f"/queue/{name}", selector="n > 1", ack="client")
    publish("/topic/VirtualTopic.x", f"/queue/{name}")
    assert client.messages() == [b"2", b"2"]
    assert queue.waiting_count() == 2
    client.send("SUBSCRIBE", id=2, destination=f"/queue/{name}")
    client.frames()
    publish("/topic/VirtualTopic.x")
    assert len(client.messages()) == 2
    client.lose()
    came_back = queue.waiting_count()
    publish("/topic/VirtualTopic.x")
    assert queue.waiting_count() == came_back


def test_mirrored_queues_let_others_look_on(house: House) -> None:
    """Whoever wanted to watch a queue had to take its messages away."""
    house.services.naming = Naming(mirror=("VirtualTopic.Mirror.", ""))
    client, watcher = house.connect(), house.connect()
    watcher.send("SUBSCRIBE", id=1, destination="/topic/VirtualTopic.Mirror.>")
    watcher.send("SUBSCRIBE", id=2, destination="/queue/Consumer.A.VirtualTopic.Mirror.q")
    client.send("SUBSCRIBE", id=1, destination="/queue/q")
    client.send("SEND", b"x", destination="/queue/q", receipt="r")
    assert [each.command for each in client.frames()] == ["RECEIPT", "MESSAGE"]
    assert sorted((each.headers["subscription"], each.body) for each in watcher.frames()) == [("1", b"x"), ("2", b"x")]
    client.send("SEND", b"x", destination="/temp-queue/t")
    assert watcher.frames() == []


def test_a_message_says_where_it_was_sent_to_first(house: House) -> None:
    """A consumer of a virtual topic's queue was told the topic as if it had subscribed to that."""
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/Consumer.A.VirtualTopic.x")
    client.send("SEND", b"x", destination="/topic/VirtualTopic.x")
    headers = client.take("MESSAGE").headers
    assert headers["destination"] == "/queue/Consumer.A.VirtualTopic.x"
    assert headers["original-destination"] == "/topic/VirtualTopic.x"
    client.send("SUBSCRIBE", id=2, destination="/queue/q", ack="client-individual")
    client.send("SEND", b"x", destination="/queue/q", persistent="true")
    message = client.take("MESSAGE")
    assert "original-destination" not in message.headers
    client.send("NACK", id=message.headers["ack"])
    client.send("SUBSCRIBE", id=3, destination="/queue/ActiveMQ.DLQ")
    headers = client.take("MESSAGE").headers
    assert (headers["destination"], headers["original-destination"]) == ("/queue/ActiveMQ.DLQ", "/queue/q")


def test_the_prefetch_counts_for_all_of_it_together(house: House) -> None:
    """Who asked for one message at a time from ten queues got ten."""
    client, publisher = house.connect(), house.connect()
    prefetch = {"activemq.prefetchSize": 2}
    client.send("SUBSCRIBE", id=1, destination="/queue/a,b,topic://c", ack="client-individual", **prefetch)
    for number in range(9):
        publisher.send("SEND", b"%d" % number, destination=("/queue/a", "/queue/b", "/topic/c")[number % 3])
    seen = []
    while found := client.frames():
        assert len(found) <= 2
        seen += [each.body for each in found]
        for each in found:
            client.send("ACK", id=each.headers["ack"])
    assert sorted(seen) == [b"%d" % number for number in range(9)]
    client.send("SUBSCRIBE", id=2, destination="/queue/d,e", **prefetch)  # which acknowledges nothing
    for _ in range(5):
        publisher.send("SEND", b"", destination="/queue/d")
    assert len(client.frames()) == 5


DURABLE = {"activemq.subscriptionName": "s"}


def test_a_durable_subscription_may_be_to_several_topics(house: House) -> None:
    client = house.connect(**{"client-id": "c"})
    client.send("SUBSCRIBE", id=1, destination="/topic/a,b.>", ack="client", **DURABLE)
    client.send("UNSUBSCRIBE", id=1)
    for topic in ("a", "b.c.d", "c"):
        client.send("SEND", topic.encode(), destination=f"/topic/{topic}")
    client.send("SUBSCRIBE", id=1, destination="/topic/a,b.>", ack="client", **DURABLE)
    found = client.frames()
    assert [(each.headers["destination"], each.body) for each in found] == [
        ("/topic/a", b"a"), ("/topic/b.c.d", b"b.c.d"),
    ]  # fmt: skip
    client.send("UNSUBSCRIBE", id=1)
    client.send("ACK", id=found[0].headers["ack"])
    client.send("SUBSCRIBE", id=1, destination="/topic/a", **DURABLE)  # another one, without what waited
    assert client.frames() == []
    client.send("SEND", b"x", destination="/topic/b.c")
    assert client.frames() == []


def test_a_durable_subscription_has_no_queues(house: House) -> None:
    client = house.connect()
    for destination in ("/topic/a,queue://b", "/queue/a,b", "/temp-topic/t"):
        client.send("SUBSCRIBE", id=1, destination=destination, **DURABLE)
        assert client.error()[0] == "Invalid Subscription\\c cannot durably subscribe to a Queue destination!"
    assert not house.vhost.queues
