"""Advisories: what happens in the broker, as ActiveMQ tells it in topics."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from mqbroker.core.properties import Properties
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.protocols.amqp.properties import build
from mqbroker.protocols.amqp1.codec import frames
from mqbroker.protocols.amqp1.codec.messaging import Source
from mqbroker.protocols.amqp1.codec.performatives import Detach
from mqbroker.runtime.advisories.advisories import Advisories
from mqbroker.runtime.advisories.place import matches
from mqbroker.runtime.sampler import Sampler
from tests.amqp1.house import House as Amqp1House
from tests.amqp1.test_jms import Jms
from tests.stomp.house import Client, Frame, House

ADVISORY = "/topic/ActiveMQ.Advisory."


@pytest.fixture
def house() -> House:
    house = House(dialect="activemq")
    Advisories(house.broker, house.services.registry, lambda fields: build(**fields), "node")
    return house


def subscribed(house: House, name: str, wants_what_is_there: bool = False) -> Client:
    """A client that has subscribed to advisories, and was told of what there is."""
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination=ADVISORY + name)
    if not wants_what_is_there:
        client.frames()
    return client


def told(client: Client) -> list[tuple[str, dict[str, Any]]]:
    """The topics and the bodies of the advisories that have come."""
    client.house.turn()
    found = []
    for frame in client.frames():
        assert frame.command == "MESSAGE", frame
        found.append((frame.headers["destination"].removeprefix(ADVISORY), json.loads(frame.body)))
    return found


def names(client: Client) -> list[tuple[str, str]]:
    """The topics of advisories and which commands are in them."""
    return [(topic, next(iter(body))) for topic, body in told(client)]


def test_connections_are_told_of(house: House) -> None:
    """There were no advisories at all."""
    client = subscribed(house, "Connection")
    other = house.connect()
    (frame,) = client.frames()
    assert {"originBrokerId", "originBrokerName", "originBrokerURL"} <= set(frame.headers)
    assert (frame.headers["type"], frame.headers["priority"]) == ("Advisory", "0")
    assert (frame.headers["destination"], frame.headers["transformation"]) == (
        "/topic/ActiveMQ.Advisory.Connection",
        "jms-advisory-json",
    )
    assert frame.body.startswith(b'{"ConnectionInfo":')
    info = json.loads(frame.body)["ConnectionInfo"]
    assert info["userName"] == "guest"
    assert info["password"] == ""
    other.lose()
    ((topic, body),) = told(client)
    assert topic == "Connection"
    assert body["RemoveInfo"]["objectId"] == {"@class": "ConnectionId", "value": info["connectionId"]["value"]}


def test_queues_come_and_go(house: House) -> None:
    client = subscribed(house, ">")
    client.send("SEND", destination="/queue/a.b")
    house.vhost.declare(QueueSpec("own", owner=client.session), house.now)
    house.turn()
    house.vhost.remove(house.vhost.queues["a.b"])
    found = [each for each in told(client) if "ActiveMQ.DLQ" not in str(each)]
    shown = [
        (topic, body["DestinationInfo"]["destination"], body["DestinationInfo"]["operationType"])
        for topic, body in found
    ]
    assert shown == [
        ("Queue", {"@class": "ActiveMQQueue", "string": "a.b"}, 0),
        ("TempQueue", {"@class": "ActiveMQTempQueue", "string": "own"}, 0),
        ("Queue", {"@class": "ActiveMQQueue", "string": "a.b"}, 1),
    ]


def test_consumers_are_counted(house: House) -> None:
    client = subscribed(house, "Consumer.>")
    other = house.connect()
    for number in (1, 2):
        other.send("SUBSCRIBE", id=number, destination="/queue/a,b")
    other.send("UNSUBSCRIBE", id=1)
    found = client.frames()
    topics = {frame.headers["destination"] for frame in found}
    assert topics == {f"{ADVISORY}Consumer.Queue.a", f"{ADVISORY}Consumer.Queue.b"}
    ours = [frame for frame in found if frame.headers["destination"].endswith("Queue.a")]
    assert [frame.headers["consumerCount"] for frame in ours] == ["1", "2", "1"]
    assert "RemoveInfo" in json.loads(ours[2].body)
    other.send("SUBSCRIBE", id=3, destination="/queue/c", **{"activemq.prefetchSize": 7})
    ((_, body),) = told(client)
    assert body["ConsumerInfo"]["prefetchSize"] == 7


def test_subscriptions_are_to_topics(house: House) -> None:
    """The queue of a subscription is nobody's destination."""
    client = subscribed(house, ">")
    other = house.connect()
    other.send("SUBSCRIBE", id=1, destination="/topic/news")
    other.send("SUBSCRIBE", id=2, destination="/temp-topic/mine")
    other.send("UNSUBSCRIBE", id=1)
    found = [each for each in told(client) if each[0] != "Connection"]
    assert [topic for topic, _ in found] == [
        "Topic", "Consumer.Topic.news", "TempTopic", found[3][0], "Consumer.Topic.news", "Topic",
    ]  # fmt: skip
    assert found[3][0].startswith("Consumer.Topic.temp-topic.")
    for number, operation in ((0, 0), (5, 1)):
        info = found[number][1]["DestinationInfo"]
        assert info["destination"] == {"@class": "ActiveMQTopic", "string": "news"}
        assert info["operationType"] == operation
    jms = Jms(Amqp1House(broker=house.broker))
    jms.consumer("plain", Source("topic://weather"))
    jms.consumer("durable", Source("topic://weather", 2, "never"))
    jms.client.receive(frames.performative(0, Detach(jms.handle, True)))
    assert names(client) == [
        ("Connection", "ConnectionInfo"),
        ("Topic", "DestinationInfo"),
        ("Consumer.Topic.weather", "ConsumerInfo"),
        ("Consumer.Topic.weather", "ConsumerInfo"),
        ("Consumer.Topic.weather", "RemoveInfo"),
    ]


