"""A transaction: publishes and settlements that are carried out together, or not at all.

At the commit everything is done in one go, within one turn of the loop, so that the journal has it in one batch: all or
nothing. Who was promised something waits for that batch. It does not know who has asked for it, or by which protocol.
"""

from typing import TYPE_CHECKING

from mqbroker.core.message import Entry, Message
from mqbroker.core.routing.targets import Targets
from mqbroker.core.scheduling.schedule import Schedule
from mqbroker.core.settling import settle

if TYPE_CHECKING:
    from mqbroker.core.queues.base import Queue
    from mqbroker.core.vhost import VHost


class Transaction:
    """What was asked for since its beginning."""

    __slots__ = ("published", "scheduled", "settled")

    def __init__(self) -> None:
        self.published: list[tuple[Message, Targets]] = []
        self.scheduled: list[tuple[Message, Schedule]] = []
        self.settled: list[tuple[list[Entry], int]] = []

    def __len__(self) -> int:
        return len(self.published) + len(self.scheduled) + len(self.settled)

    def publish(self, message: Message, targets: Targets) -> None:
        """Keeps a message until the commit. It goes where it would have gone now."""
        self.published.append((message, targets))

    def schedule(self, message: Message, schedule: Schedule) -> None:
        """Keeps a message that is to be delivered later; its time runs from now on."""
        self.scheduled.append((message, schedule))

    def settle(self, entries: list[Entry], outcome: int) -> None:
        """Keeps until the commit what becomes of deliveries (settling.py). Their consumers hold them until then."""
        self.settled.append((entries, outcome))

    def has_room(self) -> bool:
        """Whether no queue would refuse any of its messages now."""
        wanted: dict[Queue, tuple[int, int]] = {}
        for message, targets in self.published:
            for queue in targets.queues:
                count, size = wanted.get(queue, (0, 0))
                wanted[queue] = (count + 1, size + message.size)
        return all(queue.is_deleted or queue.has_room_for(*more) for queue, more in wanted.items())

    def commit(self, vhost: "VHost", now: int) -> list[int]:
        """Carries everything out; the outcome of each publish, in their order (queues/base.py)."""
        published, scheduled, settled = self.published, self.scheduled, self.settled
        self.published, self.scheduled, self.settled = [], [], []
        outcomes = [vhost.publish_to_targets(targets, message, now) for message, targets in published]
        for message, schedule in scheduled:
            vhost.schedule_message(message, schedule, now)
        for entries, outcome in settled:
            settle(entries, outcome, now)
        return outcomes

    def rollback(self) -> list[Entry]:
        """Forgets the publishes. The deliveries that were to be settled, which wait for that again."""
        self.published.clear()
        self.scheduled.clear()
        entries = [entry for each, _ in self.settled for entry in each]
        self.settled.clear()
        return entries
