"""CONNECT to CONNACK, AUTH, keep alive, and how connections end."""

import base64
from typing import Any

import pytest

from mqbroker.core.access.access import Permissions, TopicPermissions
from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.encode import encode
from mqbroker.protocols.mqtt.codec.reasons import Reason
from tests.mqtt.house import Client, House
from tests.support.scram import ScramClient

CONNECT_V4 = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01x"


def login(**fields: Any) -> tuple[House, Client, p.ConnAck]:
    house = House(anonymous_user="")
    client = house.client()
    return house, client, client.connect("x", **fields)


def test_the_first_packet_must_be_connect() -> None:
    """[MQTT-3.1.0-1]"""
    client = House().client()
    client.say(c.PINGREQ_PACKET)
    assert client.is_closed
    assert client.received() == []


def test_a_second_connect_is_a_protocol_error() -> None:
    """[MQTT-3.1.0-2]"""
    client = House().connect("x")
    client.send(p.Connect("x"))
    assert client.one().reason == Reason.PROTOCOL_ERROR
    assert client.is_closed


def test_another_protocol_name_is_answered_with_nothing_but_the_close() -> None:
    """[MQTT-3.1.2-1]"""
    client = House().client()
    client.say(b"\x10\x0d\x00\x04MQTX\x04\x02\x00\x00\x00\x01x")
    assert client.is_closed
    assert client.received() == []


@pytest.mark.parametrize("level", [0, 2, 3, 6, 0x82, 0x83, 0x85, 0x86, 0xFF])
def test_an_unknown_level_is_refused_in_words_that_every_client_knows(level: int) -> None:
    """[MQTT-3.1.2-2]: levels above 5 were answered in the format of 5, which bridges wait for in vain."""
    client = House().client()
    client.say(CONNECT_V4.replace(b"\x04\x02", bytes((level, 2))))
    assert bytes(client.arrived) == b"\x20\x02\x00\x01"
    assert client.is_closed


@pytest.mark.parametrize("connect", [
    CONNECT_V4.replace(b"\x04\x02", b"\x84\x02"), b"\x10\x0f\x00\x06MQIsdp\x83\x02\x00\x00\x00\x01x",
])  # fmt: skip
def test_a_bridge_gets_its_own_messages_back_from_nobody_and_the_retain_flag_of_others(connect: bytes) -> None:
    """The level of Mosquitto's bridges was unknown."""
    house = House()
    bridge = house.client()
    bridge.version = 4
    bridge.say(connect)
    assert bridge.one().reason == 0
    assert bridge.subscribe("t/#", "$share/g/u", qos=1) == [1, 1]
    bridge.publish("t/own", qos=1)
    house.connect("p").publish("t/other", b"1", retain=True)
    house.connect("p").publish("t/other", b"2")
    received = [each for each in bridge.received() if isinstance(each, p.Publish)]
    assert [(each.topic, each.payload, each.retain) for each in received] == [
        ("t/other", b"1", True),
        ("t/other", b"2", False),
    ]


def test_reserved_connect_flag_closes_the_connection() -> None:
    """[MQTT-3.1.2-3]"""
    client = House().client()
    client.say(CONNECT_V4.replace(b"\x04\x02", b"\x04\x03"))
    assert client.is_closed


def test_a_connect_may_come_in_pieces_and_with_packets_behind_it() -> None:
    house = House()
    client = house.client()
    client.version = 4
    for octet in CONNECT_V4:
        client.say(bytes((octet,)))
    client.say(CONNECT_V4[:0] + c.PINGREQ_PACKET)
    assert [type(each) for each in client.received()] == [p.ConnAck, p.PingResp]
    other = house.client()
    other.version = 4
    other.say(CONNECT_V4 + encode(p.Subscribe(1, [p.TopicFilter("t")]), 4) + c.PINGREQ_PACKET)
    assert [type(each) for each in other.received()] == [p.ConnAck, p.SubAck, p.PingResp]


def test_what_comes_behind_a_connect_waits_for_the_login() -> None:
    """[MQTT-3.1.4-6]"""
    house = House()
    house.authenticator.is_slow = True
    client = house.client()
    client.send(p.Connect("x", user_name="guest", password=b"guest"))
    client.send(p.PingReq())
    client.say(encode(p.Subscribe(1, [p.TopicFilter("t")]), 5))
    assert client.received() == []
    house.authenticator.answer_all()
    house.turn()
    assert [type(each) for each in client.received()] == [p.ConnAck, p.PingResp, p.SubAck]


