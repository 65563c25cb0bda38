"""`transformation`: maps are shown to a subscriber as the text that it has asked for, as ActiveMQ does.

    SUBSCRIBE transformation    jms-xml, jms-map-xml      MESSAGE transformation:jms-map-xml
                                jms-json, jms-map-json    MESSAGE transformation:jms-map-json
                                jms-advisory-xml          MESSAGE transformation:jms-advisory-xml, of advisories
    SEND transformation         jms-map-xml, jms-map-json, when it has no content-length, with which it is octets

A map is what has come so, or as a map of a protocol that has such bodies (`Properties.body_map`). What says that it is
one and is none goes as it is, with the reason in `transformation-error`.
"""

from mqbroker.core.message import Message, new_message
from mqbroker.core.properties import Properties
from mqbroker.protocols.stomp import commands
from mqbroker.protocols.stomp.codec.escapes import header_line
from mqbroker.protocols.stomp.codec.heads import Head
from mqbroker.protocols.stomp.limits import STOMP_MAP_BYTES_MAX
from mqbroker.protocols.stomp.maps import Node, NotAMap, from_json, from_xml, to_json, to_xml, tree_of
from mqbroker.protocols.stomp.properties import StompProperties, header_lines
from mqbroker.protocols.stomp.subscription import Subscription

HEADER = "transformation"
ERROR = "transformation-error"
_OF_FORMER_BODY = (b"transformation:", b"content-type:")
"""And the type, by which others know a body of AMQP 1.0."""
_XML, _JSON = "jms-map-xml", "jms-map-json"
_SHOWN = {
    "jms-xml": _XML, _XML: _XML, commands.XML: _XML, "jms-json": _JSON, _JSON: _JSON, commands.JSON: _JSON,
}  # fmt: skip
_PARSERS = {_XML: from_xml, _JSON: from_json}
_OTHERS = ("jms-xml", "jms-json", "jms-object-xml", "jms-object-json")
"""What ActiveMQ knows, and cannot make a message of, or not here: objects are Java's."""


def shown_as(head: Head) -> str:
    """How a SUBSCRIBE wants maps to be shown; empty for as they are."""
    return _SHOWN.get(head.get(HEADER) or "", "")


def problem_of(head: Head, body: bytes) -> str:
    """Why the body of a SEND is not what its transformation says; empty when it is, or says nothing that is known."""
    wanted = head.get(HEADER)
    if wanted in _OTHERS:
        return f"Unkown transformation: {wanted}"  # ActiveMQ's spelling
    if wanted not in _PARSERS:
        return ""
    try:
        _parsed(wanted, body)
    except NotAMap as error:
        return str(error)
    return ""


def _parsed(form: str, body: bytes) -> Node:
    if len(body) > STOMP_MAP_BYTES_MAX:
        raise NotAMap(f"it has more than {STOMP_MAP_BYTES_MAX} octets")
    return _PARSERS[form](body)


class TransformedSubscription(Subscription):
    """One that wants maps to be shown as text of a form."""

    form = ""

    def put(self, message: Message, is_redelivered: bool) -> None:
        """Overrides Subscription's."""
        Subscription.put(self, transformed(message, self.form), is_redelivered)


def transformed(message: Message, form: str) -> Message:
    """The message as it is shown, if it is a map; else as it is."""
    properties, body = message.properties, message.content()
    try:
        if form == _XML and len(body) <= STOMP_MAP_BYTES_MAX and _form_of(properties) == commands.JSON:
            return _shown(message, to_xml(commands.command_in(body)).encode(errors="replace"), commands.XML, ())
        node = _map_in(properties, body)
    except NotAMap:
        return message
    if node is None:
        return message
    text = to_json(node) if form == _JSON else to_xml(node).encode(errors="replace")
    return _shown(message, text, form, () if isinstance(properties, StompProperties) else (b"type:",))


def _shown(message: Message, text: bytes, form: str, also_gone: tuple[bytes, ...]) -> Message:
    """The message with another body, and without the header lines that were about the former one."""
    properties = message.properties
    gone = (*_OF_FORMER_BODY, *also_gone)
    lines = [line for line in header_lines(properties).splitlines(keepends=True) if not line.startswith(gone)]
    own = StompProperties(b"".join(lines) + header_line(HEADER, form))
    if properties.is_dead_letter:
        own.mark_dead_letter()
    return new_message(message.exchange, message.routing_key, own, text, message.received_at)


def _form_of(properties: Properties) -> object:
    """What a message says of its body."""
    return properties.headers().get(HEADER) if properties.has_headers else None


def _map_in(properties: Properties, body: bytes) -> Node | None:
    form = _form_of(properties)
    if isinstance(form, str) and form in _PARSERS:
        return _parsed(form, body)
    found = properties.body_map(body) if len(body) <= STOMP_MAP_BYTES_MAX else None
    return None if found is None else tree_of(found)
