"""Sessions on the core: subscriptions, the three qualities of service, and what survives a connection."""

import pytest

from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.reasons import Reason
from tests.mqtt.house import House

KEEP = {"clean_start": False, "properties": {"session_expiry_interval": 600}}


def kinds(packets: list[p.Packet]) -> list[object]:
    return [each.kind if isinstance(each, p.Ack) else type(each) for each in packets]


@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_message_reaches_a_subscriber_of_every_version_at_its_qos(version: int, qos: int) -> None:
    house = House()
    subscriber = house.connect("s", version=version)
    assert subscriber.subscribe("a/+", qos=2) == [2]
    house.connect("p", version=version).publish("a/b", b"hello", qos)
    assert subscriber.messages() == [("a/b", b"hello", qos)]


@pytest.mark.parametrize("granted", [0, 1, 2])
def test_a_delivery_has_the_lower_qos_of_publish_and_subscription(granted: int) -> None:
    """[MQTT-3.8.4-8]"""
    house = House()
    subscriber = house.connect("s")
    subscriber.subscribe("t", qos=granted)
    house.connect("p").publish("t", b"x", 2)
    assert subscriber.messages() == [("t", b"x", granted)]


def test_qos_1_is_acknowledged_and_tells_version_5_when_nobody_was_there() -> None:
    """[MQTT-4.3.2-4]"""
    house = House()
    publisher = house.connect("p")
    publisher.publish("t", qos=1, packet_id=9)
    assert publisher.one() == p.Ack(c.PUBACK, 9, Reason.NO_MATCHING_SUBSCRIBERS)
    house.connect("s").subscribe("t")
    publisher.publish("t", qos=1, packet_id=10)
    assert publisher.one() == p.Ack(c.PUBACK, 10)


def test_qos_2_is_received_once_however_often_it_is_sent() -> None:
    """[MQTT-4.3.3-8], [MQTT-4.3.3-9], [MQTT-4.3.3-10], [MQTT-4.3.3-11]"""
    house = House()
    subscriber, publisher = house.connect("s"), house.connect("p")
    subscriber.subscribe("t")
    publisher.publish("t", b"1", qos=2, packet_id=5)
    publisher.publish("t", b"1", qos=2, packet_id=5, dup=True)
    assert publisher.received() == [p.Ack(c.PUBREC, 5), p.Ack(c.PUBREC, 5)]
    publisher.pubrel(5)
    assert publisher.one() == p.Ack(c.PUBCOMP, 5)
    publisher.publish("t", b"2", qos=2, packet_id=5)
    assert [payload for _, payload, _ in subscriber.messages()] == [b"1", b"2"]


def test_pubrel_for_an_unknown_identifier_is_answered_with_0x92() -> None:
    """§3.7.2.1"""
    client = House().connect("p")
    client.pubrel(77)
    assert client.one() == p.Ack(c.PUBCOMP, 77, Reason.PACKET_IDENTIFIER_NOT_FOUND)


def test_the_sending_side_of_qos_2_takes_its_steps() -> None:
    """[MQTT-4.3.3-1] to [MQTT-4.3.3-7]"""
    house = House()
    subscriber = house.connect("s")
    subscriber.subscribe("t")
    house.connect("p").publish("t", qos=2)
    packet_id = subscriber.one().packet_id
    subscriber.pubrec(packet_id)
    assert subscriber.one() == p.Ack(c.PUBREL, packet_id)
    subscriber.pubrec(packet_id)
    assert subscriber.one() == p.Ack(c.PUBREL, packet_id)
    subscriber.pubcomp(packet_id)
    assert subscriber.received() == []
    session = house.sessions.find("/", "s")
    assert session is not None
    assert not session.outgoing


def test_pubrec_for_an_unknown_identifier_is_answered_with_a_pubrel_that_says_so() -> None:
    """§3.6.2.1"""
    client = House().connect("s")
    client.pubrec(3)
    assert client.one() == p.Ack(c.PUBREL, 3, Reason.PACKET_IDENTIFIER_NOT_FOUND)


