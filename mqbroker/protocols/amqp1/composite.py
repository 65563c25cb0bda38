"""A link that consumes from several queues: a source that names so many, or one with wildcards.

There is a consumer for each queue (`Part`). They have the link's credit together, of which those who wait for it take
their shares in turn (`CreditWindow`), and their deliveries are the link's. The outcome of each goes to the queue that
it came from. The link's own queue is one that nothing is published to.
"""

import logging
from typing import TYPE_CHECKING

from mqbroker.core.consumer import Consumer, Window
from mqbroker.core.destinations.wildcards import Wildcards
from mqbroker.core.message import Entry, Message
from mqbroker.core.queues.picking import select
from mqbroker.core.queues.selected import SelectedQueue
from mqbroker.core.rabbitmq.checks import check_consumable
from mqbroker.core.selectors.selector import Selector
from mqbroker.errors import AccessPending, MqbrokerError, PreconditionFailed
from mqbroker.limits import COUNT_MAX
from mqbroker.protocols.amqp1.codec.performatives import Flow
from mqbroker.protocols.amqp1.limits import COMPOSITE_QUEUES_MAX
from mqbroker.protocols.amqp1.outgoing import OutgoingLink
from mqbroker.protocols.amqp1.termini import FoundSource, may_read

if TYPE_CHECKING:
    from mqbroker.core.queues.base import Queue
    from mqbroker.protocols.amqp1.session import LinkSession

log = logging.getLogger("mqbroker.amqp1")


class CreditWindow(Window):
    """The credit of a link, for which its parts stand in line."""

    __slots__ = ("link",)

    def __init__(self) -> None:
        Window.__init__(self)
        self.is_open = False
        self.link: CompositeLink | None = None

    def room(self) -> int:
        """Overrides Window's: whoever has its turn gets a share of that."""
        return min(self.link.credit, COUNT_MAX) if self.is_open and self.link is not None else 0


class Part(Consumer):
    """What a link takes from one of its queues."""

    __slots__ = ("link",)

    def __init__(self, queue: "Queue", link: "CompositeLink") -> None:
        Consumer.__init__(self, queue, link.gate, link.window)
        self.link = link

    def label(self) -> str:
        """Overrides Consumer's."""
        return self.link.label()

    def describe(self) -> dict[str, object]:
        """Overrides Consumer's."""
        return self.link.describe()

    def given(self) -> list[Entry]:
        """Overrides Consumer's."""
        session = self.link.session
        return [entry for entry in session.unacked.below(session.next_tag) if entry.consumer is self]

    def wait(self) -> None:
        """Overrides Consumer's: credit is needed for what is pre-settled, too."""
        if self.is_active:
            self.join(self.window if self.gate.is_open else self.gate)

    def take_turn(self, portion: int, now: int) -> int:
        """Overrides Consumer's: then a drain may be over."""
        count = Consumer.take_turn(self, portion, now)
        if self.link.is_draining:
            self.link.end_drain()
        return count

    def deliver(self, entry: Entry) -> None:
        """Overrides Consumer's."""
        self.link.deliver(entry)

    def pass_on(self, message: Message) -> None:
        """Overrides Consumer's."""
        self.link.pass_on(message)

    def group_begins(self, message: Message) -> None:
        """Overrides Consumer's."""
        self.link.group_begins(message)

    def group_has_begun(self) -> None:
        """Overrides Consumer's."""
        self.link.group_has_begun()

    def cancelled(self) -> None:
        """Overrides Consumer's."""
        self.link.part_gone(self)


