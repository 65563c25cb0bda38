"""The two kinds of polled queues. Their definitions have the settings, and for a FIFO queue the number of its
deduplication ids. AMQP sees a durable queue without arguments.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.kind import Entries, Kind
from mqbroker.core.queues.polled.fifo import FifoQueue
from mqbroker.core.queues.polled.queue import PolledQueue
from mqbroker.core.queues.polled.settings import PollSettings
from mqbroker.core.queues.spec import QueueSpec


def polled_spec(name: str, settings: PollSettings, fifo: bool = False) -> QueueSpec:
    """A polled queue as whoever polls declares it."""
    return QueueSpec(name, FifoQueue.role if fifo else PolledQueue.role, durable=True, polling=settings)


class PolledKind(Kind):
    """Standard queues."""

    obeys_policies = False

    def __init__(self, made_of: type[PolledQueue] = PolledQueue) -> None:
        Kind.__init__(self, made_of.role, made_of)

    def begin(self, queue: Queue, _next_number: Callable[[], int], now: int) -> None:
        assert isinstance(queue, PolledQueue)
        queue.start_from(now)

    def packed(self, queue: Queue) -> Mapping[str, object]:
        assert isinstance(queue, PolledQueue)
        return {"polling": queue.settings_of_polling.packed()}

    def unpacked(self, spec: QueueSpec, value: Mapping[str, object]) -> QueueSpec:
        settings = value["polling"]
        assert isinstance(settings, Mapping)
        return replace(spec, kind=self.name, polling=PollSettings.unpacked(settings))

    def restore(self, queue: Queue, value: Mapping[str, object], entries: Entries, now: int) -> None:
        assert isinstance(queue, PolledQueue)
        Kind.restore(self, queue, value, entries, now)
        queue.start_from(now)


class FifoKind(PolledKind):
    """FIFO queues."""

    def __init__(self) -> None:
        PolledKind.__init__(self, FifoQueue)

    def begin(self, queue: Queue, next_number: Callable[[], int], now: int) -> None:
        assert isinstance(queue, FifoQueue)
        queue.identify(next_number())
        PolledKind.begin(self, queue, next_number, now)

    def packed(self, queue: Queue) -> Mapping[str, object]:
        assert isinstance(queue, FifoQueue)
        return {**PolledKind.packed(self, queue), "deduplication": queue.deduplication.number}

    def restore(self, queue: Queue, value: Mapping[str, object], entries: Entries, now: int) -> None:
        number = value["deduplication"]
        assert isinstance(queue, FifoQueue)
        assert isinstance(number, int)
        queue.identify(number)
        Kind.restore(self, queue, value, entries, now)
        queue.restore_deduplication(entries.get(number, []), now)
        queue.start_from(now)