def test_an_empty_client_id_is_replaced_by_one_of_ours() -> None:
    """[MQTT-3.1.3-6], [MQTT-3.1.3-7], [MQTT-3.2.2-16]"""
    house = House()
    first, second = house.connect(""), house.connect("")
    ids = [client.connack.properties["assigned_client_identifier"] for client in (first, second)]
    assert len(set(ids)) == 2
    assert not first.is_closed


def test_an_empty_client_id_is_refused_where_a_session_would_stay() -> None:
    """3.1.1 [MQTT-3.1.3-7], [MQTT-3.1.3-8]"""
    assert House().client().connect("", version=4, clean_start=False).reason == 2
    assert House().client().connect("", version=3, clean_start=True).reason == 2
    assert House().client().connect("", version=4, clean_start=True).reason == 0


def test_long_client_ids_are_taken() -> None:
    """[MQTT-3.1.3-5]"""
    assert House().client().connect("x" * 1024).reason == 0
    client = House().client()
    assert client.connect("x" * 1025).reason == Reason.CLIENT_IDENTIFIER_NOT_VALID
    assert client.is_closed  # [MQTT-3.1.3-8]


@pytest.mark.parametrize("version", [3, 4, 5])
def test_wrong_credentials_are_refused(version: int) -> None:
    """[MQTT-3.1.4-2]"""
    for fields in ({}, {"user_name": "guest", "password": b"wrong"}, {"user_name": "nobody", "password": b"nobody"}):
        _, client, connack = login(version=version, **fields)
        assert connack.reason == (Reason.BAD_USER_NAME_OR_PASSWORD if version == 5 else 4)
        assert not connack.session_present  # [MQTT-3.2.2-6]
        assert client.is_closed  # [MQTT-3.2.2-7]
        assert client.received() == []  # no DISCONNECT [MQTT-3.14.0-1]


def test_a_user_name_may_name_the_vhost_too() -> None:
    house = House()
    house.broker.add_vhost("other")
    house.broker.set_permissions("guest", "other", Permissions(".*", ".*", ".*"))
    client = house.connect("x", user_name="other:guest", password=b"guest")
    assert house.sessions.find("other", "x") is not None
    client.publish("t", qos=1)
    refused = house.client().connect("y", user_name="other:reader", password=b"reader")
    assert refused.reason == Reason.NOT_AUTHORIZED


def test_a_certificate_can_be_the_login_and_bind_the_client_id() -> None:
    house = House(anonymous_user="", certificate_name="cn", certificate_client_id="san_dns")
    assert house.client(cn="guest", san_dns="x").connect("x").reason == 0
    assert house.client(cn="guest", san_dns="x").connect("y").reason == Reason.CLIENT_IDENTIFIER_NOT_VALID
    assert house.client(cn="nobody", san_dns="x").connect("x").reason == Reason.BAD_USER_NAME_OR_PASSWORD


def test_loopback_users_and_loopback_anonymity_end_at_this_machine() -> None:
    house = House(anonymous_from_loopback_only=True, anonymous_user="reader")
    assert house.client().connect("x").reason == 0
    assert house.client("192.0.2.1").connect("x").reason == Reason.BAD_USER_NAME_OR_PASSWORD
    refused = house.client("192.0.2.1").connect("x", user_name="guest", password=b"guest")
    assert refused.reason == Reason.BAD_USER_NAME_OR_PASSWORD


@pytest.mark.parametrize("version", [3, 4, 5])
def test_an_empty_user_name_is_none(version: int) -> None:
    """A client that sends an empty one was refused where clients without one are let in (gmqtt)."""
    for password in (None, b"", b"any"):
        house = House(anonymous_user="reader")
        house.connect("x", version=version, user_name="", password=password)
        session = house.sessions.find("/", "x")
        assert session is not None
        assert session.user == "reader"
    certified = House(certificate_name="cn").client(cn="reader")
    assert certified.connect("x", version=version, user_name="").reason == 0
    assert login(version=version, user_name="")[2].reason == (Reason.BAD_USER_NAME_OR_PASSWORD if version == 5 else 4)


