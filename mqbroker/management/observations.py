"""What is counted from the broker's events, for numbers that nobody else keeps: who came and went, who was refused.

A subscriber of events (core/events.py); all it does is add one.
"""

from collections import Counter

from mqbroker.core.events import Event

_CHURN = {
    "session.opened": "connection_created",
    "session.closed": "connection_closed",
    "channel.opened": "channel_created",
    "channel.closed": "channel_closed",
    "queue.created": "queue_created",
    "queue.deleted": "queue_deleted",
}
CHURN_COUNTS = (*_CHURN.values(), "queue_declared")


class Observations:
    """Since the start."""

    def __init__(self) -> None:
        self.churn: Counter[str] = Counter()
        self.attempts: Counter[str] = Counter()
        """Log-ins that succeeded, by protocol."""
        self.refusals: Counter[str] = Counter()
        """Log-ins that failed, by protocol."""
        self.opened_at: dict[str, int] = {}
        """When sessions that are open were opened, in milliseconds, by their names."""

    def take(self, event: Event) -> None:
        """Something has happened."""
        name = _CHURN.get(event.name)
        if name is not None:
            self.churn[name] += 1
        if event.name == "queue.created":
            self.churn["queue_declared"] += 1
        elif event.name == "session.opened":
            self.opened_at[str(event.fields["session"])] = event.at_ms
            self.attempts[str(event.fields["protocol"])] += 1
        elif event.name == "session.closed":
            self.opened_at.pop(str(event.fields["session"]), None)
        elif event.name == "user.refused":
            self.refusals[str(event.fields["protocol"])] += 1
