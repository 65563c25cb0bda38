"""From the parts of a selector to functions that evaluate it. Each grammar rule has a method here of its name.

What can be told from the text alone is refused here: texts and truths in an order, and values where a condition is
wanted.
"""

from collections.abc import Callable

from lark import Token, v_args
from lark.visitors import Transformer_NonRecursive

from mqbroker.core.selectors.functions import call
from mqbroker.core.selectors.part import BODY, CONDITION, LIST, NAME, NUMBER, STRING, TRUTH, Getter, Part
from mqbroker.core.selectors.pattern import Pattern
from mqbroker.core.selectors.values import (
    Truth,
    Value,
    calculate,
    conjunction,
    disjunction,
    equal,
    negation,
    negative,
    ordered,
)
from mqbroker.errors import InvalidSelector
from mqbroker.limits import COUNT_MAX, SELECTOR_DEPTH_MAX, XPATH_COST, XPATHS_MAX

_PRECISION_MAX = 64  # digits of a number


def condition(part: Part) -> Callable[[Getter], Truth]:
    """What evaluates the part as a condition. A property is one if it is a boolean. Raises InvalidSelector."""
    evaluate = part.evaluate
    if part.kind in (NUMBER, STRING, LIST):
        raise InvalidSelector(f"a {part.kind} stands where a condition is expected", part.position)

    def truth(get: Getter) -> Truth:
        value = evaluate(get)
        return value if value is None else value is True

    return truth


@v_args(inline=True)
class Compiler(Transformer_NonRecursive[Token, Part]):
    """The methods are called from the innermost part to the outermost. `names` collects those that are asked for."""

    def __init__(self, converts: bool) -> None:
        super().__init__()
        self.converts = converts
        self.names: set[str] = set()
        self.cost = 1
        """What a message costs that is looked at, in such that are only compared."""

    # --- conditions -------------------------------------------------------------------------------------------------

    def any_of(self, *parts: Part) -> Part:
        """OR."""
        conditions = [condition(each) for each in parts]
        return _whole(CONDITION, lambda get: disjunction([each(get) for each in conditions]), *parts)

    def all_of(self, *parts: Part) -> Part:
        """AND."""
        conditions = [condition(each) for each in parts]
        return _whole(CONDITION, lambda get: conjunction([each(get) for each in conditions]), *parts)

    def negated(self, _not: Token, part: Part) -> Part:
        """NOT."""
        truth = condition(part)
        return _whole(CONDITION, lambda get: negation(truth(get)), part)

    def equal(self, left: Part, _operation: Token, right: Part) -> Part:
        """=."""
        one, other, converts = left.evaluate, right.evaluate, self.converts
        return _whole(CONDITION, lambda get: equal(one(get), other(get), converts), left, right)

    def unequal(self, left: Part, operation: Token, right: Part) -> Part:
        """<>."""
        return _opposite(self.equal(left, operation, right))

    def is_null(self, part: Part) -> Part:
        """IS NULL."""
        evaluate = part.evaluate
        return _whole(CONDITION, lambda get: evaluate(get) is None, part)

    def is_not_null(self, part: Part, _not: Token) -> Part:
        """IS NOT NULL."""
        return _opposite(self.is_null(part))

    def ordered(self, left: Part, operation: Token, right: Part) -> Part:
        """<, <=, >, >=."""
        for part in (left, right):
            if part.kind not in (NAME, NUMBER):
                raise InvalidSelector(f"a {part.kind} has no order", part.position)
        one, other, converts, name = left.evaluate, right.evaluate, self.converts, str(operation)
        return _whole(CONDITION, lambda get: ordered(name, one(get), other(get), converts), left, right)

    def between(self, part: Part, low: Part, high: Part) -> Part:
        """BETWEEN."""
        at_least = self.ordered(part, Token("ORDER", ">="), low)
        return self.all_of(at_least, self.ordered(part, Token("ORDER", "<="), high))

    def not_between(self, part: Part, _not: Token, low: Part, high: Part) -> Part:
        """NOT BETWEEN."""
        return _opposite(self.between(part, low, high))

    def like(self, part: Part, text: Token, escape: Token | None = None) -> Part:
        """LIKE."""
        character = "" if escape is None else _unquoted(escape)
        if escape is not None and len(character) != 1:
            raise InvalidSelector("ESCAPE takes one character", _position(escape))
        matches, evaluate = Pattern(_unquoted(text), character).matches, part.evaluate

        def is_like(get: Getter) -> Truth:
            value = evaluate(get)
            if value is None:
                return None
            return isinstance(value, str) and matches(value)

        return _whole(CONDITION, is_like, part)

    def not_like(self, part: Part, _not: Token, text: Token, escape: Token | None = None) -> Part:
        """NOT LIKE."""
        return _opposite(self.like(part, text, escape))

    def among(self, part: Part, *texts: Token) -> Part:
        """IN: texts only."""
        if part.kind != NAME:
            raise InvalidSelector("IN follows a property", part.position)
        wanted, evaluate = frozenset(_unquoted(each) for each in texts), part.evaluate

        def is_among(get: Getter) -> Truth:
            value = evaluate(get)
            return value in wanted if isinstance(value, str) else None

        return _whole(CONDITION, is_among, part)

    def not_among(self, part: Part, _not: Token, *texts: Token) -> Part:
        """NOT IN."""
        return _opposite(self.among(part, *texts))

    # --- values -----------------------------------------------------------------------------------------------------

    def calculated(self, left: Part, operation: Token, right: Part) -> Part:
        """+, -, *, / and %."""
        one, other, converts, name = left.evaluate, right.evaluate, self.converts, str(operation)
        kind = STRING if left.kind == STRING else NUMBER
        return _whole(kind, lambda get: calculate(name, one(get), other(get), converts), left, right)

    def signed(self, sign: Token, part: Part) -> Part:
        """A sign."""
        evaluate, converts = part.evaluate, self.converts
        if sign == "+":
            return _whole(NUMBER, lambda get: calculate("+", 0, evaluate(get), converts), part)
        return _whole(NUMBER, lambda get: negative(evaluate(get), converts), part)

    def number(self, token: Token) -> Part:
        """A number, as Java writes it: also 0x5, 05 and 5L."""
        return _constant(NUMBER, _number(token), token)

    def string(self, token: Token) -> Part:
        """A text in quotes."""
        text = _unquoted(token)
        return Part(STRING, lambda _get: text, 1, _position(token), text=text)

    def truth(self, token: Token) -> Part:
        """TRUE or FALSE."""
        return _constant(TRUTH, token.lower() == "true", token)

    def called(self, name: Token, *arguments: Part) -> Part:
        """A function."""
        kind, evaluate, items = call(str(name), arguments, _position(name))
        depth = 1 + max((each.depth for each in arguments), default=0)
        return Part(kind, evaluate, _checked(depth, _position(name)), _position(name), items)

    def looked_into(self, token: Token) -> Part:
        """XPATH."""
        from mqbroker.core.selectors.xpath.expression import Expression  # which few selectors need

        try:
            expression = Expression(_unquoted(token))
        except InvalidSelector as error:
            raise InvalidSelector(error.reason, _position(token)) from None
        self.cost += XPATH_COST
        if self.cost > XPATH_COST * XPATHS_MAX + 1:
            raise InvalidSelector(f"it has more than {XPATHS_MAX} expressions of XPath", _position(token))

        def holds(get: Getter) -> Value:
            body = get(BODY)
            return isinstance(body, str) and expression.holds(body.encode("latin-1"))

        return Part(CONDITION, holds, 1, _position(token))

    def queried(self, token: Token) -> Part:
        """XQUERY: ActiveMQ has the word, and its XQueryExpression is always false."""
        return Part(CONDITION, lambda _get: False, 1, _position(token))

    def name(self, token: Token) -> Part:
        """A property or a header."""
        name = str(token)
        self.names.add(name)
        return Part(NAME, lambda get: get(name), 1, _position(token))