SDK_NAME = "?SDK=CPPv2&Version=1.0:2"


@pytest.mark.parametrize(("name", "password"), [(SDK_NAME, None), ("token", b"x"), ("guest", None), ("guest", b"")])
def test_unknown_users_and_those_without_a_password_can_be_anonymous(name: str, password: bytes | None) -> None:
    """Tokens and versions of libraries in the place of the user name were always refused (AWS's CRT)."""
    refusing = House(anonymous_user="reader").client()
    assert refusing.connect("x", user_name=name, password=password).reason == Reason.BAD_USER_NAME_OR_PASSWORD
    house = House(anonymous_user="reader", anonymous_fallback=True)
    house.connect("x", user_name=name, password=password)
    session = house.sessions.find("/", "x")
    assert session is not None
    assert session.user == "reader"


def test_a_wrong_password_is_never_anonymous_nor_is_anybody_whom_the_loopback_rule_keeps_out() -> None:
    wrong = {"user_name": "guest", "password": b"wrong"}
    unknown = {"user_name": "token", "password": b"x"}
    house = House(anonymous_user="reader", anonymous_fallback=True)
    assert house.client().connect("x", **wrong).reason == Reason.BAD_USER_NAME_OR_PASSWORD
    for settings in ({"anonymous_user": "guest"}, {"anonymous_user": "reader", "anonymous_from_loopback_only": True}):
        house = House(anonymous_fallback=True, **settings)
        assert house.client("192.0.2.1").connect("x", **unknown).reason == Reason.BAD_USER_NAME_OR_PASSWORD
        assert house.client().connect("y", **unknown).reason == 0


def test_connections_of_one_address_are_bounded() -> None:
    house = House(connections_per_address_max=1)
    first = house.connect("x")
    assert house.client().connect("y").reason == Reason.QUOTA_EXCEEDED
    first.lose()
    assert house.client().connect("y").reason == 0


def test_limits_of_a_user_count() -> None:
    house = House()
    house.broker.set_user_limits("guest", {"max-connections": 1})
    house.connect("x")
    assert house.client().connect("y").reason == Reason.NOT_AUTHORIZED


def test_connack_says_what_the_server_is_ready_for() -> None:
    """[MQTT-3.2.2-21], [MQTT-3.1.2-21], [MQTT-3.1.2-28]"""
    house = House(keep_alive_s_max=30, session_expiry_s_max=100, response_prefix="replies/")
    connack = house.client().connect(
        "x", keep_alive_s=60, properties={"session_expiry_interval": 1000, "request_response_information": True}
    )
    assert connack.properties == {
        "receive_maximum": 1024,
        "maximum_packet_size": 16 << 20,
        "topic_alias_maximum": 16,
        "session_expiry_interval": 100,
        "server_keep_alive": 30,
        "response_information": "replies/x",
    }


def test_a_silent_client_is_disconnected_after_one_and_a_half_keep_alives() -> None:
    """[MQTT-3.1.2-22]"""
    house = House()
    client = house.connect("x", keep_alive_s=10)
    house.wait(14)
    client.send(p.PingReq())
    assert type(client.one()) is p.PingResp  # [MQTT-3.12.4-1]
    house.wait(14)
    assert not client.is_closed
    house.wait(2)
    assert client.one().reason == Reason.KEEP_ALIVE_TIMEOUT


def test_a_client_that_is_not_read_from_for_the_journals_sake_is_not_taken_for_silent() -> None:
    house = House()
    client = house.connect("x", keep_alive_s=10)
    client.connection.is_throttled = True
    for _ in range(10):
        house.wait(5)
    client.connection.unthrottle(house.now)
    house.wait(14)
    assert not client.is_closed
    house.wait(2)
    assert client.one().reason == Reason.KEEP_ALIVE_TIMEOUT


def test_a_client_without_keep_alive_may_be_silent() -> None:
    house = House()
    client = house.connect("x")
    house.wait(100_000)
    assert not client.is_closed


def test_a_client_that_never_connects_is_cut_off() -> None:
    house = House()
    client = house.client()
    house.wait(11)
    assert client.is_closed


