"""What those who watch the broker are told of connections and channels, and what these have counted."""

from mqbroker.core.events import Event
from tests.support.amqp_house import House


def test_connections_and_channels_are_told_as_they_come_and_go() -> None:
    """Whoever watched the broker had to read its log."""
    house, events = House(), list[Event]()
    house.broker.events.subscribe(events.append)
    talk = house.connect()
    talk.call("channel.open", 2)
    talk.call("channel.close", 2, reply_code=200, reply_text="", class_id=0, method_id=0)
    talk.call("connection.close", 0, reply_code=200, reply_text="", class_id=0, method_id=0)
    house.turn()
    assert [(each.name, each.fields.get("channel")) for each in events] == [
        ("session.opened", None),
        ("channel.opened", 1),
        ("channel.opened", 2),
        ("channel.closed", 2),
        ("channel.closed", 1),
        ("session.closed", None),
    ]
    opened = dict(events[0].fields)
    assert opened.pop("session") == talk.session.name
    assert opened == {"protocol": "AMQP 0-9-1", "user": "guest", "vhost": "/"}


def test_a_log_in_that_is_refused_is_told_with_its_reason() -> None:
    house, events = House(), list[Event]()
    house.broker.events.subscribe(events.append)
    talk = house.begin()
    talk.begin()
    talk.log_in("guest", "wrong")
    assert talk.refusal(0).method == "connection.close"
    assert [each.name for each in events] == ["user.refused"]
    assert events[0].fields == {
        "user": "guest", "protocol": "AMQP 0-9-1", "peer": talk.session.name, "reason": "the password is wrong",
    }  # fmt: skip


def test_channels_and_connections_count_what_passes_them() -> None:
    house = House()
    talk = house.connect()
    queue = talk.declare()
    talk.call("confirm.select")
    for _ in range(3):
        talk.publish(queue, b"body")
        talk.expect("basic.ack")
    talk.publish("nowhere", b"body", mandatory=True)
    talk.expect("basic.return")
    talk.expect("basic.ack")
    talk.consume(queue, no_ack=True)
    talk.deliveries(3)
    found = talk.session.describe()
    channels = found["channels"]
    assert isinstance(channels, list)
    channel = channels[0]
    counted = {name: channel[name] for name in ("publishes", "confirms", "returns", "deliveries")}
    assert counted == {"publishes": 4, "confirms": 4, "returns": 1, "deliveries": 3}
    assert isinstance(found["octets_out"], int)
    assert found["octets_out"] > 300
