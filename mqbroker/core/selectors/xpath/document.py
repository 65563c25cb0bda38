"""A body as a tree of XPath's data model (XPath 1.0 §5), as far as it is no larger than may be looked at.

Nodes have numbers in the order of the document, and an element knows that of the last node within it, so that whatever
is within or after it is a slice of all nodes. A body with a document type is none: entities make small bodies large,
and external ones read files (ActiveMQ refuses it too).
"""

from collections.abc import Iterator
from xml.parsers.expat import ExpatError, ParserCreate

from mqbroker.limits import XML_BYTES_MAX, XML_DEPTH_MAX, XML_NODES_MAX, XPATH_WORK_MAX

ROOT, ELEMENT, ATTRIBUTE, TEXT, COMMENT, INSTRUCTION = range(6)

_CHARACTERS_PER_STEP = 32


class TooMuch(Exception):
    """A body is too large, or an expression takes too long."""


class Work:
    """How much more may be done for one expression and one body."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = XPATH_WORK_MAX

    def do(self, steps: int = 1) -> None:
        """Counts some of it. Raises TooMuch."""
        self.left -= steps
        if self.left < 0:
            raise TooMuch

    def make(self, text: str) -> str:
        """Counts a text that is made."""
        self.do(1 + len(text) // _CHARACTERS_PER_STEP)
        return text


class Node:
    """A node of any kind."""

    __slots__ = (
        "attributes", "children", "document", "kind", "last", "name", "order", "parent", "place", "prefix", "uri",
        "value",
    )  # fmt: skip

    def __init__(self, document: "Document", kind: int, parent: "Node | None", name: str = "", value: str = "") -> None:
        self.document = document
        self.kind = kind
        self.parent = parent
        self.uri, self.prefix, self.name = _apart(name)
        self.value = value
        self.children: list[Node] = []
        self.attributes: list[Node] = []
        self.place = self.last = len(document.nodes)
        """Its number among all nodes that are no attributes, and that of the last one within it."""
        self.order: tuple[int, int] = (self.place, 0)

    def text(self, work: Work) -> str:
        """Its string-value."""
        if self.kind not in (ROOT, ELEMENT):
            return work.make(self.value)
        found = self.document.nodes[self.place : self.last + 1]
        work.do(len(found))
        return work.make("".join([each.value for each in found if each.kind == TEXT]))

    def ancestors(self) -> Iterator["Node"]:
        """Its parent, that one's parent, and so on."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent


def _apart(name: str) -> tuple[str, str, str]:
    """The namespace, the prefix and the local part of a name as the parser gives it."""
    parts = name.split("\n")
    if len(parts) == 1:
        return "", "", name
    return parts[0], parts[2] if len(parts) > 2 else "", parts[1]


class Document:
    """One body."""

    __slots__ = ("_open", "nodes", "prefixes", "root")

    def __init__(self, body: bytes) -> None:
        """Raises ExpatError for what is no XML, TooMuch for what is too large."""
        if len(body) > XML_BYTES_MAX:
            raise TooMuch
        self.nodes: list[Node] = []
        self.prefixes: dict[str, str] = {"xml": "http://www.w3.org/XML/1998/namespace"}
        """Those that the outermost element declares, by which expressions name namespaces, as in ActiveMQ."""
        self.root = Node(self, ROOT, None)
        self.nodes.append(self.root)
        self._open = [self.root]
        self._parse(body)

    def forget(self) -> None:
        """Nobody asks for anything any more. What refers to each other in circles would stay until somebody looks for
        such."""
        for node in self.nodes:
            node.parent = None
            for attribute in node.attributes:
                attribute.parent = None
            node.children = []
        self.nodes.clear()
        self._open.clear()
        del self.root

    def _parse(self, body: bytes) -> None:
        parser = ParserCreate(namespace_separator="\n")
        parser.namespace_prefixes = True
        parser.buffer_text = True
        parser.ordered_attributes = True
        parser.StartDoctypeDeclHandler = self._document_type
        parser.StartNamespaceDeclHandler = self._namespace
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.CommentHandler = lambda text: self._add(COMMENT, "", text)
        parser.ProcessingInstructionHandler = lambda name, text: self._add(INSTRUCTION, name, text)
        parser.Parse(body, True)
        self.root.last = len(self.nodes) - 1

    def _document_type(self, *_parts: object) -> None:
        raise TooMuch

    def _namespace(self, prefix: str | None, uri: str | None) -> None:
        if len(self._open) == 1:
            self.prefixes[prefix or ""] = uri or ""

    def _start(self, name: str, attributes: list[str]) -> None:
        if len(self._open) > XML_DEPTH_MAX:
            raise TooMuch
        element = self._add(ELEMENT, name, "")
        self._open.append(element)
        for at in range(0, len(attributes), 2):
            attribute = Node(self, ATTRIBUTE, element, attributes[at], attributes[at + 1])
            attribute.order = (element.place, 1 + at)
            element.attributes.append(attribute)
        if len(self.nodes) + len(attributes) > XML_NODES_MAX:
            raise TooMuch

    def _end(self, _name: str) -> None:
        self._open.pop().last = len(self.nodes) - 1

    def _text(self, text: str) -> None:
        last = self.nodes[-1]
        if last.kind == TEXT and last.parent is self._open[-1] and last is self._open[-1].children[-1]:
            last.value += text  # what follows a CDATA section is of the same node
        else:
            self._add(TEXT, "", text)

    def _add(self, kind: int, name: str, value: str) -> Node:
        if len(self.nodes) >= XML_NODES_MAX:
            raise TooMuch
        parent = self._open[-1]
        node = Node(self, kind, parent, name, value)
        parent.children.append(node)
        self.nodes.append(node)
        return node


def document_of(body: bytes) -> Document | None:
    """The document that a body is; None for one that is none, or is too large."""
    try:
        return Document(body)
    except (ExpatError, TooMuch, UnicodeError, ValueError, LookupError):
        return None
