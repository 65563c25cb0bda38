"""A session: its links by handle, both windows of transfer frames, and what is owed to either side.

Each transfer frame counts, in both directions. What does not fit into the client's window waits in `backlog`, and
while it does no consumer of the session takes anything. Publishers are told of outcomes in runs (`OutcomeRun`):
messages of one link, one after the other, of which the same became, and that wait for the same batch of the journal.
"""

from collections import deque
from typing import TYPE_CHECKING

from mqbroker import octets
from mqbroker.core.consumer import Consumer
from mqbroker.core.message import Entry
from mqbroker.errors import ProtocolViolation
from mqbroker.limits import ACKS_AT_ONCE
from mqbroker.protocols.amqp1.codec.encode import encode, uint
from mqbroker.protocols.amqp1.codec.frames import frame, performative, start_of
from mqbroker.protocols.amqp1.codec.performatives import DISPOSITION, Flow
from mqbroker.protocols.amqp1.codec.quick import Quick
from mqbroker.protocols.amqp1.links import IncomingLink
from mqbroker.protocols.unacked import Unacked

if TYPE_CHECKING:
    from mqbroker.core.queues.base import Queue
    from mqbroker.core.vhost import VHost
    from mqbroker.protocols.amqp1.outgoing import OutgoingLink
    from mqbroker.protocols.amqp1.state import Amqp1State

ACCEPTED = b"\x00\x53\x24\x45"
RELEASED = b"\x00\x53\x26\x45"

_AT_ONCE = ACKS_AT_ONCE  # a C integer when compiled
_WINDOW_MAX = 0xFFFF_FFFF
_MASK = 0xFFFF_FFFF  # ids are serial numbers of 32 bits (RFC 1982); a C integer when compiled
_HALF = 1 << 31


class OutcomeRun:
    """Messages of a publisher of which the same became. `position` is the batch of the journal that they wait for."""

    __slots__ = ("first", "last", "link", "outcome", "position")

    def __init__(self, link: IncomingLink, delivery_id: int, outcome: bytes, position: int) -> None:
        self.link = link
        self.first = self.last = delivery_id
        self.outcome = outcome
        self.position = position

    def takes(self, link: IncomingLink, delivery_id: int, outcome: bytes, position: int) -> bool:
        """Whether another message continues the run: then it does."""
        is_next = delivery_id == (self.last + 1) & _MASK and link is self.link
        if is_next and position == self.position and outcome == self.outcome:
            self.last = delivery_id
            return True
        return False

    @property
    def count(self) -> int:
        """How many messages it is."""
        return int(((self.last - self.first) & _MASK) + 1)


