"""What a client does wrong: the right condition, the right scope, and nobody else is disturbed."""

from collections.abc import Iterator
from typing import Any

import pytest

from mqbroker.core.values import UInt64
from mqbroker.protocols.amqp1.codec import frames
from mqbroker.protocols.amqp1.codec.encode import encode
from mqbroker.protocols.amqp1.codec.messaging import Accepted, Coordinator, Source, Target
from mqbroker.protocols.amqp1.codec.performatives import (
    Attach,
    Begin,
    Close,
    Detach,
    End,
    Flow,
    Open,
    SaslInit,
    SaslMechanisms,
    SaslOutcome,
    Transfer,
)
from mqbroker.protocols.amqp1.codec.types import Described, Symbol, decode
from tests.amqp1.raw import RawAmqp1, data
from tests.support.broker_process import BrokerProcess


@pytest.fixture
def stranger(broker: BrokerProcess) -> Iterator[RawAmqp1]:
    """A client that has only connected."""
    with RawAmqp1(broker.ports["amqp"]) as client:
        yield client


# --- before open ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [frames.AMQP_HEADER, b"AMQP\x02\x01\x00\x00", b"AMQP\x00\x01\x00\x01"])
def test_a_header_that_is_not_taken_is_answered_with_the_one_that_is(stranger: RawAmqp1, header: bytes) -> None:
    """AMQP 1.0 part 2, 2.2. A client without SASL is let in only where somebody is anonymous."""
    stranger.say(header)
    assert stranger.octets(8) == frames.SASL_HEADER
    assert stranger.is_cut()


def test_a_header_may_come_octet_by_octet(stranger: RawAmqp1) -> None:
    for octet in frames.SASL_HEADER:
        stranger.say(bytes((octet,)))
    assert stranger.octets(8) == frames.SASL_HEADER
    assert stranger.expect(SaslMechanisms).mechanisms == ["PLAIN", "SCRAM-SHA-256"]


def test_all_of_the_opening_may_come_at_once(stranger: RawAmqp1) -> None:
    """What was sent ahead of the log-in's answer was lost."""
    init = frames.sasl(SaslInit("PLAIN", b"\0guest\0guest"))
    rest = frames.performative(0, Open("eager")) + frames.performative(0, Begin(None, 0, 10, 10))
    stranger.say(frames.SASL_HEADER + init + frames.AMQP_HEADER + rest)
    assert stranger.octets(8) == frames.SASL_HEADER
    stranger.expect(SaslMechanisms)
    assert stranger.expect(SaslOutcome).code == 0
    assert stranger.octets(8) == frames.AMQP_HEADER
    stranger.expect(Open)
    stranger.expect(Begin)


@pytest.mark.parametrize(
    ("mechanism", "response", "code"),
    [
        ("PLAIN", b"\0guest\0wrong", 1),
        ("PLAIN", b"\0nobody\0wrong", 1),
        ("PLAIN", b"guest", 1),
        ("PLAIN", b"\0\xff\xfe\0x", 1),
        ("ANONYMOUS", b"", 3),
        ("EXTERNAL", b"", 3),
        ("FOO", b"", 3),
        ("SCRAM-SHA-256", b"nonsense", 1),
    ],
)
def test_a_log_in_that_fails_is_told_and_closed(stranger: RawAmqp1, mechanism: str, response: bytes, code: int) -> None:
    stranger.say(frames.SASL_HEADER + frames.sasl(SaslInit(mechanism, response)))
    stranger.octets(8)
    stranger.expect(SaslMechanisms)
    assert stranger.expect(SaslOutcome).code == code
    assert stranger.is_cut()


@pytest.mark.parametrize(
    "octets",
    [
        b"\xff\xff\xff\xff\x02\x01\x00\x00",
        b"\x00\x00\x00\x04\x02\x01\x00\x00",
        b"\x00\x00\x00\x09\x02\x01\x00\x00\xff",
        frames.performative(0, Open("early")),
        frames.sasl(SaslOutcome(0)),
        b"\x00\x00\x00\x0c\x01\x01\x00\x00\x00\x53\x41\x45",
    ],
)
def test_a_stranger_that_talks_nonsense_is_cut(stranger: RawAmqp1, octets: bytes) -> None:
    stranger.say(frames.SASL_HEADER + octets)
    stranger.octets(8)
    stranger.expect(SaslMechanisms)
    assert stranger.is_cut()


