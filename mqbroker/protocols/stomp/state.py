"""What a STOMP connection is at the moment, and the steps that its handlers share.

Receipts leave in the order of the frames that asked for them: each says that all before it was done as well.
"""

import logging
import re
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from mqbroker.core.consumer import Window
from mqbroker.core.message import Entry
from mqbroker.protocols.session import Peer
from mqbroker.protocols.stomp.budget import Budget
from mqbroker.protocols.stomp.codec.escapes import header_line
from mqbroker.protocols.stomp.codec.heads import Head
from mqbroker.protocols.stomp.codec.scanner import Match, Scanner
from mqbroker.protocols.stomp.config import ACTIVEMQ, StompConfig
from mqbroker.protocols.stomp.jms_refusals import Words, in_jms_words
from mqbroker.protocols.stomp.refusals import INVALID_FRAME, error_frame, is_fatal
from mqbroker.protocols.stomp.subscription import Subscription
from mqbroker.protocols.stomp.wire import StompWire

if TYPE_CHECKING:
    from mqbroker.core.queues.base import Queue
    from mqbroker.core.scheduler import Task
    from mqbroker.core.transaction import Transaction
    from mqbroker.core.vhost import VHost
    from mqbroker.protocols.services import Services

log = logging.getLogger("mqbroker.stomp")

AWAIT_CONNECT = "CONNECT"
CHECKING = "authentication"
RUNNING = "running"
LEAVING = "leaving"
CLOSED = "closed"


class Run:
    """Acknowledgements of one subscription that differ in their number only."""

    __slots__ = ("match", "shape", "subscription")

    def __init__(self, shape: tuple[bytes, bytes], subscription: Subscription) -> None:
        """`shape` is what stands before the number and after it."""
        self.shape = shape
        self.subscription = subscription
        self.match: Match | None = None
        """Finds the next one; made when there was a second."""

    def prepare(self) -> None:
        """There was a second one."""
        before, after = map(re.escape, self.shape)
        self.match = re.compile(rb"\n?%b([0-9]{1,18})%b\n\n\0" % (before, after)).match


