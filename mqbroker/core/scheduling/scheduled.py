"""The messages of a vhost that are to be delivered later, once or again and again.

They wait as those of an x-delayed-message exchange do (queues/delayed.py), with their schedule in their headers. When
one is due, a copy without the schedule goes where the message was published to, and the message waits for its next
time, if it has one, in the same batch of the journal.
"""

from mqbroker.core.message import Entry, Message, new_message
from mqbroker.core.queues.delayed import DelayedMessages
from mqbroker.core.scheduling.schedule import JOB_ID, NAMES, Schedule, schedule_of


class ScheduledMessages(DelayedMessages):
    """Those of one vhost. `publish(message, now)` routes a copy that is due."""

    __slots__ = ()

    def schedule(self, message: Message, schedule: Schedule, now: int) -> None:
        """Keeps a message, which has this schedule, until it is due. One that is never due is dropped."""
        due = schedule.first_after(now, message.received_at)
        if due:
            self.hold(message, due)

    def id_of(self, sequence: int) -> str:
        """What a job is known by until it is due."""
        return f"{self.number}-{sequence}"

    def jobs(self) -> dict[str, Entry]:
        """Everything that waits, by what it is known by; what is due first is first."""
        entries = sorted(self.held(), key=lambda entry: (entry.expires_at, entry.sequence))
        return {self.id_of(entry.sequence): entry for entry in entries}

    def deliver(self, entry: Entry, now: int) -> None:
        """A message is due. Overrides DelayedMessages'."""
        message, properties = entry.message, entry.message.properties
        headers = properties.headers()
        schedule = schedule_of(message)
        due = 0 if schedule is None else schedule.next_after(entry.expires_at, message.received_at)
        if any(name in headers for name in NAMES):
            own = {name: value for name, value in headers.items() if name not in NAMES}
            sequence = self._sequence if due else entry.sequence  # of its next time, by which the job can be removed
            properties = properties.with_headers({**own, JOB_ID: self.id_of(sequence)})
        self.publish(new_message(message.exchange, message.routing_key, properties, message.content(), now), now)
        if due:
            self.hold(message, due)