def _constant(kind: str, value: Value, token: Token) -> Part:
    return Part(kind, lambda _get: value, 1, _position(token))


def _whole(kind: str, evaluate: Callable[[Getter], Value], *parts: Part) -> Part:
    position = parts[0].position
    return Part(kind, evaluate, _checked(1 + max(each.depth for each in parts), position), position)


def _checked(depth: int, position: int) -> int:
    if depth > SELECTOR_DEPTH_MAX:
        raise InvalidSelector("it is nested too deeply", position)
    return depth


def _opposite(part: Part) -> Part:
    truth = condition(part)
    return Part(CONDITION, lambda get: negation(truth(get)), part.depth, part.position)


def _position(token: Token) -> int:
    return token.start_pos or 0


def _unquoted(token: Token) -> str:
    return token[1:-1].replace("''", "'")


def _number(token: Token) -> Value:
    text = token.rstrip("lL") if token[:2].lower() != "0x" else str(token)
    if len(text) > _PRECISION_MAX:
        raise InvalidSelector("a number has too many digits", _position(token))
    if text[:2].lower() == "0x":
        value = int(text, 16)
    elif not text.isdigit():
        return float(text)
    elif text[0] == "0" and len(text) > 1:
        if "8" in text or "9" in text:
            raise InvalidSelector("an octal number has a digit above 7", _position(token))
        value = int(text, 8)
    else:
        value = int(text)
    if value > COUNT_MAX:
        raise InvalidSelector("a number is larger than 63 bits", _position(token))
    return value