def test_pubrec_with_a_failure_ends_the_delivery() -> None:
    """[MQTT-4.3.3-4]"""
    house = House()
    subscriber = house.connect("s")
    subscriber.subscribe("t")
    house.connect("p").publish("t", qos=2)
    subscriber.pubrec(subscriber.one().packet_id, Reason.QUOTA_EXCEEDED)
    assert subscriber.received() == []
    session = house.sessions.find("/", "s")
    assert session is not None
    assert not session.outgoing


def test_what_waits_for_an_absent_client_is_delivered_when_it_comes_back() -> None:
    """[MQTT-3.1.2-5], [MQTT-4.5.0-1]"""
    house = House()
    client = house.connect("s", **KEEP)
    client.subscribe("t/#")
    client.lose()
    publisher = house.connect("p")
    for number in range(3):
        publisher.publish(f"t/{number}", b"x", qos=number)
    again = house.client()
    connack = again.connect("s", **KEEP)
    assert connack.session_present
    assert again.messages() == [("t/1", b"x", 1), ("t/2", b"x", 2)]


def test_unacknowledged_messages_come_again_with_dup_and_the_same_identifier_in_order() -> None:
    """[MQTT-3.3.1-1], [MQTT-4.4.0-1], [MQTT-4.6.0-1]"""
    house = House()
    client = house.connect("s", **KEEP)
    client.subscribe("t")
    publisher = house.connect("p")
    publisher.publish("t", b"1", qos=1)
    publisher.publish("t", b"2", qos=2, packet_id=8)
    first, second = client.received()
    assert (first.dup, second.dup) == (False, False)
    client.lose()
    again = house.connect("s", **KEEP)
    repeated = again.received()
    assert [(each.packet_id, each.payload, each.dup) for each in repeated] == [
        (first.packet_id, b"1", True),
        (second.packet_id, b"2", True),
    ]


def test_pubrel_is_sent_again_after_a_reconnect() -> None:
    """[MQTT-4.4.0-1], [MQTT-4.3.3-6]"""
    house = House()
    client = house.connect("s", **KEEP)
    client.subscribe("t")
    house.connect("p").publish("t", qos=2)
    packet_id = client.one().packet_id
    client.pubrec(packet_id)
    client.lose()
    again = house.connect("s", **KEEP)
    assert again.received() == [p.Ack(c.PUBREL, packet_id)]
    again.pubcomp(packet_id)
    again.lose()
    assert house.connect("s", **KEEP).received() == []


def test_a_publisher_finishes_qos_2_on_its_next_connection() -> None:
    """[MQTT-4.4.0-1]"""
    house = House()
    subscriber = house.connect("s")
    subscriber.subscribe("t")
    publisher = house.connect("p", **KEEP)
    publisher.publish("t", b"1", qos=2, packet_id=5)
    publisher.lose()
    again = house.connect("p", **KEEP)
    again.publish("t", b"1", qos=2, packet_id=5, dup=True)
    again.pubrel(5)
    assert kinds(again.received()) == [c.PUBREC, c.PUBCOMP]
    assert len(subscriber.messages()) == 1


def test_clean_start_forgets_the_session() -> None:
    """[MQTT-3.1.2-4], [MQTT-3.2.2-2]"""
    house = House()
    client = house.connect("s", **KEEP)
    client.subscribe("t")
    client.lose()
    again = house.client()
    assert not again.connect("s", clean_start=True).session_present
    house.connect("p").publish("t", qos=1)
    assert again.received() == []


def test_a_session_ends_when_its_expiry_has_passed() -> None:
    """[MQTT-3.1.2-23]"""
    house = House()
    house.connect("s", clean_start=False, properties={"session_expiry_interval": 10}).lose()
    house.wait(9)
    assert house.sessions.find("/", "s") is not None
    house.wait(2)
    assert house.sessions.find("/", "s") is None
    assert not house.client().connect("s", **KEEP).session_present
    assert [name for name in house.broker.vhost("/").queues if name.startswith("mqtt-")] == []


