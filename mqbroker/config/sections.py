"""Every option of the broker, each declared once. Another option is another line here (and in conf/mqbroker.toml).

Holds values and their help; where they come from is `reader`'s business, what they mean together is `load`'s.
"""

from dataclasses import dataclass
from pathlib import Path

from mqbroker import limits
from mqbroker.config.addresses import Network, parse_network, parse_origin
from mqbroker.config.aws import AccessKeyDefinition, AwsConfig
from mqbroker.config.keys import KeySource
from mqbroker.config.listener import Listener
from mqbroker.config.option import option, place, section, tables

DAY_S = 86_400
DEFAULT_LISTENERS = (Listener.parse("amqp://127.0.0.1:5672"),)


@dataclass(frozen=True, slots=True)
class AmqpConfig:
    """[amqp]"""

    frame_max: int = option(
        limits.AMQP_FRAME_SIZE_BYTES_MAX,
        "Largest frame in bytes, as proposed to clients in connection.tune.",
        minimum=limits.AMQP_FRAME_SIZE_BYTES_MIN,
        maximum=limits.AMQP_FRAME_SIZE_BYTES_CEILING,
    )
    channel_max: int = option(limits.AMQP_CHANNELS_MAX, "Channels per connection.", minimum=1, maximum=65_535)
    heartbeat_s: int = option(
        limits.AMQP_HEARTBEAT_S, "Heartbeat in seconds proposed to clients; 0 is none.", minimum=0, maximum=65_535
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


_NAMES = ("", "cn", "dn", "san_dns", "san_email", "san_uri", "san_ip")


@dataclass(frozen=True, slots=True)
class MqttConfig:
    """[mqtt]"""

    packet_size_max: int = option(
        limits.MQTT_PACKET_BYTES_MAX,
        "Largest packet in bytes that clients may send.",
        minimum=1024,
        maximum=limits.MQTT_PACKET_BYTES_CEILING,
    )
    message_size_max: int = option(
        0,
        "Largest payload in bytes; 0 is no limit but packet_size_max.",
        minimum=0,
        maximum=limits.MQTT_PACKET_BYTES_CEILING,
    )
    maximum_qos: int = option(2, "Highest QoS that clients may publish and subscribe with.", minimum=0, maximum=2)
    retain_available: bool = option(True, "Whether clients may retain messages.")
    receive_max: int = option(
        limits.MQTT_RECEIVE_MAX, "QoS 1 and 2 messages that a client may have open.", minimum=1, maximum=65_535
    )
    inflight_max: int = option(
        limits.MQTT_INFLIGHT_MAX, "Unacknowledged deliveries of a session.", minimum=1, maximum=65_535
    )
    topic_alias_max: int = option(
        limits.MQTT_TOPIC_ALIASES_MAX, "Topic aliases in each direction; 0 is none.", minimum=0, maximum=65_535
    )
    keep_alive_s_max: int = option(
        0, "Longest keep alive in seconds that clients of MQTT 5 may choose; 0 is any.", minimum=0, maximum=65_535
    )
    session_expiry_s_max: int = option(
        limits.MQTT_SESSION_EXPIRY_S,
        "Seconds that a session stays without its client; 4294967295 is for ever.",
        minimum=0,
        maximum=0xFFFF_FFFF,
    )
    queued_messages_max: int = option(
        limits.MQTT_QUEUED_MESSAGES_MAX, "Messages that wait for a session; 0 is no limit.", minimum=0
    )
    queued_bytes_max: int = option(0, "Bytes of messages that wait for a session; 0 is no limit.", minimum=0)
    overflow: str = option(
        "drop-oldest", "Which message a full session loses.", choices=("drop-oldest", "drop-newest")
    )
    queue_qos0: bool = option(False, "Keep QoS 0 messages for sessions whose client is away.")
    retained_messages_max: int = option(
        limits.MQTT_RETAINED_MESSAGES_MAX, "Retained messages of a vhost.", minimum=0
    )
    retained_bytes_max: int = option(
        limits.MQTT_RETAINED_BYTES_MAX, "Bytes of the retained messages of a vhost.", minimum=0
    )
    share_strategy: str = option(
        "round-robin",
        "Who of a shared subscription gets the next message: each in turn, or the same as long as it can take it.",
        choices=("round-robin", "sticky"),
    )
    receive_rate_max: int = option(0, "Publishes a second from one connection; 0 is no limit.", minimum=0)
    connections_per_address_max: int = option(
        0, "MQTT connections from one client address; 0 is no limit.", minimum=0
    )
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
    topic_mapping: str = option(
        "exact",
        "How topics become routing keys: 'exact' brings every topic back, 'rabbitmq' takes a . in a level for a /.",
        choices=("exact", "rabbitmq"),
    )


@dataclass(frozen=True, slots=True)
class SecurityConfig:
    """[security]"""

    loopback_users: tuple[str, ...] = option(("guest",), "Users that may log in only from this machine.")
    allow_insecure: bool = option(False, "Allow listeners without TLS on addresses that other machines can reach.")


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """[tls]"""

    certificate: Path | None = option(None, "PEM file with the server's certificate and its intermediates.")
    key: Path | None = option(None, "PEM file with the server's private key, readable by its owner only.")
    client_ca: Path | None = option(None, "PEM file with the authorities that client certificates are checked against.")
    verify: str = option(
        "none", "Whether clients present a certificate.", choices=("none", "optional", "required")
    )
    minimum_version: str = option("1.2", "Oldest version of TLS that is accepted.", choices=("1.2", "1.3"))


@dataclass(frozen=True, slots=True)
class ProxyProtocolConfig:
    """[proxy_protocol]"""

    sources: tuple[Network, ...] = option(
        (),
        "Networks of the proxies whose connections open with a PROXY header, version 1 or 2.",
        parse=parse_network,
    )


@dataclass(frozen=True, slots=True)
class WebSocketConfig:
    """[websocket]"""

    origins: tuple[str, ...] = option(
        (),
        "Origins whose pages may connect, such as https://shop.example, or loopback for this machine's; empty is any.",
        parse=parse_origin,
    )
    message_size_max: int = option(
        limits.WEBSOCKET_MESSAGE_BYTES_MAX,
        "Largest WebSocket message in bytes that a client may send.",
        minimum=limits.PREAUTH_BYTES_MAX,
        maximum=limits.WEBSOCKET_MESSAGE_BYTES_CEILING,
    )
    combine_packets: bool = option(
        False,
        "Send MQTT packets that are due together in one message, all but the first of which some clients see late.",
    )


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """[limits]"""

    connections_max: int = option(
        limits.CONNECTIONS_MAX, "Client connections at the same time.", minimum=1, maximum=limits.CONNECTIONS_CEILING
    )
    preauth_connections_max: int = option(
        limits.PREAUTH_CONNECTIONS_MAX,
        "Connections at the same time that have not logged in yet.",
        minimum=1,
        maximum=limits.CONNECTIONS_CEILING,
    )
    preauth_timeout_s: int = option(
        limits.PREAUTH_TIMEOUT_S, "Seconds that a client has for its log-in.", minimum=1, maximum=DAY_S
    )
    memory_high_watermark: float = option(
        0.6,
        "Memory above which publishers are held back: up to 1.0 a share of what there is, else bytes.",
        minimum=0.01,
    )
    memory_check_interval_ms: int = option(
        1000, "Milliseconds between two looks at memory and disk.", minimum=100, maximum=60_000
    )
    disk_free_min_bytes: int = option(
        0, "Free disk space below which publishers are held back; 0 is the larger of 1 GiB and 5 %.", minimum=0
    )


@dataclass(frozen=True, slots=True)
class JournalConfig:
    """[journal]"""

    segment_bytes: int = option(
        limits.SEGMENT_BYTES,
        "Size of a journal file.",
        minimum=limits.SEGMENT_BYTES_MIN,
        maximum=limits.SEGMENT_BYTES_CEILING,
    )
    encryption_keys: tuple[KeySource, ...] = option(
        (),
        "Where the keys are that the journal is encrypted with; the first one encrypts, the others still decrypt.",
        parse=KeySource.parse,
        is_secret=True,
    )


@dataclass(frozen=True, slots=True)
class PermissionDefinition:
    """[[users.permissions]]: three regular expressions for one vhost. Empty matches nothing but the empty name."""

    vhost: str = option("/", "The vhost that the three expressions apply to.")
    configure: str = option("", "Names that the user may declare and delete.")
    write: str = option("", "Names that the user may publish to and bind to.")
    read: str = option("", "Names that the user may consume from and bind from.")
    place: str = place()


@dataclass(frozen=True, slots=True)
class UserDefinition:
    """[[users]]: created at the start unless there is a user of that name; compared with it if there is."""

    name: str = option("", "The user's name.")
    password: str | None = option(None, "The password in clear text.", is_secret=True)
    password_hash: str | None = option(None, "The password's hash, as in RabbitMQ's definitions.", is_secret=True)
    tags: tuple[str, ...] = option((), "Such as administrator, monitoring, policymaker, management, impersonator.")
    permissions: tuple[PermissionDefinition, ...] = tables(PermissionDefinition, "What the user may do, by vhost.")
    access_keys: tuple[AccessKeyDefinition, ...] = tables(AccessKeyDefinition, "What the user signs requests with.")
    place: str = place()


@dataclass(frozen=True, slots=True)
class VhostDefinition:
    """[[vhosts]]: created at the start unless there is a vhost of that name."""

    name: str = option("", "The vhost's name.")


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration, checked."""

    listeners: tuple[Listener, ...] = option(
        DEFAULT_LISTENERS,
        "Addresses to listen on, such as amqp://127.0.0.1:5672 or amqps://[::1]:5671.",
        parse=Listener.parse,
        flag="--listen URL",
    )
    data_dir: Path = option(
        Path("mqbroker-data"), "Folder of the journal and of everything else that must survive.", flag="--data-dir DIR"
    )
    durability: str = option(
        "fsync",
        "When a message counts as safe: synced to disk, written to the operating system, or kept in memory.",
        choices=("fsync", "write", "memory"),
        flag="--durability",
    )
    dev: bool = option(
        False,
        "Development: user guest with password guest, from this machine only, and generated certificates.",
        flag="--dev",
    )
    log_level: str = option(
        "info", "Least severe lines that are logged.", choices=("debug", "info", "warning", "error"), flag="--log-level"
    )
    shutdown_timeout_s: int = option(
        10, "Seconds that clients have to close their connections at a shutdown.", minimum=0, maximum=DAY_S
    )
    default_vhost: str = option("/", "The vhost that always exists.")
    default_user: str = option("", "A user who may do everything in default_vhost, made at the start if missing.")
    default_pass: str = option("", "The password of default_user.", is_secret=True)
    apply_users: bool = option(
        False,
        "Make users at the start what the configuration says, and delete those that it does not name.",
        flag="--apply-users",
    )
    amqp: AmqpConfig = section(AmqpConfig)
    mqtt: MqttConfig = section(MqttConfig)
    aws: AwsConfig = section(AwsConfig)
    security: SecurityConfig = section(SecurityConfig)
    tls: TlsConfig = section(TlsConfig)
    proxy_protocol: ProxyProtocolConfig = section(ProxyProtocolConfig)
    websocket: WebSocketConfig = section(WebSocketConfig)
    limits: LimitsConfig = section(LimitsConfig)
    journal: JournalConfig = section(JournalConfig)
    vhosts: tuple[VhostDefinition, ...] = tables(VhostDefinition, "Vhosts created at the start if missing.")
    users: tuple[UserDefinition, ...] = tables(UserDefinition, "Users created at the start if missing.")
