"""The messages of a vhost that are to be delivered later, once or again and again.

They wait as those of an x-delayed-message exchange do (queues/delayed.py), with their schedule in their headers, and as
if they had come at the start from which on their times are counted. When one is due, a copy without the schedule goes
where the message was published to, and the message waits for its next time, if it has one, in the same batch of the
journal.
"""

from collections.abc import Mapping

from mqbroker.core.message import Entry, Message, new_message
from mqbroker.core.queues.delayed import DelayedMessages
from mqbroker.core.scheduling.schedule import JOB_ID, NAMES, Due, Schedule, schedule_of

_MARK = JOB_ID.encode()


class ScheduledMessages(DelayedMessages):
    """Those of one vhost. `publish(message, now)` routes a copy that is due."""

    __slots__ = ()

    def schedule(self, message: Message, schedule: Schedule, now: int) -> None:
        """Keeps a message, which has this schedule, until it is due. One that is never due is dropped."""
        due = schedule.first(now, message.received_at)
        if due.at:
            if _MARK in message.properties.raw:  # its publisher has not to say what we call it
                headers = message.properties.headers()
                message = _with(message, {name: value for name, value in headers.items() if name != JOB_ID})
            self.hold(_started(message, due.start), due.at)

    def name_of(self, entry: Entry) -> str:
        """What a job is known by, which stays the same for all of its times."""
        properties = entry.message.properties
        known = properties.headers().get(JOB_ID) if _MARK in properties.raw else None
        return f"{self.number}-{entry.sequence}" if known is None else str(known)

    def jobs(self) -> dict[str, Entry]:
        """Everything that waits, by what it is known by; what is due first is first."""
        entries = sorted(self.held(), key=lambda entry: (entry.expires_at, entry.sequence))
        return {self.name_of(entry): entry for entry in entries}

    def deliver(self, entry: Entry, now: int) -> None:
        """A message is due. Overrides DelayedMessages'."""
        message = copy = entry.message
        headers = message.properties.headers()
        schedule = schedule_of(message)
        due = None if schedule is None else schedule.next(Due(message.received_at, entry.expires_at), now)
        if any(name in headers for name in NAMES):
            name = self.name_of(entry)
            own = {header: value for header, value in headers.items() if header not in NAMES}
            copy = _with(message, {**own, JOB_ID: name})
            message = _with(message, {**headers, JOB_ID: name})
        self.publish(new_message(copy.exchange, copy.routing_key, copy.properties, copy.content(), now), now)
        if due is not None and due.at:
            self.hold(_started(message, due.start), due.at)


def _started(message: Message, start: int) -> Message:
    """The message as one that came at a start, from which on its times are counted."""
    if message.received_at == start:
        return message
    return new_message(message.exchange, message.routing_key, message.properties, message.content(), start)


def _with(message: Message, headers: Mapping[str, object]) -> Message:
    """The message with other headers."""
    properties = message.properties.with_headers(headers)
    return new_message(message.exchange, message.routing_key, properties, message.content(), message.received_at)
