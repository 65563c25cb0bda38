"""Lines in, lines out.

LOGIN user password      OK, or ERROR and the end
PUB key text             OK
SUB pattern              OK, and from then on  MSG key text
"""

from mqbroker.core.consumer import Consumer, Window
from mqbroker.core.message import Entry, Message, new_message
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.errors import RequestRefused
from mqbroker.limits import PORTION
from mqbroker.protocols.protocol import Speaker
from mqbroker.protocols.services import Services
from mqbroker.protocols.session import Peer, Session
from tests.plug.line.properties import LineProperties
from tests.plug.line.protocol import LineConfig


class LineSpeaker(Speaker):
    """Makes sessions."""

    def __init__(self, services: Services, settings: LineConfig) -> None:
        self.services = services
        self.settings = settings

    def new_session(self, peer: Peer) -> "LineSession":
        return LineSession(self.services, self.settings, peer)


class LineConsumer(Consumer):
    """Sends what its queue gives it."""

    __slots__ = ("session",)

    session: "LineSession"

    def pass_on(self, message: Message) -> None:
        line = b"MSG %s %s\n" % (message.routing_key.encode(), message.content())
        self.session.send_delivery(line)

    def deliver(self, entry: Entry) -> None:
        self.pass_on(entry.message)


class LineSession(Session):
    """One client."""

    def __init__(self, services: Services, settings: LineConfig, peer: Peer) -> None:
        super().__init__(services.outbox)
        self.services = services
        self.broker = services.broker
        self.settings = settings
        self.peer = peer
        self.user = ""
        self.vhost = services.broker.vhost(services.default_vhost)
        self.input = b""
        self.consumers: list[LineConsumer] = []
        self.deadline = services.clock.now() + services.preauth_timeout_ms

    def receive_data(self, data: bytes, now: int) -> None:
        self.input += data
        while b"\n" in self.input and self.is_reading and not self.is_closing:
            line, _, self.input = self.input.partition(b"\n")
            if len(line) > self.settings.line_size_max:
                self.hang_up("the line is too long")
                return
            try:
                self.take(line.decode(), now)
            except (RequestRefused, UnicodeDecodeError) as error:
                self.send(f"ERROR {error}\n".encode())
        if len(self.input) > self.settings.line_size_max:
            self.hang_up("the line is too long")

    def take(self, line: str, now: int) -> None:
        verb, _, rest = line.partition(" ")
        first, _, second = rest.partition(" ")
        if verb == "LOGIN" and not self.user:
            self.set_reading(False)
            self.services.authenticator.check(
                first, second.encode(), lambda is_right: self.logged_in(first, is_right, now), self.peer.host,
                lambda: not self.is_closing,
            )  # fmt: skip
        elif self.user and verb == "PUB":
            self.publish(first, second, now)
        elif self.user and verb == "SUB":
            self.subscribe(first, now)
        else:
            text = self.services.recognition.wrong_protocol(line.encode(), self.peer, "lines")
            self.hang_up(text or "no such command")

    def logged_in(self, user: str, is_right: bool, now: int) -> None:
        reason = self.services.admission.why_refused(user, self.peer, is_right)
        if reason:
            self.hang_up("the log-in was refused")
            return
        self.services.admission.check_vhost(user, self.vhost.name)
        self.user = user
        self.is_authenticated = True
        self.deadline = 0
        self.services.registry.opened(self, user, self.vhost.name)
        self.send(b"OK\n")
        self.set_reading(True)
        self.receive_data(b"", now)

    def publish(self, key: str, text: str, now: int) -> None:
        exchange = self.settings.exchange
        self.broker.access.check_write(self.user, self.vhost.name, "exchange", exchange)
        message = new_message(exchange, key, LineProperties(), text.encode(), now)
        self.vhost.publish(self.vhost.route(exchange, key), message, now)
        self.send(b"OK\n")

    def subscribe(self, pattern: str, now: int) -> None:
        vhost, exchange = self.vhost, self.settings.exchange
        self.broker.access.check_read(self.user, vhost.name, "exchange", exchange)
        name = f"line-{self.broker.unique_name()}"
        queue = vhost.declare(QueueSpec(name, owner=self, auto_delete=True), now)
        vhost.bind(vhost.exchange(exchange), queue, pattern, {})
        consumer = LineConsumer(queue, self.gate, Window())
        consumer.session = self
        consumer.no_ack = True
        self.consumers.append(consumer)
        queue.add_consumer(consumer, now)
        self.send(b"OK\n")
        queue.offer(consumer, now)

    def tick(self, now: int) -> None:
        self.hang_up("nobody has logged in")

    def hang_up(self, reason: str) -> None:
        self.send(f"ERROR {reason}\n".encode())
        self.is_closing = True
        self.mark()

    def shut_down(self, now: int) -> None:
        self.hang_up("the broker stops")

    def end(self, reason: str, now: int) -> None:
        self.hang_up(reason)

    def describe(self) -> dict[str, object]:
        return {**self.peer.describe(), "protocol": "lines", "user": self.user, "vhost": self.vhost.name}

    def connection_lost(self, now: int) -> None:
        self.is_closing = True
        self.services.registry.closed(self)
        for consumer in self.consumers:
            if consumer in consumer.queue.consumers:
                consumer.queue.remove_consumer(consumer, now)
        while self.vhost.delete_owned(self, PORTION) == PORTION:
            pass
