"""SUBSCRIBE to several queues at once: a composite destination, or a queue whose name has wildcards.

There is a consumer for each queue. They have one id, and one list of what is not acknowledged, which is that of the
subscription: its own queue is never published to. With wildcards queues that are made later are taken too.
"""

import logging
from typing import TYPE_CHECKING

from mqbroker.core.consumer import Window
from mqbroker.core.destinations.naming import Naming, is_pattern
from mqbroker.core.destinations.wildcards import Wildcards
from mqbroker.core.queues.base import Queue
from mqbroker.errors import AccessPending, MqbrokerError, ProtocolViolation
from mqbroker.protocols.stomp import consuming, queues
from mqbroker.protocols.stomp.addresses import EXISTING, QUEUE, Address
from mqbroker.protocols.stomp.limits import STOMP_COMPOSITE_QUEUES_MAX
from mqbroker.protocols.stomp.queues import flag
from mqbroker.protocols.stomp.subscription import CLIENT, Subscription

if TYPE_CHECKING:
    from mqbroker.core.vhost import VHost

log = logging.getLogger("mqbroker.stomp")


def is_composite(addresses: list[Address], naming: Naming) -> bool:
    """Whether these mean any number of queues."""
    return len(addresses) > 1 or _is_wild(addresses[0], naming)


def _is_wild(address: Address, naming: Naming) -> bool:
    """A queue of a virtual topic with wildcards is one queue."""
    return address.kind == QUEUE and is_pattern(address.name) and not naming.virtual_topic_of(address.name)


def subscribe(wish: consuming.Wish, addresses: list[Address]) -> None:
    """SUBSCRIBE. Raises ProtocolViolation, RequestRefused."""
    connection = wish.connection
    whole = _made(wish, addresses)
    consuming.enter(connection, whole)
    whole.wildcards.begin()
    consuming.begin_all(connection, list(whole.parts))


def browse(wish: consuming.Wish, addresses: list[Address]) -> None:
    """SUBSCRIBE of a browser: it is shown one queue after the other, of those that there are. Raises
    ProtocolViolation, RequestRefused."""
    if any(address.kind in consuming.TOPICS for address in addresses):
        raise ProtocolViolation("Invalid destination", "topics cannot be browsed\n")
    whole = _made(wish, addresses)
    consuming.browse(wish, whole, whole.parts)


def _made(wish: consuming.Wish, addresses: list[Address]) -> "CompositeSubscription":
    """The subscription with its queues, none of which it takes anything from yet. Raises ProtocolViolation,
    RequestRefused."""
    connection = wish.connection
    wild: list[Address] = []
    named: list[Address] = []
    for address in addresses:
        (wild if _is_wild(address, connection.services.naming) else named).append(address)
    if len(named) > STOMP_COMPOSITE_QUEUES_MAX:
        raise _too_many()  # before anything is made for it
    whole = CompositeSubscription(queues.placeholder(connection), wish)
    try:
        for address in named:
            whole.add(address)
        whole.wildcards = Wildcards(connection.place, connection, [address.name for address in wild], whole.take_in)
        for queue in whole.wildcards.present():
            whole.add_found(queue)
    except MqbrokerError:
        whole.give_up()
        raise
    return whole


def _too_many() -> ProtocolViolation:
    return ProtocolViolation("Invalid destination", f"more than {STOMP_COMPOSITE_QUEUES_MAX} queues are meant\n")


class CompositeSubscription(Subscription):
    """One SUBSCRIBE to several queues."""

    __slots__ = ("_new_queues", "_shared", "_vhost", "_wish", "wildcards")

    def __init__(self, queue: Queue, wish: consuming.Wish) -> None:
        Subscription.__init__(self, queue, wish.connection, wish.connection.window, wish.id, wish.destination)
        self._wish = wish
        self._shared = Window()
        """What its queues have unacknowledged, together."""
        self._vhost: VHost = wish.connection.place
        self._new_queues: list[Queue] = []
        """The queues that were made for its topics."""
        self.is_cumulative = wish.mode == CLIENT
        self.wildcards = Wildcards(self._vhost, wish.connection, [], self.take_in)

    def add(self, address: Address) -> Subscription:
        """One queue more. Raises RequestRefused, ProtocolViolation."""
        if len(self.parts) >= STOMP_COMPOSITE_QUEUES_MAX:
            raise _too_many()
        count = len(self._vhost.queues)
        part = consuming.make(self._wish, address, window=self._shared)
        if address.kind in consuming.TOPICS and len(self._vhost.queues) > count:
            self._new_queues.append(part.queue)
        part.unacked = self.unacked
        if not flag(self._wish.head, "browser", False):
            consuming.add_selector(self._wish, part)
        self.parts.append(part)
        return part

    def give_up(self) -> None:
        """It is refused: the queues that were made for its topics go too."""
        for queue in self._new_queues:
            if queue.declared.auto_delete and not queue.consumers:
                self._vhost.remove(queue)
        self.ended()

    def add_found(self, queue: Queue) -> Subscription | None:
        """A queue that wildcards mean, unless it is there already, may not be read, or is one too many."""
        if any(part.queue is queue for part in self.parts):
            return None
        try:
            return self.add(Address(EXISTING, queue.name))
        except AccessPending as pending:
            if flag(self._wish.head, "browser", False):
                raise
            pending.when_known(lambda now: self.take_in(queue, now))
            return None
        except MqbrokerError as error:
            log.warning("%s: queue '%s' is left out of a subscription: %s", self.wire.name, queue.name, error)
            return None

    def take_in(self, queue: Queue, now: int) -> None:
        """A queue was made that its wildcards mean."""
        if queue.is_deleted or self not in self._wish.connection.current():
            return
        part = self.add_found(queue)
        if part is not None:
            queue.add_consumer(part, now)
            queue.offer(part, now)

    def cancelled(self) -> None:
        """Overrides Subscription's: its own queue goes with the connection only."""

    def ended(self) -> None:
        """Overrides Subscription's."""
        self._shared.is_open = False
        self.wildcards.end()
        self._vhost.remove(self.queue)
