"""The options of the broker, each declared once. Another option is another line here (and in conf/mqbroker.toml).

Holds values and their help; where they come from is `reader`'s business, what they mean together is `load`'s. The
sections of protocols are declared by these, and become fields of `Config` in composition.py.
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import urlsplit

from mqbroker import limits
from mqbroker.config.access_keys import AccessKeyDefinition
from mqbroker.config.addresses import Address, Network, parse_network, parse_origin
from mqbroker.config.destinations import DestinationsConfig
from mqbroker.config.keys import KeySource
from mqbroker.config.listener import Listener
from mqbroker.config.option import option, place, section, tables
from mqbroker.config.rotation import Rotation, parse_rotation
from mqbroker.config.sizes import MemorySize

DAY_S = 86_400
LOG_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "none")
BACKENDS = ("internal", "http")

T = TypeVar("T")


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
    verify: str = option("none", "Whether clients present a certificate.", choices=("none", "optional", "required"))
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
    memory_limit: MemorySize = option(
        MemorySize(0, limits.MEMORY_LIMIT_SHARE),
        "Memory above which queues keep less of their messages there: a size such as 400MB, or a share such as 40%.",
        parse=MemorySize.parse,
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
    queue_window: int = option(
        limits.QUEUE_WINDOW,
        "Messages that each queue keeps in memory at least; with 0 they all stay there.",
        minimum=0,
        maximum=limits.QUEUE_WINDOW_CEILING,
    )
    encryption_keys: tuple[KeySource, ...] = option(
        (),
        "Where the keys are that the journal is encrypted with; the first one encrypts, the others still decrypt.",
        parse=KeySource.parse,
        is_secret=True,
    )


FACILITIES = ("user", "daemon", "auth", *(f"local{number}" for number in range(8)))


def _syslog(text: str) -> str:
    parts = urlsplit(text)
    is_here = parts.scheme == "unix" and bool(parts.path) and not parts.netloc
    is_there = parts.scheme in ("udp", "tcp") and bool(parts.hostname) and not parts.path and parts.port != 0
    if text and not (is_here or is_there):
        raise ValueError(f"must be like udp://host:514, tcp://host:601 or unix:///dev/log, not {text!r}")
    return text


@dataclass(frozen=True, slots=True)
class LogConfig:
    """[log]"""

    format: str = option("text", "How lines look.", choices=("text", "rabbitmq", "json"))
    file: Path | None = option(None, "File of the log; without one it goes to standard error.")
    console: bool = option(False, "Whether lines go to standard error as well as to the file.")
    rotate_bytes: int = option(10 << 20, "Size with which a new file is begun; 0 is never.", minimum=0, maximum=1 << 40)
    rotate_date: Rotation | None = option(
        None, "When a new file is begun besides, as in RabbitMQ: $D0 is midnight, $W0D23 Sunday at 23:00.",
        parse=parse_rotation,
    )  # fmt: skip
    exchange: bool = option(False, "Whether lines go to the exchange amq.rabbitmq.log too, by their levels.")
    keep_files: int = option(5, "Full files that are kept.", minimum=1, maximum=1000)
    compress: bool = option(True, "Whether full files are packed with gzip.")
    syslog: str = option("", "A server of syslog that gets every line too, such as udp://host:514.", parse=_syslog)
    syslog_facility: str = option("daemon", "What it is told that the lines come from.", choices=FACILITIES)
    levels: tuple[tuple[str, str], ...] = option(
        (), "Levels of categories, such as amqp; log_level is that of the others.", choices=LOG_LEVELS
    )


@dataclass(frozen=True, slots=True)
class AuditConfig:
    """[audit]"""

    enabled: bool = option(True, "Whether calls of the management API and of AWS services are recorded.")
    folder: Path | None = option(None, "Where the records are; by default in audit in data_dir.")
    reads: bool = option(True, "Whether calls are recorded too that change nothing.")
    data_events: bool = option(False, "Whether each sending, receiving and settling of messages is recorded.")
    keep_days: int = option(90, "Days after which records are removed.", minimum=1, maximum=36_500)


def _collector(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError(f"must be a URL such as http://localhost:4318, not {text!r}")
    return text


@dataclass(frozen=True, slots=True)
class OtelConfig:
    """[otel]"""

    endpoint: str = option(
        "", "Where spans of OpenTelemetry go, such as http://localhost:4318; empty is nowhere.", parse=_collector
    )
    headers: tuple[tuple[str, str], ...] = option((), "Headers that this wants.", is_secret=True)
    service_name: str = option("mqbroker", "What the broker is called in them.")


@dataclass(frozen=True, slots=True)
class HttpBackendConfig:
    """[auth.http]"""

    user_path: str = option("", "URL that is asked who somebody is, as RabbitMQ's auth_http.user_path.")
    vhost_path: str = option("", "URL that is asked whether they may enter a vhost; empty lets them in.")
    resource_path: str = option("", "URL that is asked what they may do with queues and exchanges; empty is `like`.")
    topic_path: str = option("", "URL that is asked which topics they may use; empty is `like`.")
    method: str = option("get", "How all are asked.", choices=("get", "post"))
    like: str = option("", "The user of the broker whose permissions users of the service have.")
    timeout_ms: int = option(5000, "Milliseconds that the service has for an answer.", minimum=10, maximum=60_000)
    cache_s: int = option(15, "Seconds that an answer counts.", minimum=0, maximum=DAY_S)
    ca: Path | None = option(None, "PEM file with the authorities of the service's certificate, beside the system's.")


@dataclass(frozen=True, slots=True)
class AuthConfig:
    """[auth]"""

    backends: tuple[str, ...] = option(
        ("internal",), "Who is asked about log-ins, in this order: internal, http.", choices=BACKENDS
    )
    http: HttpBackendConfig = section(HttpBackendConfig)


@dataclass(frozen=True, slots=True)
class PairConfig:
    """[pair]"""

    node: str = option("", "Name of this node in its pair; empty is a node alone.")
    name: str = option("mqbroker", "Name of the pair in the election store.")
    founds: bool = option(False, "Make the pair when the election store has none: set it on one node.")
    listen: Address = option(
        Address("127.0.0.1", 5670), "Where the other nodes connect to this one.", parse=Address.parse
    )
    advertise: Address | None = option(
        None, "The address of listen as other nodes reach it, where that differs.", parse=Address.parse
    )
    health: Address | None = option(
        None, "Where HTTP is answered for load balancers: /health/active, /health/ready, /health/live.",
        parse=Address.parse,
    )  # fmt: skip
    certificate: Path | None = option(None, "PEM file with this node's certificate, for servers and clients.")
    key: Path | None = option(None, "PEM file with this node's private key, readable by its owner only.")
    ca: Path | None = option(None, "PEM file with the authority of the nodes' certificates, and of nobody else's.")
    election: str = option(
        "etcd", "What says who leads: a store, or an operator.", choices=("etcd", "postgresql", "manual")
    )
    election_urls: tuple[str, ...] = option(
        ("http://127.0.0.1:2379",),
        "Members of etcd, one postgresql:// URL, or the link addresses of all nodes for a manual election.",
        is_secret=True,
    )
    election_user: str = option("", "User of etcd.")
    election_password: str = option("", "That user's password.", is_secret=True)
    election_ca: Path | None = option(None, "PEM file with the authority of etcd's certificates, for https://.")
    lease_s: int = option(5, "Seconds after which a node that is not heard of is replaced.", minimum=1, maximum=3600)
    ack_timeout_ms: int = option(
        3000,
        "Milliseconds that a silent standby holds confirms up before it leaves the in-sync set.",
        minimum=100,
        maximum=3_600_000,
    )
    min_in_sync: int = option(
        1, "Nodes without which nothing is confirmed: 2 rather waits than keeps one copy only.", minimum=1, maximum=9
    )
    fast_takeover: bool = option(True, "Replace an active node at once whose machine answers that its process is gone.")


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
    """The whole configuration, checked. With protocols (composition.py) it has a field for the section of each."""

    listeners: tuple[Listener, ...] = option((), "Addresses to listen on.", flag="--listen URL")
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
    security: SecurityConfig = section(SecurityConfig)
    tls: TlsConfig = section(TlsConfig)
    proxy_protocol: ProxyProtocolConfig = section(ProxyProtocolConfig)
    websocket: WebSocketConfig = section(WebSocketConfig)
    limits: LimitsConfig = section(LimitsConfig)
    journal: JournalConfig = section(JournalConfig)
    log: LogConfig = section(LogConfig)
    auth: AuthConfig = section(AuthConfig)
    audit: AuditConfig = section(AuditConfig)
    otel: OtelConfig = section(OtelConfig)
    pair: PairConfig = section(PairConfig)
    destinations: DestinationsConfig = section(DestinationsConfig)
    vhosts: tuple[VhostDefinition, ...] = tables(VhostDefinition, "Vhosts created at the start if missing.")
    users: tuple[UserDefinition, ...] = tables(UserDefinition, "Users created at the start if missing.")

    def of(self, kind: type[T]) -> T:
        """The section that is declared by the dataclass `kind`."""
        return next(value for value in self._values().values() if isinstance(value, kind))

    def having(self, section: object) -> Self:
        """The same configuration with another section of that kind."""
        name = next(name for name, value in self._values().items() if type(value) is type(section))
        return replace(self, **{name: section})  # type: ignore[arg-type]  # which fields there are is known at run time

    def _values(self) -> dict[str, object]:
        return {each.name: getattr(self, each.name) for each in fields(self)}
