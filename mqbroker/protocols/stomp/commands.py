"""ActiveMQ's commands, which its advisories have in their bodies: they come as JSON, and are shown as XML to who asks.

{"ConsumerInfo":{"destination":{"@class":"ActiveMQQueue","string":"q"}, ..}}

<ConsumerInfo>
  <destination class="ActiveMQQueue">
    <string>q</string>
  </destination>
  ..
"""

import orjson

from mqbroker.protocols.stomp.maps import Node, NotAMap

JSON, XML = "jms-advisory-json", "jms-advisory-xml"

_ATTRIBUTE = "@"
_DEPTH_MAX = 8  # of those that the broker makes, and more


def command_in(body: bytes) -> Node:
    """The tree of a command. Raises NotAMap for what is none."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NotAMap("it is no JSON") from None
    if not isinstance(found, dict) or len(found) != 1:
        raise NotAMap("it is no command")
    ((name, value),) = found.items()
    return _node(name, value, 0)


def _node(name: str, value: object, depth: int) -> Node:
    if depth > _DEPTH_MAX or not name.isalnum() or not name.isascii():
        raise NotAMap("it is no command")
    if isinstance(value, dict):
        parts = [(key, each) for key, each in value.items() if not key.startswith(_ATTRIBUTE)]
        children = [_node(key, each, depth + 1) for key, each in parts]
        return Node(name, "", children, str(value.get(f"{_ATTRIBUTE}class", "")))
    return Node(name, str(value).lower() if isinstance(value, bool) else str(value), [])
