"""What those who watch the broker are told of connections and channels."""

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
