"""The section [amqp], which is what is negotiated and enforced on every AMQP connection."""

from dataclasses import dataclass

from mqbroker import limits
from mqbroker.config.option import option
from mqbroker.protocols.amqp.limits import (
    AMQP_CHANNELS_MAX,
    AMQP_FRAME_SIZE_BYTES_CEILING,
    AMQP_FRAME_SIZE_BYTES_MAX,
    AMQP_FRAME_SIZE_BYTES_MIN,
    AMQP_HEARTBEAT_S,
)


@dataclass(frozen=True, slots=True)
class AmqpConfig:
    """[amqp]"""

    frame_max: int = option(
        AMQP_FRAME_SIZE_BYTES_MAX,
        "Largest frame in bytes, as proposed to clients in connection.tune.",
        minimum=AMQP_FRAME_SIZE_BYTES_MIN,
        maximum=AMQP_FRAME_SIZE_BYTES_CEILING,
    )
    channel_max: int = option(AMQP_CHANNELS_MAX, "Channels per connection.", minimum=1, maximum=65_535)
    heartbeat_s: int = option(
        AMQP_HEARTBEAT_S, "Heartbeat in seconds proposed to clients; 0 is none.", minimum=0, maximum=65_535
    )
    message_size_max: int = option(
        limits.MESSAGE_BYTES_MAX, "Largest message body in bytes.", minimum=1, maximum=limits.MESSAGE_BYTES_CEILING
    )
    consumer_timeout_ms: int = option(
        0,
        "Time in milliseconds in which a delivery must be acknowledged; 0 is no limit.",
        minimum=0,
        maximum=limits.EXPIRY_MS_MAX,
    )
    mechanisms: tuple[str, ...] = option(
        ("PLAIN", "AMQPLAIN"),
        "SASL mechanisms offered to clients. EXTERNAL logs in by client certificate.",
        choices=("PLAIN", "AMQPLAIN", "EXTERNAL"),
    )
    external_name: str = option(
        "cn",
        "Which name of a client certificate is the user name for EXTERNAL.",
        choices=("cn", "dn", "san_dns", "san_email", "san_uri"),
    )
