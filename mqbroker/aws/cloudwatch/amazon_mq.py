"""What Amazon MQ measures of a broker, in the names that it has for RabbitMQ and for ActiveMQ.

Broker                          of RabbitMQ: the node
Broker, VirtualHost, Queue      of RabbitMQ: the queues with the most consumers
Broker "<name>-1"               of ActiveMQ: the node
Broker "<name>-1", Queue        of ActiveMQ: such queues of the default vhost
"""

from collections.abc import Iterator
from heapq import nlargest

from mqbroker.aws.cloudwatch.processor import Processor
from mqbroker.aws.cloudwatch.service import AMAZON_MQ
from mqbroker.aws.config import AwsConfig
from mqbroker.aws.limits import CLOUDWATCH_QUEUES_MAX
from mqbroker.aws.measures import Measure, MetricFamily
from mqbroker.core.queues.base import Queue
from mqbroker.core.totals import queue_stats
from mqbroker.protocols.node import Node
from mqbroker.protocols.services import Services
from mqbroker.runtime.descriptors import open_count
from mqbroker.runtime.disk import size_and_free

_Values = dict[str, float]


def _family(units: dict[str, str], counters: tuple[str, ...] = ()) -> MetricFamily:
    return MetricFamily(AMAZON_MQ, tuple(units), frozenset(counters), tuple(units.values()))


_NODE_UNITS = {
    "SystemCpuUtilization": "Percent",
    "RabbitMQMemLimit": "Bytes",
    "RabbitMQMemUsed": "Bytes",
    "RabbitMQDiskFreeLimit": "Bytes",
    "RabbitMQDiskFree": "Bytes",
    "RabbitMQFdUsed": "Count",
}
_COUNTS = ("ExchangeCount", "QueueCount", "ConnectionCount", "ChannelCount")
_MESSAGES = ("ConsumerCount", "MessageCount", "MessageReadyCount", "MessageUnacknowledgedCount")
_RATES = ("PublishRate", "ConfirmRate", "AckRate")
_BROKER = _family(
    {**dict.fromkeys((*_COUNTS, *_MESSAGES), "Count"), **dict.fromkeys(_RATES, "Count/Second"), **_NODE_UNITS}
)
_NODE = _family(_NODE_UNITS)
_QUEUE = _family(dict.fromkeys(_MESSAGES, "Count"))
_ACTIVE = _family(
    {
        **dict.fromkeys(("CpuUtilization", "HeapUsage", "StorePercentUsage"), "Percent"),
        **dict.fromkeys(("CurrentConnectionsCount", "TotalConsumerCount", "TotalMessageCount"), "Count"),
        **dict.fromkeys(("NetworkIn", "NetworkOut"), "Bytes"),
    },
    ("NetworkIn", "NetworkOut"),
)
_ACTIVE_FLOW = ("EnqueueCount", "DequeueCount", "DispatchCount", "ExpiredCount")
_ACTIVE_QUEUE = _family(
    dict.fromkeys(
        (*_ACTIVE_FLOW, "ConsumerCount", "InFlightCount", "QueueSize", "TotalEnqueueCount", "TotalDequeueCount"),
        "Count",
    ),
    _ACTIVE_FLOW,
)


