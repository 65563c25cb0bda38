"""The properties of a message that came by STOMP, and those of others as header lines.

`raw` is what the application's consumers see: header lines as 1.2 has them, in the order in which they came, without
those that are between the client and the broker. So a message goes from a client of STOMP to another one as it came.

    STOMP              neutral name                      STOMP            neutral name
    content-type       content_type                      persistent:true  delivery_mode 2
    content-encoding   content_encoding                  priority         priority
    correlation-id     correlation_id                    expiration       expiration
    reply-to           reply_to, without /queue/ ..      timestamp        timestamp
    type               type                              app-id           app_id
    user-id            user_id                           amqp-message-id  message_id
    JMSXGroupID        group_id                          all others       headers, as texts
"""

from collections.abc import Mapping

from mqbroker.core.message import Message
from mqbroker.core.properties import Formats, Properties, RedrivenProperties
from mqbroker.core.queues.groups import SEQUENCE_HEADER
from mqbroker.core.values import RawString
from mqbroker.errors import PreconditionFailed
from mqbroker.limits import EXPIRY_MS_MAX
from mqbroker.protocols.grouping import group_text
from mqbroker.protocols.stomp.codec.escapes import header_line, unescape
from mqbroker.protocols.stomp.codec.numbers import is_integer, is_number

STOMP = 7  # the journal's number for this encoding

GROUP_HEADER = "JMSXGroupID"
FIRST_OF_GROUP = b"JMSXGroupFirstForConsumer:true\n"
USER_HEADER = "JMSXUserID"

_NAMES = {
    "content-type": "content_type",
    "content-encoding": "content_encoding",
    "correlation-id": "correlation_id",
    "reply-to": "reply_to",
    "type": "type",
    "app-id": "app_id",
    "user-id": "user_id",
    "amqp-message-id": "message_id",
    "expiration": "expiration",
    "priority": "priority",
    "timestamp": "timestamp",
}
_SAME = {"subject": "type"}  # to clients of JMS
_HEADERS = {neutral: header for header, neutral in _NAMES.items()}
_NUMBERS = frozenset(("expiration", "priority", "timestamp"))
_REPLY_PREFIXES = ("/queue/", "/reply-queue/", "/topic/", "/amq/queue/")
_KNOWN_PREFIXES = (*_REPLY_PREFIXES, "/exchange/", "/temp-queue/", "/temp-topic/", "/remote-temp-queue/")
_PRIORITY_MAX = 255

NOT_PASSED_ON = frozenset(
    ("destination", "receipt", "transaction", "content-length", "subscription", "ack", "message-id", "redelivered")
)
"""Headers of SEND that are for the broker alone, or that it says itself to consumers."""


class StompProperties(Properties):
    """The headers of a SEND."""

    __slots__ = ()

    def __init__(self, raw: bytes, code: int = STOMP) -> None:
        """Raises PreconditionFailed for an expiration that has no meaning."""
        Properties.__init__(self, code, raw)
        for name, value in self.items():
            if name == "persistent":
                self.persistent = value == "true"
            elif name == "priority":
                self.priority = min(_number(value), _PRIORITY_MAX)
            elif name == "expiration":
                self.ttl_ms = _expiration_ms(value)
            elif name not in _NAMES:
                self.has_headers = True

    def items(self) -> list[tuple[str, str]]:
        """All header lines, decoded anew at each call."""
        found = []
        for line in self.raw.split(b"\n")[:-1]:
            name, _, value = line.partition(b":")
            found.append((_text(name), _text(value)))
        return found

    def headers(self) -> Mapping[str, object]:
        """The application's own headers."""
        own = ((name, value) for name, value in self.items() if name not in _NAMES and name != "persistent")
        return {name: _value(value) for name, value in own}

    def text(self, name: str) -> str | None:
        """A property by its neutral name."""
        if name == "delivery_mode":
            return "2" if self.persistent else "1"
        header = _HEADERS.get(_SAME.get(name, name))
        if header is None:
            return self._group(name)
        value = dict(self.items()).get(header)
        if value is None or name not in _NUMBERS:
            return reply_key(value) if name == "reply_to" and value is not None else value
        return value if is_number(value) else None

    def _group(self, name: str) -> str | None:
        if name == "group_sequence":
            found = dict(self.items()).get(SEQUENCE_HEADER)
            return found if found is not None and is_integer(found) else None
        found = group_text(self, name)
        if found is None and name == "group_id":
            return dict(self.items()).get(GROUP_HEADER)
        return found


