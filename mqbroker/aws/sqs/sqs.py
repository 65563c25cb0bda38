"""SQS as a service of the gateway: its parts put together."""

from collections.abc import Iterator, Mapping

from mqbroker.aws.family import AwsService, Ground
from mqbroker.aws.front.front import AnyPage, ServiceHandlers
from mqbroker.aws.front.model import load_model
from mqbroker.aws.front.service import Service
from mqbroker.aws.measures import Measure
from mqbroker.aws.sqs.actions import SqsActions
from mqbroker.aws.sqs.configured import create_configured
from mqbroker.aws.sqs.metrics import SqsMetrics, measures
from mqbroker.aws.sqs.pages import Pages
from mqbroker.aws.sqs.query_names import SQS_QUERY_NAMES
from mqbroker.aws.sqs.queues import SqsQueues
from mqbroker.aws.sqs.service import SqsService
from mqbroker.aws.sqs.views import views_of
from mqbroker.protocols.views import View


class Sqs(AwsService):
    """The service."""

    name = "sqs"

    def __init__(self, ground: Ground) -> None:
        config, clock = ground.config, ground.clock
        self._config = config
        self.queues = SqsQueues(ground.broker, ground.accounts, config.region, config.sqs_strict, ground.is_encrypted)
        """All queues, for services that send to them."""
        service = SqsService(ground.broker, self.queues, ground.alarms)
        self._actions = SqsActions(service, ground.ids.take_octets)
        self._pages = Pages(self.queues, config.account, ground.guard, clock)
        ground.metrics.register(SqsMetrics(self.queues, clock.now))

    def handlers(self) -> ServiceHandlers:
        """Overrides AwsService's."""
        return ServiceHandlers(Service(load_model("sqs", SQS_QUERY_NAMES)), self._actions.handlers())

    def pages(self) -> Mapping[tuple[str, str], AnyPage]:
        """Overrides AwsService's."""
        return self._pages.table()

    def views(self) -> tuple[View, ...]:
        """Overrides AwsService's."""
        return views_of(self.queues, self._actions.moving)

    def measures(self, now: int) -> Iterator[Measure]:
        """Overrides AwsService's."""
        return measures(self.queues, now)

    def restore(self, found: Mapping[str, bytes], now: int) -> None:
        """Overrides AwsService's: queues and move tasks, then the queues of the configuration."""
        self._actions.restore(found, now)
        create_configured(self.queues, self._config, now)
