"""The protocols that this broker speaks. One more is one more line here, and a folder (docs/architecture.md)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mqbroker.aws.protocol import AwsProtocol
from mqbroker.config import Config
from mqbroker.config import load_config as load
from mqbroker.management.protocol import ManagementProtocol
from mqbroker.protocols.amqp.protocol import AmqpProtocol
from mqbroker.protocols.amqp1.protocol import Amqp1Protocol
from mqbroker.protocols.mqtt.protocol import MqttProtocol
from mqbroker.protocols.protocol import Protocol
from mqbroker.protocols.stomp.protocol import StompProtocol

PROTOCOLS: tuple[Protocol, ...] = (
    AmqpProtocol(),
    Amqp1Protocol(),
    MqttProtocol(),
    StompProtocol(),
    AwsProtocol(),
    ManagementProtocol(),
)


def load_config(
    path: Path | None = None, environment: Mapping[str, str] | None = None, flags: Mapping[str, Any] | None = None
) -> Config:
    """The configuration of a broker that speaks these (config/load.py)."""
    return load(path, environment, flags, PROTOCOLS)