@pytest.mark.parametrize("wanted", ["jms-xml", "jms-advisory-xml", "jms-json", "jms-advisory-json", ""])
def test_advisories_come_in_the_form_that_is_asked_for(house: House, wanted: str) -> None:
    client = house.connect()
    headers = {"transformation": wanted} if wanted else {}
    client.send("SUBSCRIBE", id=1, destination=f"{ADVISORY}Consumer.>", **headers)
    house.connect().send("SUBSCRIBE", id=1, destination="/queue/a&b")
    (frame,) = client.frames()
    is_xml = wanted.endswith("xml")
    assert frame.headers["transformation"] == ("jms-advisory-xml" if is_xml else "jms-advisory-json")
    assert (frame.headers["type"], frame.headers["consumerCount"]) == ("Advisory", "1")
    if not is_xml:
        assert json.loads(frame.body)["ConsumerInfo"]["destination"]["string"] == "a&b"
        return
    text = frame.body.decode()
    assert text.startswith("<ConsumerInfo>\n  <commandId>0</commandId>\n  <responseRequired>false</responseRequired>\n")
    destination = '  <destination class="ActiveMQQueue">\n    <string>a&amp;b</string>\n  </destination>\n'
    assert destination in text
    assert text.endswith("</ConsumerInfo>")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"a":1,"b":2}', b'{"a b":1}', b'{"a":' * 20 + b"1" + b"}" * 20])
def test_what_only_says_that_it_is_a_command_comes_as_it_is(house: House, body: bytes) -> None:
    """Anybody may send something with that header."""
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", transformation="jms-xml")
    client.send("SEND", body, destination="/queue/a", transformation="jms-advisory-json")
    (frame,) = client.frames()
    assert frame.body == body


def test_producers_are_counted(house: House) -> None:
    client = subscribed(house, "Producer.>")
    jms = Jms(Amqp1House(broker=house.broker))
    for address in ("queue://a", "queue://a", "topic://t", None):
        jms.producer(address)
    for jms.handle in (0, 2):
        jms.detach(closed=True)
    house.turn()
    found = client.frames()
    assert [frame.headers["destination"].removeprefix(f"{ADVISORY}Producer.") for frame in found] == [
        "Queue.a",
        "Queue.a",
        "Topic.t",
        "Queue.a",
        "Topic.t",
    ]
    assert [frame.headers["producerCount"] for frame in found] == ["1", "2", "1", "1", "0"]
    assert json.loads(found[0].body)["ProducerInfo"]["destination"]["string"] == "a"
    assert names(subscribed(house, "Producer.*.*", wants_what_is_there=True)) == [("Producer.Queue.a", "ProducerInfo")]
    jms.client.lose()
    assert names(client) == [("Producer.Queue.a", "RemoveInfo")]


def test_who_subscribes_is_told_of_what_is_there(house: House) -> None:
    other = house.connect()
    other.send("SUBSCRIBE", id=1, destination="/queue/a")
    other.send("SUBSCRIBE", id=2, destination="/topic/t")
    assert names(subscribed(house, "Connection", wants_what_is_there=True)) == [("Connection", "ConnectionInfo")] * 2
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination=f"{ADVISORY}Queue,ActiveMQ.Advisory.Topic")
    found = [(topic, body["DestinationInfo"]["destination"]["string"]) for topic, body in told(client)]
    assert sorted(found) == [("Queue", "ActiveMQ.DLQ"), ("Queue", "a"), ("Topic", "t")]
    client = subscribed(house, "Consumer.*.*", wants_what_is_there=True)
    assert sorted(names(client)) == [("Consumer.Queue.a", "ConsumerInfo"), ("Consumer.Topic.t", "ConsumerInfo")]


