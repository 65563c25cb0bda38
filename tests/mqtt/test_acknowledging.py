"""Acknowledgements that are not due: the wrong kind for a message, in the wrong order, or for no message at all."""

import pytest

from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.reasons import Reason
from tests.mqtt.house import House

KEEP = {"clean_start": False, "properties": {"session_expiry_interval": 600}}
ACK_OF_ZERO = [bytes((kind << 4 | (kind == c.PUBREL) << 1, 2, 0, 0)) for kind in range(c.PUBACK, c.PUBCOMP + 1)]
ACK_OF_ZERO += [bytes((kind << 4 | (kind == c.PUBREL) << 1, 3, 0, 0, 0)) for kind in range(c.PUBACK, c.PUBCOMP + 1)]


@pytest.mark.parametrize("octets", ACK_OF_ZERO)
def test_an_acknowledgement_of_packet_identifier_0_is_a_protocol_error(octets: bytes) -> None:
    """It was passed over, or answered as one that nobody knows."""
    client = House().connect("s")
    client.say(octets)
    assert client.one().reason == Reason.PROTOCOL_ERROR
    assert client.is_closed


@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize(
    ("qos", "answers"),
    [
        (1, [(c.PUBREC, 0)]),
        (1, [(c.PUBREC, 0x80)]),
        (1, [(c.PUBCOMP, 0)]),
        (1, [(c.PUBCOMP, 0x92)]),
        (2, [(c.PUBACK, 0)]),
        (2, [(c.PUBACK, 0x80)]),
        (2, [(c.PUBCOMP, 0)]),
        (2, [(c.PUBREC, 0), (c.PUBACK, 0)]),
        (2, [(c.PUBREC, 0), (c.PUBREC, 0x80)]),
    ],
)
def test_an_acknowledgement_that_is_not_due_settles_nothing(
    version: int, qos: int, answers: list[tuple[int, int]]
) -> None:
    """A message of QoS 2 was settled by PUBACK or by PUBCOMP without PUBREC, one of QoS 1 by PUBREC or PUBCOMP.

    [MQTT-4.3.3-3], [MQTT-4.3.3-5]
    """
    house = House()
    keep = KEEP if version == 5 else {"clean_start": False}
    client = house.connect("s", version=version, **keep)
    client.subscribe("t")
    house.connect("p").publish("t", b"x", qos)
    packet_id = client.one().packet_id
    for kind, reason in answers:
        if client.version < 5 and reason:
            return  # below version 5 there are no reasons
        client.send(p.Ack(kind, packet_id, reason))
    assert client.is_closed
    if version == 5:
        assert client.received()[-1].reason == Reason.PROTOCOL_ERROR
    (again,) = house.connect("s", version=version, **keep).received()
    assert again.packet_id == packet_id
    expected = p.Ack(c.PUBREL, packet_id) if len(answers) > 1 else p.Publish("t", b"x", qos, False, True, packet_id)
    assert again == expected


def test_acknowledgements_of_what_was_not_sent_are_passed_over() -> None:
    """A client may finish what a session that has ended meanwhile had begun."""
    house = House()
    client = house.connect("s")
    client.puback(9)
    client.pubcomp(9)
    assert client.received() == []
    assert not client.is_closed