class AmazonMq:
    """The measures of one broker; of the default account and region."""

    def __init__(self, shared: Services, config: AwsConfig, node: Node) -> None:
        self._shared = shared
        self._config = config
        self._node = node
        self._processor = Processor()

    def measures(self) -> Iterator[Measure]:
        """All of them."""
        name = self._config.broker_name
        process, clients = self._process(), self._clients()
        yield self._measure(_BROKER, {**process, **clients}, Broker=name)
        yield self._measure(_NODE, process, Broker=name, Node=f"rabbit@{name}")
        yield self._measure(_ACTIVE, self._as_active(process, clients), Broker=f"{name}-1")
        queues = [queue for vhost in self._shared.broker.vhosts.values() for queue in vhost.queues.values()]
        for queue in nlargest(CLOUDWATCH_QUEUES_MAX, queues, key=lambda each: len(each.consumers)):
            if " " not in queue.name and queue.name and " " not in queue.host.name:
                yield from self._of_queue(queue, name)

    def _measure(self, family: MetricFamily, values: _Values, **dimensions: str) -> Measure:
        ordered = tuple(values[name] for name in family.names)
        return Measure(family, self._config.account, self._config.region, tuple(sorted(dimensions.items())), ordered)

    def _process(self) -> _Values:
        node, shared = self._node, self._shared
        size, free = size_and_free(node.data_dir)
        return {
            "SystemCpuUtilization": self._processor.percent(),
            "RabbitMQMemLimit": shared.memory_bytes_max,
            "RabbitMQMemUsed": shared.memory_bytes(),
            "RabbitMQDiskFreeLimit": node.disk_free_min_bytes,
            "RabbitMQDiskFree": free,
            "StorePercentUsage": 100 * (size - free) / size if size else 0,
            "RabbitMQFdUsed": open_count(),
        }

    def _clients(self) -> _Values:
        shared, rates = self._shared, self._node.samples.rates()
        sessions = shared.registry.all()
        vhosts = shared.broker.vhosts.values()
        last = list(self._node.samples.history)[-1:]
        numbers = last[0][1] if last else {}
        return {
            "ExchangeCount": sum(len(vhost.exchanges) for vhost in vhosts),
            "QueueCount": sum(len(vhost.queues) for vhost in vhosts),
            "ConnectionCount": len(sessions),
            "ChannelCount": sum(session.channel_count() for session in sessions),
            **_messages(numbers.get("consumers", 0), numbers.get("ready", 0), numbers.get("unacked", 0)),
            "PublishRate": rates.get("received", 0),
            "ConfirmRate": rates.get("confirmed", 0),
            "AckRate": rates.get("acked", 0),
        }

    def _as_active(self, process: _Values, clients: _Values) -> _Values:
        numbers = self._node.numbers()
        limit = process["RabbitMQMemLimit"]
        return {
            "CpuUtilization": process["SystemCpuUtilization"],
            "HeapUsage": 100 * process["RabbitMQMemUsed"] / limit if limit else 0,
            "StorePercentUsage": process["StorePercentUsage"],
            "CurrentConnectionsCount": clients["ConnectionCount"],
            "TotalConsumerCount": clients["ConsumerCount"],
            "TotalMessageCount": clients["MessageCount"],
            "NetworkIn": numbers.get("octets_in", 0),
            "NetworkOut": numbers.get("octets_out", 0),
        }

    def _of_queue(self, queue: Queue, name: str) -> Iterator[Measure]:
        found = queue_stats(queue)
        values = _messages(found["consumers"], found["ready"], found["unacked"])
        yield self._measure(_QUEUE, values, Broker=name, VirtualHost=queue.host.name, Queue=queue.name)
        if queue.host.name == self._shared.default_vhost:
            taken, given = found["published"], found["acked"] + found["no_ack"]
            values = {
                "EnqueueCount": taken,
                "DequeueCount": given,
                "DispatchCount": found["delivered"] + found["no_ack"],
                "ExpiredCount": found["expired"],
                "ConsumerCount": found["consumers"],
                "InFlightCount": found["unacked"],
                "QueueSize": found["ready"] + found["unacked"],
                "TotalEnqueueCount": taken,
                "TotalDequeueCount": given,
            }
            yield self._measure(_ACTIVE_QUEUE, values, Broker=f"{name}-1", Queue=queue.name)


def _messages(consumers: float, ready: float, unacked: float) -> _Values:
    return {
        "ConsumerCount": consumers,
        "MessageCount": ready + unacked,
        "MessageReadyCount": ready,
        "MessageUnacknowledgedCount": unacked,
    }
