"""What those who watch the broker are told of MQTT's sessions."""

from mqbroker.core.events import Event
from tests.mqtt.house import House


def test_sessions_are_told_as_they_begin_and_end() -> None:
    """What is kept for a client that is away could not be seen anywhere."""
    house, events = House(), list[Event]()
    house.broker.events.subscribe(events.append)
    client = house.connect("c", properties={"session_expiry_interval": 10})
    client.disconnect()
    house.wait(11)
    names = [each.name for each in events]
    assert [each for each in names if not each.startswith(("queue", "binding", "consumer"))] == [
        "session.opened", "subscriber.created", "session.closed", "subscriber.ended",
    ]  # fmt: skip
    ended = next(each for each in events if each.name == "subscriber.ended")
    assert ended.fields == {
        "vhost": "/", "subscriber": "c", "user": "guest", "protocol": "MQTT", "has_expired": True,
    }  # fmt: skip


def test_a_client_that_is_refused_is_told() -> None:
    house, events = House(), list[Event]()
    house.broker.events.subscribe(events.append)
    client = house.client()
    client.connect("c", user_name="nobody", password=b"x")
    assert [each.fields["reason"] for each in events if each.name == "user.refused"] == ["there is no such user"]