def test_input_before_the_login_is_bounded() -> None:
    client = House().client()
    client.say(b"\x10\xff\xff\x7f" + bytes(70_000))
    assert client.is_closed


def test_packets_larger_than_allowed_are_refused_before_they_are_there() -> None:
    """[MQTT-3.2.2-15]"""
    house = House(packet_size_max=1024)
    client = house.connect("x")
    client.say(b"\x30\x81\x08")
    assert client.one().reason == Reason.PACKET_TOO_LARGE


def test_the_servers_stop_is_announced() -> None:
    """[MQTT-3.14.0-1]"""
    for reason, reference in ((Reason.SERVER_SHUTTING_DOWN, ""), (Reason.USE_ANOTHER_SERVER, "b.example.com")):
        house = House(server_reference=reference)
        client = house.connect("x")
        client.connection.shut_down(house.now)
        house.turn()
        packet = client.one()
        assert packet.reason == reason
        assert packet.properties.get("server_reference", "") == reference


def test_no_packet_follows_a_disconnect() -> None:
    """[MQTT-3.14.4-1], [MQTT-3.14.4-2]"""
    house = House()
    client = house.connect("x")
    client.subscribe("t")
    client.say(encode(p.Disconnect(), 5) + c.PINGREQ_PACKET)
    house.connect("p").publish("t")
    assert client.received() == []
    assert client.is_closed


# --- access ---------------------------------------------------------------------------------------------------------


def restricted() -> House:
    house = House()
    house.broker.set_topic_permissions(
        "reader", "/", "amq.topic", TopicPermissions(r"^up\.{client_id}\.", r"^down\.{username}\.")
    )
    return house


def test_topic_permissions_know_client_and_user() -> None:
    house = restricted()
    client = house.connect("c1", user_name="reader", password=b"reader")
    assert client.subscribe("down/reader/#", "down/other/#", "#", qos=1) == [1, 0x87, 0x87]
    client.publish("up/c1/x", qos=1)
    client.publish("up/c2/x", qos=1, packet_id=8)
    client.publish("up/c2/x", qos=2, packet_id=9)
    assert [each.reason for each in client.received()] == [0x10, 0x87, 0x87]
    old = house.connect("c2", version=4, user_name="reader", password=b"reader")
    assert old.subscribe("other") == [0x80]
    old.publish("up/c1/x", qos=1)
    assert old.one() == p.Ack(c.PUBACK, 7)


def test_permissions_are_asked_again_when_they_have_changed() -> None:
    house = House()
    client = house.connect("c1", user_name="reader", password=b"reader")
    client.subscribe("t", qos=0)
    client.subscribe("u", qos=1)
    publisher = house.connect("p")
    house.broker.set_topic_permissions("reader", "/", "amq.topic", TopicPermissions("^$", "^u$"))
    publisher.publish("t")
    publisher.publish("u", qos=1)
    assert client.messages() == [("u", b"x", 1)]
    client.publish("u", qos=1)
    assert client.one().reason == Reason.NOT_AUTHORIZED


RESERVED = ("$SYS/broker/version", "$SYS", "$SYS/broker/connection/a/b/state", "$share/g/t")
STATE = "$SYS/broker/connection/host.bridge/state"


@pytest.mark.parametrize("topic", RESERVED)
def test_nobody_publishes_to_the_servers_own_topics_nor_to_a_share(topic: str) -> None:
    client = House().connect("x")
    client.publish(topic, qos=1, retain=True)
    assert client.one().reason == Reason.NOT_AUTHORIZED


def test_the_state_of_a_bridge_is_published_by_the_bridge() -> None:
    """It was refused as one of the server's own topics."""
    house = House()
    watcher = house.connect("s")
    watcher.subscribe("$SYS/broker/connection/#", qos=1)
    house.connect("bridge", version=4, will=p.Will(STATE, b"0", 1, True)).publish(STATE, b"1", 1, retain=True)
    assert watcher.messages() == [(STATE, b"1", 1)]
    session = house.sessions.find("/", "bridge")
    assert session is not None
    assert session.connection is not None
    session.connection.end("an operator has ended it", house.now)
    house.turn()
    assert watcher.messages() == [(STATE, b"0", 1)]