def test_a_stranger_gets_no_more_than_64_kib(broker: BrokerProcess, stranger: RawAmqp1) -> None:
    """A frame that never ends was kept for as long as it came."""
    stranger.say(frames.SASL_HEADER + b"\x00\x00\xff\xf0\x02\x01\x00\x00")
    stranger.octets(8)
    stranger.expect(SaslMechanisms)
    try:
        for _ in range(40):
            stranger.say(b"\x00" * 4096)
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert stranger.is_cut()
    assert "octets before authentication" in broker.log() or "framing" in broker.log()


@pytest.mark.parametrize(
    ("options", "condition", "text"),
    [
        (
            {"max_frame_size": 100},
            "amqp:frame-size-too-small",
            "max_frame_size (100) < minimum maximum frame size (512)",
        ),
        ({"idle_time_out": 500}, "amqp:not-allowed", "idle-time-out (500 ms) < minimum idle-time-out (1000 ms)"),
        (
            {"hostname": "vhost:nowhere"},
            "amqp:unauthorized-access",
            "AMQP 1.0 connection failed: virtual host 'nowhere' does not exist",
        ),
    ],
)
def test_an_open_that_cannot_be_is_closed_with_the_reason(
    stranger: RawAmqp1, options: dict[str, Any], condition: str, text: str
) -> None:
    answer = stranger.open(**options)
    assert answer.properties["amqp:connection-establishment-failed"] is True
    assert stranger.error_of(Close) == (condition, text)
    stranger.send(Close())
    assert stranger.is_cut()


def test_a_hostname_that_names_no_vhost_means_the_default_one(stranger: RawAmqp1) -> None:
    stranger.open(hostname="broker.example.com")
    stranger.begin()


# --- what ends the connection -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "condition", "text"),
    [
        (b"\x00\x03\x00\x00\x02\x00\x00\x00", "framing-error", "frame size (196608 bytes) > maximum frame size"),
        (b"\x00\x00\x00\x04\x02\x00\x00\x00", "framing-error", "frame size (4 bytes) < minimum frame size (8 bytes)"),
        (b"\x00\x00\x00\x08\x01\x00\x00\x00", "framing-error", "data offset (1) < minimum data offset (2)"),
        (b"\x00\x00\x00\x08\x09\x00\x00\x00", "framing-error", "data offset (9)"),
        (frames.sasl(SaslInit("PLAIN")), "framing-error", "type 1"),
        (frames.frame(0, b"\x00\x53\x18"), "decode-error", "ends before"),
        (frames.frame(0, b"\x00\x53\x99\x45"), "decode-error", "no performative"),
        (frames.frame(0, b"\x40"), "decode-error", "no performative"),
        (frames.frame(0, b"\x00\x53\x14\xa1\x00"), "decode-error", "no list"),
        (frames.frame(0, b"\x00\x53\x14\x45"), "invalid-field", "lacks handle"),
        (frames.frame(0, b"\x00\x53\x10\x45"), "invalid-field", "lacks container-id"),
        (frames.frame(0, b"\x00" * 50 + b"\x40"), "decode-error", "nested"),
        (frames.performative(0, Open("again")), "illegal-state", "open"),
        (frames.performative(0, Begin(None, 0, 1, 1)), "not-allowed", "there is a session"),
        (frames.performative(9, Begin(3, 0, 1, 1)), "not-allowed", "not begun here"),
        (frames.performative(64, Begin(None, 0, 1, 1)), "framing-error", "channel number (64) exceeds maximum"),
        (frames.performative(5, End()), "not-allowed", "no session on channel 5"),
        (frames.performative(5, Transfer(0)), "not-allowed", "no session on channel 5"),
        (frames.frame(0, b"\x00\x53\x18\x45\x40"), "decode-error", "octets follow close"),
    ],
)
def test_what_breaks_the_protocol_closes_the_connection(
    client: RawAmqp1, octets: bytes, condition: str, text: str
) -> None:
    client.say(octets)
    found, description = client.error_of(Close)
    assert found in (f"amqp:{condition}", f"amqp:connection:{condition}")
    assert text in description
    client.send(Close())
    assert client.is_cut()


