"""A client of AMQP 1.0 that says any octets, and takes the frames that come one by one."""

import socket
import ssl
from types import TracebackType
from typing import Any, Self, TypeVar

from mqbroker.protocols.amqp1.codec import frames
from mqbroker.protocols.amqp1.codec.encode import encode
from mqbroker.protocols.amqp1.codec.messaging import Source, Target
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
    SaslMechanisms,
    SaslOutcome,
    Transfer,
)

TIMEOUT_S = 15.0
T = TypeVar("T")


class RawAmqp1:
    """One connection. Use as a context manager."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        plain = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self.socket = plain if tls is None else tls.wrap_socket(plain, server_hostname="localhost")
        self.input = self.socket.makefile("rb")
        self.payload = b""
        """What followed the last performative."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.input.close()
        self.socket.close()

    # --- octets -----------------------------------------------------------------------------------------------------

    def say(self, data: bytes) -> None:
        self.socket.sendall(data)

    def octets(self, count: int) -> bytes:
        """So many octets, or fewer at the end of the stream."""
        return self.input.read(count) or b""

    def is_cut(self) -> bool:
        """Whether nothing more comes."""
        try:
            return self.input.read(1) == b""
        except ConnectionResetError:
            return True

    # --- frames -----------------------------------------------------------------------------------------------------

    def send(self, value: Any, channel: int = 0, payload: bytes = b"") -> None:
        self.say(said(value, payload, channel))

    def receive(self) -> tuple[Any, int]:
        """The next performative and its channel; signs of life are passed over."""
        while True:
            head = self.octets(8)
            assert len(head) == 8, f"the connection ended: {head!r}"
            body = self.octets(int.from_bytes(head[:4], "big") - 8)
            if body:
                found, at = frames.read_performative(body, 4 * head[4] - 8, len(body))
                self.payload = body[at:]
                return found, head[6] << 8 | head[7]

    def expect(self, kind: type[T]) -> T:
        """The next performative, which is of this kind."""
        found, _ = self.receive()
        assert isinstance(found, kind), f"{found!r} came where {kind.__name__} was expected"
        return found

    def until_close(self) -> Close:
        """The close of the broker; what comes before it is passed over."""
        while True:
            found, _ = self.receive()
            if isinstance(found, Close):
                return found

    def until(self, kind: type[T]) -> T:
        """The next one of this kind; others before it are passed over."""
        while True:
            found, _ = self.receive()
            if isinstance(found, kind):
                return found
            assert not isinstance(found, Close), found

    # --- steps ------------------------------------------------------------------------------------------------------

    def log_in(self, user: str = "guest", password: str | None = None) -> Self:
        """Headers and SASL, up to the second header."""
        self.say(frames.SASL_HEADER)
        assert self.octets(8) == frames.SASL_HEADER
        self.expect(SaslMechanisms)
        response = b"\0" + user.encode() + b"\0" + (user if password is None else password).encode()
        self.say(frames.sasl(SaslInit("PLAIN", response)))
        assert self.expect(SaslOutcome).code == 0
        self.say(frames.AMQP_HEADER)
        assert self.octets(8) == frames.AMQP_HEADER
        return self

    def open(self, **options: Any) -> Open:
        """Up to the answer to open."""
        self.log_in()
        self.send(Open(**{"container_id": "raw", **options}))
        return self.expect(Open)

    def begin(self, channel: int = 0, window: int = 1000, **options: Any) -> Begin:
        self.send(Begin(None, 0, window, 1000, **options), channel)
        return self.expect(Begin)

    def sender(self, address: str | None, handle: int = 0, **options: Any) -> Attach:
        """Attaches a link to send on, and takes its credit."""
        settings = {"source": Source(), "target": Target(address), "initial_delivery_count": 0, **options}
        self.send(Attach(f"sender-{handle}", handle, False, **settings))
        answer = self.expect(Attach)
        if answer.target is not None:
            self.expect(Flow)
        return answer

    def receiver(self, address: str | None, handle: int = 1, credit: int = 0, **options: Any) -> Attach:
        """Attaches a link to receive on, and grants credit."""
        source = options.pop("source", None) or Source(address)
        name = options.pop("name", f"receiver-{handle}")
        self.send(Attach(name, handle, True, source=source, target=Target(), **options))
        answer = self.expect(Attach)
        if credit:
            self.credit(handle, credit)
        return answer

    def credit(self, handle: int, credit: int, **options: Any) -> None:
        settings: dict[str, Any] = {"next_incoming_id": 0, "incoming_window": 1000, "delivery_count": 0, **options}
        self.send(Flow(next_outgoing_id=0, outgoing_window=1000, handle=handle, link_credit=credit, **settings))

    def transfer(self, delivery_id: int, payload: bytes, handle: int = 0, **options: Any) -> None:
        """A transfer with everything that the first of a delivery has."""
        settings = {"delivery_tag": b"%d" % delivery_id, "message_format": 0, "settled": False, **options}
        self.send(Transfer(handle, delivery_id, **settings), payload=payload)

    def publish(self, delivery_id: int, body: bytes, handle: int = 0, **options: Any) -> Any:
        """Sends a message with a plain body; what became of it."""
        self.transfer(delivery_id, data(body), handle, **options)
        return self.outcome(delivery_id)

    def outcome(self, delivery_id: int) -> Any:
        """What the broker says of a delivery."""
        while True:
            found = self.until(Disposition)
            if found.first <= delivery_id <= (found.first if found.last is None else found.last):
                assert found.settled
                return found.state

    def error_of(self, kind: type[Detach] | type[End] | type[Close]) -> tuple[str, str]:
        """The condition and the text with which a link, a session or the connection ends."""
        while True:
            found, _ = self.receive()
            if isinstance(found, kind):
                break
            assert not isinstance(found, Close), found
        assert found.error is not None
        return found.error.condition, found.error.description


def said(value: Any, payload: bytes = b"", channel: int = 0) -> bytes:
    """A frame with a performative and what follows it."""
    frame = frames.performative(channel, value)
    return (len(frame) + len(payload)).to_bytes(4, "big") + frame[4:] + payload


def data(body: bytes) -> bytes:
    """A message of one data section."""
    return b"\x00\x53\x75" + encode(body)


def bodies(client: RawAmqp1, count: int) -> list[bytes]:
    """The bodies of so many deliveries, each in one frame."""
    found = []
    for _ in range(count):
        client.until(Transfer)
        found.append(client.payload[client.payload.index(b"\x00\x53\x75\xa0") + 5 :])
    return found
