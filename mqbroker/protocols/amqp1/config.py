"""The section [amqp1], which is what is negotiated and enforced on every AMQP 1.0 connection."""

from dataclasses import dataclass

from mqbroker import limits
from mqbroker.config.option import option
from mqbroker.protocols.amqp1.limits import (
    FRAME_BYTES_CEILING,
    FRAME_BYTES_MAX,
    FRAME_BYTES_MIN,
    IDLE_TIMEOUT_MS,
    IDLE_TIMEOUT_MS_MIN,
    LINK_CREDIT,
    LINKS_MAX,
    MESSAGE_BYTES_MAX,
    SESSION_WINDOW,
    SESSIONS_MAX,
)


@dataclass(frozen=True, slots=True)
class Amqp1Config:
    """[amqp1]"""

    frame_max: int = option(
        FRAME_BYTES_MAX,
        "Largest frame in bytes that clients may send.",
        minimum=FRAME_BYTES_MIN,
        maximum=FRAME_BYTES_CEILING,
    )
    sessions_max: int = option(SESSIONS_MAX, "Sessions per connection.", minimum=1, maximum=65_536)
    links_max: int = option(LINKS_MAX, "Links per session.", minimum=1, maximum=65_536)
    message_size_max: int = option(
        MESSAGE_BYTES_MAX,
        "Largest message in bytes, with its sections.",
        minimum=1,
        maximum=limits.MESSAGE_BYTES_CEILING,
    )
    link_credit: int = option(
        LINK_CREDIT, "Messages that a publisher may send before it is given more credit.", minimum=1, maximum=65_536
    )
    session_window: int = option(
        SESSION_WINDOW, "Transfer frames that a session may send before its window moves.", minimum=2, maximum=65_536
    )
    idle_timeout_ms: int = option(
        IDLE_TIMEOUT_MS,
        "Idle time-out in milliseconds told to clients, which are taken for gone after twice that; 0 is none.",
        minimum=0,
        maximum=limits.EXPIRY_MS_MAX,
    )
    idle_timeout_min_ms: int = option(
        IDLE_TIMEOUT_MS_MIN, "Shortest idle time-out in milliseconds that a client may ask for.", minimum=1
    )
    mechanisms: tuple[str, ...] = option(
        ("PLAIN", "SCRAM-SHA-256"),
        "SASL mechanisms offered to clients. EXTERNAL logs in by client certificate, ANONYMOUS as anonymous_user.",
        choices=("PLAIN", "SCRAM-SHA-256", "EXTERNAL", "ANONYMOUS"),
    )
    anonymous_user: str = option(
        "", "User as whom clients log in that say ANONYMOUS, or use no SASL; empty refuses them."
    )
    external_name: str = option(
        "cn",
        "Which name of a client certificate is the user name for EXTERNAL.",
        choices=("cn", "dn", "san_dns", "san_email", "san_uri"),
    )
    product: str = option("RabbitMQ", "Product that clients are told; RabbitMQ's own libraries refuse any other.")
    version: str = option("4.2.0", "Version that clients are told; by it libraries switch features on.")
