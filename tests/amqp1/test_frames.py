"""Every kind of frame: cut at every octet, too short, with octets behind it, and where it is not expected.

A broker in this process; what it answers is compared with what it answers to the same octets in one piece.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from mqbroker.core.queues.classic import ClassicQueue
from mqbroker.core.values import UInt64
from mqbroker.protocols.amqp1.codec import frames
from mqbroker.protocols.amqp1.codec.encode import encode
from mqbroker.protocols.amqp1.codec.messaging import Coordinator, Modified, Source, Target
from mqbroker.protocols.amqp1.codec.performatives import (
    Attach,
    Begin,
    Close,
    Detach,
    Disposition,
    End,
    Flow,
    Open,
    SaslInit,
    SaslResponse,
    Transfer,
)
from mqbroker.protocols.amqp1.codec.types import Described, Symbol
from tests.amqp1.house import Client, House
from tests.amqp1.raw import data, said

OPENING = [frames.SASL_HEADER, frames.sasl(SaslInit("ANONYMOUS", b"trace")), frames.AMQP_HEADER, said(Open("c"))]
SELECTOR = {Symbol("s"): Described(UInt64(0x0000468C00000004), "a = 1 OR a IS NULL")}
FRAMES: dict[str, Any] = {
    "begin": Begin(None, 0, 1000, 1000),
    "attach": Attach("s", 0, False, source=Source(), target=Target("/queue/q"), initial_delivery_count=0),
    "attach a receiver": Attach("r", 1, True, source=Source("/queue/q", filter=SELECTOR), target=Target()),
    "attach to the coordinator": Attach("c", 2, False, target=Coordinator(), initial_delivery_count=0),
    "flow": Flow(0, 1000, 0, 1000, 1, 0, 10),
    "transfer": Transfer(0, 0, b"tag", 0, False),
    "disposition": Disposition(True, 0, 0, True, Modified(True)),
    "flow with an echo": Flow(None, 1000, 0, 1000, 1, 0, 10, drain=True, echo=True),
    "detach": Detach(1, True),
    "end": End(),
    "close": Close(),
}
PAYLOAD = b"\x00\x53\x70\xc0\x02\x01\x41" + b"\x00\x53\x74" + encode({"a": 1}) + data(b"hello")
CONVERSATION = OPENING + [said(value, PAYLOAD if name == "transfer" else b"") for name, value in FRAMES.items()]


def started(house: House) -> Client:
    """A client that has said nothing yet."""
    client = Client(house)
    house.clients.append(client)
    return client


def answers(pieces: list[bytes]) -> bytes:
    """What is answered to octets in these pieces."""
    house = House()
    client = started(house)
    for piece in pieces:
        client.receive(piece)
        house.turn()
    assert house.services.partial_bytes == 0
    return client.output


def test_the_whole_conversation_is_answered() -> None:
    received = answers(CONVERSATION)
    assert received.endswith(said(Close()))
    assert received.count(b"hello") == 2  # once more after it was given back


def test_a_conversation_may_be_cut_at_every_octet() -> None:
    """A frame whose octets came in two reads was taken for none, or twice."""
    wanted = answers(CONVERSATION)
    for number, piece in enumerate(CONVERSATION):
        for at in range(1, len(piece)):
            cut = [*CONVERSATION[:number], piece[:at], piece[at:], *CONVERSATION[number + 1 :]]
            assert answers(cut) == wanted, (number, at)


def test_a_conversation_may_come_at_once() -> None:
    """What is noticed at the end of a chunk only may come later, and nothing else."""
    whole = b"".join(CONVERSATION)
    for at in range(0, len(whole), 5):
        received = answers([whole[:at], whole[at:]])
        assert received.endswith(said(Close())), at
        assert received.count(b"hello") == 2, at


def test_a_conversation_may_come_octet_by_octet() -> None:
    whole = b"".join(CONVERSATION)
    assert answers([whole[at : at + 1] for at in range(len(whole))]) == answers(CONVERSATION)


def before(name: str) -> list[bytes]:
    """What comes before a frame of the conversation."""
    return CONVERSATION[: len(OPENING) + list(FRAMES).index(name)]


def with_size(frame: bytes) -> bytes:
    return len(frame).to_bytes(4, "big") + frame[4:]


def ends(house: House, client: Client) -> Iterator[str]:
    """The conditions with which links, sessions and the connection end."""
    for value, _ in client.frames():
        if isinstance(value, Detach | End | Close) and value.error is not None:
            yield value.error.condition
    assert house.open().serves()


def answered(pieces: list[bytes], last: bytes) -> list[str]:
    """With what something ends after a wrong frame. Others are served all the same."""
    house = House()
    client = started(house)
    for piece in pieces:
        client.receive(piece)
    house.turn()
    client.output = b""
    client.receive(last)
    found = list(ends(house, client))
    client.lose()
    assert house.services.partial_bytes == 0
    return found


@pytest.mark.parametrize("name", [name for name in FRAMES if name != "transfer"])
def test_a_frame_that_is_shorter_than_what_it_says_closes(name: str) -> None:
    """A frame that ended in the midst of a value was read into the next one."""
    frame = said(FRAMES[name])
    for size in range(9, len(frame)):
        assert answered(before(name), with_size(frame[:size]) + said(Close())) == ["amqp:decode-error"], size


@pytest.mark.parametrize("name", [name for name in FRAMES if name != "transfer"])
@pytest.mark.parametrize("behind", [b"\x40", b"\x00", b"\x00\x53\x10\x45"])
def test_octets_behind_a_performative_close(name: str, behind: bytes) -> None:
    assert answered(before(name), with_size(said(FRAMES[name]) + behind)) == ["amqp:decode-error"]


def test_a_message_that_is_shorter_than_it_says_ends_its_link() -> None:
    frame = said(FRAMES["transfer"], PAYLOAD)
    start = len(frame) - len(PAYLOAD)
    for size in range(9, len(frame)):
        # without a part of its performative it is no transfer; without any body it is no message
        wanted = "amqp:decode-error"
        assert answered(before("transfer"), with_size(frame[:size]))[0] == wanted, (size, start)


@pytest.mark.parametrize("offset", [0, 1, 3, 4, 255])
def test_an_offset_moves_the_body(offset: int) -> None:
    """An extended header is passed over; an offset beyond the frame, or into its head, is none."""
    for name, value in FRAMES.items():
        frame = said(value, PAYLOAD if name == "transfer" else b"")
        head = bytes((offset,)) + frame[5:8]
        moved = with_size(frame[:4] + head + b"\xff" * max(0, 4 * offset - 8) + frame[8:])
        wanted = [] if offset >= 2 else ["amqp:connection:framing-error"]
        assert answered(before(name), moved) == wanted, name
    assert answered(before("end"), bytes((0, 0, 0, 9, 4, 0, 0, 0, 0))) == ["amqp:connection:framing-error"]


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("state", ["header", "SASL", "second header", "open"])
def test_a_frame_before_open_is_refused(name: str, state: str) -> None:
    """Whatever comes before it is clear who it is gets no more than a close."""
    house = House()
    client = started(house)
    for piece in OPENING[: ["header", "SASL", "second header", "open"].index(state)]:
        client.receive(piece)
    client.receive(said(FRAMES[name], PAYLOAD if name == "transfer" else b""))
    house.turn()
    assert client.connection.is_closing
    assert house.vhost.queues == {}
    assert house.open().serves()


@pytest.mark.parametrize("name", [name for name in FRAMES if name not in ("begin", "close")])
def test_a_frame_without_a_session_closes(name: str) -> None:
    frame = said(FRAMES[name], PAYLOAD if name == "transfer" else b"")
    assert answered(OPENING, frame) == ["amqp:not-allowed"]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("begin", ["amqp:not-allowed"]), ("flow", ["amqp:session:unattached-handle"]),
        ("transfer", ["amqp:session:unattached-handle"]), ("disposition", []), ("detach", []),
    ],
)  # fmt: skip
def test_a_frame_for_a_link_that_is_not_there(name: str, wanted: list[str]) -> None:
    frame = said(FRAMES[name], PAYLOAD if name == "transfer" else b"")
    assert answered([*OPENING, said(FRAMES["begin"])], frame) == wanted


@pytest.mark.parametrize("value", [Open("again"), SaslInit("ANONYMOUS"), SaslResponse(b"")])
def test_what_belongs_to_the_opening_closes_later_on(value: Any) -> None:
    (condition,) = answered([*OPENING, said(FRAMES["begin"])], said(value))
    assert condition == "amqp:illegal-state"
    assert answered([*OPENING, said(FRAMES["begin"])], frames.sasl(value)) == ["amqp:connection:framing-error"]


@pytest.mark.parametrize("name", FRAMES)
def test_nothing_counts_after_close(name: str) -> None:
    """What was on its way when we closed was answered with another error, or published."""
    house = House()
    client = house.open()
    client.receive(frames.performative(0, Attach("s", 0, False, target=Target("/queue/q"), initial_delivery_count=0)))
    client.connection.end("the test", house.now)
    client.frames()
    client.receive(said(FRAMES[name], PAYLOAD if name == "transfer" else b""))
    assert client.frames() == []
    assert house.vhost.queues["q"].waiting_count() == 0
    client.receive(said(Close()))
    assert client.connection.is_closing


@pytest.mark.parametrize("name", [name for name in FRAMES if name not in ("begin", "close", "end")])
def test_nothing_counts_after_a_session_was_ended(name: str) -> None:
    house = House()
    client = house.open()
    client.receive(said(Attach("s", 0, False, target=Target("/queue/q"), initial_delivery_count=0)))
    client.receive(said(Transfer(7, 0, b"t", 0, True), PAYLOAD))
    assert [value.error.condition for value, _ in client.frames() if isinstance(value, End)] == [
        "amqp:session:unattached-handle"
    ]
    client.receive(said(FRAMES[name], PAYLOAD if name == "transfer" else b""))
    assert client.frames() == []
    client.receive(said(End()) + said(FRAMES["begin"]))
    assert [type(value) for value, _ in client.frames()] == [Begin]


# --- how much there may be --------------------------------------------------------------------------------------------


def nested(depth: int) -> bytes:
    value = b"\x40"
    for _ in range(depth):
        value = b"\xd0" + (len(value) + 4).to_bytes(4, "big") + b"\x00\x00\x00\x01" + value
    return value


@pytest.mark.parametrize("depth", [31, 33, 5000])
def test_deep_values_in_a_body_end_the_link_alone(depth: int) -> None:
    """Lists within lists used up the stack."""
    frame = said(FRAMES["transfer"], b"\x00\x53\x77" + nested(depth))
    assert answered(before("transfer"), frame) == ([] if depth < 32 else ["amqp:decode-error"])


@pytest.mark.parametrize("depth", [33, 5000])
def test_deep_values_in_a_performative_close(depth: int) -> None:
    pairs = b"\xa3\x01a" + nested(depth)
    properties = b"\xd1" + (len(pairs) + 4).to_bytes(4, "big") + (2).to_bytes(4, "big") + pairs
    items = b"\xa1\x01s\x43\x42" + b"\x40" * 10 + properties  # name, handle and role; nothing; the last of 14 fields
    attach = b"\x00\x53\x12\xd0" + (len(items) + 4).to_bytes(4, "big") + (14).to_bytes(4, "big") + items
    assert answered([*OPENING, said(FRAMES["begin"])], frames.frame(0, attach)) == ["amqp:decode-error"]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({f"key-{number}": number for number in range(20_000)}, id="map"),
        pytest.param([None] * 100_000, id="nulls"),
        pytest.param([b"x"] * 50_000, id="octets"),
    ],
)
def test_large_values_pass_as_they_are(value: Any) -> None:
    """A body that is a large map is taken and delivered like any other."""
    house = House()
    client = house.open()
    client.receive(said(FRAMES["attach"]))
    payload = b"\x00\x53\x77" + encode(value)
    parts = [payload[at : at + 100_000] for at in range(0, len(payload), 100_000)]
    for number, part in enumerate(parts):
        more = number + 1 < len(parts)
        client.receive(said(Transfer(0, 0, b"t", 0, True, more), part))
    queue = house.vhost.queues["q"]
    assert isinstance(queue, ClassicQueue)
    entry = queue.peek()
    assert entry is not None
    assert entry.message.content() == payload


@pytest.mark.parametrize("code", [0x72, 0x74, 0x78])
def test_sections_have_bounds(code: int) -> None:
    """Annotations of 16 MiB were millions of objects."""
    pairs = {Symbol(f"x-{number}") if code != 0x74 else f"x-{number}": "x" * 1000 for number in range(300)}
    section = b"\x00\x53" + bytes((code,)) + encode(pairs)
    payload = data(b"x") + section if code == 0x78 else section + data(b"x")
    pieces = [payload[at : at + 100_000] for at in range(0, len(payload), 100_000)]
    sent = [said(Transfer(0, 0, b"t", 0, True, number + 1 < len(pieces)), part) for number, part in enumerate(pieces)]
    assert answered(before("transfer"), b"".join(sent)) == ["amqp:decode-error"]


def test_sections_without_octets_have_bounds() -> None:
    """A message of millions of empty data sections kept everybody else waiting."""
    payload = b"\x00\x53\x75\xa0\x00" * 10_001
    assert answered(before("transfer"), said(FRAMES["transfer"], payload)) == ["amqp:decode-error"]


def test_requests_to_nodes_of_the_broker_are_small() -> None:
    """The coordinator took a declare of 16 MiB."""
    pieces = [said(Transfer(2, 0, b"t", 0, True, True), b"\x00" * 100_000) for _ in range(2)]
    assert answered(before("flow"), b"".join(pieces)) == ["amqp:link:message-size-exceeded"]
