"""Whatever a client sends, a connection answers with the protocol's own errors, and others go on.

Sequences of performatives with any fields, damaged frames and noise go into an open connection, in pieces or at once.
Nothing may come out of it as an exception: that would be a fault of the broker. In the end nothing is held, and
everybody else is served as before.
"""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mqbroker.core.values import UInt64
from mqbroker.protocols.amqp1.codec import frames
from mqbroker.protocols.amqp1.codec.encode import encode
from mqbroker.protocols.amqp1.codec.messaging import (
    Accepted,
    Coordinator,
    Modified,
    Received,
    Rejected,
    Released,
    Source,
    Target,
    TransactionalState,
)
from mqbroker.protocols.amqp1.codec.performatives import (
    Attach,
    Begin,
    Close,
    Detach,
    Disposition,
    End,
    Flow,
    Open,
    Transfer,
)
from mqbroker.protocols.amqp1.codec.types import Described, Symbol
from tests.amqp1.house import House
from tests.amqp1.raw import said
from tests.amqp1.test_types import VALUES

ADDRESSES = st.sampled_from(
    [
        None, "", "q", "/queue/q", "/queues/q", "/queues/none", "/exchanges/amq.topic/a.b", "/exchanges/amq.fanout",
        "/exchange/amq.direct/k", "/topic/a.*", "topic://t", "queue://q", "/management", "$cbs", "/queues/%zz", "/a/b",
        "queue://q,b", "queue://q.*,*", "queue://b,topic://t", "queue://>",
    ]
)  # fmt: skip
SMALL = st.integers(0, 3)
OUTCOMES = st.sampled_from(
    [
        None, Accepted(), Rejected(), Released(), Modified(True, False), Modified(False, True, {Symbol("x-a"): 1}),
        Received(0, 0), TransactionalState(b"\0" * 7 + b"\1", Accepted()), TransactionalState(b"x"),
    ]
)  # fmt: skip
FILTERS = st.sampled_from(
    [
        {},
        {Symbol("s"): Described(UInt64(0x0000468C00000004), "a = 1")},
        {Symbol("s"): Described(Symbol("amqp:sql-filter"), "p.subject LIKE 'x%'")},
        {Symbol("s"): Described(UInt64(0x173), {"subject": "&p:a"})},
        {Symbol("s"): Described(UInt64(0x174), {"a": [1]})},
        {Symbol("s"): Described(UInt64(0x0000468C00000004), "a = ")},
        {Symbol("s"): 5},
    ]
)
SOURCES = st.builds(
    Source,
    ADDRESSES,
    SMALL,
    st.sampled_from(["never", "session-end", "link-detach"]),
    SMALL,
    st.booleans(),
    st.just({}),
    st.sampled_from([None, "copy", "move"]),
    FILTERS,
    OUTCOMES,
    st.just([]),
    st.lists(st.sampled_from(["topic", "queue", "shared", "global", "temporary-topic"]), max_size=2),
)
TARGETS = st.one_of(st.builds(Target, ADDRESSES, SMALL, dynamic=st.booleans()), st.just(Coordinator()), st.none())
ATTACHES = st.builds(
    Attach, st.sampled_from(["a", "b"]), SMALL, st.booleans(), SMALL, st.integers(0, 1),
    st.one_of(st.none(), SOURCES), TARGETS, initial_delivery_count=st.sampled_from([None, 0, 0xFFFF_FFFF]),
)  # fmt: skip
NUMBERS = st.sampled_from([0, 1, 2, 5, 200, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF])
FLOWS = st.builds(
    Flow, st.one_of(st.none(), NUMBERS), NUMBERS, NUMBERS, NUMBERS, st.one_of(st.none(), SMALL), NUMBERS, NUMBERS,
    st.none(), st.booleans(), st.booleans(),
)  # fmt: skip
DISPOSITIONS = st.builds(Disposition, st.booleans(), NUMBERS, st.one_of(st.none(), NUMBERS), st.booleans(), OUTCOMES)
RARELY = st.sampled_from([False] * 9 + [True])
TRANSFERS = st.builds(
    Transfer,
    st.sampled_from([0, 0, 0, 2, 1, 3]),
    st.one_of(NUMBERS, NUMBERS, st.none()),
    st.just(b"t"),
    st.just(0),
    st.sampled_from([None, True, False]),
    RARELY,
    st.none(),
    OUTCOMES,
    RARELY,
    RARELY,
)
PAYLOADS = st.one_of(
    st.just(b"\x00\x53\x75\xa0\x02hi"),
    VALUES.map(lambda value: b"\x00\x53\x77" + encode(value)),
    st.sampled_from([0x31, 0x32]).map(lambda code: b"\x00\x53\x77" + encode(Described(UInt64(code), [b"\0" * 8]))),
    st.binary(max_size=20),
    st.just(b"\x00\x53\x77\x40\x00\x53\x73" + encode(["id", None, "/queues/q", "GET", "$me"])),
)
USUAL = st.one_of(ATTACHES, ATTACHES, FLOWS, DISPOSITIONS, st.builds(Detach, SMALL, st.booleans()))
FATAL = st.one_of(st.just(Begin(None, 0, 1, 1)), st.just(Close()), st.just(Open("again")), st.just(End()))
ANOTHER_SESSION = frames.performative(0, End()) + frames.performative(0, Begin(None, 0xFFFF_FFFF, 100, 100))


@st.composite
def pieces(draw: st.DrawFn) -> bytes:
    """A frame, mostly a whole one that may come."""
    kind = draw(st.integers(0, 39))
    if kind == 0:
        return draw(st.binary(max_size=30))
    if kind == 1:
        return frames.performative(draw(st.integers(0, 1)), draw(FATAL))
    if kind == 2:
        return ANOTHER_SESSION
    frame = said(draw(TRANSFERS), draw(PAYLOADS)) if kind < 20 else said(draw(USUAL))
    if draw(st.integers(0, 39)) == 0:
        octets = bytearray(frame)
        octets[draw(st.integers(4, len(octets) - 1))] = draw(st.integers(0, 255))
        frame = bytes(octets)
    return frame


PRELUDE = (
    frames.performative(0, Attach("s", 0, False, source=Source(), target=Target("/queue/q"), initial_delivery_count=0))
    + frames.performative(0, Attach("r", 1, True, source=Source("/queue/q"), target=Target()))
    + frames.performative(0, Flow(0, 100, 0, 100, 1, 0, 50))
    + frames.performative(0, Attach("c", 2, False, source=Source(), target=Coordinator(), initial_delivery_count=0))
)


@settings(max_examples=300, deadline=None)
@given(st.lists(pieces(), max_size=25), st.booleans(), st.data())
def test_nothing_that_a_client_sends_breaks_the_broker(sent: list[bytes], at_once: bool, draw: st.DataObject) -> None:
    house = House()
    client, other = house.open(), house.open()
    client.receive(PRELUDE)
    chunks: list[Any] = [b"".join(sent)] if at_once else sent
    for chunk in chunks:
        cut = draw.draw(st.integers(0, len(chunk)))
        client.receive(chunk[:cut])
        client.receive(chunk[cut:])
        house.turn()
    client.lose()
    house.turn()
    assert house.services.partial_bytes == 0
    for queue in house.vhost.queues.values():
        assert (queue.unacked_count, queue.consumers) == (0, [])
    assert other.serves()
