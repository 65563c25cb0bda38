"""Patterns of policies: `*` is any text, `?` any character, and `${aws:username}` what the request has under that key.

Matching walks over the text once, whatever the pattern is: all places of the pattern that could be next are one
integer. What a variable brings in is never a wildcard, so nobody gains by being called `*`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

Context = Mapping[str, str | Sequence[str]]
"""What is known of a request, by condition key in lower case; several values where the key has several."""


class _Wildcard:
    """Stands for something else than itself."""


ANY: Final = _Wildcard()
ONE: Final = _Wildcard()


@dataclass(frozen=True, slots=True)
class Variable:
    """`${key}` or `${key, 'default'}`; the key is in lower case."""

    key: str
    default: str | None

    def value(self, context: Context) -> str | None:
        """What it stands for; None when that is not known, or is more than one thing."""
        found = context.get(self.key, self.default)
        return found if isinstance(found, str) else None


Item = str | _Wildcard | Variable

_WILDCARDS = {"*": ANY, "?": ONE}
_ESCAPED = ("*", "?", "$")  # ${*} is an asterisk that is none


def tokenise(text: str, has_wildcards: bool, has_variables: bool) -> list[Item]:
    """The items of a pattern: characters, wildcards and variables. Raises ValueError for a variable without an end."""
    items: list[Item] = []
    position = 0
    while position < len(text):
        if has_variables and text.startswith("${", position):
            end = text.index("}", position)
            items.append(_variable(text[position + 2 : end]))
            position = end + 1
            continue
        character = text[position]
        items.append(_WILDCARDS.get(character, character) if has_wildcards else character)
        position += 1
    return items


def _variable(text: str) -> Item:
    if text in _ESCAPED:
        return text
    key, comma, default = text.partition(",")
    default = default.strip()
    if comma and not (len(default) >= 2 and default[0] == default[-1] == "'"):
        raise ValueError(f"the default of a variable stands between apostrophes: {text}")
    return Variable(key.strip().lower(), default[1:-1] if comma else None)


class Pattern:
    """A pattern for a whole text."""

    __slots__ = ("_is_any", "_is_plain", "_items", "_text")

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = tuple(items)
        self._is_any = self._items == (ANY,)
        self._is_plain = all(isinstance(item, str) for item in items)
        self._text = "".join(item for item in items if isinstance(item, str))

    def matches(self, text: str, context: Context) -> bool:
        """Whether the text is as the pattern says. A variable that is not known matches nothing."""
        if self._is_any:
            return True
        if self._is_plain:
            return text == self._text
        items = _expanded(self._items, context)
        return items is not None and walk(items, text)


def _expanded(items: Sequence[Item], context: Context) -> list[str | _Wildcard] | None:
    found: list[str | _Wildcard] = []
    for item in items:
        if isinstance(item, Variable):
            value = item.value(context)
            if value is None:
                return None
            found.extend(value)
        else:
            found.append(item)
    return found


def walk(items: Sequence[str | _Wildcard], text: str) -> bool:
    """Whether characters and wildcards match a whole text. One step for each character, all alternatives at once.

    Bit n of `places` says that the first n items that stand for one character are passed; `stays` has the places
    where an asterisk lets any character pass, `steps` those from which a certain character leads on.
    """
    stays, any_step, size = 0, 0, 0
    steps: dict[str, int] = {}
    for item in items:
        bit = 1 << size
        if item is ANY:
            stays |= bit
            continue
        if isinstance(item, str):
            steps[item] = steps.get(item, 0) | bit
        else:
            any_step |= bit
        size += 1
    places = 1
    for character in text:
        places = ((places & (steps.get(character, 0) | any_step)) << 1) | (places & stays)
        if not places:
            return False
    return bool(places >> size & 1)


class ArnPattern:
    """A pattern for an ARN, each of whose six parts is matched for itself; or `*`, which is any ARN.

    Anything else matches nothing, as on AWS: scripts leave a placeholder in it, or name a queue by account and name.
    """

    __slots__ = ("_is_any", "_parts")

    def __init__(self, items: Sequence[Item]) -> None:
        self._is_any = bool(items) and all(item is ANY for item in items)
        parts = _split(items)
        is_arn = len(parts) == _ARN_PARTS and parts[0] == ["a", "r", "n"]
        self._parts = tuple(map(Pattern, parts)) if is_arn else ()

    def matches(self, text: str, context: Context) -> bool:
        """Whether the ARN is as the pattern says."""
        if self._is_any:
            return True
        parts = text.split(":", _ARN_PARTS - 1)
        if len(parts) != len(self._parts):
            return False
        return all(pattern.matches(part, context) for pattern, part in zip(self._parts, parts, strict=True))


_ARN_PARTS = 6


def _split(items: Sequence[Item]) -> list[list[Item]]:
    parts: list[list[Item]] = [[]]
    for item in items:
        if item == ":" and len(parts) < _ARN_PARTS:
            parts.append([])
        else:
            parts[-1].append(item)
    return parts
