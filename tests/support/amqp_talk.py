"""AMQP frame by frame, for what client libraries never send and never show: exact codes, texts and orders of frames.

A `Talk` sends methods and reads frames through the codec of mqbroker; where the octets go is its subclasses' business:
a socket (raw_amqp.py) or a session in this process (amqp_house.py). Content counts as part of its method: a frame that
is read is a method with its properties and its body.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from mqbroker.protocols.amqp import frames
from mqbroker.protocols.amqp.methods import Method, decode_method, encode_method
from mqbroker.protocols.amqp.properties import BasicProperties, build

HEADER = b"AMQP\x00\x00\x09\x01"
CAPABILITIES = {
    "authentication_failure_close": True,
    "basic.nack": True,
    "connection.blocked": True,
    "consumer_cancel_notify": True,
    "publisher_confirms": True,
}
_WITH_CONTENT = ("basic.deliver", "basic.return", "basic.get-ok")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it came."""

    kind: int
    channel: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """A method from the broker, with its content if it has one."""

    channel: int
    method: Method
    properties: BasicProperties | None = None
    body: bytes = b""

    @property
    def name(self) -> str:
        """Such as `basic.deliver`."""
        return self.method.name

    @property
    def args(self) -> dict[str, Any]:
        """The arguments of the method by name."""
        return self.method.args

    @property
    def headers(self) -> dict[str, Any]:
        """The headers of the content."""
        assert self.properties is not None
        return dict(self.properties.headers())


@dataclass(frozen=True, slots=True)
class Refusal:
    """A channel.close or connection.close from the broker."""

    method: str
    code: int
    text: str
    class_id: int
    method_id: int


class Closed(Exception):
    """The broker has closed the socket."""