# --- what ends a session ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "condition", "text"),
    [
        (
            Attach("x", 256, False, source=Source(), target=Target("q"), initial_delivery_count=0),
            "amqp:connection:framing-error",
            "link handle value (256) exceeds maximum link handle value (255)",
        ),
        (
            Attach("x", 0, False, source=Source(), target=Target("q"), initial_delivery_count=0),
            "amqp:session:handle-in-use",
            "handle 0 is already associated with a link",
        ),
        (Transfer(7, 0), "amqp:session:unattached-handle", "Unattached link handle: 7"),
        (
            Flow(0, 1, 0, 1, handle=7, link_credit=1),
            "amqp:session:unattached-handle",
            "Unattached link handle: 7",
        ),
        (
            Flow(17, 1, 0, 1),
            "amqp:session:window-violation",
            "next-incoming-id 17 is ahead of what was sent",
        ),
    ],
)
def test_what_breaks_a_session_ends_it_and_nothing_else(
    client: RawAmqp1, name: str, value: Any, condition: str, text: str
) -> None:
    client.sender(f"/queue/{name}")
    client.send(value)
    assert client.error_of(End) == (condition, text)
    client.send(Transfer(0, 0, b"late", 0, True), payload=data(b"passed over"))
    client.send(End())
    client.begin()
    client.sender(f"/queue/{name}")
    assert isinstance(client.publish(0, b"as ever"), Accepted)


def test_a_user_without_rights_loses_the_session(broker: BrokerProcess, stranger: RawAmqp1) -> None:
    stranger.open()
    stranger.begin()
    stranger.sender("/exchanges/nowhere")
    assert stranger.error_of(Detach)[0] == "amqp:not-found"


def test_more_frames_than_the_window_allows_end_the_session(client: RawAmqp1, name: str) -> None:
    client.sender(f"/queue/{name}")
    client.transfer(0, b"", more=True)
    client.say(b"".join(frames.performative(0, Transfer(0, more=True)) for _ in range(9000)))
    # each renews the window long before it is used up, so that only one who is not heard overruns it
    client.send(Transfer(0, 0), payload=data(b"x"))
    assert isinstance(client.outcome(0), Accepted)


def test_a_message_that_is_too_large_ends_the_session(broker: BrokerProcess, client: RawAmqp1, name: str) -> None:
    answer = client.sender(f"/queue/{name}")
    assert answer.max_message_size == 16 << 20
    part = b"\0" * 100_000
    client.transfer(0, part, more=True)
    for _ in range((16 << 20) // 100_000):
        client.send(Transfer(0, more=True), payload=part)
    condition, text = client.error_of(End)
    assert condition == "amqp:link:message-size-exceeded"
    assert "> maximum message size (16777216 bytes)" in text


# --- what ends a link -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b"", "no body"),
        (b"\x00\x53\x70\x45", "no body"),
        (b"\x40", "no section"),
        (b"\x00\x53\x99\x45" + data(b""), "not known"),
        (b"\x00\x53\x73\x45\x00\x53\x70\x45" + data(b""), "out of order"),
        (b"\x00\x53\x70\x45\x00\x53\x70\x45" + data(b""), "twice"),
        (data(b"x") + b"\x00\x53\x77\x40", "out of order"),
        (b"\x00\x53\x77\x40\x00\x53\x77\x40", "twice"),
        (b"\x00\x53\x75\xa1\x00", "no binary"),
        (b"\x00\x53\x75\xa0\x05x", "ends before"),
        (b"\x00\x53\x72" + encode({"x-a": 1}) + data(b""), "no symbol"),
        (b"\x00\x53\x72" + encode({Symbol("a"): 1}) + data(b""), "begins with x-"),
        (b"\x00\x53\x74" + encode({Symbol("a"): 1}) + data(b""), "no string"),
        (b"\x00\x53\x74" + encode({"a": [1]}) + data(b""), "no simple value"),
        (b"\x00\x53\x73" + encode([None] * 14) + data(b""), "13 fields"),
        (b"\x00\x53\x73\xa1\x00" + data(b""), "no list"),
        (data(b"x") + b"\x00\x53\x78" + encode({"a": 1}), "no symbol"),
        (b"\x00\x53\x77\xc1\x02\x01\x40", "key without a value|ends before"),
    ],
)
def test_a_message_that_is_none_ends_its_link(client: RawAmqp1, name: str, payload: bytes, text: str) -> None:
    client.sender(f"/queue/{name}")
    client.transfer(0, payload)
    condition, description = client.error_of(Detach)
    assert condition == "amqp:decode-error"
    assert any(each in description for each in text.split("|"))
    client.send(Detach(0, True))
    client.sender(f"/queue/{name}")
    assert isinstance(client.publish(1, b"as ever"), Accepted)


