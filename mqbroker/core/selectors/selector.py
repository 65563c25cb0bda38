"""Selectors: conditions over the properties of a message, by which a consumer takes some messages and leaves others.

    parse("colour = 'red' AND weight > 5")  ->  Selector, which `matches` a function from names to values

A selector is compiled once. It knows neither messages nor protocols: fields.py gives it the values.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mqbroker.core.selectors.values import Truth
from mqbroker.errors import InvalidSelector
from mqbroker.limits import SELECTOR_CHARACTERS_MAX

if TYPE_CHECKING:
    from mqbroker.core.selectors.part import Getter

CONVERTING_PREFIX = "convert_string_expressions:"
"""Before a selector it says the same as `converts`."""


class Selector:
    """A compiled selector. `names` are those that it asks for."""

    __slots__ = ("_truth", "cost", "names", "text", "view")

    def __init__(self, text: str, truth: "Callable[[Getter], Truth]", names: frozenset[str], cost: int = 1) -> None:
        self.text = text
        """As it was given."""
        self.names = names
        self.cost = cost
        """What a message costs that it looks at, for whoever looks at a portion: 1, unless it looks into bodies."""
        self.view: Callable[[Any, Any], Getter] | None = None
        """What looks up values in a message and its place in a queue, for a protocol with names of its own; None for
        fields.py's names."""
        self._truth = truth

    def matches(self, get: "Getter") -> bool:
        """Whether it selects the message whose values `get` knows; unknown is no."""
        return self._truth(get) is True


def parse(text: str, converts: bool = False) -> Selector:
    """The selector with this text; with `converts`, texts that read as numbers compare as numbers. Raises
    InvalidSelector."""
    if len(text) > SELECTOR_CHARACTERS_MAX:
        raise InvalidSelector("it is too long", SELECTOR_CHARACTERS_MAX)
    start = len(text) - len(text.removeprefix(CONVERTING_PREFIX))
    from mqbroker.core.selectors.parsing import compiled  # with a parser that few brokers ever need

    try:
        truth, names, cost = compiled(text[start:], converts or start > 0)
    except InvalidSelector as error:
        raise InvalidSelector(error.reason, start + error.position) from None
    return Selector(text, truth, names, cost)
