"""Messages, entries and consumers for tests of the core: no protocol, nothing encoded."""

from collections.abc import Mapping

from mqbroker.core.consumer import Consumer, Gate, Window
from mqbroker.core.message import Entry, Message, new_entry, new_message
from mqbroker.core.properties import Properties
from mqbroker.core.queues.base import Queue
from mqbroker.protocols.grouping import group_text


class PlainProperties(Properties):
    """Properties given as neutral values."""

    __slots__ = ("_headers", "_texts")

    def __init__(
        self,
        headers: Mapping[str, object] | None = None,
        ttl_ms: int = -1,
        priority: int = 0,
        texts: Mapping[str, str] | None = None,
    ) -> None:
        Properties.__init__(self, 0, b"")
        self._headers = dict(headers or {})
        self._texts = dict(texts or {})
        self.has_headers = bool(self._headers)
        self.ttl_ms = ttl_ms
        self.priority = priority

    def headers(self) -> Mapping[str, object]:
        return self._headers

    def text(self, name: str) -> str | None:
        return self._texts.get(name) or group_text(self, name)

    def with_headers(self, headers: Mapping[str, object], drop_expiration: bool = False) -> "PlainProperties":
        texts = {name: text for name, text in self._texts.items() if name != "expiration" or not drop_expiration}
        return PlainProperties(headers, -1 if drop_expiration else self.ttl_ms, self.priority, texts)


class Taker(Consumer):
    """A consumer that keeps what it gets; `taken` holds what it has not settled."""

    def __init__(self, queue: Queue, prefetch: int = 0) -> None:
        super().__init__(queue, Gate(), Window())
        self.prefetch = prefetch
        self.taken: list[Entry] = []
        self.bodies: list[bytes] = []
        self.is_cancelled = False

    def deliver(self, entry: Entry) -> None:
        self.pass_on(entry.message)
        if not self.no_ack:
            self.taken.append(entry)

    def pass_on(self, message: Message) -> None:
        self.bodies.append(message.content())

    def cancelled(self) -> None:
        self.is_cancelled = True


def message(body: bytes = b"", key: str = "key", exchange: str = "", properties: Properties | None = None) -> Message:
    """A message published at time 0."""
    return new_message(exchange, key, properties or PlainProperties(), body, 0)


def entry(sequence: int) -> Entry:
    """An entry whose body is its sequence."""
    return new_entry(message(str(sequence).encode()), 1, sequence)


def nothing(now: int) -> None:
    """Does nothing when something is done."""
