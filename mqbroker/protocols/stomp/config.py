"""The section [stomp]."""

from dataclasses import dataclass

from mqbroker import limits
from mqbroker.config.option import option

RABBITMQ = "rabbitmq"
ACTIVEMQ = "activemq"


@dataclass(frozen=True, slots=True)
class StompConfig:
    """[stomp]"""

    message_size_max: int = option(
        limits.MESSAGE_BYTES_MAX, "Largest message body in bytes.", minimum=1, maximum=limits.MESSAGE_BYTES_CEILING
    )
    anonymous_user: str = option("", "The user that clients without a login are; empty refuses them.")
    implicit_connect: bool = option(
        False, "Clients whose first frame is no CONNECT are logged in, as anonymous_user or by their certificate."
    )
    http_auth: bool = option(
        False, "WebSockets log in by the HTTP Basic of their request, whatever login and passcode of CONNECT say."
    )
    certificate_name: str = option(
        "",
        "Which name of a client certificate is the user name of clients that give no login.",
        choices=("", "cn", "dn", "san_dns", "san_email", "san_uri"),
    )
    unknown_host_is_default: bool = option(
        False, "Clients whose host header names no vhost are in the default one; some send the name of the machine."
    )
    retroactive_messages: int = option(
        0,
        "Messages kept of each topic for subscriptions with activemq.retroactive, in ActiveMQ's dialect.",
        maximum=1000,
    )
    populate_user_id: bool = option(
        False, "Each message says whose it is: user-id is the log-in of its sender, JMSXUserID in ActiveMQ's dialect."
    )
    topic_exchange: str = option("amq.topic", "The exchange behind /topic/.")
    dialect: str = option(
        RABBITMQ,
        "Whose destinations and headers clients use: RabbitMQ's, or ActiveMQ's.",
        choices=(RABBITMQ, ACTIVEMQ),
    )
    dead_letter_queue: str = option(
        "ActiveMQ.DLQ",
        "In ActiveMQ's dialect: where refused and expired messages of queues that clients use go; empty drops them.",
    )
    dead_letters_transient: bool = option(
        False, "In ActiveMQ's dialect: the dead letters of messages that are not persistent are kept as well."
    )
    nack_requeues: bool = option(True, "NACK without a requeue header puts the message back.")