@pytest.mark.parametrize(
    ("address", "is_sender", "condition", "text"),
    [
        ("/queues/", True, "amqp:invalid-field", "bad_address"),
        ("/queues/a/b", True, "amqp:invalid-field", "bad_address"),
        ("/exchanges/", True, "amqp:invalid-field", "bad_address"),
        ("/exchanges/amq.default/x", True, "amqp:invalid-field", "bad_address"),
        ("/exchanges/a/b/c", True, "amqp:invalid-field", "bad_address"),
        ("/queues/%ff", True, "amqp:invalid-field", "bad_address"),
        ("/nonsense/x", True, "amqp:invalid-field", "bad_address"),
        ("/exchanges/nowhere/x", True, "amqp:not-found", "no exchange 'nowhere' in vhost '/'"),
        ("/queues/nowhere", False, "amqp:not-found", "no queue 'nowhere' in vhost '/'"),
        ("/exchanges/amq.topic/x", False, "amqp:invalid-field", "bad_address"),
        ("/exchange/nowhere/x", False, "amqp:not-found", "no exchange 'nowhere' in vhost '/'"),
        (None, False, "amqp:invalid-field", "source_required"),
        ("/queue/" + "x" * 256, True, "amqp:precondition-failed", "more than 255 octets"),
    ],
)
def test_an_address_that_is_none_refuses_the_link(
    client: RawAmqp1, address: str | None, is_sender: bool, condition: str, text: str
) -> None:
    """A link that was refused ended the whole session in RabbitMQ 3.10."""
    if is_sender:
        assert client.sender(address).target is None
    else:
        assert client.receiver(address).source is None
    found, description = client.error_of(Detach)
    assert found == condition
    assert text in description


@pytest.mark.parametrize(
    ("options", "condition", "text"),
    [
        ({"unsettled": {b"1": None}}, "amqp:not-implemented", "Link recovery not supported"),
        ({"incomplete_unsettled": True}, "amqp:not-implemented", "Link recovery not supported"),
        ({"rcv_settle_mode": 1}, "amqp:not-implemented", "rcv-settle-mode second not supported"),
    ],
)
def test_what_is_not_there_is_refused_by_name(
    client: RawAmqp1, name: str, options: dict[str, Any], condition: str, text: str
) -> None:
    client.sender(f"/queue/{name}")
    client.receiver(f"/queues/{name}", **options)
    assert client.error_of(Detach) == (condition, text)


@pytest.mark.parametrize(
    ("options", "condition"),
    [
        ({"settled": True}, "amqp:invalid-field"),
        ({"resume": True}, "amqp:not-implemented"),
    ],
)
def test_a_transfer_that_disagrees_ends_its_link(
    client: RawAmqp1, name: str, options: dict[str, Any], condition: str
) -> None:
    client.sender(f"/queue/{name}", snd_settle_mode=0)
    client.transfer(0, data(b"x"), **options)
    assert client.error_of(Detach)[0] == condition


def test_a_transfer_without_credit_ends_its_link(client: RawAmqp1, name: str) -> None:
    client.sender(f"/queue/{name}")
    many = b"".join(frames.performative(0, Transfer(0, number, b"", 0, True, True)) for number in range(1))
    client.say(many)
    client.send(Transfer(0, 5), payload=b"")
    assert client.error_of(Detach)[0] == "amqp:invalid-field"  # another delivery-id


