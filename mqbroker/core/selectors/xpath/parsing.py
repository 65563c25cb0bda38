"""From an expression of XPath 1.0 to what evaluates it: its grammar (XPath 1.0 §2, §3), a method for each rule.

Paths are lists of steps, each of which makes all nodes that stand on its axis to those before, in the order of the
document. Whatever is looked at is counted (`Work`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mqbroker.core.selectors.values import arithmetic
from mqbroker.core.selectors.xpath.axes import AXES, Axis
from mqbroker.core.selectors.xpath.document import ATTRIBUTE, COMMENT, ELEMENT, INSTRUCTION, TEXT, Node, Work
from mqbroker.core.selectors.xpath.functions import FUNCTIONS, Evaluate, Focus
from mqbroker.core.selectors.xpath.values import Value, as_boolean, as_number, equal, ordered
from mqbroker.core.selectors.xpath.words import AXIS, END, FUNCTION, NAME, NUMBER, OPERATOR, Word, words_of
from mqbroker.core.selectors.xpath.words import TEXT as QUOTED
from mqbroker.errors import InvalidSelector
from mqbroker.limits import XPATH_DEPTH_MAX

Test = Callable[[Node], bool]

_LEVELS = (("or",), ("and",), ("=", "!="), ("<", "<=", ">", ">="), ("+", "-"), ("*", "div", "mod"))
_TYPES = {"comment": COMMENT, "text": TEXT, "processing-instruction": INSTRUCTION}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path."""

    axis: Axis
    test: Test
    predicates: Sequence[Evaluate]

    def nodes(self, node: Node, focus: Focus) -> list[Node]:
        """What it makes of one node, the nearest first."""
        around = self.axis(node)
        focus.work.do(1 + len(around))
        found = [each for each in around if self.test(each)]
        for predicate in self.predicates:
            found = kept(found, predicate, focus)
        return found


def kept(nodes: list[Node], predicate: Evaluate, focus: Focus) -> list[Node]:
    """The nodes that a predicate leaves: a number is the place of one."""
    found = []
    size = len(nodes)
    for position, node in enumerate(nodes, 1):
        focus.work.do()
        value = predicate(Focus(node, position, size, focus.work))
        if value == position if isinstance(value, float) else as_boolean(value):
            found.append(node)
    return found


def compiled(text: str) -> Evaluate:
    """What evaluates an expression. Raises InvalidSelector."""
    parser = _Parser(words_of(text))
    found = parser.expression(0)
    if parser.word.kind != END:
        raise parser.unexpected()
    return found


class _Parser:
    def __init__(self, words: list[Word]) -> None:
        self._words = words
        self._at = 0
        self._depth = 0

    @property
    def word(self) -> Word:
        """The next word."""
        return self._words[self._at]

    def unexpected(self) -> InvalidSelector:
        """The refusal of the next word."""
        return InvalidSelector(f"XPATH: {self.word.text or 'its end'!r} was not expected", 0)

    def _is(self, *texts: str) -> bool:
        return self.word.kind not in (QUOTED, NAME, NUMBER) and self.word.text in texts

    def _take(self, *texts: str) -> Word | None:
        """The next word, if it is one of these; it is passed then."""
        if not self._is(*texts):
            return None
        return self._next()

    def _next(self) -> Word:
        word = self.word
        self._at += 1
        return word

    def _expect(self, text: str) -> None:
        if self._take(text) is None:
            raise self.unexpected()

    # --- operators --------------------------------------------------------------------------------------------------

    def expression(self, level: int) -> Evaluate:
        """An expression whose operators bind at least as strongly."""
        self._depth += level == 0
        if self._depth > XPATH_DEPTH_MAX:
            raise InvalidSelector("XPATH: it is nested too deeply", 0)
        found = self._negative() if level == len(_LEVELS) else self.expression(level + 1)
        others: list[tuple[str, Evaluate]] = []
        while level < len(_LEVELS) and self.word.kind == OPERATOR and self._is(*_LEVELS[level]):
            operation = self._next().text
            others.append((operation, self.expression(level + 1)))
        self._depth -= level == 0
        return _chain(found, others) if others else found

    def _negative(self) -> Evaluate:
        count = 0
        while self._take("-"):
            count += 1
        found = self._union()
        if not count:
            return found
        sign = -1.0 if count % 2 else 1.0
        return lambda focus: sign * as_number(found(focus), focus.work)

    def _union(self) -> Evaluate:
        parts = [self._path()]
        while self._take("|"):
            parts.append(self._path())
        if len(parts) == 1:
            return parts[0]

        def union(focus: Focus) -> Value:
            return in_order([node for part in parts for node in nodes_of(part(focus))], focus.work)

        return union

    # --- paths ------------------------------------------------------------------------------------------------------

    def _path(self) -> Evaluate:
        if self._starts_step():
            return _path(None, self._steps(), is_absolute=False)
        if self._is("/", "//"):
            start = [_ANYWHERE] if self._next().text == "//" else []
            if start and not self._starts_step():
                raise self.unexpected()
            return _path(None, start + (self._steps() if self._starts_step() else []), is_absolute=True)
        found = self._filtered()
        if not self._is("/", "//"):
            return found
        start = [_ANYWHERE] if self._next().text == "//" else []
        return _path(found, start + self._steps(), is_absolute=False)

    def _starts_step(self) -> bool:
        word = self.word
        is_type = word.kind == FUNCTION and word.text in (*_TYPES, "node")
        return word.kind in (NAME, AXIS) or is_type or self._is(".", "..", "@")

    def _steps(self) -> list[Step]:
        steps = [self._step()]
        while self._is("/", "//"):
            if self._next().text == "//":
                steps.append(_ANYWHERE)
            steps.append(self._step())
        return steps

    def _step(self) -> Step:
        if self._take("."):
            return _HERE
        if self._take(".."):
            return Step(AXES["parent"], _any_node, ())
        axis = "child"
        if self._take("@"):
            axis = "attribute"
        elif self.word.kind == AXIS:
            axis = self._next().text
            self._expect("::")
        if axis not in AXES:
            raise InvalidSelector(f"XPATH: there is no axis {axis!r}", 0)
        test = self._test(ATTRIBUTE if axis == "attribute" else ELEMENT)
        return Step(AXES[axis], test, self._predicates())

    def _test(self, principal: int) -> Test:
        word = self.word
        if word.kind == NAME:
            return _named(self._next().text, principal)
        if word.kind != FUNCTION or word.text not in (*_TYPES, "node"):
            raise self.unexpected()
        self._next()
        self._expect("(")
        target = self._next().text if word.text == "processing-instruction" and self.word.kind == QUOTED else None
        self._expect(")")
        if word.text == "node":
            return _any_node
        kind = _TYPES[word.text]
        return lambda node: node.kind == kind and target in (None, node.name)

    def _predicates(self) -> list[Evaluate]:
        found = []
        while self._take("["):
            found.append(self.expression(0))
            self._expect("]")
        return found

    # --- what is no path --------------------------------------------------------------------------------------------

    def _filtered(self) -> Evaluate:
        found = self._primary()
        predicates = self._predicates()
        if not predicates:
            return found

        def filtered(focus: Focus) -> Value:
            nodes = nodes_of(found(focus))
            for predicate in predicates:
                nodes = kept(nodes, predicate, focus)
            return nodes

        return filtered

    def _primary(self) -> Evaluate:
        word = self.word
        if word.kind == QUOTED:
            text = self._next().text
            return lambda _focus: text
        if word.kind == NUMBER:
            number = float(self._next().text)
            return lambda _focus: number
        if word.kind == FUNCTION:
            return self._call()
        if self._take("("):
            found = self.expression(0)
            self._expect(")")
            return found
        if self._is("$"):
            raise InvalidSelector("XPATH: there are no variables", 0)
        raise self.unexpected()

    def _call(self) -> Evaluate:
        name = self._next().text
        self._expect("(")
        arguments: list[Evaluate] = []
        while not self._is(")"):
            if arguments:
                self._expect(",")
            arguments.append(self.expression(0))
        self._expect(")")
        known = FUNCTIONS.get(name)
        if known is None:
            raise InvalidSelector(f"XPATH: there is no function {name!r}", 0)
        fewest, most, made = known
        if not fewest <= len(arguments) <= most:
            raise InvalidSelector(f"XPATH: {name}() has another number of arguments", 0)
        return made(arguments)


