"""Topics and routing keys: what comes back, what matches, and what a change of the mapping does to the journal."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.core.access.access import TopicPermissions
from mqbroker.core.routing.topics import TopicTrie
from mqbroker.protocols.amqp.properties import build
from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.reasons import Reason
from mqbroker.protocols.mqtt.topics import EXACT, MAPPINGS, RABBITMQ, Mapping, is_hidden, is_topic_name
from tests.mqtt.house import Client, House
from tests.storage.simdisk import SimDisk

KEEP = {"clean_start": False, "properties": {"session_expiry_interval": 600}}

_characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0+#")
topics = st.text(st.sampled_from("ab./*$é ") | _characters, min_size=1, max_size=12)
levels = st.sampled_from(["a", "b", "", ".", "*", "a.b", "*a", "a*", "$a", "+"])
topic_names = st.lists(levels.filter(lambda each: each != "+"), min_size=1, max_size=5).map("/".join).filter(bool)
filters = st.tuples(st.lists(levels, max_size=5), st.booleans()).map(
    lambda parts: "/".join([*parts[0], "#"] if parts[1] or not parts[0] else parts[0])
).filter(bool)  # fmt: skip


def matches(topic_filter: str, topic: str) -> bool:
    """§4.7, word for word."""
    if topic.startswith("$") and topic_filter[0] in "+#":
        return False
    wanted, found = topic_filter.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted.pop()
        if len(found) < len(wanted):
            return False
        found = found[: len(wanted)]
    return len(wanted) == len(found) and all(a in ("+", b) for a, b in zip(wanted, found, strict=True))


@given(topics)
def test_every_topic_comes_back_from_its_key(topic: str) -> None:
    assert EXACT.from_key(EXACT.to_key(topic)) == topic
    assert EXACT.brings_back(topic)
    assert RABBITMQ.brings_back(topic) is ("." not in topic)


@given(topics)
def test_topics_without_dots_and_stars_map_as_in_rabbitmq(topic: str) -> None:
    common = topic.replace(".", "x").replace("*", "x")
    assert EXACT.to_key(common) == RABBITMQ.to_key(common) == common.replace("/", ".")


@given(st.text(st.sampled_from("ab./*+#") | _characters, min_size=1, max_size=12))
def test_a_key_that_is_a_topic_is_the_key_of_that_topic(key: str) -> None:
    topic = EXACT.from_key(key)
    assert is_topic_name(topic) is ("*" not in key and "#" not in key)
    assert EXACT.to_key(topic) == key


@given(filters, topic_names)
def test_filters_match_as_the_specification_says_whatever_is_in_a_level(topic_filter: str, topic: str) -> None:
    trie: TopicTrie[int] = TopicTrie()
    trie.add(EXACT.to_key(topic_filter), 1)
    key = EXACT.to_key(topic)
    is_match = bool(trie.match(key)) and not is_hidden(topic_filter, key)
    assert is_match is matches(topic_filter, topic)


@given(filters, topic_names)
def test_retained_messages_are_found_as_the_specification_says(topic_filter: str, topic: str) -> None:
    house = House()
    house.connect("p").publish(topic, b"x", retain=True)
    client = house.connect("s")
    client.subscribe(topic_filter, qos=0)
    assert [name for name, _, _ in client.messages()] == ([topic] if matches(topic_filter, topic) else [])


# --- between clients ------------------------------------------------------------------------------------------------

AWKWARD = ("dev/192.168.1.5/up", "a*b/state", "MOL.INFO.node-1", "x/*/y", "./.", "*", "a.b.*/c")


@pytest.mark.parametrize("topic", AWKWARD)
@pytest.mark.parametrize("version", [3, 4, 5])
def test_a_topic_with_dots_and_stars_reaches_its_subscribers_as_it_was(topic: str, version: int) -> None:
    """A level with a . came back as two, and one with a * was acknowledged and never delivered."""
    house = House()
    publisher = house.connect("p", version=version, will=p.Will(topic, b"will", 1))
    for topic_filter in (topic, "#", "+/" * topic.count("/") + "+", f"$share/g/{topic}"):
        client = house.connect("s", version=version)
        client.subscribe(topic_filter, qos=1)
        for qos in (0, 1):
            publisher.publish(topic, b"x", qos)
        assert client.messages() == [(topic, b"x", 0), (topic, b"x", 1)], topic_filter
    client = house.connect("s", version=version)
    client.subscribe(topic, qos=1)
    publisher.lose()
    assert client.messages() == [(topic, b"will", 1)]


def test_topics_that_differ_in_a_dot_are_retained_side_by_side() -> None:
    """The one was taken for the other, so that it was overwritten."""
    before = House(SimDisk())
    publisher = before.connect("p")
    names = ["r.x/y", "r/x*y", "r/x.y", "r/x/y", "r/xy"]
    for topic in names:
        publisher.publish(topic, topic.encode(), 1, retain=True)
    for house in (before, before.killed()):
        client = house.connect("s")
        client.subscribe("#", qos=1)
        assert sorted(client.messages()) == [(topic, topic.encode(), 1) for topic in names]


def test_amqp_sees_a_slash_for_a_dot_inside_of_a_level_and_a_plus_for_a_star() -> None:
    house = House()
    vhost = house.broker.vhost("/")
    queue = vhost.declare_queue("q", True, False, False, {}, house.now)
    vhost.bind(vhost.exchange("amq.topic"), queue, "dev.*.up", {})
    publisher, subscriber = house.connect("p"), house.connect("s")
    publisher.publish("dev/192.168.1.5/up", qos=1)
    publisher.publish("dev/a*b/up", qos=1, packet_id=8)
    assert [entry.message.routing_key for entry in queue.waiting()] == ["dev.192/168/1/5.up", "dev.a+b.up"]
    subscriber.subscribe("dev/+/up")
    for entry in queue.waiting():
        house.publish_amqp("amq.topic", entry.message.routing_key, build(), b"back")
    assert [topic for topic, _, _ in subscriber.messages()] == ["dev/192.168.1.5/up", "dev/a*b/up"]


def test_with_the_mapping_of_rabbitmq_a_topic_that_comes_back_as_another_is_said_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = House(mapping=RABBITMQ)
    client, publisher = house.connect("s"), house.connect("p")
    client.subscribe("#")
    for topic in ("dev/1.2/up", "dev/1.2/up", "dev/3.4/up", "dev/5/up"):
        publisher.publish(topic)
    assert [topic for topic, _, _ in client.messages()] == ["dev/1/2/up", "dev/1/2/up", "dev/3/4/up", "dev/5/up"]
    assert caplog.messages == [
        "client 'p': what it publishes to 'dev/1.2/up' comes to MQTT clients as 'dev/1/2/up' "
        '(mqtt.topic_mapping = "rabbitmq")'
    ]


@pytest.mark.parametrize("mapping", MAPPINGS.values(), ids=MAPPINGS)
def test_a_key_of_amqp_that_is_no_topic_is_counted_and_said_in_the_log(
    caplog: pytest.LogCaptureFixture, mapping: Mapping
) -> None:
    house = House(mapping=mapping)
    client = house.connect("s")
    client.subscribe("#", qos=1)
    for key in ("a.#", "a\0"):
        house.publish_amqp("amq.topic", key, build(delivery_mode=2), b"x")
    assert client.messages() == []
    assert house.sessions.counters.dropped == 2
    assert caplog.messages == [
        "a message to 'amq.topic' with the key 'a.#' is not sent to MQTT clients: there is no such topic"
    ]


# --- permissions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mapping", "client_id", "topic", "is_allowed"), [
    (EXACT, "c.1", "up/c.1/x", True), (EXACT, "c.1", "up/c/1/x", False), (EXACT, "c/1", "up/c/1/x", False),
    (EXACT, "c/1", "up/c.1/x", False), (EXACT, "c*1", "up/c*1/x", False), (EXACT, "c1", "up/c1/x", True),
    (RABBITMQ, "c.1", "up/c.1/x", True), (RABBITMQ, "c1", "up/c1/x", True), (RABBITMQ, "c/1", "up/c/1/x", False),
])  # fmt: skip
def test_the_client_identifier_in_a_topic_permission_is_one_level_of_the_topic(
    mapping: Mapping, client_id: str, topic: str, is_allowed: bool
) -> None:
    """Patterns are matched with routing keys, in which a . of the client identifier is a / by now."""
    house = House(mapping=mapping)
    house.broker.set_topic_permissions("guest", "/", "amq.topic", TopicPermissions(r"^up\.{client_id}\.", ".*"))
    client = house.connect(client_id)
    client.publish(topic, qos=1)
    assert client.one().reason == (Reason.NO_MATCHING_SUBSCRIBERS if is_allowed else Reason.NOT_AUTHORIZED)


# --- a journal of the other mapping ---------------------------------------------------------------------------------


def reopened(house: House, mapping: Mapping) -> House:
    assert house.disk is not None
    return House(house.disk.after_kill(), house.now, mapping=mapping)


def come(house: House, client_id: str, **fields: Any) -> Client:
    return house.connect(client_id, **{**KEEP, **fields})


PUBLISHED = ("dev/1.2/up", "a*b/c", "plain/x", "sh.are/d", "live/1.2")
BOTH_WAYS = pytest.mark.parametrize(("before", "after"), [(RABBITMQ, EXACT), (EXACT, RABBITMQ)], ids=["exact", "back"])


@BOTH_WAYS
def test_sessions_of_the_other_mapping_get_what_is_published_from_now_on(before: Mapping, after: Mapping) -> None:
    """Their bindings are in the journal with the keys of before."""
    house = House(SimDisk(), mapping=before)
    client = come(house, "s")
    client.subscribe("dev/1.2/up", "a*b/#", "plain/+", qos=1, subscription_identifier=5)
    client.subscribe("live/1.2", qos=0)
    client.subscribe("$share/g/sh.are/+", qos=1)
    client.lose()
    for _ in range(2):
        house = reopened(house, after)
        client = come(house, "s")
        assert client.connack.session_present
        publisher = house.connect("p")
        for number, topic in enumerate(PUBLISHED):
            publisher.publish(topic, b"x", 1, packet_id=number + 1)
        received = [each for each in client.received() if isinstance(each, p.Publish)]
        *topics, last = [after.from_key(after.to_key(topic)) for topic in PUBLISHED]
        assert [(each.topic, each.qos) for each in received] == [*((topic, 1) for topic in topics), (last, 0)]
        assert [each.properties.get("subscription_identifier") for each in received[:3]] == [[5]] * 3
        for each in received[:4]:
            client.puback(each.packet_id)
        client.lose()
    client = come(house, "s")
    assert client.unsubscribe("dev/1.2/up", "a*b/#", "plain/+", "live/1.2", "$share/g/sh.are/+") == [0] * 5
    vhost = house.broker.vhost("/")
    assert [each.key for each in vhost.exchange("amq.topic").bindings()] == []


def test_what_an_operator_has_bound_to_a_group_by_hand_stays() -> None:
    house = House(SimDisk(), mapping=RABBITMQ)
    come(house, "s").subscribe("$share/g/a.b", qos=1)
    vhost = house.broker.vhost("/")
    vhost.bind(vhost.exchange("amq.topic"), vhost.queue("mqtt-shared-g/a.b"), "by.hand", {})
    house.turn()
    vhost = reopened(house, EXACT).broker.vhost("/")
    assert sorted(each.key for each in vhost.exchange("amq.topic").bindings()) == ["a/b", "by.hand"]


def test_messages_that_have_waited_since_then_are_delivered_as_their_subscription_says() -> None:
    """They are matched and named by the mapping under which they were published: none is lost, at no other QoS."""
    house = House(SimDisk(), mapping=RABBITMQ)
    client = come(house, "s")
    client.subscribe("$d/1.2", "a*b/#", qos=1, subscription_identifier=5)
    client.lose()
    publisher = house.connect("p")
    publisher.publish("$d/1.2", b"1", 2, packet_id=1)
    publisher.publish("a*b/c", b"2", 2, packet_id=2)
    client = come(reopened(house, EXACT), "s")
    received = [each for each in client.received() if isinstance(each, p.Publish)]
    assert [(each.topic, each.payload, each.qos) for each in received] == [("$d/1/2", b"1", 1), ("a*b/c", b"2", 1)]
    assert [each.properties for each in received] == [{"subscription_identifier": [5]}] * 2


@BOTH_WAYS
def test_retained_messages_of_the_other_mapping_are_replaced_and_deleted_by_their_topic(
    before: Mapping, after: Mapping
) -> None:
    house = House(SimDisk(), mapping=before)
    publisher = house.connect("p")
    for topic in ("a*b/state", "a*b/gone", "plain"):
        publisher.publish(topic, b"old", 1, retain=True, properties={"message_expiry_interval": 100})
    house.wait(10)
    for _ in range(2):
        house = reopened(house, after)
        client = house.connect("s")
        client.subscribe("a*b/+", "plain", qos=1)
        received = [each for each in client.received() if isinstance(each, p.Publish)]
        assert sorted(each.topic for each in received) == ["a*b/gone", "a*b/state", "plain"]
        assert {each.properties["message_expiry_interval"] for each in received} == {90}
    publisher = house.connect("p")
    publisher.publish("a*b/state", b"new", 1, retain=True)
    publisher.publish("a*b/gone", b"", 1, retain=True)
    house = reopened(house, after)
    client = house.connect("s")
    client.subscribe("a*b/+", qos=1)
    assert client.messages() == [("a*b/state", b"new", 1)]
    house.wait(100)
    retained = house.broker.vhost("/").retained
    assert retained is not None
    assert retained.count == 1


def test_of_two_retained_messages_that_become_one_the_newer_stays() -> None:
    house = House(SimDisk(), mapping=EXACT)
    publisher = house.connect("p")
    for topic in ("r/x.y", "r/x/y"):
        publisher.publish(topic, topic.encode(), 1, retain=True)
        house.wait(1)
    for _ in range(2):
        house = reopened(house, RABBITMQ)
        client = house.connect("s")
        client.subscribe("#", qos=1)
        assert client.messages() == [("r/x/y", b"r/x/y", 1)]


def test_a_will_of_the_other_mapping_is_published_on_its_topic() -> None:
    house = House(SimDisk(), mapping=RABBITMQ)
    come(house, "s").subscribe("gone/*x", qos=1)
    house.connect("x", will=p.Will("gone/*x", b"bye", 1, True), **KEEP)
    house = reopened(house, EXACT)
    assert come(house, "s").messages() == [("gone/*x", b"bye", 1)]
    late = house.connect("late")
    late.subscribe("gone/+", qos=1)
    assert late.messages() == [("gone/*x", b"bye", 1)]
