"""Addresses: what the name of a source or target means. They are understood here; whether it is there is not known.

v2, RabbitMQ 4        /queues/Q   /exchanges/X   /exchanges/X/K     parts are percent-encoded
v1, RabbitMQ          /queue/Q  /amq/queue/Q  Q   /exchange/X  /exchange/X/K   /topic/K   /queue
ActiveMQ, Qpid        queue://Q  topic://T   temp-queue://Q  temp-topic://T   Q or T with the capability queue, topic
"""

from dataclasses import dataclass, replace
from urllib.parse import quote, unquote

from mqbroker.core.destinations.names import QUEUE, TOPIC, destinations_in, without_options
from mqbroker.core.destinations.naming import Naming
from mqbroker.core.values import octets
from mqbroker.errors import PreconditionFailed, ProtocolViolation
from mqbroker.limits import NAME_BYTES_MAX

QUEUES = "/queues/"
EXCHANGES = "/exchanges/"
TOPIC_EXCHANGE = "amq.topic"

V1, V2, JMS = "v1", "v2", "jms"

_JMS = {
    "queue://": "queue", "topic://": "topic", "temp-queue://": "temporary-queue", "temp-topic://": "temporary-topic",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Address:
    """Where messages go to, or come from. With `key` None the subject of each message says it."""

    style: str
    """V1, V2 or JMS."""
    exchange: str = ""
    key: str | None = None
    queue: str = ""
    """The queue that is meant; empty for an exchange."""
    is_topic: bool = False
    declares: bool = False
    """Whether the queue is made when it is not there (RabbitMQ's v1)."""
    is_exclusive: bool = False
    """Whether a consumer wants to be the only one served (ActiveMQ's `?consumer.exclusive=true`)."""
    priority: int = 0
    """The consumer's, as `?consumer.priority=` says."""

    @property
    def routing_key(self) -> str | None:
        """The key for the exchange."""
        return self.queue if self.queue else self.key


def bad(text: str) -> ProtocolViolation:
    """The refusal of an address: amqp:invalid-field."""
    return ProtocolViolation("field", f"Attach refused: {text}")


def parse(text: str, capabilities: list[str]) -> Address:
    """The address that a text is, with the capabilities of its terminus. Raises ProtocolViolation."""
    for prefix, kind in _JMS.items():
        if text.startswith(prefix):
            return _with_options(text[len(prefix) :], kind.endswith("topic"))
    if text.startswith((QUEUES, EXCHANGES)):
        return parse_v2(text)
    if not text.startswith("/"):
        if "topic" in capabilities or "temporary-topic" in capabilities:
            return _with_options(text, is_topic=True)
        if "queue" in capabilities:
            return _with_options(text, is_topic=False)
        return Address(V1, key=text, queue=text, declares=True)
    return _parse_v1(text)


def _with_options(text: str, is_topic: bool) -> Address:
    """An address as ActiveMQ has it, with a consumer's options after it."""
    name, options = without_options(text)
    found = _jms(name, is_topic)
    digits = options.get("priority", "0")
    priority = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 4 else 0
    return replace(found, is_exclusive=options.get("exclusive") == "true", priority=priority)


def _jms(name: str, is_topic: bool) -> Address:
    if not name:
        raise bad('{bad_address,""}')
    if is_topic:
        return Address(JMS, TOPIC_EXCHANGE, name, is_topic=True)
    return Address(JMS, key=name, queue=name, declares=True)


def parts_of(address: Address) -> list[Address]:
    """The addresses that one of ActiveMQ's names: mostly itself alone."""
    if address.style != JMS:
        return [address]
    name = address.queue or address.key or ""
    parts = destinations_in(name, TOPIC if address.is_topic else QUEUE)
    if len(parts) == 1:
        return [address]
    if not parts:
        raise bad(f'{{bad_address,"{name}"}}')
    return [_jms(part.name, part.kind == TOPIC) for part in parts]


def places_of(address: Address, naming: Naming) -> list[Address]:
    """Where what is sent to an address of ActiveMQ's goes to: to several, if it names so many or is a composite one."""
    if address.style != JMS:
        return [address]
    name = address.queue or address.key or ""
    wanted = destinations_in(name, TOPIC if address.is_topic else QUEUE)
    found = [_jms(place.name, place.kind == TOPIC) for each in wanted for place in naming.places_of(each)]
    if not found:
        raise bad(f'{{bad_address,"{name}"}}')
    return found


def parse_v2(text: str) -> Address:
    """RabbitMQ 4's own addresses. Raises ProtocolViolation."""
    parts = text.split("/")
    if text.startswith(QUEUES) and len(parts) == 3 and parts[2]:
        return Address(V2, key=_decoded(parts[2], text), queue=_decoded(parts[2], text))
    if text.startswith(EXCHANGES) and len(parts) in (3, 4) and parts[2]:
        exchange = _decoded(parts[2], text)
        if exchange == "amq.default":
            raise bad(f'{{bad_address,"{text}"}}')
        return Address(V2, exchange, _decoded(parts[3], text) if len(parts) == 4 else "")
    raise bad(f'{{bad_address,"{text}"}}')


def _decoded(part: str, text: str) -> str:
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise bad(f'{{bad_address,"{text}"}}') from None


def _parse_v1(text: str) -> Address:
    _, kind, rest = [*text.split("/", 2), ""][:3]
    if kind == "exchange" and rest:
        exchange, has_key, key = rest.partition("/")
        return Address(V1, _unescaped(exchange), _unescaped(key) if has_key else None)
    if kind == "topic" and rest:
        return Address(V1, TOPIC_EXCHANGE, _unescaped(rest))
    if kind == "queue":
        name = _unescaped(rest)
        return Address(V1, key=name or None, queue=name, declares=bool(name))
    if kind == "amq" and rest.startswith("queue/") and rest != "queue/":
        name = _unescaped(rest.removeprefix("queue/"))
        return Address(V1, key=name, queue=name)
    raise bad(f'{{bad_address,"{text}"}}')


def _unescaped(part: str) -> str:
    return unquote(part, errors="replace")


def check_name(name: str) -> None:
    """Raises PreconditionFailed for a name that clients of AMQP 0-9-1 could not be told."""
    if len(octets(name)) > NAME_BYTES_MAX:
        raise PreconditionFailed(f"a name has more than {NAME_BYTES_MAX} octets")


def queue_address(name: str) -> str:
    """The v2 address of a queue."""
    return QUEUES + quote(name, safe="", errors="surrogateescape")


def exchange_address(exchange: str, key: str) -> str:
    """The v2 address of a key of an exchange."""
    parts = (quote(part, safe="", errors="surrogateescape") for part in (exchange, key))
    return EXCHANGES + "/".join(parts)


def reply_key(text: str) -> str:
    """The neutral form of a reply-to: the routing key of the default exchange or the topic exchange; else as it is."""
    if text.startswith((QUEUES, EXCHANGES)):
        try:
            found = parse_v2(text)
        except ProtocolViolation:
            return text
        if found.queue or found.exchange == TOPIC_EXCHANGE:
            return found.routing_key or ""
    for prefix in _JMS:
        if text.startswith(prefix):
            return text[len(prefix) :]
    return text
