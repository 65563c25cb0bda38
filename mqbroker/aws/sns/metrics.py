"""What SNS measures of each topic, under CloudWatch's names (namespace AWS/SNS), for Prometheus and CloudWatch.

Counters count from the start of the broker; those of subscriptions that have ended go with them.
"""

from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mqbroker.aws.measures import Measure, MetricFamily
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.aws.sns.topic import Topic
from mqbroker.aws.sns.topics import Topics
from mqbroker.delivery.lane import Workshop

_LABELS = ("TopicName", "region", "account")


def _sum(read: Callable[[Subscription], int]) -> Callable[[Topic], int]:
    return lambda topic: sum(map(read, topic.subscriptions.values()))


_COUNTERS: dict[str, tuple[str, Callable[[Topic], int]]] = {
    "NumberOfMessagesPublished": ("Messages published to the topic", lambda topic: topic.published_count),
    "PublishSize": ("Bytes of these messages", lambda topic: topic.published_bytes),
    "NumberOfNotificationsDelivered": ("Deliveries that arrived", _sum(lambda each: each.delivered_count)),
    "NumberOfNotificationsFailed": ("Deliveries given up", _sum(lambda each: each.failed_count)),
    "NumberOfNotificationsFilteredOut": ("Messages that filters kept from subscriptions", lambda t: t.filtered_count),
    "NumberOfNotificationsRedrivenToDlq": ("Messages put into dead-letter queues", _sum(lambda e: e.redriven_count)),
}


class SnsMetrics(Collector):
    """Every metric of every topic, and of the deliveries of all."""

    def __init__(self, topics: Topics, shops: Sequence[Workshop]) -> None:
        self._topics = topics
        self._shops = shops

    def collect(self) -> Iterator[Metric]:
        """Collector: the families with a sample for each topic."""
        for name, (text, read) in _COUNTERS.items():
            family = CounterMetricFamily(name, text, labels=_LABELS)
            for topic in self._topics:
                family.add_metric((topic.arn.name, topic.arn.region, topic.arn.account), read(topic))
            yield family
        waiting = GaugeMetricFamily("NumberOfNotificationsWaiting", "Messages that wait for endpoints", labels=_LABELS)
        for topic in self._topics:
            targets = (each.target for each in topic.subscriptions.values())
            count = sum(target.waiting_count() for target in targets if target is not None)
            waiting.add_metric((topic.arn.name, topic.arn.region, topic.arn.account), count)
        yield waiting
        retried = CounterMetricFamily("DeliveryRetries", "Attempts that failed and are repeated")
        retried.add_metric((), sum(shop.retried_count for shop in self._shops))
        yield retried
        running = GaugeMetricFamily("DeliveriesUnderWay", "Attempts that are being made")
        running.add_metric((), sum(shop.slots.taken for shop in self._shops))
        yield running


_FAMILY = MetricFamily(
    "AWS/SNS",
    tuple(_COUNTERS),
    frozenset(_COUNTERS),
    tuple("Bytes" if name == "PublishSize" else "Count" for name in _COUNTERS),
)


def measures(topics: Topics) -> Iterator[Measure]:
    """What CloudWatch is told of each topic."""
    for topic in topics:
        arn = topic.arn
        values = tuple(float(read(topic)) for _, read in _COUNTERS.values())
        yield Measure(_FAMILY, arn.account, arn.region, (("TopicName", arn.name),), values)