class StompState(StompWire):
    """One client, as handlers know it."""

    __slots__ = (
        "access_generation", "accounted", "beginning", "blocked_for", "budget", "declared", "former", "has_published",
        "head", "heartbeat_in_ms", "heartbeat_out_ms", "is_asking", "is_broken", "is_held", "ledger", "now", "owed",
        "peer", "promised", "ready", "received_at", "reply_queues", "run", "scanner", "services", "settings",
        "settling", "shadowed", "spare_name", "stage", "subscriptions", "temporaries", "transactions", "user", "vhost",
        "window",
    )  # fmt: skip

    def __init__(self, services: "Services", settings: StompConfig, budget: Budget, peer: Peer, now: int) -> None:
        name = f"{peer.host}:{peer.port} -> {peer.server_host}:{peer.server_port}"
        StompWire.__init__(self, services.outbox, name, settings.topic_exchange, settings.dialect == ACTIVEMQ)
        self.services = services
        self.settings = settings
        self.budget = budget
        self.accounted = 0
        """How much of the budget it has taken."""
        self.ledger = services.broker.ledger
        self.peer = peer
        self.stage = AWAIT_CONNECT
        self.user = ""
        self.vhost: VHost | None = None
        self.scanner = Scanner(self.is_jms)
        self.beginning = b""
        """The first octets that it has sent."""
        self.is_broken = False
        """Whether what came was no frame."""
        self.head: Head | None = None
        """That of the frame at hand."""
        self.now = now
        self.deadline = now + services.preauth_timeout_ms
        self.access_generation = 0
        self.received_at = now
        self.heartbeat_in_ms = self.heartbeat_out_ms = 0
        # publishing
        self.declared: dict[str, None] = {}
        """Queues that it has made sure of."""
        self.has_published = False
        self.blocked_for = ""
        self.is_held = False
        """Whether a frame is at hand that waits until publishers go on, or until it is known whether it is allowed."""
        self.is_asking = False
        """Whether it waits for the latter."""
        self.temporaries: dict[str, Queue] = {}
        """Its temporary queues in ActiveMQ's dialect, as it calls them."""
        self.reply_queues: dict[str, Subscription] = {}
        """What it calls its temporary queues."""
        # consuming
        self.window = Window()
        self.subscriptions: dict[str, Subscription] = {}
        """By tag."""
        self.shadowed: list[Subscription] = []
        """Those of ActiveMQ's dialect whose id was subscribed with again, which go on all the same."""
        self.former: list[Subscription] = []
        """Those that have ended, with deliveries that may still be acknowledged."""
        self.spare_name = ""
        """A name for the queue of a subscription that asks for none, until there is such a queue."""
        self.run: Run | None = None
        """What its acknowledgements look like."""
        self.settling: Task | None = None
        """What its last frame has begun and takes long; those after it wait for that."""
        self.transactions: dict[str, Transaction] = {}
        # receipts
        self.owed: deque[tuple[int, bytes, Callable[[], None] | None]] = deque()
        """(journal batch, frame, what is to be done after it): in their order, batches ascending."""
        self.ready = bytearray()
        """Receipts to be sent at the end of the chunk."""
        self.promised = 0

    @property
    def place(self) -> "VHost":
        """The vhost of a client that has logged in."""
        assert self.vhost is not None
        return self.vhost

    # --- receipts ---------------------------------------------------------------------------------------------------

    def owe(self, position: int = 0, then: Callable[[], None] | None = None) -> None:
        """The frame at hand is done once the journal has batch `position`: then its receipt is sent, if it wants one,
        and `then` called."""
        assert self.head is not None
        receipt = self.head.get("receipt")
        frame = b"" if receipt is None else b"RECEIPT\n%b\n\0\n" % header_line("receipt-id", receipt)
        if not frame and then is None:
            return
        if self.owed:
            self.owed.append((max(position, self.owed[-1][0]), frame, then))
        elif position > self.ledger.committed:
            self.owed.append((position, frame, then))
        else:
            self.ready += frame
            if then is not None:
                self.flush_receipts()
                then()

    def owe_recorded(self) -> None:
        """The frame at hand is done once the journal has what there is so far."""
        self.owe(self.ledger.position if self.ledger.is_journalling else 0)

    def settled(self, head: Head) -> None:
        """What the frame with that head has begun, and took long, is done; those after it are handled."""
        self.settling = None
        if self.stage == RUNNING:
            self.head = head
            self.owe_recorded()
            self.head = None
            self.go_on()

    def flush_receipts(self) -> None:
        """Sends what is due, before deliveries of this turn, and asks to be told of the journal for the rest."""
        if self.ready:
            self.send_first(bytes(self.ready))
            self.ready.clear()
        if self.owed:
            needed = self.owed[-1][0]
            if needed > self.promised:
                self.promised = needed
                self.ledger.promise(needed, self.committed)

    def committed(self) -> None:
        """The journal has moved on: sends the receipts that it covers."""
        owed, committed = self.owed, self.ledger.committed
        while owed and owed[0][0] <= committed:
            _, frame, then = owed.popleft()
            self.ready += frame
            if then is not None:
                self.flush_receipts()
                then()
        self.flush_receipts()

    # --- errors -----------------------------------------------------------------------------------------------------

    def refuse(self, message: str, detail: str, is_final: bool = False, *headers: tuple[str, str]) -> None:
        """Sends an ERROR for the frame at hand, and ends the connection if it is that grave."""
        closes = is_final or is_fatal(message)
        self.is_broken = message == INVALID_FRAME
        if self.is_jms:
            message, detail, closes = in_jms_words(Words(message, detail, closes), self.head)
        said = " ".join(f"{message}: {detail}".split()).encode("utf-8", "backslashreplace").decode()
        log.warning("%s, user %r: %s", self.name, self.user, said)
        receipt = self.head.get("receipt") if self.head is not None else None
        if receipt is not None:
            headers = (*headers, ("receipt-id", receipt))
        self.flush_receipts()
        self.send(error_frame(message, detail, headers))
        if closes:
            self.hang_up()

    def close_word(self) -> tuple[int, str]:
        """Overrides Session's: RabbitMQ's words."""
        return (1007, "") if self.is_broken else (1000, "STOMP died")

    def hang_up(self) -> None:
        """Lets go of everything, and closes the socket once the output is written."""
        self.stage = CLOSED
        self.is_closing = True
        self.release()
        self.mark()

    def go_on(self) -> None:
        """Handles the frames that are there. Overridden."""
        raise NotImplementedError

    def release(self) -> None:
        """Lets go of everything it holds. Safe to call twice. Overridden."""
        raise NotImplementedError

    # --- deliveries -------------------------------------------------------------------------------------------------

    def current(self) -> list[Subscription]:
        """Its subscriptions that have not ended."""
        return [*self.shadowed, *self.subscriptions.values()]

    def drop(self, subscription: Subscription) -> bool:
        """The subscription is its no more. Whether it was."""
        if subscription in self.shadowed:
            self.shadowed.remove(subscription)
            return True
        is_known = self.subscriptions.get(subscription.tag) is subscription
        if is_known:
            del self.subscriptions[subscription.tag]
        return is_known

    def subscription_ended(self, subscription: object) -> None:
        """The queue of a subscription is gone."""
        assert isinstance(subscription, Subscription)
        for each in self.current():
            if subscription in each.parts:
                each.parts.remove(subscription)
        if self.stage != RUNNING or not self.drop(subscription):
            return
        name, value = ("destination", subscription.destination) if subscription.id is None else ("id", subscription.id)
        text = "The server has canceled a subscription.\nNo more messages will be delivered for "
        detail = f"{text}\"{name}='{value}'\".\n"
        self.send(error_frame("Server cancelled subscription", detail, (("subscription", subscription.id or ""),)))

    def holder_of(self, entry: Entry) -> Subscription | None:
        """The subscription that a delivery belongs to."""
        holder = entry.consumer
        return holder if isinstance(holder, Subscription) else None

    def is_wanted(self) -> bool:
        """Whether the answer to its log-in is still waited for."""
        return self.stage == CHECKING

    def account(self) -> bool:
        """What is kept of incomplete frames has changed. Whether it is within the budget of all."""
        before, self.accounted = self.accounted, self.scanner.kept_bytes
        return self.budget.change(before, self.accounted)

    def set_version(self, version: str) -> None:
        """What was agreed on."""
        self.version = version
        self.scanner.named(version)

    def update_reading(self) -> None:
        """Reads, or does not: not from a publisher while a resource is low, nor while a log-in or right is checked."""
        self.set_reading(not self.blocked_for and not self.is_asking and self.stage != CHECKING)
