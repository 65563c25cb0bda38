"""Selectors: conditions over the properties of a message, by which a consumer takes some messages and leaves others.

    parse("colour = 'red' AND weight > 5")  ->  Selector, which `matches` a function from names to values

A selector is compiled once. It knows neither messages nor protocols: fields.py gives it the values.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedToken, VisitError

from mqbroker.core.selectors.compiling import Compiler, Getter, condition
from mqbroker.core.selectors.grammar import GRAMMAR
from mqbroker.core.selectors.values import Truth
from mqbroker.errors import InvalidSelector
from mqbroker.limits import SELECTOR_CHARACTERS_MAX

CONVERTING_PREFIX = "convert_string_expressions:"
"""Before a selector it says the same as `converts`."""


class Selector:
    """A compiled selector. `names` are those that it asks for."""

    __slots__ = ("_truth", "names", "text", "view")

    def __init__(self, text: str, truth: Callable[[Getter], Truth], names: frozenset[str]) -> None:
        self.text = text
        """As it was given."""
        self.names = names
        self.view: Callable[[Any, Any], Getter] | None = None
        """What looks up values in a message and its place in a queue, for a protocol with names of its own; None for
        fields.py's names."""
        self._truth = truth

    def matches(self, get: Getter) -> bool:
        """Whether it selects the message whose values `get` knows; unknown is no."""
        return self._truth(get) is True


def parse(text: str, converts: bool = False) -> Selector:
    """The selector with this text; with `converts`, texts that read as numbers compare as numbers. Raises
    InvalidSelector."""
    if len(text) > SELECTOR_CHARACTERS_MAX:
        raise InvalidSelector("it is too long", SELECTOR_CHARACTERS_MAX)
    start = len(text) - len(text.removeprefix(CONVERTING_PREFIX))
    compiler = Compiler(converts or start > 0)
    try:
        truth = _compiled(compiler, text[start:])
    except InvalidSelector as error:
        raise InvalidSelector(error.reason, start + error.position) from None
    return Selector(text, truth, frozenset(compiler.names))


def _compiled(compiler: Compiler, text: str) -> Callable[[Getter], Truth]:
    try:
        return condition(compiler.transform(_parser().parse(text)))
    except VisitError as error:
        if isinstance(error.orig_exc, InvalidSelector):
            raise error.orig_exc from None
        raise
    except UnexpectedToken as error:
        if error.token.type == "$END":
            raise InvalidSelector("it ends too early", len(text)) from None
        raise InvalidSelector(f"{str(error.token)[:40]!r} was not expected", error.token.start_pos or 0) from None
    except UnexpectedCharacters as error:
        raise InvalidSelector(f"{error.char!r} was not expected", error.pos_in_stream or 0) from None


@lru_cache(maxsize=1)
def _parser() -> Lark:
    """Made when it is first needed."""
    return Lark(GRAMMAR, parser="lalr", lexer="basic")