def test_nothing_is_made_while_nobody_asks() -> None:
    """Who subscribes to all topics has not asked, and who asks for some advisories has not asked for others."""
    house = House(dialect="activemq")
    made: list[object] = []

    def compose(fields: Mapping[str, object]) -> Properties:
        made.append(fields)
        return build(**fields)

    Advisories(house.broker, house.services.registry, compose, "node")
    other = house.connect()
    other.send("SUBSCRIBE", id=1, destination="/queue/a")
    other.send("SEND", destination="/queue/a")
    other.send("SUBSCRIBE", id=2, destination="/topic/>")
    other.send("SEND", destination="/queue/b")
    assert house.vhost.tap is None
    assert made == []
    subscribed(house, "Connection")
    made.clear()
    other.send("SUBSCRIBE", id=3, destination="/queue/c")
    assert made == []


def test_messages_are_looked_at_only_while_somebody_wants_that(house: House) -> None:
    """A tap costs something with each message."""
    client = subscribed(house, "MessageDelivered.Queue.a")
    assert house.vhost.tap is not None
    other = house.connect()
    other.send("SUBSCRIBE", id=1, destination="/queue/a")
    other.send("SEND", b"x", destination="/queue/a")
    other.send("SEND", b"x", destination="/queue/b")
    (frame,) = client.frames()
    assert frame.headers["orignalDestination"] == "queue\\c//a"
    assert b"x" not in frame.body.replace(b"ex", b"")
    client.send("UNSUBSCRIBE", id=1)
    house.turn()
    assert house.vhost.tap is None
    other.send("SEND", b"x", destination="/queue/a")
    assert client.frames() == []


def test_what_nobody_consumes_comes_itself(house: House) -> None:
    client = subscribed(house, "NoConsumer.>")
    client.send("SEND", b"for nobody", destination="/queue/a", colour="red")
    client.send("SEND", b"kept", destination="/queue/a", persistent="true")
    client.send("SEND", b"for no topic", destination="/topic/t")
    client.send("SUBSCRIBE", id=2, destination="/queue/b")
    client.send("SEND", b"for somebody", destination="/queue/b")
    found: list[Frame] = [frame for frame in client.frames() if frame.headers["subscription"] == "1"]
    assert [(frame.headers["destination"].removeprefix(ADVISORY), frame.body) for frame in found] == [
        ("NoConsumer.Queue.a", b"for nobody"),
        ("NoConsumer.Topic.t", b"for no topic"),
    ]
    assert found[0].headers["colour"] == "red"


