"""CloudWatch as a service of the gateway: its parts put together."""

from collections.abc import Iterator, Mapping

from mqbroker.aws.cloudwatch.alarm_actions import AlarmActions
from mqbroker.aws.cloudwatch.alarms import Alarms
from mqbroker.aws.cloudwatch.amazon_mq import AmazonMq
from mqbroker.aws.cloudwatch.custom import Custom
from mqbroker.aws.cloudwatch.data_action import DataAction
from mqbroker.aws.cloudwatch.metric_actions import MetricActions
from mqbroker.aws.cloudwatch.recorder import Recorder
from mqbroker.aws.cloudwatch.series import Things
from mqbroker.aws.cloudwatch.service import CloudWatchService
from mqbroker.aws.family import AwsService, Ground
from mqbroker.aws.front.front import ServiceHandlers
from mqbroker.aws.front.model import QueryNames, load_model
from mqbroker.aws.front.service import Service
from mqbroker.aws.measures import Measure
from mqbroker.aws.sns.sns import Sns
from mqbroker.protocols.node import Node

_NAMES = QueryNames(
    "",
    {},
    {},
    data_actions=frozenset(("PutMetricData",)),
    resource_type="AWS::CloudWatch::Alarm",
    signed_as="monitoring",
    target_prefix="GraniteServiceVersion20100801",
)


class CloudWatch(AwsService):
    """The service. It reads the measures of all others, and tells topics of alarms."""

    name = "monitoring"

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._mq: AmazonMq | None = None
        things, custom = Things(), Custom()
        self._recorder = Recorder(ground.broker, ground.services, things, custom)
        service = CloudWatchService(ground.broker, ground.accounts, things, custom, self._recorder)
        sns = next(each for each in ground.services if isinstance(each, Sns))
        self._alarms = Alarms(ground.broker, service, sns.announce)
        self._recorder.followers.append(self._alarms.look)
        metrics, data = MetricActions(service), DataAction(service)
        alarms = AlarmActions(service, self._alarms, sns)
        self._handlers = {
            "PutMetricData": metrics.put_metric_data,
            "ListMetrics": metrics.list_metrics,
            "GetMetricStatistics": metrics.get_metric_statistics,
            "GetMetricData": data.get_metric_data,
            "PutMetricAlarm": alarms.put,
            "DeleteAlarms": alarms.delete,
            "EnableAlarmActions": alarms.enable,
            "DisableAlarmActions": alarms.disable,
            "SetAlarmState": alarms.set_state,
            "DescribeAlarms": alarms.describe,
            "DescribeAlarmsForMetric": alarms.describe_for_metric,
            "DescribeAlarmHistory": alarms.describe_history,
            "ListTagsForResource": alarms.list_tags,
            "TagResource": alarms.tag,
            "UntagResource": alarms.untag,
        }

    def handlers(self) -> ServiceHandlers:
        """Overrides AwsService's."""
        return ServiceHandlers(Service(load_model("cloudwatch", _NAMES, self._handlers)), self._handlers)

    def measures(self, _now: int) -> Iterator[Measure]:
        """Overrides AwsService's."""
        return iter(()) if self._mq is None else self._mq.measures()

    def restore(self, found: Mapping[str, bytes], now: int) -> None:
        """Overrides AwsService's."""
        self._alarms.restore(found)
        self._recorder.start(now)

    def begin(self, node: Node) -> None:
        """Overrides AwsService's."""
        self._mq = AmazonMq(self._ground.shared, self._ground.config, node)
