"""Single rules of the specification that are not told by another test: what is refused, and what must go on."""

import pytest

from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.constants import PACKET_ID_MAX
from mqbroker.protocols.mqtt.codec.reasons import Reason
from tests.mqtt.house import Client, House

KEEP = {"clean_start": False, "properties": {"session_expiry_interval": 600}}


def refused(client: Client) -> int:
    reason: int = client.one().reason
    assert client.is_closed
    return reason


@pytest.mark.parametrize("topic", ["a/#", "+", "", "a\0b"])
def test_a_topic_name_with_a_wildcard_or_nothing_in_it_is_refused(topic: str) -> None:
    """[MQTT-3.3.2-2], [MQTT-4.7.0-1], [MQTT-4.7.3-1], [MQTT-4.7.3-2]"""
    client = House().connect("x")
    client.publish(topic)
    assert refused(client) == (Reason.MALFORMED_PACKET if "\0" in topic else Reason.TOPIC_NAME_INVALID)


@pytest.mark.parametrize("version", [4, 5])
def test_a_topic_longer_than_we_keep_is_refused(version: int) -> None:
    client = House().connect("x", version=version)
    client.publish("x" * 8193)
    assert client.is_closed


@pytest.mark.parametrize("topic_filter", ["a/#/b", "a#", "a+/b", "+a", "", "#/"])
def test_a_filter_with_misplaced_wildcards_is_refused(topic_filter: str) -> None:
    """[MQTT-4.7.1-1], [MQTT-4.7.1-2], [MQTT-4.7.3-1]"""
    house = House()
    client = house.connect("x")
    assert client.subscribe("ok", topic_filter, qos=1) == [1, Reason.TOPIC_FILTER_INVALID]
    assert client.unsubscribe(topic_filter) == [Reason.TOPIC_FILTER_INVALID]
    old = house.connect("y", version=4)
    old.send(p.Subscribe(1, [p.TopicFilter(topic_filter)]))
    assert old.is_closed


def test_a_client_does_not_send_subscription_identifiers() -> None:
    """[MQTT-3.3.4-6]"""
    client = House().connect("x")
    client.publish("t", properties={"subscription_identifier": [1]})
    assert refused(client) == Reason.PROTOCOL_ERROR


def test_a_response_topic_has_no_wildcards() -> None:
    """[MQTT-3.3.2-14]"""
    client = House().connect("x")
    client.publish("t", properties={"response_topic": "a/+"})
    assert refused(client) == Reason.TOPIC_NAME_INVALID


@pytest.mark.parametrize("octets", [b"\x20\x02\x00\x00", b"\x90\x03\x00\x01\x00", b"\xb0\x02\x00\x01", b"\xd0\x00"])
def test_packets_of_a_server_are_not_for_a_server(octets: bytes) -> None:
    client = House().connect("x", version=4)
    client.say(octets)
    assert client.is_closed


@pytest.mark.parametrize("first", [0x61, 0x80, 0xA0, 0xE1, 0xF1, 0x41])
def test_wrong_flags_close_the_connection(first: int) -> None:
    """[MQTT-2.1.3-1], [MQTT-3.6.1-1], [MQTT-3.8.1-1], [MQTT-3.10.1-1], [MQTT-3.14.1-1], [MQTT-3.15.1-1]"""
    client = House().connect("x")
    client.say(bytes((first, 2, 0, 1)))
    assert refused(client) == Reason.MALFORMED_PACKET


def test_the_others_are_undisturbed_by_a_client_that_misbehaves() -> None:
    house = House()
    good, bad = house.connect("good"), house.connect("bad")
    good.subscribe("t")
    bad.say(b"\xff\xff\xff\xff\xff\xff")
    assert bad.is_closed
    house.connect("p").publish("t")
    assert len(good.messages()) == 1


def test_suback_has_a_reason_for_each_filter_in_their_order() -> None:
    """[MQTT-3.8.4-1], [MQTT-3.8.4-2], [MQTT-3.8.4-5] to [MQTT-3.8.4-7], [MQTT-3.9.3-1], [MQTT-3.9.3-2]"""
    client = House().connect("x")
    client.send(p.Subscribe(77, [p.TopicFilter("a", 2), p.TopicFilter("#a", 1), p.TopicFilter("b", 0)]))
    answer = client.one()
    assert (answer.packet_id, answer.reasons) == (77, [2, Reason.TOPIC_FILTER_INVALID, 0])
    assert "reason_string" in answer.properties


def test_who_wants_no_problem_information_gets_none() -> None:
    """[MQTT-3.1.2-29]"""
    client = House().connect("x", properties={"request_problem_information": False})
    client.send(p.Subscribe(1, [p.TopicFilter("#a")]))
    assert client.one().properties == {}


