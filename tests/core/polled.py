"""A broker with polled queues for tests of the core: no protocol, no disk, and time that passes when it is told to."""

from typing import Any

from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Entry, Message, new_message
from mqbroker.core.properties import Properties
from mqbroker.core.queues.polled.fifo import FifoQueue
from mqbroker.core.queues.polled.kinds import polled_spec
from mqbroker.core.queues.polled.queue import PolledQueue
from mqbroker.core.queues.polled.settings import PollSettings, Waiter
from tests.core.messages import PlainProperties, Taker

START = 1_700_000_000_000


def texts(group: str | None, deduplication: str | None, message_id: str | None) -> PlainProperties:
    """Properties with what SQS knows of a message."""
    named = {"group_id": group, "deduplication_id": deduplication, "message_id": message_id}
    return PlainProperties(texts={name: text for name, text in named.items() if text is not None})


class Poller(Waiter):
    """A long poll for one message, which notes what it got; `wakes` is how often it was woken."""

    def __init__(self, queue: PolledQueue) -> None:
        self.queue = queue
        self.wakes = 0
        self.got: list[Entry] = []
        self.is_over = False

    def wake(self, now: int) -> None:
        self.wakes += 1
        self.got += self.queue.receive(1, 30_000, now)

    def queue_deleted(self) -> None:
        self.is_over = True


class Lab:
    """A broker, the time, and short words for what clients do. Bodies stand for messages."""

    def __init__(self) -> None:
        self.now = START
        self.broker = Broker(Ledger(), lambda: "name")
        self.vhost = self.broker.add_vhost("/")

    def queue(self, name: str = "q", **settings: Any) -> PolledQueue:
        """A standard queue with these settings."""
        made = self.vhost.take_over(polled_spec(name, PollSettings(**settings)), self.now)
        assert isinstance(made, PolledQueue)
        return made

    def fifo(self, name: str = "q.fifo", **settings: Any) -> FifoQueue:
        """A FIFO queue with these settings."""
        made = self.vhost.take_over(polled_spec(name, PollSettings(**settings), True), self.now)
        assert isinstance(made, FifoQueue)
        return made

    def message(self, body: str, properties: Properties | None = None) -> Message:
        """A message that is sent now."""
        return new_message("", "q", properties or PlainProperties(), body.encode(), self.now)

    def send(
        self,
        queue: PolledQueue,
        *bodies: str,
        group: str | None = None,
        deduplication: str | None = None,
        delay_ms: int = -1,
    ) -> list[Entry]:
        """Sends messages; the results."""
        return [
            queue.send(self.message(body, texts(group, deduplication, f"id-{body}")), self.now, delay_ms)
            for body in bodies
        ]

    def receive(self, queue: PolledQueue, count_max: int = 10, visibility_ms: int = 30_000) -> list[Entry]:
        """Receives."""
        return queue.receive(count_max, visibility_ms, self.now)

    def get(self, queue: PolledQueue, count_max: int = 10, visibility_ms: int = 30_000) -> str:
        """Receives; the bodies, which are one letter each."""
        return bodies(self.receive(queue, count_max, visibility_ms))

    def wait(self, ms: int) -> None:
        """Lets time pass, with everything that is due on the way."""
        target = self.now + ms
        timers = self.broker.timers
        self.broker.scheduler.finish(self.now)
        for _ in range(10_000):
            if not 0 < timers.next_deadline() <= target:
                self.now = target
                return
            self.now = max(self.now, timers.next_deadline())
            self.broker.advance(self.now)
            self.broker.scheduler.finish(self.now)
        raise AssertionError("the timers never come to rest")

    def subscribe(self, queue: PolledQueue, prefetch: int = 0, no_ack: bool = False) -> Taker:
        """A consumer of AMQP."""
        taker = Taker(queue, prefetch)
        taker.no_ack = no_ack
        queue.add_consumer(taker, self.now)
        queue.offer(taker, self.now)
        return taker


def bodies(entries: list[Entry]) -> str:
    """The bodies, one after the other."""
    return "".join(entry.message.content().decode() for entry in entries)


def sizes(queue: PolledQueue) -> tuple[int, int, int, int]:
    """How much is in the tables and heaps of the queue."""
    lines = queue.lines
    return len(queue.deadlines.heap), len(lines.ready), len(lines.taken), len(lines.noted)


def counts(queue: PolledQueue) -> tuple[int, int, int]:
    """Visible, in flight, delayed."""
    return queue.visible_count(), queue.in_flight_count(), queue.delayed_count()
