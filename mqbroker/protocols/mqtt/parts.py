"""What stands above a session shows to it: its connection and the registry, as shapes alone: it need not know them.

Where one of them is given a session back, that is `Any`: the session's own type would close the circle.
"""

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from mqbroker.core.broker import Broker
    from mqbroker.core.consumer import Gate
    from mqbroker.core.ledger import Ledger
    from mqbroker.core.message import Message
    from mqbroker.core.queues.spec import QueueSpec
    from mqbroker.protocols.mqtt.backpressure import Backpressure, Delayed
    from mqbroker.protocols.mqtt.config import MqttConfig
    from mqbroker.protocols.mqtt.counters import Counters
    from mqbroker.protocols.mqtt.losses import LossReports
    from mqbroker.protocols.mqtt.output import PublishEncoder
    from mqbroker.protocols.mqtt.topics import Mapping


class Client(Protocol):
    """The connection of a session's client (connection_state.py), or of a publisher that may be held back."""

    gate: "Gate"
    encoder: "PublishEncoder"
    delayed: "Delayed | None"

    @property
    def registry(self) -> "SessionRegistry":
        """What all connections share."""

    def describe(self) -> dict[str, Any]:
        """What it says of itself to an operator."""

    def send_message(
        self, message: "Message", flags: int, packet_id: int, identifiers: tuple[int, ...], keeps_retain: bool
    ) -> bool:
        """Sends a message; `flags` are DUP and QoS. False when this client cannot be sent it."""

    def send_plain(self, message: "Message") -> None:
        """Sends a message at QoS 0."""

    def send_specially(
        self, message: "Message", flags: int, packet_id: int, identifiers: tuple[int, ...], is_retained: bool
    ) -> bool:
        """Sends a message with whatever this client alone is told. False when it cannot be sent it."""

    def send_release(self, packet_id: int) -> None:
        """PUBREL."""

    def send_delivery(self, piece: bytes | memoryview) -> None:
        """Sends octets of a delivery."""

    def hold(self, pressure: "Backpressure") -> None:
        """Others cannot keep up with what this one publishes."""

    def unhold(self, pressure: "Backpressure") -> None:
        """They have caught up, or are not waited for any longer."""

    def take_over(self) -> None:
        """Another connection with the same client id has come."""

    def end(self, reason: str, now: int) -> None:
        """The session is taken away."""


class Rights(Protocol):
    """Who decides what a user may do (rights.py)."""

    def recheck(self, session: Any) -> None:
        """Permissions have changed: subscriptions that are not allowed any more deliver nothing."""


class SessionRegistry(Protocol):
    """All sessions of the broker, and what they share (sessions.py)."""

    broker: "Broker"
    ledger: "Ledger"
    settings: "MqttConfig"
    mapping: "Mapping"
    counters: "Counters"
    losses: "LossReports"
    members: dict[tuple[str, str], set[str]]
    publisher: Client | None
    now: int

    @property
    def rights(self) -> Rights:
        """Who decides what a user may do."""

    def spec_of_queue(self, name: str, kind: str, durable: bool) -> "QueueSpec":
        """A queue in which messages wait for a session or a group."""

    def queue_lost(self, session: Any) -> None:
        """Somebody has deleted a queue of the session."""
