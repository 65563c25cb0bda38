"""What SQS measures of each queue, under CloudWatch's names (namespace AWS/SQS), for Prometheus and CloudWatch.

Gauges are read when somebody asks; counters count from the start of the broker.
"""

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mqbroker.aws.limits import CLOUDWATCH_GROUPS_MAX
from mqbroker.aws.measures import UNKNOWN, Measure, MetricFamily
from mqbroker.aws.sqs.queue import SqsQueue
from mqbroker.aws.sqs.queues import SqsQueues
from mqbroker.core.queues.polled.settings import GroupCounts

_LABELS = ("QueueName", "region", "account")

Reading = Callable[[SqsQueue, int], float]

_GAUGES: dict[str, tuple[str, Reading]] = {
    "ApproximateAgeOfOldestMessage": ("Seconds since the oldest message was sent", lambda queue, now: _age(queue, now)),
    "ApproximateNumberOfMessagesVisible": ("Messages to be received", lambda queue, _: queue.core.visible_count()),
    "ApproximateNumberOfMessagesNotVisible": ("Messages in flight", lambda queue, _: queue.core.in_flight_count()),
    "ApproximateNumberOfMessagesDelayed": ("Messages that wait for their delay", lambda q, _: q.core.delayed_count()),
}  # fmt: skip
_GROUPED: dict[str, tuple[str, Callable[[GroupCounts, int], float]]] = {
    "ApproximateNumberOfGroupsWithInflightMessages": (
        "Message groups with messages in flight", lambda counts, _: counts.in_flight
    ),
    "ApproximateNumberOfNoisyGroups": (
        "Message groups of a standard queue that others are served before", lambda counts, _: counts.noisy
    ),
    "ApproximateNumberOfMessagesVisibleInQuietGroups": (
        "Messages to be received, without noisy groups", lambda counts, _: counts.visible_in_quiet
    ),
    "ApproximateNumberOfMessagesNotVisibleInQuietGroups": (
        "Messages in flight, without noisy groups", lambda counts, _: counts.in_flight_in_quiet
    ),
    "ApproximateNumberOfMessagesDelayedInQuietGroups": (
        "Messages that wait for their delay, without noisy groups", lambda counts, _: counts.delayed_in_quiet
    ),
    "ApproximateAgeOfOldestMessageInQuietGroups": (
        "Seconds since the oldest message was sent, without noisy groups", lambda counts, now: _quiet_age(counts, now)
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


def _quiet_age(counts: GroupCounts, now: int) -> float:
    oldest = counts.oldest_sent_at_in_quiet
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
        yield from self._of_groups(now)
        for name, (text, read) in _COUNTERS.items():
            yield self._filled(CounterMetricFamily(name, text, labels=_LABELS), read, now)

    def _of_groups(self, now: int) -> Iterator[Metric]:
        families = {name: GaugeMetricFamily(name, text, labels=_LABELS) for name, (text, _) in _GROUPED.items()}
        for queue in self._queues:
            counts = queue.core.lines.group_counts()
            for name, (_, read) in _GROUPED.items():
                families[name].add_metric((queue.arn.name, queue.arn.region, queue.arn.account), read(counts, now))
        yield from families.values()

    def _filled(
        self, family: GaugeMetricFamily | CounterMetricFamily, read: Reading, now: int
    ) -> GaugeMetricFamily | CounterMetricFamily:
        for queue in self._queues:
            family.add_metric((queue.arn.name, queue.arn.region, queue.arn.account), read(queue, now))
        return family


_UNITS = {
    "ApproximateAgeOfOldestMessage": "Seconds",
    "ApproximateAgeOfOldestMessageInQuietGroups": "Seconds",
    "SentMessageSize": "Bytes",
}
_FAIR = tuple(_GROUPED)
_NAMES = (*_GAUGES, *_FAIR, *_COUNTERS)
_FAMILY = MetricFamily(
    "AWS/SQS",
    _NAMES,
    frozenset(_COUNTERS),
    tuple(_UNITS.get(name, "Count") for name in _NAMES),
)


def measures(queues: SqsQueues, now: int) -> Iterator[Measure]:
    """What CloudWatch is told of each queue."""
    for queue in queues:
        arn, groups = queue.arn, queue.core.lines.groups
        values = [
            *(read(queue, now) for _, read in _GAUGES.values()),
            *(_of_groups(queue, now) if 0 < len(groups) <= CLOUDWATCH_GROUPS_MAX else (UNKNOWN,) * len(_FAIR)),
            *(read(queue, now) for _, read in _COUNTERS.values()),
        ]
        yield Measure(_FAMILY, arn.account, arn.region, (("QueueName", arn.name),), tuple(map(float, values)))


def _of_groups(queue: SqsQueue, now: int) -> list[float]:
    counts = queue.core.lines.group_counts()
    return [read(counts, now) for _, read in _GROUPED.values()]
