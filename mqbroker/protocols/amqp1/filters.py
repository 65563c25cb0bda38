"""Filters of a source: conditions for the messages of a link (AMQP 1.0 part 3, 3.5.8, and its filter expressions).

    descriptor                                             value     what it says
    apache.org:selector-filter:string        0x468C00000004  text    a selector of JMS
    amqp:sql-filter                          0x120           text    the same over p.subject, h.priority, a.colour ...
    amqp:properties-filter                   0x173           map     fields of the section of properties
    amqp:application-properties-filter       0x174           map     application properties
    apache.org:legacy-amqp-*-binding:string  0x468C00000000, 1       the key with which the link is bound to an exchange
    apache.org:legacy-amqp-headers-binding:map   0x468C00000002      the arguments with which it is
    apache.org:no-local-filter:list          0x468C00000003  list    not what the same connection publishes to the topic

The key of a filter is its client's own. In the maps a text that begins with &p: or &s: is a prefix or a suffix, and
&& stands for a single &. What is not known is left out of the answer, which says so to the client.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mqbroker.core.message import Entry, Message
from mqbroker.core.selectors.fields import Fields, value_of
from mqbroker.core.selectors.selector import Selector, parse
from mqbroker.core.selectors.values import Truth, Value
from mqbroker.core.values import UInt64
from mqbroker.errors import InvalidSelector, ProtocolViolation
from mqbroker.protocols.amqp1.codec.types import Described, Milliseconds, Symbol
from mqbroker.protocols.amqp1.limits import FILTER_FIELDS_MAX, FILTER_TEXT_BYTES_MAX
from mqbroker.protocols.amqp1.properties import Amqp1Properties
from mqbroker.protocols.amqp1.values import MISSING, id_text, neutral

Getter = Callable[[str], Value]
Condition = Callable[[Getter], Truth]

SELECTOR, SQL, PROPERTIES, APPLICATION = "selector", "sql", "properties", "application"
BINDING, HEADERS, NO_LOCAL = "binding", "headers binding", "no-local"

_OF_SUBSCRIPTIONS = (BINDING, HEADERS, NO_LOCAL)

_BY_CODE = {
    0x0000468C00000004: SELECTOR,
    0x120: SQL,
    0x173: PROPERTIES,
    0x174: APPLICATION,
    0x0000468C00000000: BINDING,
    0x0000468C00000001: BINDING,
    0x0000468C00000002: HEADERS,
    0x0000468C00000003: NO_LOCAL,
}
_BY_NAME = {
    "apache.org:selector-filter:string": SELECTOR,
    "amqp:sql-filter": SQL,
    "amqp:properties-filter": PROPERTIES,
    "amqp:application-properties-filter": APPLICATION,
    "apache.org:legacy-amqp-direct-binding:string": BINDING,
    "apache.org:legacy-amqp-topic-binding:string": BINDING,
    "apache.org:legacy-amqp-headers-binding:map": HEADERS,
    "apache.org:no-local-filter:list": NO_LOCAL,
}

_FIELDS = (
    "message_id", "user_id", "to", "subject", "reply_to", "correlation_id", "content_type", "content_encoding",
    "absolute_expiry_time", "creation_time", "group_id", "group_sequence", "reply_to_group_id",
)  # fmt: skip
_NEUTRAL = {"creation_time": "timestamp"}
_NUMBERS = {"creation_time": 1000, "group_sequence": 1}
"""Fields that are numbers, and how many of theirs are in the neutral one."""
_UNKNOWN_ELSEWHERE = frozenset(("to", "absolute_expiry_time", "reply_to_group_id"))

# The grammar of selectors has no dots: p.subject is written p$subject for it, outside of quoted texts.
_SECTIONS = {
    "p": "p", "properties": "p", "h": "h", "header": "h", "a": "a", "application_properties": "a",
}  # fmt: skip
_NAMES_IN_SQL = re.compile(r"'(?:[^']|'')*'|\b(properties|header|application_properties|p|h|a)\.(?=[A-Za-z_$])")


@dataclass(slots=True)
class Filters:
    """What the filters of a source ask for."""

    selector: Selector | None = None
    text: str = ""
    """The text of a selector, if that is all there is."""
    key: str | None = None
    """The key to be bound with."""
    arguments: dict[str, object] = field(default_factory=dict)
    """The arguments of the binding."""
    no_local: bool = False
    in_effect: dict[Any, Any] = field(default_factory=dict)
    """Those that do something, as they came."""

    def for_queues(self) -> dict[Any, Any]:
        """Those that do something where a link has no subscription of its own."""
        return {key: value for key, value in self.in_effect.items() if _kind_of(value) not in _OF_SUBSCRIPTIONS}


def read(filters: Mapping[Any, Any]) -> Filters:
    """The filters of a source. Raises ProtocolViolation for one that is malformed."""
    found = Filters()
    conditions: list[Selector] = []
    for key, value in filters.items():
        kind = _kind_of(value)
        if kind == BINDING:
            found.key = _text(value.value, kind)
        elif kind == HEADERS:
            found.arguments = _arguments(value.value)
        elif kind == NO_LOCAL:
            found.no_local = True
        elif kind:
            conditions.append(_MAKERS[kind](value.value))
            if kind == SELECTOR:
                found.text = conditions[-1].text
        if kind:
            found.in_effect[key] = value
    found.selector = _all_of(conditions)
    if len(conditions) > 1:
        found.text = ""
    return found


def _kind_of(value: object) -> str:
    if not isinstance(value, Described):
        return ""
    if isinstance(value.descriptor, Symbol):
        return _BY_NAME.get(value.descriptor, "")
    return _BY_CODE.get(value.descriptor, "") if isinstance(value.descriptor, UInt64) else ""


def _bad(text: str) -> ProtocolViolation:
    return ProtocolViolation("field", text)


def _text(value: object, kind: str) -> str:
    if not isinstance(value, str) or len(value.encode()) > FILTER_TEXT_BYTES_MAX:
        raise _bad(f"the {kind} filter is no string of {FILTER_TEXT_BYTES_MAX} octets at most")
    return str(value)


def _arguments(value: object) -> dict[str, object]:
    if not isinstance(value, dict) or len(value) > FILTER_FIELDS_MAX:
        raise _bad(f"the {HEADERS} filter is no map of {FILTER_FIELDS_MAX} fields at most")
    pairs = ((str(key), neutral(each)) for key, each in value.items())
    return {key: each for key, each in pairs if each is not MISSING}


def _all_of(conditions: list[Selector]) -> Selector | None:
    if len(conditions) < 2:
        return conditions[0] if conditions else None
    names = frozenset[str]().union(*(each.names for each in conditions))
    both = Selector("", lambda get: all(each.matches(get) for each in conditions), names)
    both.view = view
    return both


# --- selectors and SQL ------------------------------------------------------------------------------------------------


def _selector(value: object) -> Selector:
    return _parsed(_text(value, SELECTOR))


def _sql(value: object) -> Selector:
    text = _text(value, SQL)
    return _parsed(_NAMES_IN_SQL.sub(lambda found: f"{_SECTIONS[found[1]]}$" if found[1] else found[0], text))


def _parsed(text: str) -> Selector:
    try:
        found = parse(text)
    except InvalidSelector as error:
        raise _bad(str(error)) from None
    found.view = view
    return found


# --- maps -------------------------------------------------------------------------------------------------------------


def _properties(value: object) -> Selector:
    return _map(value, "p$", PROPERTIES)


def _application(value: object) -> Selector:
    return _map(value, "a$", APPLICATION)


def _map(value: object, prefix: str, kind: str) -> Selector:
    if not isinstance(value, dict) or len(value) > FILTER_FIELDS_MAX or not all(isinstance(key, str) for key in value):
        raise _bad(f"the {kind} filter is no map of {FILTER_FIELDS_MAX} fields at most")
    names = [prefix + (key.replace("-", "_") if prefix == "p$" else key) for key in value]
    tests = [_test(name, wanted) for name, wanted in zip(names, value.values(), strict=True)]
    found = Selector("", lambda get: all(test(get) for test in tests), frozenset(names))
    found.view = view
    return found


def _test(name: str, wanted: object) -> Condition:
    """The condition of one field."""
    if isinstance(wanted, str):
        text = str(wanted)
        if text.startswith("&p:"):
            return lambda get: _as_text(get(name)).startswith(text[3:]) and get(name) is not None
        if text.startswith("&s:"):
            return lambda get: _as_text(get(name)).endswith(text[3:]) and get(name) is not None
        if text.startswith("&&"):
            text = text[1:]
        elif text.startswith("&"):
            raise _bad(f"{text[:3]!r} is no modifier of a filter")
        return lambda get: get(name) == text
    plain = _plain(wanted)
    return lambda get: _same(get(name), plain)


def _same(left: Value, right: Value) -> bool:
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _as_text(value: Value) -> str:
    return value if isinstance(value, str) else ""


_MAKERS: dict[str, Callable[[object], Selector]] = {
    SELECTOR: _selector,
    SQL: _sql,
    PROPERTIES: _properties,
    APPLICATION: _application,
}


# --- what they look at ------------------------------------------------------------------------------------------------


def view(message: Message, entry: Entry | None) -> Getter:
    """What looks up values in a message."""
    return View(message, entry).get


class View:
    """One message: the names of JMS, of which JMSType is the subject, and p$, h$ and a$ for the sections."""

    __slots__ = ("_entry", "_message")

    def __init__(self, message: Message, entry: Entry | None) -> None:
        self._message = message
        self._entry = entry

    def get(self, name: str) -> Value:
        """A value by its name; None when there is none."""
        section, has_section, rest = name.partition("$")
        if has_section and section == "p":
            return self._property(rest)
        if has_section and section == "h":
            return self._header(rest)
        if has_section and section == "a":
            properties = self._message.properties
            return value_of(properties.headers().get(rest)) if properties.has_headers else None
        if name == "JMSType" and isinstance(self._message.properties, Amqp1Properties):
            return self._property("subject")
        return Fields(self._message, self._entry).get(name)

    def _property(self, name: str) -> Value:
        properties = self._message.properties
        if isinstance(properties, Amqp1Properties):
            return _plain(properties.field(_FIELDS.index(name))) if name in _FIELDS else None
        if name in _UNKNOWN_ELSEWHERE or name not in _FIELDS:
            return None
        text = properties.text(_NEUTRAL.get(name, name))
        if text is None or name not in _NUMBERS:
            return text
        return int(text) * _NUMBERS[name]

    def _header(self, name: str) -> Value:
        properties = self._message.properties
        if name == "durable":
            return properties.persistent
        if name == "priority":
            text = properties.text("priority")
            return 4 if text is None else int(text)
        if name == "ttl":
            return None if properties.ttl_ms < 0 else properties.ttl_ms
        fields = Fields(self._message, self._entry)
        if name == "delivery_count":
            count = fields.get("JMSXDeliveryCount")
            return count - 1 if isinstance(count, int) else None
        return not fields.get("JMSRedelivered") if name == "first_acquirer" else None


def _plain(value: object) -> Value:
    """A value of the wire as selectors have it."""
    if isinstance(value, Milliseconds):
        return int(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, bool | int | float | str):
        return str(value) if isinstance(value, str) else value
    return id_text(value)
