"""From the text of a selector to what evaluates it: the grammar's parser, and its errors as ours."""

from collections.abc import Callable
from functools import lru_cache

from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedToken, VisitError

from mqbroker.core.selectors.compiling import Compiler, condition
from mqbroker.core.selectors.grammar import GRAMMAR
from mqbroker.core.selectors.part import Getter
from mqbroker.core.selectors.values import Truth
from mqbroker.errors import InvalidSelector


def compiled(text: str, converts: bool) -> tuple[Callable[[Getter], Truth], frozenset[str], int]:
    """What evaluates a selector, the names that it asks for, and what that costs. Raises InvalidSelector."""
    compiler = Compiler(converts)
    try:
        truth = condition(compiler.transform(_parser().parse(text)))
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
    return truth, frozenset(compiler.names), compiler.cost


@lru_cache(maxsize=1)
def _parser() -> Lark:
    """Made when it is first needed."""
    return Lark(GRAMMAR, parser="lalr", lexer="basic")
