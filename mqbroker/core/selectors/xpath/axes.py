"""The axes of XPath (XPath 1.0 §2.2): which nodes stand how to a node, the nearest first."""

from collections.abc import Callable, Mapping

from mqbroker.core.selectors.xpath.document import ATTRIBUTE, ROOT, Node

Axis = Callable[[Node], list[Node]]


def _self(node: Node) -> list[Node]:
    return [node]


def _child(node: Node) -> list[Node]:
    return node.children


def _parent(node: Node) -> list[Node]:
    return [] if node.parent is None else [node.parent]


def _attribute(node: Node) -> list[Node]:
    return node.attributes


def _descendant(node: Node) -> list[Node]:
    return [] if node.kind == ATTRIBUTE else node.document.nodes[node.place + 1 : node.last + 1]


def _descendant_or_self(node: Node) -> list[Node]:
    return [node, *_descendant(node)]


def _ancestor(node: Node) -> list[Node]:
    return list(node.ancestors())


def _ancestor_or_self(node: Node) -> list[Node]:
    return [node, *node.ancestors()]


def _following(node: Node) -> list[Node]:
    """Of an attribute, also what is within its element: that comes after it."""
    after = node.parent.place if node.kind == ATTRIBUTE and node.parent is not None else node.last
    return node.document.nodes[after + 1 :]


def _preceding(node: Node) -> list[Node]:
    """Without ancestors."""
    start = node.parent if node.kind == ATTRIBUTE and node.parent is not None else node
    ancestors = set(start.ancestors())
    return [each for each in reversed(node.document.nodes[: start.place]) if each not in ancestors]


def _siblings(node: Node) -> tuple[list[Node], int]:
    if node.parent is None or node.kind in (ATTRIBUTE, ROOT):
        return [], 0
    return node.parent.children, node.parent.children.index(node)


def _following_sibling(node: Node) -> list[Node]:
    all_of_them, at = _siblings(node)
    return all_of_them[at + 1 :]


def _preceding_sibling(node: Node) -> list[Node]:
    all_of_them, at = _siblings(node)
    return all_of_them[:at][::-1]


def _namespace(_node: Node) -> list[Node]:
    """There are no namespace nodes here."""
    return []


AXES: Mapping[str, Axis] = {
    "ancestor": _ancestor, "ancestor-or-self": _ancestor_or_self, "attribute": _attribute, "child": _child,
    "descendant": _descendant, "descendant-or-self": _descendant_or_self, "following": _following,
    "following-sibling": _following_sibling, "namespace": _namespace, "parent": _parent, "preceding": _preceding,
    "preceding-sibling": _preceding_sibling, "self": _self,
}  # fmt: skip
