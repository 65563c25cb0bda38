"""Messages that the broker publishes itself: they wait here until the work is done in whose midst they arose."""

from collections import deque

from mqbroker.core.message import Message
from mqbroker.core.scheduler import Scheduler, Task
from mqbroker.core.vhost import VHost
from mqbroker.management.limits import OUTLET_WAITING_MAX


class Outlet(Task):
    """As a task it publishes what waits to exchanges of one vhost."""

    __slots__ = ("_scheduler", "_vhost", "_waiting", "dropped", "is_publishing")

    def __init__(self, scheduler: Scheduler, vhost: VHost) -> None:
        Task.__init__(self)
        self._scheduler = scheduler
        self._vhost = vhost
        self._waiting: deque[Message] = deque()
        self.dropped = 0
        """Messages for which there was no room."""
        self.is_publishing = False
        """Whether what happens now follows from one of them."""

    def put(self, message: Message) -> None:
        """Publishes a message, soon."""
        if len(self._waiting) >= OUTLET_WAITING_MAX:
            self.dropped += 1
            return
        self._waiting.append(message)
        self._scheduler.add(self)

    def run(self, now: int, portion: int) -> bool:
        """Overrides Task's."""
        self.is_publishing = True
        while self._waiting and portion > 0:
            message = self._waiting.popleft()
            portion -= 1
            if message.exchange in self._vhost.exchanges:
                self._vhost.publish_by_content(message.exchange, [message.routing_key], message, now)
        self.is_publishing = False
        return bool(self._waiting)
