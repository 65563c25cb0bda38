"""Whatever a client sends, a session answers with ERROR frames, and others go on.

Sequences of frames with any headers, damaged ones and noise go into a session, in pieces or at once. Nothing may come
out of it as an exception: that would be a fault of the broker. In the end everybody else must be served as before.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stomp.house import Client, House, parse_frames

DESTINATIONS = (
    "/queue/a", "a", "/topic/a.b", "/topic/a.>", "/exchange/amq.direct/k", "/exchange/none", "/amq/queue/a", "/foo/x",
    "/temp-queue/t", "/reply-queue/r", "/queue/a,b,topic://c", "/queue/Consumer.A.VirtualTopic.x", "", "/queue/%",
    "/temp-topic/t", "/remote-temp-queue/x", "/queue/\udcff", "/topic/\udcff", "/queue/a?consumer.prefetchSize=1",
)  # fmt: skip
VALUES = (
    "1", "2", "", "true", "false", "client", "client-individual", "auto", "t", "-1", "x", "99999999999999999999", "a:b",
    "\\n\\c", "\\x", "n = 1", "n ==", "/temp-queue/t", "guest", "*/5 * * * *", "100", "T_1@@session-name1@@1",
    "T_1@@session-name1@@2", "ä", "\udcff", "n = '\udcff'",
)  # fmt: skip
NAMES = (
    "id", "destination", "receipt", "transaction", "ack", "message-id", "subscription", "selector", "browser",
    "durable",
    "persistent", "content-length", "reply-to", "priority", "expiration", "expires", "user-id", "prefetch-count", "n",
    "x-priority", "x-max-length", "x-overflow", "x-queue-name", "auto-delete", "exclusive", "requeue", "timestamp",
    "JMSXGroupID", "JMSXGroupSeq", "AMQ_SCHEDULED_DELAY", "AMQ_SCHEDULED_PERIOD", "AMQ_SCHEDULED_CRON", "heart-beat",
    "activemq.subscriptionName", "activemq.prefetchSize", "x-message-ttl", "type",
)  # fmt: skip
COMMANDS = (
    "SEND", "SEND", "SEND", "SUBSCRIBE", "SUBSCRIBE", "ACK", "NACK", "UNSUBSCRIBE", "BEGIN", "COMMIT", "ABORT",
    "CONNECT",
    "DISCONNECT", "FOO",
)  # fmt: skip


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """A frame with headers that mean something, mostly."""
    headers = draw(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), max_size=5))
    if draw(st.integers(0, 5)):
        headers = {"destination": draw(st.sampled_from(DESTINATIONS)), "id": draw(st.sampled_from("12")), **headers}
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    body = draw(st.sampled_from((b"", b"x", b"body", b"a\0b")))
    head = f"{draw(st.sampled_from(COMMANDS))}\n{lines}\n"
    return head.encode("utf-8", "surrogateescape") + body + b"\0"


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A frame with a flaw: most end the connection."""
    octets = bytearray(draw(frames()))
    at = draw(st.integers(0, len(octets) - 1))
    match draw(st.sampled_from(("change", "cut", "add"))):
        case "change":
            octets[at] = draw(st.integers(0, 255))
        case "cut":
            del octets[at]
        case _:
            octets[at:at] = draw(st.binary(max_size=3))
    return bytes(octets)


def house_of(dialect: str) -> tuple[House, Client]:
    house = House(dialect=dialect)
    return house, house.connect(heart_beat="1000,1000")


def check_others(house: House, client: Client) -> None:
    """The session ends without a trace but what is durable, and others are served."""
    client.lose()
    house.pass_time(5_000, 500)
    other = house.connect()
    other.send("SUBSCRIBE", id=1, destination="/queue/other")
    other.send("SEND", b"x", destination="/queue/other")
    assert other.messages() == [b"x"]
    queues = [queue for queue in house.vhost.queues.values() if queue.name != "other"]
    assert all(not each.unacked_count and not each.consumers for each in queues)
    assert not [each for each in queues if each.spec.owner is not None]
    assert house.services.registry.user_count("guest") == 1


@pytest.mark.parametrize("dialect", ["rabbitmq", "activemq"])
@given(
    sequence=st.lists(st.tuples(st.sampled_from((0, 0, 0, 60, 1_500)), st.booleans(), frames() | frames()), max_size=25)
)
@settings(max_examples=200)
def test_any_sequence_of_frames_is_answered(dialect: str, sequence: list[tuple[int, bool, bytes]]) -> None:
    house, client = house_of(dialect)
    for pause_ms, in_pieces, octets in sequence:
        for piece in [octets[at : at + 1] for at in range(len(octets))] if in_pieces else [octets]:
            client.write(piece)
        parse_frames(client.arrived)
        client.arrived = b""
        house.pass_time(pause_ms)
    check_others(house, client)


@given(sequence=st.lists(st.one_of(frames(), damaged(), st.binary(max_size=20)), max_size=8), step=st.integers(1, 30))
@settings(max_examples=300)
def test_damaged_frames_and_noise_are_answered(sequence: list[bytes], step: int) -> None:
    house, client = house_of("rabbitmq")
    octets = b"".join(sequence)
    for at in range(0, len(octets), step):
        client.write(octets[at : at + step])
    parse_frames(client.arrived)
    check_others(house, client)


LOGIN_NAMES = ("login", "passcode", "host", "client-id", "request-id", "receipt", "accept-version", "heart-beat")


@pytest.mark.parametrize("dialect", ["rabbitmq", "activemq"])
@given(headers=st.dictionaries(st.sampled_from(LOGIN_NAMES), st.sampled_from((*VALUES, "guest", "/", "1.2", "1,1"))))
def test_any_login_is_answered(dialect: str, headers: dict[str, str]) -> None:
    house = House(dialect=dialect)
    client = house.begin()
    lines = "".join(f"{name}:{value}\n" for name, value in {"login": "guest", "passcode": "guest", **headers}.items())
    client.write(f"CONNECT\n{lines}\n\0".encode("utf-8", "surrogateescape"))
    (answer,) = client.frames()
    assert answer.command in ("CONNECTED", "ERROR")


@given(octets=st.binary(max_size=60) | st.lists(damaged(), max_size=3).map(b"".join))
def test_noise_instead_of_a_login_is_answered(octets: bytes) -> None:
    house = House()
    client = house.begin()
    client.write(octets)
    parse_frames(client.arrived)
    house.pass_time(11_000, 1_000)
    assert client.is_ended
