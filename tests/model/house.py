"""The real thing for the model test: a broker on a journal on a simulated disk, driven one piece of work at a time.

What the broker decides by itself (deliveries, dead letters) is noted in `observed` as it happens. A promise is asked
for at the end of each call, as a session would, so that `promised` is the newest batch that a client was told of.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from random import Random
from unittest.mock import patch

from mqbroker.core.broker import Broker
from mqbroker.core.consumer import Consumer, Gate, Window
from mqbroker.core.message import Entry, Message, new_message
from mqbroker.core.queue import Queue
from mqbroker.core.restoration import restore
from mqbroker.core.vhost import VHost
from mqbroker.errors import DiskFailed
from mqbroker.protocols.amqp.properties import AMQP, BasicProperties, build
from mqbroker.storage.journal import assemble
from mqbroker.storage.ledger import JournalLedger
from mqbroker.storage.recovery import Recovered
from tests.model.model import Deaths, Delivery, Observed
from tests.storage.house import ManualLane
from tests.storage.simdisk import SimDisk

SEGMENT_BYTES = 8192  # small, so that a run sees many segments begin and go
FORMATS = {AMQP: BasicProperties}


class Taker(Consumer):
    """A subscription that notes what it is given."""

    def __init__(self, queue: Queue, number: int, observed: Observed) -> None:
        super().__init__(queue, Gate(), Window())
        self.number = number
        self.observed = observed
        self.held: dict[tuple[int, Deaths], Entry] = {}

    def deliver(self, entry: Entry) -> None:
        seen = Delivery(
            self.queue.name, self.number, ident_of(entry.message), deaths_in(entry.message), entry.is_redelivered
        )
        self.observed.deliveries.setdefault(self.queue.name, deque_of()).append(seen)
        if not self.no_ack:
            self.hold(entry)

    def hold(self, entry: Entry) -> None:
        """Keeps a delivery until it is settled."""
        self.held[entry.queue_number, entry.sequence] = entry
