"""ActiveMQ's functions, whose names are in capitals. A list exists between them only.

    REGEX(expression, value)       whether it is found anywhere in the value
    SPLIT(text, expression)        a list; SPLIT(text, expression, limit)
    MAKELIST(value, ...)           a list
    INLIST(list, value)            whether the value is one of the list
    REPLACE(text, expression, by)  all that is found, by another text with $1 for groups

Expressions come from clients, so they are those of RE2, which never take longer than their length times that of the
text: they have no references back and nothing that looks around. It is an extra. A value that is missing is found
nowhere, and REGEX and INLIST are false then, not unknown.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from mqbroker.core.selectors.part import CONDITION, LIST, STRING, Getter, Part
from mqbroker.core.selectors.values import Value
from mqbroker.errors import InvalidSelector
from mqbroker.limits import REGEX_CHARACTERS_MAX, REGEX_MEMORY_BYTES

_FOUND_MAX = 1000  # places in one text: more than that is NULL, and a list of arguments is refused
_REPLACED_CHARACTERS_MAX = 65_536

_GROUP = re.compile(r"\\(.)|\$(\d)", re.DOTALL)

Evaluated = tuple[str, Callable[[Getter], Value], Callable[[Getter], list[Value] | None] | None]


def call(name: str, arguments: Sequence[Part], position: int) -> Evaluated:
    """The kind of a call of a function, and what evaluates it. Raises InvalidSelector."""
    known = _FUNCTIONS.get(name)
    if known is None:
        raise InvalidSelector(f"there is no function {name!r}", position)
    fewest, most, made = known
    if not fewest <= len(arguments) <= most:
        raise InvalidSelector(f"{name} has another number of arguments", position)
    return made(arguments)


def _regex(arguments: Sequence[Part]) -> Evaluated:
    expression, value = _expression(arguments[0]), arguments[1].evaluate

    def is_found(get: Getter) -> Value:
        found, text = expression(get), value(get)
        return found is not None and text is not None and found.search(_text(text)) is not None

    return CONDITION, is_found, None


def _in_list(arguments: Sequence[Part]) -> Evaluated:
    items, value = arguments[0].items, arguments[1].evaluate
    if items is None:
        raise InvalidSelector("INLIST begins with a list", arguments[0].position)

    def is_in(get: Getter) -> Value:
        found, wanted = items(get), value(get)
        if found is None:
            return None
        return any(each == wanted and _is_alike(each, wanted) for each in found)

    return CONDITION, is_in, None


def _make_list(arguments: Sequence[Part]) -> Evaluated:
    values = [each.evaluate for each in arguments]
    return LIST, _null, lambda get: [each(get) for each in values]


def _split(arguments: Sequence[Part]) -> Evaluated:
    text, expression = arguments[0].evaluate, _expression(arguments[1])
    limit = arguments[2].evaluate if len(arguments) > 2 else _null

    def items(get: Getter) -> list[Value] | None:
        whole, found, most = text(get), expression(get), limit(get)
        if not isinstance(whole, str) or found is None:
            return None
        return _parts(_text(whole), found, most if isinstance(most, int) else 0)

    return LIST, _null, items


def _parts(text: str, expression: Any, limit: int) -> list[Value] | None:
    """As Java splits: nothing empty at the end, unless a limit says how many there are; nor at the beginning, where
    the expression has found nothing. None for too many."""
    parts: list[Value] = []
    start = 0
    for found in expression.finditer(text):
        if 0 < limit <= len(parts) + 1:
            break
        if len(parts) == _FOUND_MAX:
            return None
        if found.end() > 0 and (found.start() < len(text) or found.end() > found.start()):
            parts.append(text[start : found.start()])
            start = found.end()
    parts.append(text[start:])
    while limit == 0 and len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts


def _replace(arguments: Sequence[Part]) -> Evaluated:
    text, expression, by = arguments[0].evaluate, _expression(arguments[1]), arguments[2].evaluate

    def replaced(get: Getter) -> Value:
        whole, found, other = text(get), expression(get), by(get)
        if not isinstance(whole, str) or found is None or not isinstance(other, str):
            return None
        return _substituted(_text(whole), found, other)

    return STRING, replaced, None


def _substituted(text: str, expression: Any, by: str) -> str | None:
    """With what is found replaced; None for a group that there is not, or a text that grows too long."""
    pieces: list[str] = []
    start = size = 0
    for found in expression.finditer(text):
        other = _filled(by, found)
        if other is None:
            return None
        pieces += [text[start : found.start()], other]
        start = found.end()
        size += len(other)
        if size > _REPLACED_CHARACTERS_MAX or len(pieces) > 2 * _FOUND_MAX:
            return None
    return "".join([*pieces, text[start:]])


def _filled(by: str, found: Any) -> str | None:
    """A replacement with the groups that were found; None for one that there is not."""
    try:
        return _GROUP.sub(lambda group: group[1] or found.group(int(group[2])) or "", by)
    except IndexError:
        return None


def _expression(part: Part) -> Callable[[Getter], Any]:
    """What finds the compiled expression, which may be a property; None for one that is wrong. Raises
    InvalidSelector for a text in quotes that is."""
    if part.text is not None:
        try:
            fixed = compile_expression(part.text)
        except ValueError as error:
            raise InvalidSelector(str(error), part.position) from None
        return lambda _get: fixed
    evaluate = part.evaluate

    def found(get: Getter) -> Any:
        value = evaluate(get)
        try:
            return None if value is None else compile_expression(_text(value))
        except ValueError:
            return None

    _engine(part.position)
    return found


def _engine(position: int = 0) -> Any:
    try:
        import re2  # which few brokers ever need
    except ImportError:
        raise InvalidSelector("regular expressions need mqbroker[selectors]", position) from None
    return re2


@lru_cache(maxsize=128)
def compile_expression(text: str) -> Any:
    """An expression. Raises ValueError, InvalidSelector."""
    if len(text) > REGEX_CHARACTERS_MAX:
        raise ValueError(f"a regular expression has more than {REGEX_CHARACTERS_MAX} characters")
    engine = _engine()
    options = engine.Options()
    options.max_mem = REGEX_MEMORY_BYTES
    options.log_errors = False
    try:
        return engine.compile(text, options=options)
    except (engine.error, UnicodeEncodeError):
        raise ValueError("a regular expression is not one of RE2") from None


def _text(value: bool | float | str) -> str:
    """A value as Java writes it."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_alike(one: Value, other: Value) -> bool:
    return isinstance(one, bool) is isinstance(other, bool) and one is not None


def _null(_get: Getter) -> Value:
    return None


_FUNCTIONS: Mapping[str, tuple[int, int, Callable[[Sequence[Part]], Evaluated]]] = {
    "REGEX": (2, 2, _regex),
    "INLIST": (2, 2, _in_list),
    "MAKELIST": (0, _FOUND_MAX, _make_list),
    "SPLIT": (2, 3, _split),
    "REPLACE": (3, 3, _replace),
}
"""By their names, with how many arguments they have."""
