"""What survives when the broker is killed: sessions, messages in every state, retained messages and wills."""

import pytest

from mqbroker.core.access.access import Permissions
from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec import packets as p
from tests.mqtt.house import Client, House
from tests.storage.simdisk import SimDisk

KEEP = {"clean_start": False, "properties": {"session_expiry_interval": 600}}


def durable() -> House:
    return House(SimDisk())


def come_back(house: House, client_id: str = "s") -> Client:
    client = house.client()
    assert client.connect(client_id, **KEEP).session_present
    return client


def test_subscriptions_of_every_kind_survive_with_their_options() -> None:
    """[MQTT-4.1.0-1], [MQTT-4.1.0-2]"""
    house = durable()
    client = house.connect("s", **KEEP)
    client.subscribe(p.TopicFilter("a/+", 2, True, True), subscription_identifier=7)
    client.subscribe("live/#", qos=0)
    client.subscribe("$share/g/b", qos=1, subscription_identifier=8)
    house = house.killed()
    client = come_back(house)
    client.publish("a/own", qos=1)
    publisher = house.connect("p")
    publisher.publish("a/1", qos=2, retain=True)
    publisher.publish("live/x", qos=2, packet_id=8)
    publisher.publish("b", qos=1, packet_id=9)
    messages = [each for each in client.received() if isinstance(each, p.Publish)]
    assert [(each.topic, each.qos, each.retain, each.properties) for each in messages] == [
        ("a/1", 2, True, {"subscription_identifier": [7]}),
        ("live/x", 0, False, {}),
        ("b", 1, False, {"subscription_identifier": [8]}),
    ]


def test_a_session_without_expiry_does_not_survive() -> None:
    house = durable()
    house.connect("s").subscribe("t", "$share/g/t")
    house = house.killed()
    assert [name for name in house.broker.vhost("/").queues if name.startswith("mqtt-")] == []


def test_a_session_ends_while_nobody_runs() -> None:
    house = durable()
    house.connect("s", **KEEP).subscribe("t")
    house.connect("left", **KEEP).lose()
    house = house.killed(later_s=500)
    assert {session.client_id for session in house.sessions.all()} == {"s", "left"}
    house = house.killed(later_s=200)
    assert {session.client_id for session in house.sessions.all()} == {"s"}
    house.wait(601)
    assert house.sessions.all() == []


def test_messages_that_were_acknowledged_to_the_publisher_survive() -> None:
    house = durable()
    client = house.connect("s", **KEEP)
    client.subscribe("t")
    client.lose()
    publisher = house.connect("p")
    publisher.publish("t", b"1", 1, properties={"content_type": "a"})
    publisher.publish("t", b"2", 2)
    publisher.publish("t", b"gone", 0)
    client = come_back(house.killed())
    first, second = client.received()
    assert (first.payload, first.properties, second.payload, second.qos) == (b"1", {"content_type": "a"}, b"2", 2)


def test_a_message_of_qos_2_comes_back_under_its_identifier() -> None:
    """Otherwise a client that has it already would take it for another one."""
    house = durable()
    client = house.connect("s", **KEEP)
    client.subscribe("t")
    house.connect("p").publish("t", b"1", 1)
    client.puback(client.one().packet_id)
    house.connect("p").publish("t", b"2", 2)
    packet_id = client.one().packet_id
    house = house.killed()
    (message,) = come_back(house).received()
    assert (message.packet_id, message.dup, message.payload) == (packet_id, True, b"2")


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("qos", [1, 2])
def test_an_orderly_restart_remembers_what_was_sent(version: int, qos: int) -> None:
    """What had been sent before came again as if for the first time. [MQTT-3.3.1-1]"""
    house = durable()
    keep = KEEP if version == 5 else {"clean_start": False}
    client = house.connect("s", version=version, **keep)
    client.subscribe("t")
    house.connect("p").publish("t", b"sent", qos)
    (sent,) = client.received()
    assert not sent.dup
    client.lose()
    house.connect("p").publish("t", b"waiting", qos)
    house = house.stopped()
    client = house.client()
    client.connect("s", version=version, **keep)
    again, first = client.received()
    assert (again.payload, again.dup, again.packet_id) == (b"sent", True, sent.packet_id)
    assert (first.payload, first.dup) == (b"waiting", False)
    house = house.stopped()
    client = house.client()
    client.connect("s", version=version, **keep)
    assert [(each.payload, each.dup) for each in client.received()] == [(b"sent", True), (b"waiting", True)]


def test_after_a_kill_everything_may_have_been_sent_before() -> None:
    """§3.3.1.1: DUP says that it might be a repetition; nobody knows of those that a killed broker has sent."""
    house = durable()
    client = house.connect("s", **KEEP)
    client.subscribe("t")
    client.lose()
    house.connect("p").publish("t", b"1", 1)
    assert come_back(house.killed()).one().dup


def test_after_pubrec_only_pubrel_comes_back() -> None:
    house = durable()
    client = house.connect("s", **KEEP)
    client.subscribe("t")
    house.connect("p").publish("t", b"1", 2)
    packet_id = client.one().packet_id
    client.pubrec(packet_id)
    house = house.killed()
    client = come_back(house)
    assert client.received() == [p.Ack(c.PUBREL, packet_id)]
    client.pubcomp(packet_id)
    assert come_back(house.killed()).received() == []