def test_explanations_are_left_out_where_they_do_not_fit() -> None:
    """[MQTT-3.2.2-19], [MQTT-3.9.2-1], [MQTT-3.14.2-3]"""
    house = House(anonymous_user="")
    assert house.client().connect("x", properties={"maximum_packet_size": 10}).properties == {}
    client = House().connect("x", properties={"maximum_packet_size": 20})
    client.send(p.Subscribe(1, [p.TopicFilter("#a")]))
    assert client.one().properties == {}
    client.send(p.Connect("x"))
    assert client.one() == p.Disconnect(Reason.PROTOCOL_ERROR)


def test_unsubscribe_lets_deliveries_that_have_begun_be_completed() -> None:
    """[MQTT-3.10.4-3], [MQTT-3.10.4-4]"""
    house = House()
    client = house.connect("s")
    client.subscribe("t", qos=2)
    house.connect("p").publish("t", qos=2)
    packet_id = client.one().packet_id
    assert client.unsubscribe("t") == [0]
    client.pubrec(packet_id)
    assert client.one() == p.Ack(c.PUBREL, packet_id)


def test_a_message_that_was_sent_does_not_expire_any_more() -> None:
    """[MQTT-4.3.3-7], [MQTT-4.3.3-13]"""
    house = House()
    client = house.connect("s", **KEEP)
    client.subscribe("t", qos=2)
    house.connect("p").publish("t", qos=2, properties={"message_expiry_interval": 5})
    packet_id = client.one().packet_id
    client.lose()
    house.wait(10)
    again = house.connect("s", **KEEP)
    assert again.one().packet_id == packet_id
    again.pubrec(packet_id)
    assert again.one() == p.Ack(c.PUBREL, packet_id)


def test_after_a_refused_publish_its_identifier_means_another_message() -> None:
    """[MQTT-4.3.3-9]"""
    house = House()
    client = house.connect("x")
    client.publish("$SYS/x", qos=2, packet_id=5)
    client.publish("t", qos=2, packet_id=5)
    first, second = client.received()
    assert (first.reason, second.reason) == (Reason.NOT_AUTHORIZED, Reason.NO_MATCHING_SUBSCRIBERS)


def test_an_identifier_of_an_open_qos_2_message_is_in_use() -> None:
    """§2.2.1: neither a publish of QoS 1 nor a subscription may have it before PUBREL."""
    house = House()
    watcher, client = house.connect("w"), house.connect("x")
    watcher.subscribe("t")
    client.publish("t", b"1", 2, 5)
    client.publish("t", b"2", 1, 5)
    client.publish("t", b"3", 1, 5, retain=True)
    client.send(p.Subscribe(5, [p.TopicFilter("a"), p.TopicFilter("b")]))
    client.send(p.Unsubscribe(5, ["a"]))
    in_use = Reason.PACKET_IDENTIFIER_IN_USE
    assert client.received() == [
        p.Ack(c.PUBREC, 5),
        p.Ack(c.PUBACK, 5, in_use),
        p.Ack(c.PUBACK, 5, in_use),
        p.SubAck(5, [in_use, in_use]),
        p.UnsubAck(5, [in_use]),
    ]
    client.pubrel(5)
    client.publish("t", b"4", 1, 5)
    assert client.received() == [p.Ack(c.PUBCOMP, 5), p.Ack(c.PUBACK, 5)]
    assert [payload for _, payload, _ in watcher.messages()] == [b"1", b"4"]


def test_after_puback_the_same_identifier_means_another_message() -> None:
    """[MQTT-4.3.2-5]"""
    house = House()
    client, publisher = house.connect("s"), house.connect("p")
    client.subscribe("t")
    publisher.publish("t", b"1", 1, 5)
    publisher.publish("t", b"1", 1, 5, dup=True)
    assert len(client.messages()) == 2


def test_a_delivery_that_is_refused_is_not_repeated() -> None:
    """[MQTT-4.4.0-2]"""
    house = House()
    client = house.connect("s", **KEEP)
    client.subscribe("t", qos=1)
    house.connect("p").publish("t", qos=1)
    client.puback(client.one().packet_id, Reason.UNSPECIFIED_ERROR)
    client.lose()
    assert house.connect("s", **KEEP).received() == []


def test_a_shared_message_that_is_refused_goes_to_nobody_else() -> None:
    """[MQTT-4.8.2-6]"""
    house = House()
    members = [house.connect(name) for name in ("a", "b")]
    for member in members:
        member.subscribe("$share/g/t", qos=1)
    house.connect("p").publish("t", qos=1)
    (taker,) = [member for member in members if member.arrived]
    taker.puback(taker.one().packet_id, Reason.UNSPECIFIED_ERROR)
    assert [member.received() for member in members] == [[], []]