class LinkSession:
    """One session of a connection."""

    __slots__ = (
        "backlog", "channel", "connection", "disposition_start", "dying", "half_window", "handle_max", "incoming",
        "incoming_left", "is_confirming", "is_ending", "is_flowing", "next_incoming_id", "next_outgoing_id", "next_tag",
        "outgoing", "owed", "ready", "remote_window", "unacked", "vhost", "window",
    )  # fmt: skip

    def __init__(self, connection: "Amqp1State", channel: int, vhost: "VHost", first: int, window: int) -> None:
        """`first` is the id of the client's first transfer, `window` how many frames it takes."""
        self.connection = connection
        self.channel = channel
        self.vhost = vhost
        self.disposition_start = start_of(channel, DISPOSITION)
        """What frames with a disposition have after their size."""
        self.handle_max = 0
        self.incoming: dict[int, IncomingLink] = {}
        self.outgoing: dict[int, OutgoingLink] = {}
        self.dying: set[int] = set()
        """Handles that we have detached, and the client has not: what comes for them is passed over."""
        self.next_incoming_id = first
        self.window = connection.services.settings.session_window
        """How many frames the client may send at the beginning, and after each renewal."""
        self.half_window = self.window // 2
        self.incoming_left = 0
        """How many more frames the client may send before it is told of more."""
        self.next_outgoing_id = 0
        self.remote_window = window
        self.backlog: deque[tuple[bytes, ...]] = deque()
        self.is_flowing = window > 0
        """Whether consumers may send."""
        self.next_tag = 1
        self.unacked = Unacked()
        self.ready: list[OutcomeRun] = []
        self.owed: deque[OutcomeRun] = deque()
        self.is_confirming = False
        self.is_ending = False
        """Whether it is over for us: what comes until the client ends it too is passed over."""

    # --- sending ----------------------------------------------------------------------------------------------------

    def send(self, body: bytes) -> None:
        """Sends a frame that is no transfer."""
        self.connection.send(frame(self.channel, body))

    def flow_of(self, part: Flow) -> bytes:
        """A flow with the state of the session."""
        part.next_incoming_id = self.next_incoming_id
        part.incoming_window = self.incoming_left
        part.next_outgoing_id = self.next_outgoing_id
        part.outgoing_window = _WINDOW_MAX
        return performative(self.channel, part)

    def send_flow(self, part: Flow) -> None:
        """Sends a flow. The client's window is renewed with each, unless a resource is low."""
        self.open_window()
        self.connection.send(self.flow_of(part))

    def open_window(self) -> None:
        """Lets the client send as much as at the beginning."""
        if not self.connection.services.alarms.reason:
            self.incoming_left = self.window

    # --- the client's transfers -------------------------------------------------------------------------------------

    def count_transfer(self) -> None:
        """A transfer frame has come. Raises ProtocolViolation for one too many."""
        self.incoming_left -= 1
        if self.incoming_left < 0:
            raise ProtocolViolation("window", "more transfers came than the incoming window allows")
        self.next_incoming_id = (self.next_incoming_id + 1) & _MASK
        if self.incoming_left == self.half_window:
            self.send_flow(Flow())

    # --- our transfers ----------------------------------------------------------------------------------------------

    def put_frames(self, frames: list[tuple[bytes, ...]]) -> None:
        """Sends transfer frames, each in pieces, as far as the client's window goes; the rest follows later."""
        connection = self.connection
        for pieces in frames:
            if self.remote_window <= 0 or self.backlog:
                self.backlog.append(pieces)
                continue
            self.sent_one()
            for piece in pieces:
                connection.send_delivery(piece)
        if self.backlog:
            self.stop_flowing()

    def sent_one(self) -> None:
        """One transfer frame goes out."""
        self.next_outgoing_id = (self.next_outgoing_id + 1) & _MASK
        self.remote_window -= 1
        if self.remote_window <= 0:
            self.stop_flowing()

    def stop_flowing(self) -> None:
        """The client takes no more for now."""
        if self.is_flowing:
            self.is_flowing = False
            for link in self.outgoing.values():
                link.window.is_open = False

    def take_window(self, flow: Flow) -> None:
        """A flow says how much the client takes (AMQP 1.0 part 2, 2.5.6). Raises ProtocolViolation."""
        told = flow.next_incoming_id if flow.next_incoming_id is not None else 0
        behind = (self.next_outgoing_id - told) & _MASK
        if behind >= _HALF:
            raise ProtocolViolation("window", f"next-incoming-id {told} is ahead of what was sent")
        self.remote_window = max(0, flow.incoming_window - behind)
        if self.remote_window > 0:
            self._go_on()
        else:
            self.stop_flowing()

    def _go_on(self) -> None:
        while self.backlog and self.remote_window > 0:
            self.sent_one()
            for piece in self.backlog.popleft():
                self.connection.send_delivery(piece)
        if self.backlog or self.remote_window <= 0 or self.is_flowing:
            return
        self.is_flowing = True
        for link in list(self.outgoing.values()):
            link.update()

    # --- what became of the client's messages -----------------------------------------------------------------------

    def note(self, link: IncomingLink, delivery_id: int, outcome: bytes, position: int) -> None:
        """Something became of a message; its publisher is told once the journal has the batch `position`."""
        link.unsettled += 1
        runs: list[OutcomeRun] | deque[OutcomeRun] = self.owed if position else self.ready
        if not runs or not runs[-1].takes(link, delivery_id, outcome, position):
            runs.append(OutcomeRun(link, delivery_id, outcome, position))
        if not self.is_confirming:
            self.is_confirming = True
            self.connection.confirming.append(self)

    def take_outcomes(self, committed: int) -> bytes:
        """The dispositions that are due when the journal is durable up to `committed`."""
        due, self.ready = self.ready, []
        owed = self.owed
        while owed and owed[0].position <= committed:
            due.append(owed.popleft())
        if self.is_ending or not due:
            return b""
        for run in due:
            run.link.unsettled -= run.count
            self.connection.look_at(run.link)
        return b"".join([disposition(self.channel, True, run.first, run.last, run.outcome) for run in due])

    # --- what became of ours ----------------------------------------------------------------------------------------

    def take_acceptances(self, data: bytes, position: int, quick: Quick) -> int:
        """Settles what the dispositions from `position` on accept, for as long as each is about no more deliveries than
        are settled at once, and says no more. Where that ends. Whoever held the deliveries is offered more after all:
        settling gives no credit."""
        connection, unacked, start = self.connection, self.unacked, self.disposition_start
        length, limit, now = len(data), connection.size_limit, connection.now
        next_tag = self.next_tag  # the client knows of no delivery that an offer below leads to
        next_id = (next_tag - 1) & _MASK
        consumer: Consumer | None = None
        while length - position > 16:
            size = octets.long_at(data, position)
            end = position + size
            if size > limit or size < 16 or end > length or not octets.starts_at(data, start, position + 4):
                break
            if not quick.read_acceptance(data, position + 8, end) or (quick.last - quick.first) & _MASK >= _AT_ONCE:
                break
            count = ((quick.last - quick.first) & _MASK) + 1
            position = end
            tag = next_tag - ((next_id - quick.first) & _MASK)
            stop = min(tag + count, next_tag)
            tag = max(tag, 1)
            if count > 1 and not unacked.stragglers:  # what is settled already is passed in one step
                tag = max(tag, unacked.base + unacked.head)
                stop = min(stop, unacked.base + len(unacked.slots))
            while tag < stop:
                entry = unacked.take(tag)
                tag += 1
                if entry is None:
                    continue
                if entry.consumer is not consumer:
                    if consumer is not None:
                        consumer.queue.offer(consumer, now)
                    consumer = entry.consumer
                queue: Queue = entry.consumer.queue
                queue.settle(entry)
        if consumer is not None:
            consumer.queue.offer(consumer, now)
        return position

    def take_entries(self, first: int, last: int) -> list[Entry]:
        """The deliveries from one id to another that wait for an outcome, oldest first; they wait no more."""
        next_id = (self.next_tag - 1) & _MASK
        start = self.next_tag - ((next_id - first) & _MASK)
        count = ((last - first) & _MASK) + 1
        end = min(start + count, self.next_tag)
        if count == 1 and start > 0:
            entry = self.unacked.take(start)
            return [] if entry is None else [entry]
        waiting = self.unacked.between(start, end)
        for entry in waiting:
            self.unacked.take(entry.tag)
        return waiting


def disposition(channel: int, role: bool, first: int, last: int, outcome: bytes) -> bytes:
    """A frame that settles deliveries with this outcome."""
    fields = (encode(role), uint(first), b"\x40" if first == last else uint(last), b"\x41", outcome)
    items = b"".join(fields)
    if len(items) < 255:
        body = b"\x00\x53\x15\xc0" + bytes((len(items) + 1, 5)) + items
    else:
        body = b"\x00\x53\x15\xd0" + (len(items) + 4).to_bytes(4, "big") + b"\x00\x00\x00\x05" + items
    return frame(channel, body)