class Talk:
    """A connection. Channel 1 is the one that is meant where none is named.

    What the broker sends and a test never takes fails it in the end (tests/conftest.py), for `call` and its like read
    past what they do not await: a frame that must not come would not be seen otherwise.
    """

    made: ClassVar[list["Talk"]] = []
    """Those of the test at hand."""

    def __init__(self) -> None:
        self.made.append(self)
        self._input = b""
        self._waiting: list[Received] = []
        """What was read while something else was awaited."""
        self.server_properties: dict[str, Any] = {}
        self.tune: dict[str, Any] = {}
        self.frame_max = 131_072

    # --- overridden -------------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Sends octets."""
        raise NotImplementedError

    def read(self) -> bytes:
        """More octets; waits for them. Raises Closed, and TimeoutError when nothing comes."""
        raise NotImplementedError

    # --- frames -----------------------------------------------------------------------------------------------------

    def read_octets(self, count: int) -> bytes:
        """Exactly `count` octets."""
        while len(self._input) < count:
            self._input += self.read()
        octets, self._input = self._input[:count], self._input[count:]
        return octets

    def read_frame(self) -> Frame:
        """The next frame, heartbeats included."""
        start = self.read_octets(7)
        payload = self.read_octets(int.from_bytes(start[3:7], "big"))
        assert self.read_octets(1) == b"\xce", "a frame ends with 0xCE"
        return Frame(start[0], int.from_bytes(start[1:3], "big"), payload)

    def read_method(self) -> Received:
        """The next method, with its content; heartbeats are passed over."""
        frame = self.read_frame()
        while frame.kind == 8:
            frame = self.read_frame()
        assert frame.kind == 1, f"a method was expected, not {frame}"
        method = decode_method(frame.payload)
        if method.name not in _WITH_CONTENT:
            return Received(frame.channel, method)
        header = self.read_frame()
        assert (header.kind, header.channel) == (2, frame.channel)
        size = int.from_bytes(header.payload[4:12], "big")
        body = b""
        while len(body) < size:
            part = self.read_frame()
            assert (part.kind, part.channel) == (3, frame.channel)
            body += part.payload
        return Received(frame.channel, method, BasicProperties(header.payload[12:]), body)

    # --- methods ----------------------------------------------------------------------------------------------------

    def send(self, name: str, channel: int = 1, **args: Any) -> None:
        """Sends a method."""
        self.write(encode_method(name, channel, **args))

    def next(self, channel: int | None = None) -> Received:
        """The next method that nobody has taken yet, of one channel if that matters."""
        for index, each in enumerate(self._waiting):
            if channel is None or each.channel == channel:
                return self._waiting.pop(index)
        while True:
            received = self.read_method()
            if channel is None or received.channel == channel:
                return received
            assert received.name != "connection.close", f"a method was awaited: {received.args}"
            self._waiting.append(received)

    def expect(self, name: str, channel: int = 1) -> Received:
        """The next method of a channel, which has to be the named one."""
        received = self.next(channel)
        assert received.name == name, f"{name} was expected, not {received.name} {received.args}"
        return received

    def wait_for(self, *names: str, channel: int = 1) -> Received:
        """The next method of one of the names on a channel; others that come before it can be had later."""
        passed: list[Received] = []
        while True:
            received = self.next(channel)
            if received.name in names:
                self._waiting = passed + self._waiting
                return received
            assert received.name not in ("channel.close", "connection.close"), f"{names} awaited: {received.args}"
            passed.append(received)

    def call(self, method: str, channel: int = 1, /, **args: Any) -> Received:
        """Sends a method and returns its answer; what comes in between can be had later."""
        self.send(method, channel, **args)
        return self.wait_for(f"{method}-ok", f"{method}-empty", channel=channel)

    def refused(self, method: str, channel: int = 1, /, **args: Any) -> Refusal:
        """Sends a method that the broker must refuse, and returns how. A channel that was closed is open again then."""
        self.send(method, channel, **args)
        return self.refusal(channel)

    def refusal(self, channel: int = 1) -> Refusal:
        """The close that comes next, of the channel or of the connection; answered, and the channel opened again."""
        passed: list[Received] = []
        while (received := self.next()).name not in ("channel.close", "connection.close"):
            passed.append(received)
        self._waiting = passed + self._waiting
        args = received.args
        self.send(f"{received.name}-ok", received.channel)
        if received.name == "channel.close":
            self.call("channel.open", channel)
        return Refusal(received.name, args["reply_code"], args["reply_text"], args["class_id"], args["method_id"])

    def strays(self) -> list[str]:
        """What was read and nobody has taken."""
        return [f"{each.name} on channel {each.channel}: {each.args}" for each in self._waiting]

    # --- content ----------------------------------------------------------------------------------------------------

    def publish(
        self,
        routing_key: str,
        body: bytes = b"",
        exchange: str = "",
        channel: int = 1,
        mandatory: bool = False,
        **fields: Any,
    ) -> None:
        """Publishes a message; `fields` are its properties (`properties.build`)."""
        method = encode_method(
            "basic.publish", channel, exchange=exchange, routing_key=routing_key, mandatory=mandatory
        )
        header = frames.content_header_frame(channel, build(**fields).raw, len(body))
        self.write(method + header + b"".join(frames.body_frames(channel, body, self.frame_max)))

    def declare(self, queue: str = "", channel: int = 1, **args: Any) -> str:
        """Declares a queue and returns its name; exclusive unless something else is said."""
        if not {"durable", "auto_delete", "exclusive", "passive"} & args.keys():
            args["exclusive"] = True
        return str(self.call("queue.declare", channel, queue=queue, **args).args["queue"])

    def consume(self, queue: str, tag: str = "", channel: int = 1, no_ack: bool = False, **args: Any) -> str:
        """Consumes from a queue and returns the tag."""
        answer = self.call("basic.consume", channel, queue=queue, consumer_tag=tag, no_ack=no_ack, **args)
        return str(answer.args["consumer_tag"])

    def delivery(self, channel: int = 1) -> Received:
        """The next basic.deliver of a channel."""
        return self.expect("basic.deliver", channel)

    def deliveries(self, count: int, channel: int = 1) -> list[bytes]:
        """The bodies of the next deliveries."""
        return [self.delivery(channel).body for _ in range(count)]

    def get(self, queue: str, channel: int = 1, no_ack: bool = True) -> Received | None:
        """One message by polling, None if there is none."""
        answer = self.call("basic.get", channel, queue=queue, no_ack=no_ack)
        return None if answer.name == "basic.get-empty" else answer

    def drain(self, queue: str, channel: int = 1) -> list[bytes]:
        """The bodies of all messages that wait in a queue; they are gone from it then."""
        bodies = []
        while (message := self.get(queue, channel)) is not None:
            bodies.append(message.body)
        return bodies

    def count(self, queue: str, channel: int = 1) -> int:
        """How many messages wait in a queue."""
        return int(self.call("queue.declare", channel, queue=queue, passive=True).args["message_count"])

    def sync(self, channel: int = 1) -> None:
        """Returns when the broker has handled everything that was sent on the channel; what came can be had later."""
        self.call("channel.flow", channel, active=True)

    # --- handshake --------------------------------------------------------------------------------------------------

    def begin(self) -> Received:
        """The protocol header, and connection.start."""
        self.write(HEADER)
        start = self.expect("connection.start", 0)
        self.server_properties = start.args["server_properties"]
        return start

    def log_in(
        self,
        user: str = "guest",
        password: str = "guest",
        mechanism: str = "PLAIN",
        capabilities: dict[str, bool] | None = None,
        response: bytes | None = None,
    ) -> None:
        """connection.start-ok; the answer is left to be read."""
        properties = {"capabilities": CAPABILITIES if capabilities is None else capabilities}
        self.send(
            "connection.start-ok",
            0,
            client_properties=properties,
            mechanism=mechanism,
            response=f"\0{user}\0{password}".encode() if response is None else response,
            locale="en_US",
        )

    def tune_ok(self, **changes: int) -> None:
        """connection.tune, and connection.tune-ok with what was offered, except for `changes`; without heartbeats."""
        self.tune = self.expect("connection.tune", 0).args
        settings = {**self.tune, "heartbeat": 0, **changes}
        self.frame_max = settings["frame_max"]
        self.send("connection.tune-ok", 0, **settings)

    def open(
        self,
        user: str = "guest",
        password: str = "guest",
        vhost: str = "/",
        capabilities: dict[str, bool] | None = None,
        **tuning: int,
    ) -> None:
        """The whole handshake, and channel 1."""
        self.begin()
        self.log_in(user, password, capabilities=capabilities)
        self.tune_ok(**tuning)
        self.call("connection.open", 0, virtual_host=vhost)
        self.call("channel.open")