def test_messages_of_a_topic_keep_their_order() -> None:
    """[MQTT-4.6.0-5], [MQTT-4.6.0-6]"""
    house = House()
    client = house.connect("s", properties={"receive_maximum": 3})
    client.subscribe("t", qos=2)
    publisher = house.connect("p")
    for number in range(20):
        publisher.publish("t", b"%d" % number, 1, number + 1)
    seen: list[bytes] = []
    while packets := client.received():
        for packet in packets:
            seen.append(packet.payload)
            client.puback(packet.packet_id)
    assert seen == [b"%d" % number for number in range(20)]


def test_packet_identifiers_in_use_are_not_given_again() -> None:
    """[MQTT-2.2.1-4], [MQTT-4.3.2-1], [MQTT-4.3.3-1]"""
    house = House(inflight_max=4)
    client = house.connect("s")
    client.subscribe("t", qos=1)
    publisher = house.connect("p")
    publisher.publish("t", b"stuck", 1)
    stuck = client.one().packet_id
    session = house.sessions.find("/", "s")
    assert session is not None
    assert session.stored is not None
    session.stored.next_sequence += PACKET_ID_MAX - 1
    publisher.publish("t", b"waits", 1)
    publisher.publish("t", b"waits too", 1)
    assert client.received() == []
    client.puback(stuck)
    first, second = client.received()
    assert (first.packet_id, second.packet_id) == (stuck, stuck + 1)


def test_reserved_bits_of_connack_are_zero_and_nothing_comes_before_it() -> None:
    """[MQTT-3.2.0-1], [MQTT-3.2.0-2], [MQTT-3.2.2-1]"""
    house = House()
    house.connect("p").publish("t", qos=1)
    client = house.client()
    client.send(p.Connect("x"))
    assert client.arrived[0] == 0x20
    assert client.arrived[2] == 0
    assert len(client.received()) == 1


def test_a_client_id_belongs_to_one_session_in_each_vhost() -> None:
    """[MQTT-3.1.3-2]"""
    house = House()
    house.connect("x", **KEEP).subscribe("t")
    assert len(house.sessions.all()) == 1
    house.connect("x", **KEEP)
    assert len(house.sessions.all()) == 1


@pytest.mark.parametrize("mapping", ["rabbitmq", "exact"])
def test_topics_with_dots_and_stars_come_back_as_the_mapping_says(mapping: str) -> None:
    """[MQTT-4.7.3-4] holds with the exact mapping."""
    from mqbroker.protocols.mqtt.topics import MAPPINGS

    house = House(mapping=MAPPINGS[mapping])
    client = house.connect("s")
    client.subscribe("a.b/+", "x/*")
    publisher = house.connect("p")
    for topic in ("a.b/c.d", "x/y", "x/*"):
        publisher.publish(topic)
    topics = [topic for topic, _, _ in client.messages()]
    assert topics == (["a.b/c.d", "x/*"] if mapping == "exact" else ["x/y", "x/*"])


def test_a_topic_that_mqtt_cannot_say_is_not_delivered() -> None:
    from mqbroker.protocols.amqp.properties import build

    house = House()
    client = house.connect("s")
    client.subscribe("#", qos=1)
    for key in ("a.*", "a.#", "", "a\0"):
        house.publish_amqp("amq.topic", key, build(delivery_mode=2), b"x")
    house.publish_amqp("amq.topic", "a", build(delivery_mode=2), b"x")
    assert client.messages() == [("a", b"x", 1)]


def test_a_queue_that_is_deleted_by_hand_ends_its_session() -> None:
    house = House()
    client = house.connect("s", **KEEP)
    client.subscribe("t", qos=1)
    house.broker.vhost("/").delete_queue("mqtt-subscription-sqos1")
    house.turn()
    assert refused(client) == Reason.ADMINISTRATIVE_ACTION
    assert house.sessions.find("/", "s") is None


@pytest.mark.parametrize("topic_filter", ["t", "$share/g/t"])
def test_a_vhost_without_room_for_queues_refuses_subscriptions(topic_filter: str) -> None:
    house = House()
    client = house.connect("s")
    house.broker.set_vhost_limits("/", {"max-queues": 0})
    assert client.subscribe(topic_filter, qos=2) == [Reason.QUOTA_EXCEEDED]
    house.broker.set_vhost_limits("/", {"max-queues": 10})
    assert client.subscribe(topic_filter, qos=2) == [2]
