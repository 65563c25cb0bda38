"""What the AMQP connections of one broker share: the broker's services, and what is AMQP's alone."""

from mqbroker.protocols.amqp.body_budget import BodyBudget
from mqbroker.protocols.amqp.config import AmqpConfig
from mqbroker.protocols.amqp.limits import AMQP_BODIES_BYTES_MAX
from mqbroker.protocols.amqp.properties import RecentProperties
from mqbroker.protocols.services import Services


class AmqpServices:
    """One for all connections."""

    __slots__ = (
        "admission",
        "alarms",
        "authenticator",
        "body_budget",
        "broker",
        "counted",
        "outbox",
        "preauth_timeout_ms",
        "recent_properties",
        "recognition",
        "registry",
        "settings",
    )

    def __init__(self, shared: Services, settings: AmqpConfig, bodies_bytes_max: int = AMQP_BODIES_BYTES_MAX) -> None:
        """`bodies_bytes_max` is for bodies that are not complete, of all connections together."""
        self.broker = shared.broker
        self.counted = shared.counted
        self.authenticator = shared.authenticator
        self.alarms = shared.alarms
        self.outbox = shared.outbox
        self.preauth_timeout_ms = shared.preauth_timeout_ms
        self.recognition = shared.recognition
        self.registry = shared.registry
        self.admission = shared.admission
        self.settings = settings
        self.recent_properties = RecentProperties()
        self.body_budget = BodyBudget(bodies_bytes_max)
