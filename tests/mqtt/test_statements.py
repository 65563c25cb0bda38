"""Normative statements that want a case of their own, because a test that tells a story would pass without them."""

import pytest

from mqbroker.core.access.access import TopicPermissions
from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.encode import encode
from mqbroker.protocols.mqtt.codec.reasons import Reason
from tests.mqtt.house import House

KEEP = {"clean_start": False, "properties": {"session_expiry_interval": 600}}


# --- CONNECT --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "octets",
    [
        b"\x10\x0d\x00\x04MQTT\x04\x03\x00\x00\x00\x01x",
        b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x00\x00\x01xx",
        b"\x10\x0d\x00\x04MQTT\x04\x82\x00\x00\x00\x01x",
        b"\x11\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01x",
    ],
    ids=["reserved flag", "octets after it", "user name missing", "fixed header"],
)
def test_a_connect_of_3_1_1_that_does_not_conform_gets_no_connack(octets: bytes) -> None:
    """3.1.1 [MQTT-3.1.4-1], [MQTT-3.2.2-6]"""
    client = House().client()
    client.say(octets)
    assert client.is_closed
    assert client.arrived == b""


@pytest.mark.parametrize("version", [3, 4, 5])
def test_nothing_behind_a_refused_connect_is_processed(version: int) -> None:
    """[MQTT-3.1.4-6], 3.1.1 [MQTT-3.1.4-5]"""
    house = House(anonymous_user="")
    watcher = house.connect("w", user_name="guest", password=b"guest")
    watcher.subscribe("t")
    client = house.client()
    client.version = version
    client.say(encode(p.Connect("x", version), version) + encode(p.Publish("t", b"x", 1, packet_id=1), version))
    assert type(client.one()) is p.ConnAck
    assert client.is_closed
    assert watcher.received() == []


def test_a_session_that_is_asked_for_is_made_if_there_is_none() -> None:
    """[MQTT-3.1.2-6], [MQTT-3.2.2-3]"""
    house = House()
    first = house.client()
    assert not first.connect("x", **KEEP).session_present
    first.lose()
    assert house.client().connect("x", **KEEP).session_present


def test_a_session_outlasts_its_expiry_while_its_client_is_connected() -> None:
    """[MQTT-4.1.0-1], 3.1.1 [MQTT-4.1.0-2]"""
    house = House()
    client = house.connect("x", clean_start=False, properties={"session_expiry_interval": 5})
    client.subscribe("t")
    house.wait(60)
    house.connect("p").publish("t", qos=1)
    assert len(client.messages()) == 1


@pytest.mark.parametrize("asked", [{}, {"request_response_information": False}])
def test_response_information_is_for_those_who_ask(asked: dict[str, object]) -> None:
    """[MQTT-3.1.2-28]"""
    connack = House(response_prefix="replies/").client().connect("x", properties=asked)
    assert "response_information" not in connack.properties


@pytest.mark.parametrize("version", [4, 5])
def test_clients_without_an_identifier_are_different_clients(version: int) -> None:
    """[MQTT-3.1.3-6], 3.1.1 [MQTT-3.1.3-6]"""
    house = House()
    first, second = house.connect("", version=version), house.connect("", version=version)
    assert not first.is_closed
    assert not second.is_closed
    assert len({session.client_id for session in house.sessions.all()}) == 2


@pytest.mark.parametrize("version", [3, 4])
def test_a_client_below_version_5_is_taken_over_without_a_word(version: int) -> None:
    """3.1.1 [MQTT-3.1.4-2]"""
    house = House()
    first = house.connect("x", version=version)
    second = house.connect("x", version=version)
    assert first.is_closed
    assert first.received() == []
    second.send(p.PingReq())
    assert type(second.one()) is p.PingResp


@pytest.mark.parametrize("version", [3, 4, 5])
def test_a_will_is_not_retained_unless_it_says_so(version: int) -> None:
    """[MQTT-3.1.2-14], 3.1.1 [MQTT-3.1.2-16]"""
    house = House()
    house.connect("x", version=version, will=p.Will("gone", b"bye", 1)).lose()
    later = house.connect("s")
    later.subscribe("gone")
    assert later.received() == []