def test_another_users_id_ends_the_link(client: RawAmqp1, name: str) -> None:
    client.sender(f"/queue/{name}")
    client.transfer(0, b"\x00\x53\x73" + encode([None, b"somebody"]) + data(b"x"))
    condition, text = client.error_of(Detach)
    assert condition == "amqp:unauthorized-access"
    assert "somebody" in text


@pytest.mark.parametrize(
    ("to", "condition", "text"),
    [
        (None, "amqp:precondition-failed", "anonymous terminus requires 'to' address to be set"),
        ("/nonsense", "amqp:precondition-failed", "bad 'to' address string: /nonsense"),
        ("/exchanges/nowhere", "amqp:not-found", "no exchange 'nowhere' in vhost '/'"),
    ],
)
def test_an_anonymous_message_that_goes_nowhere_is_rejected(
    client: RawAmqp1, to: str | None, condition: str, text: str
) -> None:
    client.sender(None)
    client.transfer(0, b"\x00\x53\x73" + encode([None, None, to]) + data(b"x"))
    state = client.outcome(0)
    assert (state.error.condition, state.error.description) == (condition, text)


@pytest.mark.parametrize("address", ["$cbs", "$management"])
def test_nodes_of_other_brokers_are_not_found(client: RawAmqp1, address: str) -> None:
    """Azure's clients ask for them; a queue of that name would take their requests and never answer."""
    assert client.sender(address).target is None
    assert client.error_of(Detach)[0] == "amqp:not-found"


def test_a_management_request_that_is_none_is_answered_or_ends_the_link(client: RawAmqp1) -> None:
    client.sender("/management", 0)
    client.receiver("/management", 1, credit=20, snd_settle_mode=1, name="sender-0")
    for number, (method, path, body, status) in enumerate(
        [
            ("FOO", "/queues/x", None, "400"),
            ("GET", "/nonsense", None, "400"),
            ("PUT", "/queues/x", None, "400"),
            ("PUT", "/queues/x", {"durable": 5}, "400"),
            ("PUT", "/queues/x", {"arguments": {"x-max-length": -1}}, "400"),
            ("PUT", f"/queues/{'x' * 256}", {}, "400"),
            ("GET", "/queues/nowhere", None, "404"),
            ("DELETE", "/queues/nowhere/messages", None, "404"),
            ("PUT", "/exchanges/x", {"type": "nonsense"}, "400"),
            ("DELETE", "/exchanges/amq.topic", None, "403"),
            ("POST", "/bindings", {"source": "amq.topic", "destination_queue": "nowhere"}, "404"),
            ("PUT", "/auth/tokens", b"token", "204"),
        ]
    ):
        properties = b"\x00\x53\x73" + encode([f"id-{number}", None, path, method, "$me"])
        client.transfer(number, b"\x00\x53\x77" + encode(body) + properties, settled=True)
        client.until(Transfer)
        at = client.payload.index(b"\x00\x53\x73")
        found, _ = decode(client.payload, at, len(client.payload))
        assert isinstance(found, Described)
        assert isinstance(found.value, list)
        assert (found.value[3], found.value[5]) == (status, f"id-{number}"), (method, path)
    client.transfer(99, data(b"no properties"), settled=True)
    assert client.error_of(Detach)[0] == "amqp:precondition-failed"


def test_a_declare_for_distributed_transactions_is_not_implemented(client: RawAmqp1) -> None:
    client.send(Attach("control", 0, False, source=Source(), target=Coordinator(), initial_delivery_count=0))
    client.expect(Attach)
    client.transfer(0, b"\x00\x53\x77" + encode(Described(UInt64(0x31), [b"global"])))
    assert client.error_of(Detach)[0] == "amqp:not-implemented"


def test_names_of_any_length_make_dynamic_queues(broker: BrokerProcess) -> None:
    """What tells them apart was cut off from the end of a long name."""
    with RawAmqp1(broker.ports["amqp"]) as client:
        client.open(container_id="ü" * 300)
        client.begin()
        addresses = [
            client.receiver(None, handle, source=Source(dynamic=True), name="same" * 50).source.address
            for handle in (1, 2)
        ]
    assert len(set(addresses)) == 2