FORMATS: Formats = {STOMP: StompProperties}


def reply_key(destination: str) -> str:
    """A reply-to as a routing key; one that names something else stays as it is."""
    for prefix in _REPLY_PREFIXES:
        if destination.startswith(prefix):
            return destination.removeprefix(prefix).replace("%2F", "/").replace("%25", "%")
    return destination


def header_lines(properties: Properties) -> bytes:
    """Header lines of 1.2 for a message of any protocol; what has no form there is left out."""
    if isinstance(properties, RedrivenProperties):
        properties = properties.inner
    if isinstance(properties, StompProperties):
        return properties.raw
    lines = [header_line(header, value) for header, value in _standard(properties)]
    for name, value in properties.headers().items():
        text = _as_text(value)
        if text is not None and name not in NOT_PASSED_ON:
            lines.append(header_line(name, text))
    return b"".join(lines)


_JMS_LINES = (b"expires:", b"expiration:", b"priority:", b"timestamp:")
_USER, _JMS_USER = b"user-id:", f"{USER_HEADER}:".encode()
ORIGINAL_DESTINATION = "original-destination"
_FIRST_QUEUE = "x-first-death-queue"
_JMS_PRIORITY = 4  # JMS 2.0 §3.4.10


def jms_lines(message: Message) -> bytes:
    """What ActiveMQ says of every message; times are milliseconds."""
    properties = message.properties
    expires = 0 if properties.ttl_ms < 0 else message.received_at + properties.ttl_ms
    priority = _JMS_PRIORITY if properties.text("priority") is None else properties.priority
    return b"expires:%d\npriority:%d\ntimestamp:%d\n" % (expires, priority, message.received_at)


def jms_lines_of(properties: Properties, lines: bytes) -> bytes:
    """Header lines without those that it says otherwise; and of a dead letter which queue it was in."""
    kept = [
        _JMS_USER + each.removeprefix(_USER) if each.startswith(_USER) else each
        for each in lines.splitlines(keepends=True)
        if not each.startswith(_JMS_LINES)
    ]
    inner = properties.inner if isinstance(properties, RedrivenProperties) else properties
    if not isinstance(inner, StompProperties):
        kept += _lines_of_others(properties)
    queue = properties.headers().get(_FIRST_QUEUE) if properties.is_dead_letter else None
    if isinstance(queue, str):
        kept.append(header_line(ORIGINAL_DESTINATION, f"/queue/{queue}"))
    return b"".join(kept)


def _lines_of_others(properties: Properties) -> list[bytes]:
    """What clients of ActiveMQ are told besides of a message of another protocol: its group, and its type."""
    found = [(GROUP_HEADER, "group_id"), (SEQUENCE_HEADER, "group_sequence")]
    if properties.text("type") is None:
        found.append(("type", "subject"))
    texts = ((header, properties.text(neutral)) for header, neutral in found)
    return [header_line(header, text) for header, text in texts if text is not None]


def _standard(properties: Properties) -> list[tuple[str, str]]:
    found = []
    for neutral, header in _HEADERS.items():
        value = properties.text(neutral)
        if value is None and neutral == "expiration" and properties.ttl_ms >= 0:
            value = str(properties.ttl_ms)  # some protocols say it in other units
        if value is not None:
            if neutral == "reply_to" and not value.startswith(_KNOWN_PREFIXES):
                value = f"/reply-queue/{value}"
            found.append((header, value))
    if properties.persistent:
        found.append(("persistent", "true"))
    return found


def _as_text(value: object) -> str | None:
    """Texts, numbers and truths have a form; tables, lists, nulls and octets have none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, RawString):
        return value.decode("utf-8", "surrogateescape")
    return str(value) if isinstance(value, str | int | float) else None


def _text(octets: bytes) -> str:
    return unescape(octets).decode("utf-8", "surrogateescape")


def _value(text: str) -> str | RawString:
    try:
        text.encode()
    except UnicodeEncodeError:
        return RawString(text.encode("utf-8", "surrogateescape"))
    return text


def _number(text: str) -> int:
    """The number; RabbitMQ 4 ignores what is none."""
    return int(text) if is_number(text) else 0


def _expiration_ms(text: str) -> int:
    if not is_number(text):
        raise PreconditionFailed(f"invalid expiration '{text}': no_integer")
    if int(text) > EXPIRY_MS_MAX:
        raise PreconditionFailed(f"invalid expiration '{text}': {{value_too_large,{text}}}")
    return int(text)
