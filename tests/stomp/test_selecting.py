"""Selectors, browsers and message groups of STOMP."""

import pytest

from tests.stomp.house import House


@pytest.fixture
def house() -> House:
    return House()


def test_consumers_of_a_queue_take_what_they_select(house: House) -> None:
    client = house.connect()
    for number, colour in enumerate(("red", "green", "red", "blue")):
        client.send("SEND", b"%d" % number, destination="/queue/a", colour=colour, weight=number)
    client.send("SUBSCRIBE", id=1, destination="/queue/a", selector="colour = 'red' AND weight > 1")
    assert client.messages() == [b"2"]
    client.send("SUBSCRIBE", id=2, destination="/queue/a", selector="colour <> 'red'", ack="client")
    assert client.messages() == [b"1", b"3"]
    client.send("SEND", b"4", destination="/queue/a", colour="red", weight=9)
    assert client.messages() == [b"4"]
    client.send("SUBSCRIBE", id=3, destination="/queue/a")
    assert client.messages() == [b"0"]


def test_subscriptions_to_topics_take_in_what_they_select(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/topic/a.*", selector="type = 'x' OR size >= 10")
    for kind, size in (("x", 1), ("y", 9), ("y", 10)):
        client.send("SEND", f"{kind}{size}".encode(), destination="/topic/a.b", size=size, **{"type": kind})
    assert client.messages() == [b"y10"]  # `type` is a header of STOMP, which is called JMSType


def test_a_durable_subscription_with_another_selector_is_a_new_one(house: House) -> None:
    durable = {"id": "d", "destination": "/topic/a", "durable": "true", "auto_delete": "false"}
    client = house.connect()
    client.send("SUBSCRIBE", selector="n < 5", **durable)
    client.send("UNSUBSCRIBE", id="d")
    for number in range(3, 7):
        client.send("SEND", b"%d" % number, destination="/topic/a", n=number, persistent="true")
    client.send("SUBSCRIBE", selector="n < 5", **durable)
    assert client.messages() == [b"3", b"4"]
    client.send("UNSUBSCRIBE", id="d")
    client.send("SEND", b"1", destination="/topic/a", n=1)
    client.send("SUBSCRIBE", selector="n > 5", **durable)
    assert client.messages() == []
    assert len(house.vhost.queues) == 1


def test_a_wrong_selector_is_refused_with_its_place(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", selector="a == 1")
    assert client.error() == ("Invalid selector", "invalid selector: '=' was not expected (at character 4)\n")
    assert not client.is_ended


def test_a_browser_takes_nothing(house: House) -> None:
    client = house.connect("1.1")
    for number in range(3):
        client.send("SEND", b"%d" % number, destination="/queue/a", n=number)
    client.send("SUBSCRIBE", id=1, destination="/queue/a", browser="true", selector="n > 0", receipt="r")
    receipt, *messages, last = client.frames()
    assert receipt.command == "RECEIPT"
    assert [each.body for each in messages] == [b"1", b"2"]
    assert (last.headers["browser"], last.headers["message-id"], last.headers["subscription"]) == ("end", "0", "1")
    assert house.vhost.queues["a"].waiting_count() == 3
    client.send("NACK", message_id=messages[0].headers["message-id"], subscription=1)
    assert client.error()[0] == "Cannot Nack a message on a Queue Browser Subscription."
    client.send("UNSUBSCRIBE", id=1)
    client.send("SUBSCRIBE", id=1, destination="/queue/a")
    assert client.messages() == [b"0", b"1", b"2"]


def test_a_browser_of_much_goes_on_as_it_is_read(house: House) -> None:
    client = house.connect()
    for _ in range(1000):
        client.write(b"SEND\ndestination:/queue/a\n\n" + b"x" * 5000 + b"\0")
    client.send("SUBSCRIBE", id=1, destination="/queue/a", browser="true")
    found = client.frames()
    assert len(found) == 1001
    assert found[-1].headers["browser"] == "end"


def test_a_message_group_stays_with_its_consumer(house: House) -> None:
    client = house.connect()
    for id_ in (1, 2):
        client.send("SUBSCRIBE", id=id_, destination="/queue/a")
    for number in range(8):
        client.send("SEND", b"%d" % number, destination="/queue/a", JMSXGroupID="ab"[number % 2])
    owners = {(int(each.body) % 2, each.headers["subscription"]) for each in client.frames()}
    assert len(owners) == 2
    assert len({owner for _, owner in owners}) == 2


def test_the_first_message_of_a_group_says_so() -> None:
    """A consumer could not tell that a group is new to it (ActiveMQ's JMSXGroupFirstForConsumer)."""
    client = House(dialect="activemq").connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client-individual")
    for number in range(4):
        client.send(
            "SEND", b"%d" % number, destination="/queue/a", JMSXGroupID="ab"[number % 2], JMSXGroupSeq=number + 1
        )
    client.send("SEND", b"4", destination="/queue/a")
    found = client.frames()
    assert [each.headers.get("JMSXGroupFirstForConsumer") for each in found] == ["true", "true", None, None, None]
    assert [each.headers.get("JMSXGroupSeq") for each in found] == ["1", "2", "3", "4", None]


def test_a_selector_looks_into_xml(house: House) -> None:
    """Each message counts for many: who has long bodies looked into does not hold others up."""
    client = house.connect()
    for number in range(30):
        client.send("SEND", b"<order n='%d'><item>nut</item></order>" % number, destination="/queue/a")
    client.send("SEND", b"no XML", destination="/queue/a")
    client.send("SUBSCRIBE", id=1, destination="/queue/a", selector="XPATH '/order[@n mod 10 = 3]'")
    assert client.messages() == [b"<order n='%d'><item>nut</item></order>" % number for number in (3, 13, 23)]
    client.send("SEND", b"<order n='43'/>", destination="/queue/a")
    client.send("SEND", b"<order n='44'/>", destination="/queue/a")
    assert client.messages() == [b"<order n='43'/>"]
    client.send("SUBSCRIBE", id=2, destination="/queue/a", selector="XPATH '//item['")
    assert "XPATH" in client.error()[1]
    client.send(
        "SUBSCRIBE", id=3, destination="/queue/a", browser="true", selector="XPATH '//item' AND XPATH '/*[@n=4]'"
    )
    assert len(client.messages()) == 2
