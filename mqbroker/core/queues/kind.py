"""A kind of queue: how its queues are made, what the journal keeps of them beside what it keeps of any, and back.

Subclassed by kinds that keep more than others. Which kinds there are is said in kinds.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mqbroker.core.message import Entry
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.host import QueueHost
from mqbroker.core.queues.kept import Kept
from mqbroker.core.queues.spec import QueueSpec

if TYPE_CHECKING:
    from mqbroker.core.ledger import Ledger

Entries = Mapping[int, list[Entry]]
"""What the journal kept, by the numbers of queues."""


class Kind:
    """Queues of one class."""

    obeys_policies = True
    """Whether policies change what a queue of this kind does."""

    def __init__(self, name: str, made_of: type[Queue], is_declarable: bool = False) -> None:
        self.name = name
        """Under which specs and the journal know it."""
        self.made_of = made_of
        self.is_declarable = is_declarable
        """Whether a client may ask for it by its name."""

    def make(self, host: QueueHost, ledger: "Ledger", number: int, spec: QueueSpec) -> Queue:
        """A queue like that, empty, which knows no policy yet."""
        return self.made_of(host, ledger, spec.name, number, spec.durable)

    def begin(self, queue: Queue, next_number: Callable[[], int], now: int) -> None:
        """The queue is new. `next_number` gives numbers for whatever else the journal keeps for it."""

    def packed(self, _queue: Queue) -> Mapping[str, object]:
        """What its definition says beside what that of any queue does."""
        return {}

    def unpacked(self, spec: QueueSpec, _value: Mapping[str, object]) -> QueueSpec:
        """The spec of what was declared so, of this kind, with what `packed` has said."""
        return replace(spec, kind=self.name)

    def restore(self, queue: Queue, _value: Mapping[str, object], entries: Entries, _now: int) -> None:
        """Gives a queue that was made from its definition what the journal kept."""
        if queue.takes_pages and isinstance(entries, Kept):
            queue.restore_pages(*entries.parts(queue.number))
        else:
            queue.restore(entries.get(queue.number, []))