class CompositeLink(OutgoingLink):
    """One link to several queues."""

    __slots__ = ("_last_name", "_parts", "_selector", "_topics", "_wildcards")

    def __init__(self, found: FoundSource, session: "LinkSession", name: str, handle: int) -> None:
        """That the named queues may be consumed from is known."""
        several = found.several
        assert several is not None
        window = CreditWindow()
        OutgoingLink.__init__(self, found.queue, session, name, handle, window)
        window.link = self
        self._selector: Selector | None = found.filters.selector
        self._topics = several.topics
        self._last_name = ""
        self._wildcards = Wildcards(session.vhost, session.connection, several.wild, self._take_in)
        queues = several.queues if several.topics is None else [*several.queues, several.topics]
        self._parts = [self._part(queue) for queue in dict.fromkeys(queues)]
        for queue in self._wildcards.present():
            self._add_found(queue)

    def source_name(self) -> str:
        """Overrides OutgoingLink's."""
        return self._last_name

    def consumers(self) -> list[Consumer]:
        """Overrides OutgoingLink's."""
        return list(self._parts)

    # --- its queues -------------------------------------------------------------------------------------------------

    def attached(self, now: int) -> None:
        """Overrides OutgoingLink's: all queues may deliver, once there is credit."""
        if isinstance(self._topics, SelectedQueue):
            self._topics.unwanted_from = self.session.connection
        for part in list(self._parts):
            self._begin(part, now)
        self._wildcards.begin()

    def detached(self, now: int) -> None:
        """Overrides OutgoingLink's."""
        self._wildcards.end()
        for part in self._parts:
            if not part.queue.is_deleted:
                part.queue.remove_consumer(part, now)
        self._parts.clear()
        if isinstance(self.window, CreditWindow):
            self.window.link = None  # nothing that is over refers to itself
        if self._topics is not None:
            self.session.vhost.remove(self._topics)

    def part_gone(self, part: Part) -> None:
        """One of its queues is deleted: it goes on with the others, and ends with the last that is named."""
        self._parts.remove(part)
        self._last_name = part.queue.name
        if not self._parts and not self._wildcards.names:
            self.cancelled()

    def _part(self, queue: "Queue") -> Part:
        part = Part(queue, self)
        if self._selector is not None:
            select(queue, part, self._selector)
        return part

    def _begin(self, part: Part, now: int) -> None:
        part.no_ack, part.priority, part.wants_all = self.no_ack, self.priority, self.wants_all
        part.queue.add_consumer(part, now)
        part.queue.offer(part, now)

    def _add_found(self, queue: "Queue") -> Part | None:
        """A queue that wildcards mean, unless it is there already, may not be read, or is one too many."""
        if any(part.queue is queue for part in self._parts):
            return None
        try:
            if not may_read(self.session.connection, queue):
                return None
            if len(self._parts) >= COMPOSITE_QUEUES_MAX:
                raise PreconditionFailed(f"a link has {COMPOSITE_QUEUES_MAX} queues at most")
            check_consumable(queue, self.session.vhost.name, exclusive=False)
            part = self._part(queue)
        except AccessPending as pending:
            pending.when_known(lambda now: self._wildcards.take_in(queue.name, now))
            return None
        except MqbrokerError as error:
            log.warning("%s: queue '%s' is left out of a link: %s", self.session.connection.name, queue.name, error)
            return None
        self._parts.append(part)
        return part

    def _take_in(self, queue: "Queue", now: int) -> None:
        """A queue was made that wildcards mean."""
        part = self._add_found(queue)
        if part is not None:
            self._begin(part, now)

    # --- credit -----------------------------------------------------------------------------------------------------

    def update(self) -> None:
        """Overrides OutgoingLink's: those who wait for credit take what waits, in turn."""
        window = self.window
        window.is_open = self.credit > 0 and self.session.is_flowing
        window.go_on()

    def end_drain(self) -> None:
        """Overrides OutgoingLink's."""
        if self.credit > 0 and any(
            part.can_take() and part.queue.waiting_count() and not part.is_waiting for part in self._parts
        ):
            return
        OutgoingLink.end_drain(self)

    def flow(self) -> Flow:
        """Overrides OutgoingLink's: what waits in all queues is available."""
        part = OutgoingLink.flow(self)
        part.available = min(sum(each.queue.waiting_count() for each in self._parts), 0xFFFF_FFFF)
        return part


def link_of(consumer: Consumer | None) -> OutgoingLink | None:
    """The link that has a consumer's deliveries."""
    if isinstance(consumer, Part):
        return consumer.link
    return consumer if isinstance(consumer, OutgoingLink) else None
