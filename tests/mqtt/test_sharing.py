"""Shared subscriptions: each message goes to one member of the group."""

from typing import Any

import pytest

from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.reasons import Reason
from tests.mqtt.house import Client, House

KEEP: dict[str, Any] = {"clean_start": False, "properties": {"session_expiry_interval": 600}}


def group(house: House, count: int, qos: int, version: int = 5, **fields: Any) -> list[Client]:
    members = [house.connect(f"m{number}", version=version, **fields) for number in range(count)]
    for member in members:
        member.subscribe("$share/g/t/+", qos=qos)
    return members


def publish(house: House, count: int, qos: int) -> None:
    publisher = house.connect("p")
    for number in range(count):
        publisher.publish(f"t/{number}", b"%d" % number, qos, packet_id=number + 1)
        publisher.pubrel(number + 1)


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("version", [4, 5])
def test_members_take_turns(qos: int, version: int) -> None:
    """[MQTT-4.8.2-4]: also for 3.1.1"""
    house = House()
    members = group(house, 2, qos, version)
    publish(house, 4, qos)
    received = [member.messages() for member in members]
    assert sorted(len(each) for each in received) == [2, 2]
    assert sorted(message for each in received for message in each) == [
        (f"t/{number}", b"%d" % number, qos) for number in range(4)
    ]


def test_a_sticky_group_stays_with_one_member_as_long_as_it_can() -> None:
    house = House(share_strategy="sticky")
    members = group(house, 2, 0)
    publish(house, 4, 0)
    assert sorted(len(member.messages()) for member in members) == [0, 4]


def test_a_group_stands_beside_other_groups_and_plain_subscriptions() -> None:
    house = House()
    (member,) = group(house, 1, 1)
    other, plain = house.connect("o"), house.connect("n")
    other.subscribe("$share/h/t/+", qos=1)
    plain.subscribe("t/+", qos=1)
    publish(house, 1, 1)
    assert [len(client.messages()) for client in (member, other, plain)] == [1, 1, 1]


def test_unacknowledged_messages_of_qos_1_go_to_another_member() -> None:
    """§4.8.2. It came to the next member as a repetition, although that one had never seen it [MQTT-3.3.1-3]."""
    house = House()
    first, second = group(house, 2, 1)
    publish(house, 2, 1)
    assert [len(client.messages()) for client in (first, second)] == [1, 1]
    first.lose()
    (message,) = second.received()
    assert not message.dup


def test_a_member_that_comes_back_is_told_that_it_may_know_a_message() -> None:
    house = House()
    (member,) = group(house, 1, 1, **KEEP)
    publish(house, 1, 1)
    assert not member.one().dup
    member.lose()
    publish(house, 1, 1)
    again, new = house.connect("m0", **KEEP).received()
    assert (again.dup, new.dup) == (True, False)


def test_a_message_of_qos_2_stays_with_its_member() -> None:
    """[MQTT-4.8.2-5], [MQTT-4.8.2-6]"""
    house = House()
    first, second = group(house, 2, 2, **KEEP)
    publish(house, 2, 2)
    mine = first.one()
    second.received()
    first.lose()
    assert second.received() == []
    again = house.connect("m0", **KEEP)
    repeated = again.one()
    assert (repeated.packet_id, repeated.payload, repeated.dup) == (mine.packet_id, mine.payload, True)


def test_messages_wait_while_every_member_is_away() -> None:
    house = House()
    members = group(house, 2, 1, **KEEP)
    for member in members:
        member.lose()
    publish(house, 2, 1)
    assert len(house.connect("m1", **KEEP).messages()) == 2


def test_the_last_member_takes_the_group_with_it() -> None:
    house = House()
    first, second = group(house, 2, 1)
    first.unsubscribe("$share/g/t/+")
    vhost = house.broker.vhost("/")
    assert "mqtt-shared-g/t/+" in vhost.queues
    publish(house, 2, 1)
    assert len(second.messages()) == 2
    second.lose()
    assert "mqtt-shared-g/t/+" not in vhost.queues


def test_a_shared_subscription_gets_no_retained_messages() -> None:
    house = House()
    house.connect("p").publish("t/1", qos=1, retain=True)
    (member,) = group(house, 1, 1)
    assert member.received() == []


def test_a_shared_message_has_the_identifier_of_its_subscription() -> None:
    house = House()
    client = house.connect("m")
    client.subscribe("$share/g/t/+", qos=2, subscription_identifier=9)
    publish(house, 3, 1)
    publish(house, 1, 2)
    assert [each.properties["subscription_identifier"] for each in client.received()] == [[9]] * 4


def test_no_local_on_a_shared_subscription_is_a_protocol_error() -> None:
    """[MQTT-3.8.3-4]"""
    client = House().connect("x")
    client.send(p.Subscribe(1, [p.TopicFilter("$share/g/t", no_local=True)]))
    assert client.one().reason == Reason.PROTOCOL_ERROR


@pytest.mark.parametrize("topic_filter", ["$share/g", "$share//t", "$share/g+/t", "$share/#/t", "$share/g/"])
def test_a_share_needs_a_name_and_a_filter(topic_filter: str) -> None:
    """[MQTT-4.8.2-1], [MQTT-4.8.2-2]"""
    assert House().connect("x").subscribe(topic_filter) == [Reason.TOPIC_FILTER_INVALID]


def test_a_member_that_is_full_is_passed_over() -> None:
    house = House()
    slow = house.connect("slow", properties={"receive_maximum": 1})
    fast = house.connect("fast")
    for client in (slow, fast):
        client.subscribe("$share/g/t/+", qos=1)
    publish(house, 5, 1)
    assert (len(slow.messages()), len(fast.messages())) == (1, 4)


def test_members_that_do_not_keep_up_hold_their_publisher_for_a_second_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A burst at QoS 0 to a shared subscription used to fill the bounded queue, which dropped what subscribers that
    read all the time could have had."""
    monkeypatch.setattr("mqbroker.core.queues.subscriber.SHARED_QUEUE_HIGH", 4)
    house = House()
    (member,) = group(house, 1, 1, properties={"receive_maximum": 1})
    publisher = house.connect("p")
    for number in range(6):
        publisher.publish(f"t/{number}", qos=1, packet_id=number + 1)
    assert not publisher.connection.is_reading
    for sent in range(3):
        assert not publisher.connection.is_reading, sent
        (message,) = [each for each in member.received() if isinstance(each, p.Publish)]
        member.puback(message.packet_id)
    assert publisher.connection.is_reading
    for number in range(6):
        publisher.publish(f"t/{number}", qos=1, packet_id=number + 7)
    assert not publisher.connection.is_reading
    house.wait(1)
    assert publisher.connection.is_reading, "a member that has stopped reading stops nobody"
    publisher.publish("t/x", qos=1, packet_id=99)
    assert publisher.connection.is_reading
