"""What a session leaves with the timers of the broker."""

from mqbroker.protocols.mqtt.codec import packets as p
from tests.mqtt.house import House
from tests.mqtt.test_session import KEEP


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