def test_a_session_without_expiry_ends_with_its_connection() -> None:
    house = House()
    client = house.connect("s", clean_start=False)
    client.subscribe("t")
    client.lose()
    assert house.sessions.find("/", "s") is None


def test_version_3_sessions_stay_unless_they_are_clean() -> None:
    """3.1.1 [MQTT-3.1.2-4], [MQTT-3.1.2-6]"""
    house = House()
    house.connect("kept", version=4, clean_start=False).lose()
    house.connect("clean", version=4, clean_start=True).lose()
    assert house.client().connect("kept", version=4, clean_start=False).session_present
    assert not house.client().connect("clean", version=4, clean_start=False).session_present


def test_disconnect_may_shorten_the_session_but_not_make_it_stay() -> None:
    """§3.14.2.2.2"""
    house = House()
    client = house.connect("s", **KEEP)
    client.disconnect(session_expiry_interval=0)
    assert house.sessions.find("/", "s") is None
    brief = house.connect("b")
    brief.disconnect(session_expiry_interval=10)
    assert brief.one().reason == Reason.PROTOCOL_ERROR


def test_a_second_connection_takes_the_session_over() -> None:
    """[MQTT-3.1.4-3]"""
    house = House()
    first = house.connect("s", **KEEP)
    first.subscribe("t")
    second = house.client()
    assert second.connect("s", **KEEP).session_present
    assert first.one().reason == Reason.SESSION_TAKEN_OVER
    assert first.is_closed
    house.connect("p").publish("t", qos=1)
    assert len(second.messages()) == 1


def test_overlapping_subscriptions_deliver_once_at_the_highest_qos_with_every_identifier() -> None:
    """[MQTT-3.3.4-2], [MQTT-3.3.4-3], [MQTT-3.3.4-4]"""
    house = House()
    client = house.connect("s")
    client.subscribe("a/#", qos=0, subscription_identifier=1)
    client.subscribe("a/+", qos=2, subscription_identifier=2)
    client.subscribe("a/b", qos=1)
    house.connect("p").publish("a/b", qos=2)
    message = client.one()
    assert message.qos == 2
    assert sorted(message.properties["subscription_identifier"]) == [1, 2]


@pytest.mark.parametrize("version", [3, 4])
def test_overlapping_subscriptions_below_version_5_deliver_once_at_the_highest_qos(version: int) -> None:
    """3.1.1 [MQTT-3.3.5-1]"""
    house = House()
    client = house.connect("s", version=version)
    for topic_filter, qos in (("a/#", 0), ("a/+", 2), ("a/b", 1), ("+/b", 0)):
        client.subscribe(topic_filter, qos=qos)
    house.connect("p").publish("a/b", qos=2)
    assert client.messages() == [("a/b", b"x", 2)]


def test_a_subscription_replaces_the_one_with_the_same_filter() -> None:
    """[MQTT-3.8.4-3]"""
    house = House()
    client = house.connect("s")
    client.subscribe("t", qos=0, subscription_identifier=1)
    client.subscribe("t", qos=1, subscription_identifier=2)
    house.connect("p").publish("t", qos=2)
    message = client.one()
    assert message.qos == 1
    assert message.properties["subscription_identifier"] == [2]
    client.puback(message.packet_id)
    client.subscribe("t", qos=0)
    house.connect("p2").publish("t", qos=2)
    assert client.messages() == [("t", b"x", 0)]


def test_unsubscribe_stops_deliveries_and_is_exact() -> None:
    """[MQTT-3.10.4-1], [MQTT-3.10.4-2], [MQTT-3.10.4-5], [MQTT-3.10.4-6], [MQTT-3.11.3-1]"""
    house = House()
    client = house.connect("s")
    client.subscribe("t/+", "u")
    assert client.unsubscribe("t/1", "t/+", "u") == [0x11, 0, 0]
    house.connect("p").publish("t/1", qos=1)
    assert client.received() == []


