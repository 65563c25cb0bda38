"""A kind of queue that the broker does not have: it keeps the newest message only."""

from mqbroker.core.message import Entry, Message
from mqbroker.core.queues.classic import ClassicQueue
from mqbroker.core.queues.kind import Kind


class NewestQueue(ClassicQueue):
    """Whatever waits makes room for what is newer, and is dead-lettered like anything that has no room."""

    takes_pages = False

    __slots__ = ()

    def publish(self, message: Message, now: int) -> int:
        self._shed(0, now)
        return ClassicQueue.publish(self, message, now)

    def give_back(self, entries: list[Entry], now: int, is_failure: bool) -> None:
        ClassicQueue.give_back(self, entries, now, is_failure)
        self._shed(1, now)

    def _shed(self, left: int, now: int) -> None:
        while self.waiting_count() > left:
            self.discard(self.take(), "maxlen", now)


KIND = Kind("newest", NewestQueue, is_declarable=True)