def test_a_publisher_of_qos_2_finishes_after_a_restart_and_is_heard_once() -> None:
    house = durable()
    client = house.connect("s", **KEEP)
    client.subscribe("t", qos=1)
    publisher = house.connect("p", **KEEP)
    publisher.publish("t", b"1", 2, packet_id=5)
    assert publisher.one() == p.Ack(c.PUBREC, 5)
    house = house.killed()
    publisher = come_back(house, "p")
    publisher.publish("t", b"1", 2, packet_id=5, dup=True)
    publisher.pubrel(5)
    assert [each.kind for each in publisher.received()] == [c.PUBREC, c.PUBCOMP]
    assert len(come_back(house).messages()) == 1
    publisher.publish("t", b"2", 2, packet_id=5)
    house = house.killed()
    assert [payload for _, payload, _ in come_back(house).messages()] == [b"1", b"2"]


def test_retained_messages_survive_as_they_are_now() -> None:
    house = durable()
    publisher = house.connect("p")
    for topic, payload in (("a", b"1"), ("a", b"2"), ("b", b"1"), ("b", b""), ("c", b"old")):
        publisher.publish(topic, payload, retain=True)
    house = house.killed()
    publisher = house.connect("p")
    publisher.publish("c", b"new", 1, retain=True)
    house = house.killed()
    client = house.connect("s")
    client.subscribe("#")
    assert sorted(client.messages()) == [("a", b"2", 0), ("c", b"new", 1)]


def test_what_was_retained_for_a_subscription_is_sent_after_a_restart_too() -> None:
    """A client whose session goes on does not subscribe again, so nothing else would bring it."""
    house = durable()
    publisher = house.connect("p")
    for number in range(10):
        publisher.publish(f"t/{number}", bytes(200_000), 1, retain=True)
    client = house.connect("s", **KEEP)
    client.is_stalled = True
    client.subscribe("t/#")
    assert 0 < len({topic for topic, _, _ in client.messages()}) < 10
    house = house.killed()
    client = come_back(house)
    messages = client.messages()
    assert len({topic for topic, _, _ in messages}) == 10
    house = house.killed()
    assert len(come_back(house).messages()) == len(messages), "those are unacknowledged, and nothing is sent anew"


def test_a_kill_of_the_broker_publishes_wills_of_sessions_that_stay() -> None:
    house = durable()
    watcher = house.connect("s", **KEEP)
    watcher.subscribe("gone")
    house.connect("at once", will=p.Will("gone", b"1", 1), **KEEP)
    later = p.Will("gone", b"2", 1, properties={"will_delay_interval": 30})
    house.connect("later", will=later, **KEEP)
    house = house.killed()
    client = come_back(house)
    assert [payload for _, payload, _ in client.messages()] == [b"1"]
    house.wait(31)
    assert [payload for _, payload, _ in client.messages()] == [b"2"]


def test_a_will_that_an_earlier_version_took_is_dropped_if_nobody_may_publish_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Earlier versions took wills on $SYS topics, and the journal kept them."""
    house = durable()
    house.connect("x", will=p.Will("gone", b"1", 1, True), **KEEP)
    session = house.sessions.find("/", "x")
    assert session is not None
    assert session.will is not None
    session.will.key = "$SYS.broker.version"
    session.keep()
    house.turn()
    house = house.killed()
    client = house.connect("s")
    client.subscribe("$SYS/#")
    assert client.messages() == []
    assert "the will of client 'x' is not published: nobody publishes to '$SYS/broker/version'" in caplog.text


def test_shared_messages_survive_with_their_group() -> None:
    house = durable()
    client = house.connect("s", **KEEP)
    client.subscribe("$share/g/t", qos=1)
    client.lose()
    house.connect("p").publish("t", b"1", 1)
    assert [payload for _, payload, _ in come_back(house.killed()).messages()] == [b"1"]


def test_acknowledgements_wait_for_the_disk_and_keep_their_order() -> None:
    """[MQTT-4.6.0-2], [MQTT-4.6.0-3]"""
    house = durable()
    publisher = house.connect("p", **KEEP)
    publisher.connection.receive_data(
        b"\x32\x08\x00\x01t\x00\x01\x00xx\x34\x08\x00\x01t\x00\x02\x00xx\x32\x08\x00\x01t\x00\x03\x00xx", house.now
    )
    assert publisher.received() == []
    house.turn()
    assert [(each.kind, each.packet_id) for each in publisher.received()] == [
        (c.PUBACK, 1),
        (c.PUBREC, 2),
        (c.PUBACK, 3),
    ]


def test_sessions_of_a_vhost_that_was_deleted_do_not_keep_the_broker_from_starting() -> None:
    house = durable()
    house.broker.add_vhost("other")
    house.broker.set_permissions("guest", "other", Permissions(".*", ".*", ".*"))
    client = house.connect("s", user_name="other:guest", password=b"guest", **KEEP)
    client.subscribe("t", "$share/g/t")
    client.publish("t", qos=2)
    client.lose()
    house.broker.delete_vhost("other")
    house.turn()
    assert house.killed().sessions.all() == []
