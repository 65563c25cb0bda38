"""What an AWS service is to the gateway, which knows none by name, and what all of them share.

Adding a service is a folder with an `AwsService`, and one line in mqbroker/aws/services.py.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from mqbroker.aws.config import AwsConfig
from mqbroker.aws.front.accounts import Accounts
from mqbroker.aws.front.front import AnyPage, ServiceHandlers
from mqbroker.aws.front.page_guard import PageGuard
from mqbroker.aws.front.request_ids import RequestIds
from mqbroker.aws.measures import Measure
from mqbroker.clock import Clock
from mqbroker.core.broker import Broker
from mqbroker.protocols.node import Node
from mqbroker.protocols.services import Alarms, Services
from mqbroker.protocols.views import View


@dataclass(frozen=True, slots=True)
class Ground:
    """What the services of one broker share."""

    broker: Broker
    config: AwsConfig
    accounts: Accounts
    alarms: Alarms
    ids: RequestIds
    clock: Clock
    guard: PageGuard
    metrics: CollectorRegistry
    """What Prometheus is shown; services register their collectors."""
    is_encrypted: bool
    """Whether nothing of a message comes to a disk in clear text."""
    services: "list[AwsService]"
    """Those that were made before: some send to others."""
    shared: Services
    """The broker around them."""
    wake: Callable[[], None]
    """Asks for the end of the loop's turn, from outside of calls."""


class AwsService:
    """The base of services. Its name, such as "sqs", is that of its model."""

    name = ""

    def handlers(self) -> ServiceHandlers:
        """What does each of its actions. Overridden."""
        raise NotImplementedError

    def pages(self) -> Mapping[tuple[str, str], AnyPage]:
        """Its pages, by method and path. Overridden where there are some."""
        return {}

    def views(self) -> tuple[View, ...]:
        """What operators are shown of it. Overridden where there is such."""
        return ()

    def restore(self, found: Mapping[str, bytes], now: int) -> None:
        """Puts back what the journal kept, and provides what the configuration names. Raises ConfigError. Overridden
        where there is such."""

    def measures(self, _now: int) -> Iterator[Measure]:
        """What CloudWatch is told, at most once in some seconds and in portions. Overridden where there is such."""
        return iter(())

    def begin(self, node: Node) -> None:
        """The broker listens. Overridden by those that show it."""

    def stop(self) -> None:
        """The broker has stopped in order. Overridden where that is worth a note."""

    async def close(self) -> None:
        """Closes what it has open itself, after `stop`. Overridden where that takes turns of the loop."""
