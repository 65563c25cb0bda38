"""The queue of a subscription that selects what enters it: a message that it does not select never waits in it.

So what a durable subscriber does not want costs nothing while it is away. It is a common queue in everything else.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mqbroker.core.consumer import Consumer
from mqbroker.core.message import Message
from mqbroker.core.queues.base import ROUTED, Queue
from mqbroker.core.queues.classic import ClassicQueue
from mqbroker.core.queues.host import QueueHost
from mqbroker.core.queues.kind import Kind
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.selectors.fields import selects
from mqbroker.core.selectors.selector import Selector, parse

if TYPE_CHECKING:
    from mqbroker.core.ledger import Ledger


class SelectedQueue(ClassicQueue):
    """Takes in what its selector selects."""

    role = "selected"
    """The name of the kind."""

    __slots__ = ("selector", "unwanted_from")

    def __init__(self, host: QueueHost, ledger: "Ledger", name: str, number: int, durable: bool) -> None:
        ClassicQueue.__init__(self, host, ledger, name, number, durable)
        self.selector: Selector | None = None
        self.unwanted_from: object | None = None
        """Who consumes from it, and does not want what it has published itself (JMS 2.0 §6.2.4, no local)."""

    def configure(self, spec: QueueSpec) -> None:
        """Takes over what it is to do. Overrides ClassicQueue's."""
        ClassicQueue.configure(self, spec)
        self.selector = parse(spec.selector) if spec.selector else None

    def remove_consumer(self, consumer: Consumer, now: int) -> None:
        """Overrides ClassicQueue's: what is published is anybody's while nobody consumes."""
        ClassicQueue.remove_consumer(self, consumer, now)
        if not self.consumers:
            self.unwanted_from = None

    def publish(self, message: Message, now: int) -> int:
        """Takes a message if it is selected. A publisher does not learn whether it was."""
        if self.unwanted_from is not None and self.unwanted_from is self.host.speaker:
            return ROUTED
        if self.selector is not None and not selects(self.selector, message):
            return ROUTED
        return ClassicQueue.publish(self, message, now)


class SelectedKind(Kind):
    """Queues with a selector, which their definitions have."""

    def packed(self, queue: Queue) -> Mapping[str, object]:
        return {"selector": queue.declared.selector}

    def unpacked(self, spec: QueueSpec, value: Mapping[str, object]) -> QueueSpec:
        return replace(spec, kind=self.name, selector=str(value["selector"]))
