"""The section [mqtt], which is what is negotiated and enforced on every MQTT connection."""

from dataclasses import dataclass

from mqbroker.config.option import option
from mqbroker.config.sections import DAY_S
from mqbroker.protocols.mqtt.limits import (
    MQTT_INFLIGHT_MAX,
    MQTT_PACKET_BYTES_CEILING,
    MQTT_PACKET_BYTES_MAX,
    MQTT_QUEUED_MESSAGES_MAX,
    MQTT_RECEIVE_MAX,
    MQTT_RETAINED_BYTES_MAX,
    MQTT_RETAINED_MESSAGES_MAX,
    MQTT_SESSION_EXPIRY_S,
    MQTT_TOPIC_ALIASES_MAX,
)

DROP_OLDEST = "drop-oldest"
DROP_NEWEST = "drop-newest"
ROUND_ROBIN = "round-robin"
STICKY = "sticky"
_NAMES = ("", "cn", "dn", "san_dns", "san_email", "san_uri", "san_ip")


@dataclass(frozen=True, slots=True)
class MqttConfig:
    """[mqtt]"""

    packet_size_max: int = option(
        MQTT_PACKET_BYTES_MAX,
        "Largest packet in bytes that clients may send.",
        minimum=1024,
        maximum=MQTT_PACKET_BYTES_CEILING,
    )
    message_size_max: int = option(
        0,
        "Largest payload in bytes; 0 is no limit but packet_size_max.",
        minimum=0,
        maximum=MQTT_PACKET_BYTES_CEILING,
    )
    maximum_qos: int = option(2, "Highest QoS that clients may publish and subscribe with.", minimum=0, maximum=2)
    retain_available: bool = option(True, "Whether clients may retain messages.")
    receive_max: int = option(
        MQTT_RECEIVE_MAX, "QoS 1 and 2 messages that a client may have open.", minimum=1, maximum=65_535
    )
    inflight_max: int = option(MQTT_INFLIGHT_MAX, "Unacknowledged deliveries of a session.", minimum=1, maximum=65_535)
    topic_alias_max: int = option(
        MQTT_TOPIC_ALIASES_MAX, "Topic aliases in each direction; 0 is none.", minimum=0, maximum=65_535
    )
    keep_alive_s_max: int = option(
        0, "Longest keep alive in seconds that clients of MQTT 5 may choose; 0 is any.", minimum=0, maximum=65_535
    )
    session_expiry_s_max: int = option(
        MQTT_SESSION_EXPIRY_S,
        "Seconds that a session stays without its client; 4294967295 is for ever.",
        minimum=0,
        maximum=0xFFFF_FFFF,
    )
    queued_messages_max: int = option(
        MQTT_QUEUED_MESSAGES_MAX, "Messages that wait for a session; 0 is no limit.", minimum=0
    )
    queued_bytes_max: int = option(0, "Bytes of messages that wait for a session; 0 is no limit.", minimum=0)
    overflow: str = option(DROP_OLDEST, "Which message a full session loses.", choices=(DROP_OLDEST, DROP_NEWEST))
    queue_qos0: bool = option(False, "Keep QoS 0 messages for sessions whose client is away.")
    retained_messages_max: int = option(MQTT_RETAINED_MESSAGES_MAX, "Retained messages of a vhost.", minimum=0)
    retained_bytes_max: int = option(MQTT_RETAINED_BYTES_MAX, "Bytes of the retained messages of a vhost.", minimum=0)
    share_strategy: str = option(
        ROUND_ROBIN,
        "Who of a shared subscription gets the next message: each in turn, or the same as long as it can take it.",
        choices=(ROUND_ROBIN, STICKY),
    )
    receive_rate_max: int = option(0, "Publishes a second from one connection; 0 is no limit.", minimum=0)
    connections_per_address_max: int = option(0, "MQTT connections from one client address; 0 is no limit.", minimum=0)
    login_refused_code: int = option(
        4, "CONNACK's code for a wrong or missing log-in: 4, or 5 as in Mosquitto (0x86, 0x87).", minimum=4, maximum=5
    )
    anonymous_user: str = option("", "The user that clients without a user name are; empty refuses them.")
    anonymous_fallback: bool = option(
        False, "Clients whose user name is unknown, or that give no password with it, are anonymous_user too."
    )
    certificate_name: str = option(
        "", "Which name of a client certificate is the user name of clients that give none.", choices=_NAMES
    )
    certificate_client_id: str = option(
        "", "Which name of a client certificate the client identifier has to equal.", choices=_NAMES
    )
    response_prefix: str = option("", "What Response Information begins with; the client identifier follows.")
    server_reference: str = option("", "Another server that clients are told of when this one stops.")
    system_interval_s: int = option(
        10, "Seconds between two publications of the $SYS topics; 0 is never.", minimum=0, maximum=DAY_S
    )
    log_topics: bool = option(False, "Whether lines of the log go to $SYS/broker/log/E, W, N and D.")
    topic_mapping: str = option(
        "exact",
        "How topics become routing keys: 'exact' brings every topic back, 'rabbitmq' takes a . in a level for a /.",
        choices=("exact", "rabbitmq"),
    )