# --- what evaluates them ----------------------------------------------------------------------------------------------


def _chain(first: Evaluate, others: Sequence[tuple[str, Evaluate]]) -> Evaluate:
    """Operators of one strength, from the left to the right; there may be more of them than functions within each
    other."""

    def evaluate(focus: Focus) -> Value:
        value = first(focus)
        for operation, other in others:
            focus.work.do()
            if operation in ("or", "and"):
                if as_boolean(value) is (operation == "or"):
                    return operation == "or"
                value = as_boolean(other(focus))
            else:
                value = _applied(operation, value, other(focus), focus.work)
        return value

    return evaluate


_ARITHMETIC = {"+": "+", "-": "-", "*": "*", "div": "/", "mod": "%"}
"""The operations of numbers as selectors write them."""


def _applied(operation: str, left: Value, right: Value, work: Work) -> Value:
    if operation in ("=", "!="):
        return equal(left, right, operation == "=", work)
    if operation in ("<", "<=", ">", ">="):
        return ordered(operation, left, right, work)
    return arithmetic(_ARITHMETIC[operation], as_number(left, work), as_number(right, work))


def _path(start: Evaluate | None, steps: Sequence[Step], is_absolute: bool) -> Evaluate:
    steps = _shortened(steps)

    def walk(focus: Focus) -> Value:
        nodes = [focus.node.document.root if is_absolute else focus.node] if start is None else nodes_of(start(focus))
        for step in steps:
            found = [each for node in nodes for each in step.nodes(node, focus)]
            nodes = in_order(found, focus.work)
        return nodes

    return walk


def _shortened(steps: Sequence[Step]) -> list[Step]:
    """The same path: what is anywhere below is looked for at once, unless its place among its siblings may count."""
    found: list[Step] = []
    for step in steps:
        if found and found[-1] is _ANYWHERE and step.axis is AXES["child"] and not step.predicates:
            found[-1] = Step(AXES["descendant"], step.test, ())
        else:
            found.append(step)
    return found


def in_order(nodes: list[Node], work: Work) -> list[Node]:
    """Each of these once, in the order of the document."""
    work.do(len(nodes))
    return sorted(dict.fromkeys(nodes), key=_order)


def _order(node: Node) -> tuple[int, int]:
    return node.order


def nodes_of(value: Value) -> list[Node]:
    """The nodes that a value is. What is no nodes has none."""
    return value if isinstance(value, list) else []


def _any_node(_node: Node) -> bool:
    return True


def _named(text: str, principal: int) -> Test:
    prefix, has_prefix, name = text.rpartition(":")
    if not has_prefix:
        if name == "*":
            return lambda node: node.kind == principal
        return lambda node: node.kind == principal and node.name == name and not node.uri

    def is_named(node: Node) -> bool:
        uri = node.document.prefixes.get(prefix)
        return node.kind == principal and name in ("*", node.name) and uri is not None and node.uri == uri

    return is_named


_HERE = Step(AXES["self"], _any_node, ())
_ANYWHERE = Step(AXES["descendant-or-self"], _any_node, ())
