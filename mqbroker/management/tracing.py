"""Messages followed through one vhost, for people who look: who publishes what, where it goes, who gets it.

An operator begins it, with a text that a message, its key or its client has to have, and with an end. What is seen goes
to a feed, which keeps the last lines and forgets them when the tracing ends: payloads are nobody else's business.
"""

from base64 import b64encode
from collections.abc import Sequence

from mqbroker.core.broker import Broker
from mqbroker.core.message import Entry, Message
from mqbroker.core.tap import Taker, Tap
from mqbroker.core.vhost import VHost
from mqbroker.management.feeds import Feed
from mqbroker.management.firehose import OWN_EXCHANGES
from mqbroker.management.limits import TRACED_BYTES_MAX, TRACED_LINES_MAX
from mqbroker.protocols.takers import Whose, publisher_in, whose

PUBLISHED, DELIVERED = "published", "delivered"


class Watch(Tap):
    """What is looked at in one vhost."""

    def __init__(self, vhost: VHost, feed: Feed, text: str, ends_at: int) -> None:
        self.vhost = vhost
        self.ends_at = ends_at
        self.text = text
        self.passed = 0
        """Lines that had the text, and came when there had been too many since the last look at the time."""
        self.room = TRACED_LINES_MAX
        self._feed = feed
        self._wanted = text.casefold()

    def published(self, message: Message, queues: Sequence[str]) -> None:
        """Overrides Tap's."""
        if message.exchange not in OWN_EXCHANGES:
            self._see(PUBLISHED, message, publisher_in(self.vhost), ", ".join(queues[:20]))

    def delivered(self, queue: str, entry: Entry, taker: Taker | None) -> None:
        """Overrides Tap's."""
        if entry.message.exchange not in OWN_EXCHANGES:
            self._see(DELIVERED, entry.message, whose(taker, self.vhost), queue)

    def _see(self, what: str, message: Message, who: Whose, queues: str) -> None:
        connection, user, _ = who
        properties = message.properties
        message_id = properties.text("message_id") or ""
        body = message.content()[:TRACED_BYTES_MAX]
        words = (message.exchange, message.routing_key, queues, connection, user, message_id)
        if self._wanted and not self._has(words, body):
            return
        if self.room <= 0:
            self.passed += 1
            return
        self.room -= 1
        self._feed.add({
            "at": message.received_at, "what": what, "vhost": self.vhost.name, "exchange": message.exchange,
            "routing_key": message.routing_key, "queues": queues, "connection": connection, "user": user,
            "message_id": message_id, "payload_bytes": message.size, "payload": b64encode(body).decode(),
            "payload_encoding": "base64", "properties": {"content_type": properties.text("content_type") or ""},
        })  # fmt: skip

    def _has(self, words: Sequence[str], body: bytes) -> bool:
        wanted = self._wanted
        return any(wanted in word.casefold() for word in words) or wanted in body.decode("utf-8", "replace").casefold()


class Traces:
    """The vhosts of one broker that are looked at."""

    def __init__(self, broker: Broker, feed: Feed) -> None:
        self._broker = broker
        self._feed = feed
        self._watches: dict[str, Watch] = {}

    def begin(self, vhost: VHost, text: str, ends_at: int) -> None:
        """Looks on from now on, in the place of what was looked at there before."""
        self.end(vhost.name)
        watch = self._watches[vhost.name] = Watch(vhost, self._feed, text, ends_at)
        vhost.add_tap(watch)

    def end(self, vhost_name: str) -> None:
        """Looks no more there. What was seen is forgotten when nobody is looked at any more."""
        watch = self._watches.pop(vhost_name, None)
        if watch is None:
            return
        watch.vhost.remove_tap(watch)
        if not self._watches:
            self._feed.clear()

    def watches(self) -> list[Watch]:
        """What is looked at."""
        return list(self._watches.values())

    def sampled(self, now: int) -> None:
        """Some seconds have passed: ends what is over, and lets the others see more."""
        for name, watch in list(self._watches.items()):
            if watch.ends_at <= now or self._broker.vhosts.get(name) is not watch.vhost:
                self.end(name)
                continue
            if watch.passed:
                self._feed.add({"at": now, "what": "left out", "vhost": name, "count": watch.passed})
            watch.passed, watch.room = 0, TRACED_LINES_MAX
