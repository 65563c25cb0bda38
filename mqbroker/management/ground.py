"""What every path of the API has at hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mqbroker.clock import Clock
from mqbroker.core.broker import Broker
from mqbroker.management.config import ManagementConfig
from mqbroker.management.feeds import Feed
from mqbroker.management.observations import Observations
from mqbroker.management.retention import Retention
from mqbroker.management.store import Store
from mqbroker.management.tracing import Traces
from mqbroker.management.trends import Trends
from mqbroker.protocols.node import Node
from mqbroker.protocols.registry import Registry
from mqbroker.protocols.services import Services

CLUSTER_ID = "internal_cluster_id"


@dataclass(slots=True)
class Ground:
    """Of one broker. The node is known once the broker listens."""

    services: Services
    config: ManagementConfig
    store: Store
    name: str
    """What the node is called."""
    observations: Observations = field(default_factory=Observations)
    known_node: Node | None = None
    feeds: Mapping[str, Feed] = field(
        default_factory=lambda: {name: Feed() for name in ("samples", "events", "log", "trace")}
    )
    """What can be followed."""
    retention: Retention = field(default_factory=Retention)
    """The numbers of the node at times past."""
    trends: Trends = field(init=False)
    """Rates and the past of what has none in the core."""
    traces: Traces = field(init=False)
    """Vhosts whose messages are followed."""
    held_since: dict[tuple[str, str], dict[tuple[int, int], int]] = field(default_factory=dict)
    """When unacknowledged messages were seen first, by queue and by their place and attempts."""
    streams: int = 0
    """How many follow."""

    def __post_init__(self) -> None:
        self.trends = Trends(self.services)
        self.traces = Traces(self.services.broker, self.feeds["trace"])

    @property
    def broker(self) -> Broker:
        """The core."""
        return self.services.broker

    @property
    def registry(self) -> Registry:
        """The open sessions."""
        return self.services.registry

    @property
    def clock(self) -> Clock:
        """The time."""
        return self.services.clock

    @property
    def node(self) -> Node:
        """The running broker."""
        assert self.known_node is not None
        return self.known_node

    @property
    def cluster_id(self) -> str:
        """What tells it from all others for ever."""
        return str(self.store.global_parameters.get(CLUSTER_ID, ""))

    @property
    def cluster_name(self) -> str:
        """As it was set over the API, or by the configuration."""
        return str(self.store.global_parameters.get("cluster_name", self.config.cluster_name))
