"""What was sent, confirmed, received and settled, noted outside of the broker; and what therefore must be true.

A broker that is killed may forget what it never confirmed, and may deliver again what was not settled for certain. It
may do nothing else, and the oracle says so at once: `faults` holds one sentence for each broken promise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from zlib import crc32

DEAD = "dead"
SHORT = "short"
TRANSACTED = "transacted"
FAN = "fan"
QUEUES_OF = {
    "work": ("work",),
    TRANSACTED: (TRANSACTED,),
    "urgent": ("urgent",),
    SHORT: (DEAD,),
    FAN: ("fan.1", "fan.2", "fan.3"),
}
"""Per kind of message: the queues where it has to come out."""
CONSUMED = tuple(queue for queues in QUEUES_OF.values() for queue in queues)


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as its publisher made it."""

    publisher: int
    number: int
    kind: str
    priority: int
    crc: int


@dataclass
class Oracle:
    """Every message by its id, which is the publisher's number and the message's."""

    sent: dict[str, Sent] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)
    received: dict[str, set[str]] = field(default_factory=lambda: {queue: set() for queue in CONSUMED})
    """Per queue."""
    settled: set[str] = field(default_factory=set)
    """Acknowledged in a transaction whose commit was confirmed."""
    repeated: int = 0
    faults: list[str] = field(default_factory=list)
    _newest: dict[tuple[str, int, int], int] = field(default_factory=dict)

    def note_sent(self, publisher: int, number: int, kind: str, priority: int, body: bytes) -> str:
        """The id of a message that is about to be sent."""
        ident = f"{publisher}-{number}"
        self.sent[ident] = Sent(publisher, number, kind, priority, crc32(body))
        return ident

    def note_confirmed(self, ident: str) -> None:
        self.confirmed.add(ident)

    def note_received(
        self, queue: str, ident: str, body: bytes, redelivered: bool, headers: Mapping[str, object]
    ) -> None:  # fmt: skip
        """A consumer of the queue was sent a message."""
        sent = self.sent.get(ident)
        if sent is None or queue not in QUEUES_OF[sent.kind]:
            self.faults.append(f"{queue} delivered {ident}, which nobody sent there")
            return
        if crc32(body) != sent.crc:
            self.faults.append(f"{queue} delivered {ident} with another body")
        if queue == DEAD and _deaths(headers) != [(SHORT, "expired", 1)]:
            self.faults.append(f"{ident} has another history than it should: {_deaths(headers)}")
        if ident in self.received[queue]:
            self._note_repeated(queue, ident, redelivered)
        else:
            self.received[queue].add(ident)
            self._note_first(queue, ident, sent)

    def _note_repeated(self, queue: str, ident: str, redelivered: bool) -> None:
        self.repeated += 1
        # A dead letter may be delivered before its move is durable. If the move is lost the message expires once more,
        # and what comes then is a new message that nobody had before.
        if not redelivered and queue != DEAD:
            self.faults.append(f"{queue} delivered {ident} again without saying so")
        if queue == TRANSACTED and ident in self.settled:
            self.faults.append(f"{queue} delivered {ident} again after its acknowledgement was confirmed")

    def _note_first(self, queue: str, ident: str, sent: Sent) -> None:
        line = (queue, sent.publisher, sent.priority if queue == "urgent" else 0)
        if sent.number < self._newest.get(line, 0):
            self.faults.append(f"{queue} delivered {ident} for the first time after number {self._newest[line]}")
        self._newest[line] = max(sent.number, self._newest.get(line, 0))

    def note_settled(self, idents: list[str]) -> None:
        """A transaction with these acknowledgements was confirmed."""
        self.settled.update(idents)

    def missing(self) -> list[str]:
        """What was confirmed and has not come out yet."""
        return [
            f"{ident} from {queue}"
            for ident in sorted(self.confirmed)
            for queue in QUEUES_OF[self.sent[ident].kind]
            if ident not in self.received[queue]
        ]

    def summary(self) -> str:
        """The numbers of the run."""
        received = sum(map(len, self.received.values()))
        return (
            f"{len(self.sent)} sent, {len(self.confirmed)} confirmed, {received} received, "
            f"{self.repeated} times again, {len(self.settled)} settled for certain"
        )


def _deaths(headers: Mapping[str, object]) -> list[tuple[object, object, object]]:
    found = headers.get("x-death")
    deaths = found if isinstance(found, list) else []
    return [(death["queue"], death["reason"], death["count"]) for death in deaths]
