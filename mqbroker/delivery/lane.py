"""The way to one endpoint: messages wait in a polled queue, are sent some at a time, and come back when that fails.

    queue --receive--> attempt --answered--> settled
      ^                   |
      +-- later, by plan--+--no use, or the last time--> given up

The queue holds an attempt's message in flight for longer than any attempt may last; after a crash it comes back at
once. An endpoint that answers gets more at once; one that does not, or that nothing is known of, gets one message at a
time, and others go first (slots.py).
"""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from mqbroker.clock import Clock
from mqbroker.core.message import Entry
from mqbroker.core.queues.polled.queue import PolledQueue
from mqbroker.core.queues.polled.settings import Waiter
from mqbroker.core.timers import Timer, Timers
from mqbroker.delivery.errors import DeliveryFailed
from mqbroker.delivery.limits import BACKLOG_MAX, JITTER_MOST, LANE_MOST, LANE_STARTS, LEASE_MARGIN_MS
from mqbroker.delivery.slots import Slots

log = logging.getLogger(__name__)

T = TypeVar("T")


class Plan(Protocol):
    """When an attempt that failed is repeated."""

    def delay_ms(self, failures: int) -> int | None:
        """How long to wait after so many failures; None when that was the last one."""


class Endpoint(Protocol):
    """What a lane sends to."""

    async def send(self, entry: Entry) -> int:
        """Sends a message; what the other side says, as a status of HTTP. Raises DeliveryFailed."""

    def delivered(self, entry: Entry, status: int, now: int) -> None:
        """A message has arrived, and is settled after this."""

    def given_up(self, entry: Entry, error: DeliveryFailed, now: int) -> None:
        """A message will not arrive, and is settled after this."""


class Workshop:
    """What all lanes of a broker share."""

    def __init__(self, slots: Slots, timers: Timers, clock: Clock, wake: Callable[[], None], timeout_s: float) -> None:
        """`wake` asks for the end of the loop's turn; no attempt lasts longer than `timeout_s`."""
        self.slots = slots
        self.timers = timers
        self.clock = clock
        self.wake = wake
        self.lease_ms = round(timeout_s * 1000) + LEASE_MARGIN_MS
        self.retried_count = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Runs an attempt, or what several have in common."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def stop(self) -> None:
        """Ends all attempts, and begins none: their messages come back after the next start."""
        self.slots.close()
        for task in list(self._tasks):
            task.cancel()


class Lane(Waiter):
    """The way to one endpoint."""

    __slots__ = (
        "_allowed", "_endpoint", "_is_ended", "_is_trusted", "_least", "_most", "_next_at", "_plan", "_rate",
        "_running", "_timer", "queue", "shop",
    )  # fmt: skip

    def __init__(
        self, queue: PolledQueue, endpoint: Endpoint, plan: Plan, shop: Workshop, most: int = LANE_MOST, least: int = 1
    ) -> None:
        """`most` attempts are under way at once if they succeed, `least` while there is no answer."""
        self.queue = queue
        self._most = most
        self._least = least
        self._endpoint = endpoint
        self._plan = plan
        self.shop = shop
        self._allowed = least
        self._is_trusted = False
        """Whether the endpoint has answered last time."""
        self._running = 0
        self._is_ended = False
        self._rate = 0
        self._next_at = 0.0
        self._timer: Timer | None = None

    def begin(self, now: int) -> None:
        """Sends what waits, and whatever comes. What a crash has left in flight is under way no more."""
        for entry in list(self.queue.lines.noted.values()):
            if entry.first_taken_at and 0 < entry.held_until <= now + self.shop.lease_ms:
                self.queue.change_visibility(entry, 0, now)
        self.run(now)

    def configure(self, plan: Plan, rate: int) -> None:
        """Follows another plan, and sends so many a second at most; 0 for any number."""
        self._plan = plan
        self._rate = rate

    @property
    def is_full(self) -> bool:
        """Whether so much waits that no more may."""
        return self.queue.lines.total() >= BACKLOG_MAX

    def end(self) -> None:
        """Sends nothing more."""
        self._is_ended = True
        self.shop.timers.cancel(self._timer)
        self.shop.slots.forget(self)
        self.queue.stop_waiting(self)

    # --- turns -------------------------------------------------------------------------------------------------------

    def wake(self, now: int) -> None:
        """Overrides Waiter's."""
        self.run(now)

    def queue_deleted(self) -> None:
        """Overrides Waiter's."""
        self._is_ended = True

    def room_again(self) -> None:
        """Slots: it is this lane's turn."""
        self.run(self.shop.clock.now())

    def run(self, now: int) -> None:
        """Starts as many attempts as may be."""
        while not self._is_ended and self._running < self._allowed and not self._must_wait(now):
            if not self.queue.waiting_count():
                self.queue.wait(self)
                return
            is_trusted = self._is_trusted
            if not self.shop.slots.take(self, is_trusted, self._running):
                return
            found = self.queue.receive(1, self.shop.lease_ms, now)
            if not found:
                self.shop.slots.give_back(is_trusted)
                self.queue.wait(self)
                return
            self._running += 1
            self._next_at = max(self._next_at, float(now)) + (1000 / self._rate if self._rate else 0)
            self.shop.start(self._attempt(found[0], is_trusted))

    def _must_wait(self, now: int) -> bool:
        """Whether the next message may not go yet, for the rate's sake."""
        if not self._rate or self._next_at <= now:
            return False
        if self._timer is None or not self._timer.is_armed:
            self._timer = self.shop.timers.at(int(self._next_at) + 1, self.run)
            self.shop.wake()
        return True

    async def _attempt(self, entry: Entry, is_trusted: bool) -> None:
        error: DeliveryFailed | None = None
        status = 0
        try:
            status = await self._endpoint.send(entry)
        except DeliveryFailed as failed:
            error = failed
        except Exception:
            log.exception("a delivery to %s failed: internal error", self.queue.name)
            error = DeliveryFailed("internal error")
        finally:
            self._running -= 1
            self.shop.slots.give_back(is_trusted)
        if not self._is_ended:
            self._finish(entry, status, error, self.shop.clock.now())

    def _finish(self, entry: Entry, status: int, error: DeliveryFailed | None, now: int) -> None:
        self._is_trusted = error is None or error.status != 0
        if error is None:
            self._allowed = min(self._most, max(LANE_STARTS, self._allowed + 1))
            self._endpoint.delivered(entry, status, now)
            self.queue.delete(entry, now)
        else:
            self._allowed = self._allowed if self._is_trusted else self._least
            self._fail(entry, error, now)
        self.shop.wake()
        self.run(now)

    def _fail(self, entry: Entry, error: DeliveryFailed, now: int) -> None:
        delay = None if error.is_permanent else self._plan.delay_ms(entry.attempts)
        if delay is None:
            self._endpoint.given_up(entry, error, now)
            self.queue.delete(entry, now)
            return
        self.shop.retried_count += 1
        self.queue.change_visibility(entry, _spread_ms(delay), now)


def _spread_ms(delay_ms: int) -> int:
    """A delay that is longer by another part each time: what failed together does not come back together (SNS Developer
    Guide, "Message delivery retries")."""
    return round(delay_ms * random.uniform(1, 1 + JITTER_MOST))  # noqa: S311
