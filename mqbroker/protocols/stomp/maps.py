"""Bodies that are maps, as ActiveMQ writes them for clients of STOMP: the text of its XStream.

    <map>                                         {"map":{"entry":[
      <entry>                                       {"string":["name","Dejan"]},
        <string>name</string>                       {"string":"age","int":5}
        <string>Dejan</string>                    ]}}
      </entry>
      ..                                          children with one name are a list; one alone is none
    </map>

Both are the same tree of names. A value is under the name of its type in Java: string, int, long, short, byte, double,
float, boolean, char, null, byte-array (in Base64), map and list.
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import NamedTuple, NoReturn
from xml.etree.ElementTree import ParseError, XMLParser

import orjson

from mqbroker.core.values import Float32, Int8, Int16, Int32, RawString, Timestamp, UInt8, UInt16
from mqbroker.protocols.stomp.limits import STOMP_MAP_DEPTH_MAX

_NUMBERS = frozenset(("int", "long", "short", "byte", "float", "double"))
_TYPES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "boolean"), (Int8, "byte"), ((UInt8, Int16), "short"), ((UInt16, Int32), "int"), (int, "long"),
    (Float32, "float"), (float, "double"), (RawString, "byte-array"), (str, "string"), (Mapping, "map"), (list, "list"),
)  # fmt: skip
"""The first that fits counts."""


_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"})
_control = re.compile(r"[\0-\x08\x0b-\x1f]")
_is_name = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII).fullmatch


class NotAMap(ValueError):
    """A body that says it is a map and is none."""


class Node(NamedTuple):
    """A value under its name: a text, or others."""

    name: str
    text: str
    children: "list[Node]"
    kind: str = ""
    """The class that XML says of it; of commands only."""


# --- from values ------------------------------------------------------------------------------------------------------


def tree_of(value: Mapping[str, object], depth: int = 0) -> Node:
    """The tree of a map of neutral values. Raises NotAMap for one that is too deep."""
    _check_depth(depth)
    entries = [Node("entry", "", [Node("string", key, []), _node(each, depth + 1)]) for key, each in value.items()]
    return Node("map", "", entries)


def _node(value: object, depth: int) -> Node:
    if isinstance(value, Timestamp):
        return Node("long", str(int(value) * 1000), [])  # a time in Java, in milliseconds
    name = next((name for kind, name in _TYPES if isinstance(value, kind)), "null")
    if isinstance(value, Mapping):
        return tree_of(value, depth)
    if isinstance(value, list):
        _check_depth(depth)
        return Node(name, "", [_node(each, depth + 1) for each in value])
    if isinstance(value, RawString):
        return Node(name, b64encode(value).decode(), [])
    if isinstance(value, bool):
        return Node(name, str(value).lower(), [])
    return Node(name, "" if name == "null" else str(value), [])


def _check_depth(depth: int) -> None:
    if depth > STOMP_MAP_DEPTH_MAX:
        raise NotAMap("it is nested too deeply")


# --- to text ----------------------------------------------------------------------------------------------------------


def to_xml(node: Node, indent: str = "") -> str:
    """The text of a tree."""
    start, end = f"{indent}<{node.name}", f"</{node.name}>"
    if node.kind:
        start += f' class="{_escape(node.kind)}"'
    if node.children:
        inner = "\n".join(to_xml(each, f"{indent}  ") for each in node.children)
        return f"{start}>\n{inner}\n{indent}{end}"
    return f"{start}>{_escape(node.text)}{end}" if node.text else f"{start}/>"


def _escape(text: str) -> str:
    quoted = text.translate(_ESCAPED)
    return _control.sub(lambda found: f"&#x{ord(found[0]):x};", quoted)


def to_json(node: Node) -> bytes:
    """The same in JSON."""
    return orjson.dumps({node.name: _content(node)})


def _content(node: Node) -> object:
    if not node.children:
        return _scalar(node)
    found: dict[str, list[object]] = {}
    for each in node.children:
        found.setdefault(each.name, []).append(_content(each))
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def _scalar(node: Node) -> object:
    if node.name == "boolean":
        return node.text == "true"
    if node.name in _NUMBERS:
        try:
            return orjson.loads(node.text)
        except orjson.JSONDecodeError:
            return node.text  # NaN, which JSON has not
    return node.text.encode(errors="replace").decode()


# --- from text --------------------------------------------------------------------------------------------------------


def from_xml(body: bytes) -> Node:
    """The tree of a text. Raises NotAMap."""
    builder = _Builder()
    parser = XMLParser(target=builder)  # noqa: S314 - a document type, where all such attacks begin, is refused
    try:
        parser.feed(body)
        parser.close()
    except (ParseError, ValueError, LookupError) as error:  # the last is an encoding that is not known
        raise NotAMap(str(error)) from None
    return checked(builder.root)


class _Builder:
    """What a parser of XML calls."""

    def __init__(self) -> None:
        self.root = Node("", "", [])
        self._open: list[tuple[str, list[Node], list[str]]] = []

    def doctype(self, _name: str, _public: str, _system: str) -> NoReturn:
        """Nothing good begins with one: entities may be huge, or files."""
        raise NotAMap("it has a document type")

    def start(self, name: str, _attributes: Mapping[str, str]) -> None:
        """An element begins."""
        _check_depth(len(self._open) // 2)  # an entry is an element of its own
        self._open.append((name, [], []))

    def data(self, text: str) -> None:
        """There is text in it."""
        self._open[-1][2].append(text)

    def end(self, _name: str) -> None:
        """It ends."""
        name, children, texts = self._open.pop()
        node = Node(name, "" if children else "".join(texts), children)
        if self._open:
            self._open[-1][1].append(node)
        else:
            self.root = node


def from_json(body: bytes) -> Node:
    """The tree of a text in JSON. Raises NotAMap."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NotAMap(str(error)) from None
    roots = list(_nodes(value, 0)) if isinstance(value, dict) else []
    return checked(roots[0] if len(roots) == 1 else Node("", "", []))


def _nodes(content: Mapping[str, object], depth: int) -> Iterable[Node]:
    _check_depth(depth // 2)
    for name, value in content.items():
        if not _is_name(name):
            raise NotAMap("it has a name that is none in XML")
        for each in value if isinstance(value, list) else (value,):
            if isinstance(each, Mapping):
                yield Node(name, "", list(_nodes(each, depth + 1)))
            elif each is None or isinstance(each, str | bool | int | float):
                yield Node(name, _text(each), [])
            else:
                raise NotAMap("it has a list in a list")


def _text(value: str | float | None) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def checked(root: Node) -> Node:
    """The tree, if it is that of a map. Raises NotAMap."""
    if root.name != "map" or not all(map(_is_entry, root.children)):
        raise NotAMap("it is no map")
    return root


def _is_entry(node: Node) -> bool:
    return node.name == "entry" and len(node.children) == 2 and node.children[0].name == "string"
