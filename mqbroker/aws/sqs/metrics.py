"""What SQS measures of each queue, under CloudWatch's names (namespace AWS/SQS), for Prometheus.

Gauges are read when somebody asks; counters count from the start of the broker.
"""

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mqbroker.aws.sqs.queue import SqsQueue
from mqbroker.aws.sqs.queues import SqsQueues

_LABELS = ("QueueName", "region", "account")

Reading = Callable[[SqsQueue, int], float]

_GAUGES: dict[str, tuple[str, Reading]] = {
    "ApproximateAgeOfOldestMessage": ("Seconds since the oldest message was sent", lambda queue, now: _age(queue, now)),
    "ApproximateNumberOfMessagesVisible": ("Messages to be received", lambda queue, _: queue.core.visible_count()),
    "ApproximateNumberOfMessagesNotVisible": ("Messages in flight", lambda queue, _: queue.core.in_flight_count()),
    "ApproximateNumberOfMessagesDelayed": ("Messages that wait for their delay", lambda q, _: q.core.delayed_count()),
    "ApproximateNumberOfGroupsWithInflightMessages": (
        "Message groups with messages in flight", lambda queue, _: queue.core.lines.group_counts().in_flight
    ),
    "ApproximateNumberOfNoisyGroups": (
        "Message groups of a standard queue that others are served before",
        lambda queue, _: queue.core.lines.group_counts().noisy,
    ),
    "ApproximateNumberOfMessagesVisibleInQuietGroups": (
        "Messages to be received, without noisy groups", lambda q, _: q.core.lines.group_counts().visible_in_quiet
    ),
    "ApproximateNumberOfMessagesNotVisibleInQuietGroups": (
        "Messages in flight, without noisy groups", lambda q, _: q.core.lines.group_counts().in_flight_in_quiet
    ),
    "ApproximateNumberOfMessagesDelayedInQuietGroups": (
        "Messages that wait for their delay, without noisy groups",
        lambda queue, _: queue.core.lines.group_counts().delayed_in_quiet,
    ),
    "ApproximateAgeOfOldestMessageInQuietGroups": (
        "Seconds since the oldest message was sent, without noisy groups", lambda queue, now: _quiet_age(queue, now)
    ),
}  # fmt: skip
_COUNTERS: dict[str, tuple[str, Reading]] = {
    "NumberOfMessagesSent": ("Messages sent", lambda queue, _: queue.core.sent_count),
    "NumberOfMessagesReceived": ("Messages received", lambda queue, _: queue.core.received_count),
    "NumberOfMessagesDeleted": ("Messages deleted", lambda queue, _: queue.core.deleted_count),
    "NumberOfEmptyReceives": ("Receives without a message", lambda queue, _: queue.empty_receives),
    "NumberOfDeduplicatedSentMessages": ("Messages sent again", lambda queue, _: queue.core.deduplicated_count),
    "SentMessageSize": ("Bytes of the messages sent", lambda queue, _: queue.core.sent_bytes),
}


def _age(queue: SqsQueue, now: int) -> float:
    oldest = queue.core.lines.oldest_sent_at()
    return (now - oldest) / 1000 if oldest else 0


def _quiet_age(queue: SqsQueue, now: int) -> float:
    oldest = queue.core.lines.group_counts().oldest_sent_at_in_quiet
    return (now - oldest) / 1000 if oldest else 0


class SqsMetrics(Collector):
    """Every metric of every queue."""

    def __init__(self, queues: SqsQueues, now: Callable[[], int]) -> None:
        self._queues = queues
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Collector: the families with a sample for each queue."""
        now = self._now()
        for name, (text, read) in _GAUGES.items():
            yield self._filled(GaugeMetricFamily(name, text, labels=_LABELS), read, now)
        for name, (text, read) in _COUNTERS.items():
            yield self._filled(CounterMetricFamily(name, text, labels=_LABELS), read, now)

    def _filled(
        self, family: GaugeMetricFamily | CounterMetricFamily, read: Reading, now: int
    ) -> GaugeMetricFamily | CounterMetricFamily:
        for queue in self._queues:
            family.add_metric((queue.arn.name, queue.arn.region, queue.arn.account), read(queue, now))
        return family