def test_system_topics_are_published_to_those_who_subscribe() -> None:
    house = House(system_interval_s=10)
    client = house.connect("x")
    client.subscribe("$SYS/broker/clients/#")
    topics = [topic for topic, _, _ in client.messages()]
    assert "$SYS/broker/clients/connected" in topics
    house.wait(11)
    assert ("$SYS/broker/clients/connected", b"1", 0) in client.messages()
    other = house.connect("y")
    other.subscribe("#")
    house.wait(11)
    assert other.messages() == []


# --- AUTH -----------------------------------------------------------------------------------------------------------


def scram(data: bytes) -> dict[str, object]:
    return {"authentication_method": "SCRAM-SHA-256", "authentication_data": data}


def test_scram_logs_in_and_proves_the_server_too() -> None:
    """[MQTT-4.12.0-2], [MQTT-4.12.0-3], [MQTT-4.12.0-5]"""
    house = House(anonymous_user="")
    client, dance = house.client(), ScramClient("guest", b"guest")
    client.send(p.Connect("x", properties=scram(dance.first)))
    challenge = client.one()
    assert challenge.reason == Reason.CONTINUE_AUTHENTICATION
    answer = dance.final(challenge.properties["authentication_data"])
    client.send(p.Auth(Reason.CONTINUE_AUTHENTICATION, scram(answer)))
    connack = client.one()
    assert connack.reason == 0
    assert connack.properties["authentication_method"] == "SCRAM-SHA-256"
    assert connack.properties["authentication_data"] == b"v=" + base64.b64encode(dance.signature)
    again = ScramClient("guest", b"guest")
    client.send(p.Auth(Reason.REAUTHENTICATE, scram(again.first)))
    answer = again.final(client.one().properties["authentication_data"])
    client.send(p.Auth(Reason.CONTINUE_AUTHENTICATION, scram(answer)))
    assert client.one().reason == 0


@pytest.mark.parametrize(("user", "password"), [("guest", b"wrong"), ("nobody", b"x")])
def test_scram_refuses_a_wrong_proof_at_the_end(user: str, password: bytes) -> None:
    """[MQTT-4.12.0-4]"""
    client, dance = House(anonymous_user="").client(), ScramClient(user, password)
    client.send(p.Connect("x", properties=scram(dance.first)))
    answer = b"c=biws,r=x,p=AAAA" if user == "nobody" else dance.final(client.one().properties["authentication_data"])
    client.arrived.clear()
    client.send(p.Auth(Reason.CONTINUE_AUTHENTICATION, scram(answer)))
    assert client.one().reason == Reason.BAD_USER_NAME_OR_PASSWORD
    assert client.is_closed


def test_a_failed_reauthentication_ends_the_connection() -> None:
    """[MQTT-4.12.1-1], [MQTT-4.12.1-2]"""
    client = House().connect("x")
    client.send(p.Auth(Reason.REAUTHENTICATE, scram(b"")))
    assert client.one().reason == Reason.PROTOCOL_ERROR


def test_other_methods_are_refused() -> None:
    """[MQTT-4.12.0-1]"""
    connack = House().client().connect("x", properties={"authentication_method": "X"})
    assert connack.reason == Reason.BAD_AUTHENTICATION_METHOD


def test_auth_without_a_method_in_connect_is_a_protocol_error() -> None:
    """[MQTT-4.12.0-6], [MQTT-4.12.0-7]"""
    house = House()
    client = house.connect("x")
    client.send(p.Auth(Reason.CONTINUE_AUTHENTICATION, scram(b"")))
    assert client.one().reason == Reason.PROTOCOL_ERROR


# --- limits ---------------------------------------------------------------------------------------------------------


def test_a_client_that_publishes_too_fast_is_read_no_more_until_the_second_is_over() -> None:
    house = House(receive_rate_max=2)
    client = house.connect("x")
    house.wait(0.5)
    for _ in range(4):
        client.publish("t")
    assert not client.connection.is_reading
    house.wait(1)
    assert client.connection.is_reading


def test_a_session_has_so_many_subscriptions() -> None:
    client = House(subscriptions_max=1).connect("x")
    assert client.subscribe("a", "b", "a", qos=0) == [0, Reason.QUOTA_EXCEEDED, 0]