def test_no_local_keeps_a_clients_own_messages_from_it() -> None:
    """[MQTT-3.8.3-3]"""
    house = House()
    client = house.connect("s")
    client.subscribe(p.TopicFilter("a/#", 1, no_local=True), p.TopicFilter("b", 0, no_local=True))
    for topic in ("a/1", "b"):
        client.publish(topic)
        house.connect("p").publish(topic, b"other")
    assert sorted(client.messages()) == [("a/1", b"other", 0), ("b", b"other", 0)]


def test_no_local_does_not_hide_what_another_subscription_asks_for() -> None:
    house = House()
    client = house.connect("s")
    client.subscribe(p.TopicFilter("a/#", 1, no_local=True), p.TopicFilter("a/b", 1))
    client.publish("a/b", qos=1)
    assert [topic for topic, _, _ in client.messages()] == ["a/b"]


def test_wildcards_at_the_beginning_do_not_match_topics_with_a_dollar() -> None:
    """[MQTT-4.7.2-1]"""
    house = House()
    client = house.connect("s")
    client.subscribe("#", "+/b", qos=1)
    client.subscribe("$x/b", qos=0)
    house.connect("p").publish("$x/b", qos=1)
    assert client.messages() == [("$x/b", b"x", 0)]
    client.unsubscribe("$x/b")
    house.connect("p").publish("$x/b", qos=1)
    assert client.messages() == []


@pytest.mark.parametrize(
    ("topic_filter", "topic", "is_match"),
    [
        ("sport/#", "sport", True),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("ACCOUNTS", "Accounts", False),
        ("/", "/", True),
    ],
)
def test_topics_match_as_the_specification_says(topic_filter: str, topic: str, is_match: bool) -> None:
    """[MQTT-4.7.1-2], [MQTT-4.7.1-3], [MQTT-4.7.3-4]"""
    house = House()
    client = house.connect("s")
    client.subscribe(topic_filter)
    house.connect("p").publish(topic, qos=1)
    assert bool(client.messages()) is is_match


def test_the_clients_receive_maximum_bounds_what_is_in_flight() -> None:
    """[MQTT-3.3.4-9], [MQTT-4.9.0-2]"""
    house = House()
    client = house.connect("s", properties={"receive_maximum": 2})
    client.subscribe("t")
    publisher = house.connect("p")
    for number in range(4):
        publisher.publish("t", b"%d" % number, qos=1 + number % 2, packet_id=number + 1)
    first, second = client.received()
    client.puback(first.packet_id)
    third = client.one()
    client.pubrec(second.packet_id)
    assert kinds(client.received()) == [c.PUBREL]
    client.pubcomp(second.packet_id)
    assert [client.one().payload, third.payload] == [b"3", b"2"]


def test_qos_0_is_not_bound_by_the_receive_maximum() -> None:
    """[MQTT-4.9.0-3]: other packets go on."""
    house = House()
    client = house.connect("s", properties={"receive_maximum": 1})
    client.subscribe("t", qos=1)
    client.subscribe("u", qos=0)
    publisher = house.connect("p")
    publisher.publish("t", qos=1)
    publisher.publish("t", qos=1, packet_id=8)
    publisher.publish("u")
    client.send(p.PingReq())
    assert [type(each) for each in client.received()] == [p.Publish, p.Publish, p.PingResp]


def test_a_client_that_exceeds_our_receive_maximum_is_disconnected() -> None:
    """[MQTT-3.3.4-7], [MQTT-3.3.4-8]"""
    house = House(receive_max=2)
    client = house.connect("p")
    assert client.connack.properties["receive_maximum"] == 2
    for packet_id in (1, 2, 3):
        client.publish("t", qos=2, packet_id=packet_id)
    assert client.received()[-1].reason == Reason.RECEIVE_MAXIMUM_EXCEEDED
    assert client.is_closed


