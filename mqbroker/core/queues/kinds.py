"""Every kind of queue by its name, and the definitions by which the journal keeps queues of any kind.

A new kind is a module with a class of queues, and a line that registers it. The definition of a queue has its number,
whether it goes with its last consumer, the arguments that it was declared with, its kind unless that is the common one,
and what the kind adds.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mqbroker.core import definitions
from mqbroker.core.queues.aware import AwareQueue
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.classic import ClassicQueue
from mqbroker.core.queues.host import QueueHost
from mqbroker.core.queues.kind import Kind
from mqbroker.core.queues.polled.kinds import FifoKind, PolledKind
from mqbroker.core.queues.priority import PriorityQueue
from mqbroker.core.queues.selected import SelectedKind, SelectedQueue
from mqbroker.core.queues.spec import CLASSIC, QueueSpec
from mqbroker.core.queues.subscriber import LiveQueue, SharedQueue, SubscriberQueue

if TYPE_CHECKING:
    from mqbroker.core.ledger import Ledger


class ClassicKind(Kind):
    """Common queues, with priorities if they are asked for."""

    def make(self, host: QueueHost, ledger: "Ledger", number: int, spec: QueueSpec) -> Queue:
        if spec.max_priority is None:
            return Kind.make(self, host, ledger, number, spec)
        return PriorityQueue(host, ledger, spec.name, number, spec.durable, spec.max_priority)


_KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """From now on there are queues of this kind too."""
    assert kind.name not in _KINDS
    _KINDS[kind.name] = kind


register(ClassicKind(CLASSIC, ClassicQueue, is_declarable=True))
for _each in (SubscriberQueue, LiveQueue, SharedQueue, AwareQueue):
    register(Kind(_each.role, _each))
register(SelectedKind(SelectedQueue.role, SelectedQueue))
register(PolledKind())
register(FifoKind())


def is_declarable(name: str) -> bool:
    """Whether a client may ask for queues of that kind by its name."""
    kind = _KINDS.get(name)
    return kind is not None and kind.is_declarable


def kind_named(name: str) -> Kind:
    """The kind of that name. Raises StorageError for one that only a later version can know."""
    kind = _KINDS.get(name)
    if kind is None:
        raise definitions.too_new(f"queues with the role {name}")
    return kind


def kind_of(queue: Queue) -> Kind:
    """The kind of a queue."""
    return _KINDS[queue.declared.kind]


def pack_queue(queue: Queue) -> bytes:
    """The definition of a queue."""
    declared, kind = queue.declared, kind_of(queue)
    value = {"number": queue.number, "auto_delete": declared.auto_delete, "arguments": declared.arguments}
    if kind.name != CLASSIC:
        value["role"] = kind.name
    return definitions.pack({**value, **kind.packed(queue)})


def kind_in(value: Mapping[str, object]) -> Kind:
    """The kind of the queue that a definition is of. Raises StorageError."""
    return kind_named(str(value.get("role", "")) or CLASSIC)