def test_what_happens_to_many_messages_is_told_with_a_count(house: House) -> None:
    """Once in a while, as the sampler looks."""
    sampler = Sampler(house.broker)
    house.vhost.declare(QueueSpec("small", max_length=1), house.now)
    house.vhost.declare(QueueSpec("full", max_length=1, overflow="reject-publish"), house.now)
    house.vhost.declare(QueueSpec("short", message_ttl=10), house.now)
    client = subscribed(house, ">")
    for name in ("small", "full", "short"):
        for _ in range(3):
            client.send("SEND", b"x", destination=f"/queue/{name}")
    house.pass_time(1000)
    client.frames()
    sampler.start(house.now)
    house.turn()
    found = {frame.headers["destination"].removeprefix(ADVISORY): frame.headers for frame in client.frames()}
    assert found["MessageDiscarded.Queue.small"]["discardedCount"] == "2"
    assert found["FULL.Queue.full"]["usageCount"] == "2"
    assert found["Expired.Queue.short"]["messageCount"] == "3"


def test_a_name_that_is_no_text_is_told_all_the_same(house: House) -> None:
    """JSON has no octets: the broker would have stopped."""
    client = subscribed(house, "*")
    watcher = subscribed(house, "MessageDelivered.>")
    house.vhost.declare(QueueSpec("odd\udcff"), house.now)
    other = house.connect()
    other.write(b"SUBSCRIBE\nid:1\ndestination:/queue/odd\xff\n\n\0")
    other.write(b"SEND\ndestination:/queue/odd\xff\n\nx\0")
    assert [topic for topic, _ in told(client) if topic == "Queue"] == ["Queue"]
    assert len(watcher.frames()) == 1


def test_a_name_that_is_too_long_for_a_topic_is_passed_over(house: House) -> None:
    client = subscribed(house, ">")
    other = house.connect()
    other.send("SUBSCRIBE", id=5, destination="/queue/" + "q" * 250)
    other.send("SUBSCRIBE", id=6, destination="/queue/after")
    assert "Consumer.Queue.after" in [topic for topic, _ in names(client)]


@pytest.mark.parametrize(
    ("key", "topic", "is_one"),
    [("a.#", "a", True), ("a.#", "a.b.c", True), ("#", "a.b", True), ("a.*.c", "a.b.c", True), ("a.*", "a", False),
     ("#.c", "a.b.c", True), ("a.#.c", "a.c", True), ("a.b", "a.b.c", False), ("*.#.*", "a", False),
     ("b.#", "a", False),
    ],
)  # fmt: skip
def test_binding_keys_match_as_the_exchange_has_it(key: str, topic: str, is_one: bool) -> None:
    assert matches(key, topic) is is_one


def test_what_is_there_at_the_start_is_known(house: House) -> None:
    """Those that the journal has put back."""
    other = house.connect()
    other.send("SUBSCRIBE", id=1, destination="/queue/a")
    other.send("SUBSCRIBE", id=2, destination="/topic/t")
    other.send("SUBSCRIBE", id=3, destination="/topic/ActiveMQ.Advisory.Consumer.>")
    other.send("SUBSCRIBE", id=4, destination="/topic/ActiveMQ.Advisory.MessageDelivered.>")
    other.frames()
    Advisories(house.broker, house.services.registry, lambda fields: build(**fields), "another")
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a")
    found = [frame for frame in other.frames() if frame.headers["originBrokerName"] == "another"]
    assert [frame.headers["consumerCount"] for frame in found] == ["2"]


def test_a_name_that_is_used_again_at_once_is_known_by_its_new_bindings(house: House) -> None:
    """What is told of in the midst of one turn is noted in its order."""
    client = subscribed(house, "*")
    vhost, now = house.vhost, house.now
    exchange = vhost.exchange("amq.topic")
    queue = vhost.declare(QueueSpec("q", auto_delete=True), now)
    vhost.bind(exchange, queue, "t", {})
    vhost.unbind(exchange, queue, "t", {})
    vhost.bind(exchange, queue, "t", {})
    vhost.remove(queue)
    queue = vhost.declare(QueueSpec("q", auto_delete=True), now)
    vhost.bind(exchange, queue, "u", {})
    vhost.remove(queue)
    house.turn()
    shown = [
        (body["DestinationInfo"]["destination"]["string"], body["DestinationInfo"]["operationType"])
        for _, body in told(client)
    ]
    assert shown == [("t", 0), ("t", 1), ("t", 0), ("t", 1), ("u", 0), ("u", 1)]