def test_what_is_larger_than_the_client_takes_is_not_sent() -> None:
    """[MQTT-3.1.2-24], [MQTT-3.1.2-25]"""
    house = House()
    client = house.connect("s", properties={"maximum_packet_size": 64})
    client.subscribe("t/+", qos=1)
    client.subscribe("u", qos=0)
    publisher = house.connect("p")
    for topic, qos in (("t/1", 1), ("u", 0)):
        publisher.publish(topic, bytes(100), qos)
        publisher.publish(topic, b"small", qos, packet_id=8)
    assert client.messages() == [("t/1", b"small", 1), ("u", b"small", 0)]
    session = house.sessions.find("/", "s")
    assert session is not None
    assert len(session.outgoing) == 1


def test_what_is_larger_than_the_client_takes_when_it_comes_back_counts_as_sent() -> None:
    """It was not sent again, and stayed in flight for ever. [MQTT-3.1.2-25]"""
    house = House()
    client = house.connect("s", **KEEP)
    client.subscribe("t", qos=1)
    publisher = house.connect("p")
    publisher.publish("t", bytes(100), 1)
    publisher.publish("t", b"small", 1, packet_id=8)
    client.lose()
    smaller = {"session_expiry_interval": 600, "maximum_packet_size": 64}
    client = house.connect("s", clean_start=False, properties=smaller)
    assert client.messages() == [("t", b"small", 1)]
    session = house.sessions.find("/", "s")
    assert session is not None
    assert len(session.outgoing) == 1


def test_what_waits_is_bounded_and_loses_its_oldest() -> None:
    house = House(queued_messages_max=2)
    client = house.connect("s", **KEEP)
    client.subscribe("t")
    client.lose()
    publisher = house.connect("p")
    for number in range(4):
        publisher.publish("t", b"%d" % number, qos=1)
    assert kinds(publisher.received()) == [c.PUBACK] * 4
    session = house.sessions.find("/", "s")
    assert session is not None
    assert session.stored is not None
    assert session.stored.dropped == 2
    assert [payload for _, payload, _ in house.connect("s", **KEEP).messages()] == [b"2", b"3"]


def said(caplog: pytest.LogCaptureFixture, name: str) -> list[str]:
    """What the log has said of a queue since the last call."""
    lines = [line for line in caplog.messages if line.startswith(name)]
    caplog.clear()
    return lines


@pytest.mark.parametrize("overflow", ["drop-oldest", "drop-newest"])
@pytest.mark.parametrize("topic_filter", ["t", "$share/g/t"])
def test_a_full_session_says_so_at_once_and_then_at_intervals(
    caplog: pytest.LogCaptureFixture, topic_filter: str, overflow: str
) -> None:
    """Messages that were confirmed to their publisher disappeared without a line in the log."""
    house = House(queued_messages_max=2, overflow=overflow, system_interval_s=600)
    client = house.connect("s", **KEEP)
    client.subscribe(topic_filter)
    client.lose()
    publisher = house.connect("p")
    name = "mqtt-shared-g/t" if topic_filter.startswith("$") else "mqtt-subscription-sqos1"
    for number in range(5):
        publisher.publish("t", b"%d" % number, qos=1)
    assert said(caplog, name) == [f"{name} in vhost '/' is full and drops messages: 2 wait there, of 2 bytes"]
    house.wait(61)
    assert said(caplog, name) == [f"{name} in vhost '/' has dropped 2 more messages"]
    house.wait(61)
    assert said(caplog, name) == []
    publisher.publish("t", qos=1)
    assert len(said(caplog, name)) == 1
    publisher.subscribe("$SYS/broker/publish/messages/dropped")
    assert [payload for topic, payload, _ in publisher.messages() if topic.endswith("/dropped")] == [b"4"]
    house.connect("s", clean_start=True)
    assert house.sessions.losses.count == 4


def test_what_comes_at_qos_0_for_a_client_that_is_away_is_not_counted_as_lost() -> None:
    """Nobody was promised it; in Mosquitto's figures it is not dropped either."""
    house = House()
    client = house.connect("s", **KEEP)
    client.subscribe("t", qos=1)
    client.lose()
    house.connect("p").publish("t")
    assert house.sessions.losses.count == 0


