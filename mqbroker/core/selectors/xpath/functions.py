"""The functions of XPath 1.0 (§4), by their names, with how many arguments they take."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mqbroker.core.selectors.xpath.document import ELEMENT, Node, Work
from mqbroker.core.selectors.xpath.values import Value, as_boolean, as_number, as_string

_XML = "http://www.w3.org/XML/1998/namespace"
_ANY_NUMBER = 1000


@dataclass(slots=True)
class Focus:
    """What an expression is evaluated for: a node, and its place among others."""

    node: Node
    position: int
    size: int
    work: Work


Evaluate = Callable[[Focus], Value]
Make = Callable[[Sequence[Evaluate]], Evaluate]


def _constant(value: Value) -> Make:
    return lambda _arguments: lambda _focus: value


def _of_node(read: Callable[[Node], str]) -> Make:
    """A function of the first of some nodes, or else of the node at hand."""

    def make(arguments: Sequence[Evaluate]) -> Evaluate:
        def evaluate(focus: Focus) -> Value:
            value = arguments[0](focus) if arguments else [focus.node]
            return read(value[0]) if isinstance(value, list) and value else ""

        return evaluate

    return make


def _of_text(change: Callable[[str], Value]) -> Make:
    """A function of a text, or else of the node at hand."""

    def make(arguments: Sequence[Evaluate]) -> Evaluate:
        def evaluate(focus: Focus) -> Value:
            value = arguments[0](focus) if arguments else [focus.node]
            return change(focus.work.make(as_string(value, focus.work)))

        return evaluate

    return make


def _of_texts(change: Callable[..., Value]) -> Make:
    """A function of several texts."""

    def make(arguments: Sequence[Evaluate]) -> Evaluate:
        def evaluate(focus: Focus) -> Value:
            work = focus.work
            return change(*[work.make(as_string(each(focus), work)) for each in arguments])

        return evaluate

    return make


def _of_number(change: Callable[[float], float]) -> Make:
    """A function of a number."""

    def make(arguments: Sequence[Evaluate]) -> Evaluate:
        return lambda focus: change(as_number(arguments[0](focus), focus.work))

    return make


def _of_boolean(change: Callable[[bool], bool]) -> Make:
    def make(arguments: Sequence[Evaluate]) -> Evaluate:
        return lambda focus: change(as_boolean(arguments[0](focus)))

    return make


def _number(arguments: Sequence[Evaluate]) -> Evaluate:
    def evaluate(focus: Focus) -> Value:
        value: Value = arguments[0](focus) if arguments else [focus.node]
        return as_number(value, focus.work)

    return evaluate


def _count(arguments: Sequence[Evaluate]) -> Evaluate:
    def evaluate(focus: Focus) -> Value:
        value = arguments[0](focus)
        return float(len(value)) if isinstance(value, list) else math.nan

    return evaluate


def _sum(arguments: Sequence[Evaluate]) -> Evaluate:
    def evaluate(focus: Focus) -> Value:
        value, work = arguments[0](focus), focus.work
        return float(sum(as_number(each.text(work), work) for each in value)) if isinstance(value, list) else math.nan

    return evaluate


def _substring(arguments: Sequence[Evaluate]) -> Evaluate:
    """Characters count from 1, and places are rounded (§4.2)."""

    def evaluate(focus: Focus) -> Value:
        work = focus.work
        text = work.make(as_string(arguments[0](focus), work))
        start = rounded(as_number(arguments[1](focus), work))
        length = rounded(as_number(arguments[2](focus), work)) if len(arguments) > 2 else math.inf
        return "".join([each for at, each in enumerate(text, 1) if start <= at < start + length])

    return evaluate


def _language(arguments: Sequence[Evaluate]) -> Evaluate:
    def evaluate(focus: Focus) -> Value:
        wanted = as_string(arguments[0](focus), focus.work).lower()
        for node in (focus.node, *focus.node.ancestors()):
            focus.work.do(1 + len(node.attributes))
            found = [each.value for each in node.attributes if (each.uri, each.name) == (_XML, "lang")]
            if node.kind == ELEMENT and found:
                return found[0].lower() == wanted or found[0].lower().startswith(f"{wanted}-")
        return False

    return evaluate


def rounded(number: float) -> float:
    """round(): the nearest integer, the greater of two."""
    return number if math.isnan(number) or math.isinf(number) else float(math.floor(number + 0.5))


def _whole(change: Callable[[float], int]) -> Callable[[float], float]:
    return lambda number: number if math.isnan(number) or math.isinf(number) else float(change(number))


def _translated(text: str, characters: str, by: str) -> str:
    table: dict[int, str | None] = {}
    for at, each in enumerate(characters):
        table.setdefault(ord(each), by[at] if at < len(by) else None)
    return text.translate(table)


def _normal(text: str) -> str:
    return " ".join(part for part in text.replace("\t", " ").replace("\n", " ").replace("\r", " ").split(" ") if part)


def _before(text: str, mark: str) -> str:
    return text.partition(mark)[0] if mark and mark in text else ""


def _after(text: str, mark: str) -> str:
    return text.partition(mark)[2] if mark else text


def _same(text: str) -> Value:
    return text


def _full_name(node: Node) -> str:
    return f"{node.prefix}:{node.name}" if node.prefix else node.name


FUNCTIONS: Mapping[str, tuple[int, int, Make]] = {
    "last": (0, 0, lambda _arguments: lambda focus: float(focus.size)),
    "position": (0, 0, lambda _arguments: lambda focus: float(focus.position)),
    "count": (1, 1, _count),
    "id": (1, 1, lambda _arguments: lambda _focus: []),  # only a document type says which attributes are ids
    "local-name": (0, 1, _of_node(lambda node: node.name)),
    "namespace-uri": (0, 1, _of_node(lambda node: node.uri)),
    "name": (0, 1, _of_node(_full_name)),
    "string": (0, 1, _of_text(_same)),
    "concat": (2, _ANY_NUMBER, _of_texts(lambda *texts: "".join(texts))),
    "starts-with": (2, 2, _of_texts(str.startswith)),
    "contains": (2, 2, _of_texts(str.__contains__)),
    "substring-before": (2, 2, _of_texts(_before)),
    "substring-after": (2, 2, _of_texts(_after)),
    "substring": (2, 3, _substring),
    "string-length": (0, 1, _of_text(lambda text: float(len(text)))),
    "normalize-space": (0, 1, _of_text(_normal)),
    "translate": (3, 3, _of_texts(_translated)),
    "boolean": (1, 1, _of_boolean(bool)),
    "not": (1, 1, _of_boolean(lambda value: not value)),
    "true": (0, 0, _constant(True)),
    "false": (0, 0, _constant(False)),
    "lang": (1, 1, _language),
    "number": (0, 1, _number),
    "sum": (1, 1, _sum),
    "floor": (1, 1, _of_number(_whole(math.floor))),
    "ceiling": (1, 1, _of_number(_whole(math.ceil))),
    "round": (1, 1, _of_number(rounded)),
}