def test_a_client_without_a_will_leaves_none() -> None:
    """3.1.1 [MQTT-3.1.2-12]"""
    house = House()
    watcher = house.connect("w")
    watcher.subscribe("#")
    house.connect("x", version=4, will=p.Will("gone", b"old")).disconnect()
    house.connect("x", version=4).lose()
    assert watcher.received() == []


def test_user_properties_of_a_will_keep_their_order() -> None:
    """[MQTT-3.1.3-10]"""
    house = House()
    watcher = house.connect("w")
    watcher.subscribe("gone")
    pairs = [("b", "1"), ("a", "2"), ("b", "3")]
    house.connect("x", will=p.Will("gone", b"bye", properties={"user_property": pairs})).lose()
    assert watcher.one().properties["user_property"] == pairs


# --- PUBLISH --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("qos", [1, 2])
def test_dup_is_not_passed_on(version: int, qos: int) -> None:
    """[MQTT-3.3.1-3]"""
    house = House()
    client = house.connect("s", version=version)
    client.subscribe("t")
    house.connect("p", version=version).publish("t", qos=qos, dup=True)
    assert not client.one().dup


def test_topic_aliases_end_with_their_connection() -> None:
    """[MQTT-3.3.2-7]: in both directions, although the session goes on"""
    house = House()
    keep = {"clean_start": False, "properties": {"session_expiry_interval": 600, "topic_alias_maximum": 5}}
    client = house.connect("x", **keep)
    client.subscribe("t", qos=0)
    client.publish("t", properties={"topic_alias": 1})
    assert client.one().properties == {"topic_alias": 1}
    client.lose()
    again = house.connect("x", **keep)
    again.publish("t")
    assert again.one().topic == "t"
    again.publish("", properties={"topic_alias": 1})
    assert again.one().reason == Reason.PROTOCOL_ERROR


@pytest.mark.parametrize("fields", [{}, {"properties": {"topic_alias_maximum": 0}}])
def test_no_alias_is_sent_to_a_client_that_has_not_allowed_any(fields: dict[str, object]) -> None:
    """[MQTT-3.1.2-27]"""
    house = House()
    client = house.connect("s", **fields)
    client.subscribe("t", qos=1)
    publisher = house.connect("p")
    for qos in (0, 0, 1):
        publisher.publish("t", qos=qos)
    assert [(each.topic, each.properties) for each in client.received()] == [("t", {})] * 3


@pytest.mark.parametrize("version", [3, 4])
def test_what_is_retained_is_flagged_for_new_subscriptions_only(version: int) -> None:
    """3.1.1 [MQTT-3.3.1-8], [MQTT-3.3.1-9], [MQTT-3.8.4-3]: and sent again for one that is made again"""
    house = House()
    client = house.connect("s", version=version)
    client.subscribe("t")
    house.connect("p", version=version).publish("t", qos=1, retain=True)
    assert not client.one().retain
    for _ in range(2):
        client.subscribe("t")
        assert client.one().retain


def test_a_retained_message_of_qos_0_replaces_one_of_qos_1() -> None:
    """3.1.1 [MQTT-3.3.1-7]"""
    house = House()
    publisher = house.connect("p", version=4)
    publisher.publish("t", b"old", 1, retain=True)
    publisher.publish("t", b"new", 0, retain=True)
    client = house.connect("s", version=4)
    client.subscribe("t")
    assert client.messages() == [("t", b"new", 0)]


@pytest.mark.parametrize("clean", [True, False])
def test_what_is_retained_outlasts_the_session_that_published_it(clean: bool) -> None:
    """3.1.1 [MQTT-3.1.2-7]"""
    house = House()
    publisher = house.connect("p", version=4, clean_start=clean)
    publisher.publish("t", retain=True)
    publisher.disconnect()
    house.connect("p", version=4, clean_start=True).disconnect()
    client = house.connect("s", version=4)
    client.subscribe("t")
    assert len(client.messages()) == 1