def test_what_waits_is_bounded_in_bytes_too() -> None:
    house = House(queued_bytes_max=250)
    client = house.connect("s", **KEEP)
    client.subscribe("t")
    client.lose()
    publisher = house.connect("p")
    for number in range(4):
        publisher.publish("t", b"%d" % number * 100, qos=1)
    assert [payload[:1] for _, payload, _ in house.connect("s", **KEEP).messages()] == [b"2", b"3"]


def test_what_waits_is_bounded_and_loses_its_newest_by_setting() -> None:
    house = House(queued_messages_max=2, overflow="drop-newest")
    client = house.connect("s", **KEEP)
    client.subscribe("t")
    client.lose()
    publisher = house.connect("p")
    for number in range(4):
        publisher.publish("t", b"%d" % number, qos=1)
    assert kinds(publisher.received()) == [c.PUBACK] * 4
    session = house.sessions.find("/", "s")
    assert session is not None
    assert session.stored is not None
    assert session.stored.dropped == 2
    assert [payload for _, payload, _ in house.connect("s", **KEEP).messages()] == [b"0", b"1"]


def test_qos_0_waits_for_an_absent_client_only_by_setting() -> None:
    house = House(queue_qos0=True)
    client = house.connect("s", **KEEP)
    client.subscribe("t", qos=1)
    client.lose()
    house.connect("p").publish("t")
    assert len(house.connect("s", **KEEP).messages()) == 1


def test_message_expiry_counts_down_and_ends_messages_that_wait() -> None:
    """[MQTT-3.3.2-5], [MQTT-3.3.2-6]"""
    house = House()
    client = house.connect("s", **KEEP)
    client.subscribe("t")
    client.lose()
    publisher = house.connect("p")
    publisher.publish("t", b"short", qos=1, properties={"message_expiry_interval": 5})
    publisher.publish("t", b"long", qos=1, properties={"message_expiry_interval": 60})
    house.wait(20)
    message = house.connect("s", **KEEP).one()
    assert message.payload == b"long"
    assert message.properties == {"message_expiry_interval": 40}


def test_properties_of_a_message_arrive_as_they_were_sent() -> None:
    """[MQTT-3.3.2-4], [MQTT-3.3.2-15] to [MQTT-3.3.2-20]"""
    house = House()
    client = house.connect("s")
    client.subscribe("t")
    properties = {
        "payload_format_indicator": True,
        "user_property": [("a", "1"), ("b", "2"), ("a", "3")],
        "response_topic": "replies/me",
        "correlation_data": b"\0\xff",
        "content_type": "text/plain",
    }
    house.connect("p").publish("t", qos=1, properties=properties)
    assert client.one().properties == properties


def test_a_slow_reader_gets_what_it_missed_and_holds_its_publisher_for_a_second_only() -> None:
    house = House()
    client, publisher = house.connect("s"), house.connect("p")
    client.subscribe("t", qos=0)
    client.is_stalled = True
    client.connection.pause_output()
    for _ in range(3):
        publisher.publish("t", bytes(600_000))
    assert not publisher.connection.is_reading
    house.wait(1.1)
    assert publisher.connection.is_reading
    publisher.publish("t", b"last")
    assert publisher.connection.is_reading
    client.is_stalled = False
    client.connection.resume_output(house.now)
    house.turn()
    assert [len(payload) for _, payload, _ in client.messages()] == [600_000] * 3 + [4]


def test_a_client_that_comes_and_goes_leaves_one_timer() -> None:
    """There was one for each time that it left, until the session's end a week later."""
    house = House()
    will = p.Will("gone", b"x", properties={"will_delay_interval": 500})
    for _ in range(50):
        house.connect("s", will=will, **KEEP).lose()
        house.connect("p").publish("kept", b"x", retain=True, properties={"message_expiry_interval": 1000})
        house.wait(1)
    assert len(house.broker.timers._heap) <= 3
    house.wait(700)
    assert house.sessions.find("/", "s") is None