def test_pubrels_leave_in_the_order_of_their_pubrecs() -> None:
    """[MQTT-4.6.0-4]"""
    house = House()
    client = house.connect("s")
    client.subscribe("t")
    publisher = house.connect("p")
    for packet_id in (1, 2, 3):
        publisher.publish("t", qos=2, packet_id=packet_id)
    ids = [each.packet_id for each in client.received()]
    order = [ids[1], ids[2], ids[0]]
    client.say(b"".join(encode(p.Ack(c.PUBREC, packet_id), 5) for packet_id in order))
    assert client.received() == [p.Ack(c.PUBREL, packet_id) for packet_id in order]


# --- subscriptions --------------------------------------------------------------------------------------------------


def test_a_suback_of_3_1_1_has_a_code_for_each_filter_and_no_other_failure_than_0x80() -> None:
    """3.1.1 [MQTT-3.8.4-1], [MQTT-3.8.4-2], [MQTT-3.8.4-4], [MQTT-3.8.4-5], [MQTT-3.9.3-1], [MQTT-3.9.3-2]"""
    house = House()
    house.broker.set_topic_permissions("guest", "/", "amq.topic", TopicPermissions(".*", "^[ab]$"))
    client = house.connect("x", version=4)
    client.send(p.Subscribe(77, [p.TopicFilter("a", 2), p.TopicFilter("no", 1), p.TopicFilter("b", 0)]))
    assert client.one() == p.SubAck(77, [2, 0x80, 0])


@pytest.mark.parametrize("version", [3, 4, 5])
def test_an_unsuback_answers_every_unsubscribe_with_its_identifier(version: int) -> None:
    """[MQTT-2.2.1-6], [MQTT-3.10.4-4] to [MQTT-3.10.4-6], 3.1.1 [MQTT-2.3.1-7], [MQTT-3.10.4-1] to [MQTT-3.10.4-6]"""
    house = House()
    client = house.connect("s", version=version)
    client.subscribe("t/+", "u")
    client.send(p.Unsubscribe(77, ["t/1", "t/+"]))
    assert client.one() == p.UnsubAck(77, [0x11, 0] if version == 5 else [])
    client.send(p.Unsubscribe(78, ["nothing"]))
    assert client.one() == p.UnsubAck(78, [0x11] if version == 5 else [])
    publisher = house.connect("p")
    publisher.publish("t/1", qos=1)
    publisher.publish("u", qos=1)
    assert [topic for topic, _, _ in client.messages()] == ["u"]


@pytest.mark.parametrize("granted", [0, 1, 2])
def test_a_shared_subscription_has_the_qos_that_was_granted(granted: int) -> None:
    """[MQTT-4.8.2-3]"""
    house = House()
    client = house.connect("m")
    assert client.subscribe("$share/g/t", qos=granted) == [granted]
    publisher = house.connect("p")
    publisher.publish("t", qos=2)
    publisher.publish("t", qos=0)
    assert sorted(qos for _, _, qos in client.messages()) == [0, granted]


def test_a_shared_message_of_qos_2_ends_with_the_session_that_has_it() -> None:
    """[MQTT-4.8.2-5]"""
    house = House()
    members = [house.connect(name, **KEEP) for name in ("a", "b")]
    for member in members:
        member.subscribe("$share/g/t", qos=2)
    house.connect("p").publish("t", qos=2)
    (taker,) = [member for member in members if member.arrived]
    (other,) = [member for member in members if member is not taker]
    taker.disconnect(session_expiry_interval=0)
    assert other.received() == []


# --- DISCONNECT -----------------------------------------------------------------------------------------------------


def test_a_disconnect_of_ours_says_nothing_of_the_sessions_expiry() -> None:
    """[MQTT-3.14.2-2]"""
    house = House(server_reference="b.example.com")
    clients = [house.connect(name, **KEEP) for name in ("a", "b")]
    clients[0].connection.shut_down(house.now)
    house.turn()
    clients[1].send(p.Connect("b"))
    for client in clients:
        assert set(client.one().properties) <= {"reason_string", "server_reference"}
