"""The patterns of LIKE: `%` stands for any text, `_` for one character.

A pattern is matched part by part between its `%`, each at the first place where it fits, so that none takes longer than
its length times that of the text: patterns come from one client, and texts from another.
"""

import re


class Pattern:
    """One pattern."""

    __slots__ = ("_first", "_last", "_middle")

    def __init__(self, pattern: str, escape: str = "") -> None:
        """`escape` is a character that takes the meaning from the `%`, `_` or itself that follows it."""
        parts = [re.compile(part, re.DOTALL) for part in _parts(pattern, escape)]
        self._first = parts[0]
        self._middle = parts[1:-1]
        self._last: re.Pattern[str] | None = None
        if len(parts) > 1:
            self._last = re.compile(f"(?:{parts[-1].pattern})\\Z", re.DOTALL)

    def matches(self, text: str) -> bool:
        """Whether the pattern stands for the whole text."""
        if self._last is None:
            return self._first.fullmatch(text) is not None
        found = self._first.match(text)
        for part in self._middle:
            if found is None:
                return False
            found = part.search(text, found.end())
        return found is not None and self._last.search(text, found.end()) is not None


def _parts(pattern: str, escape: str) -> list[str]:
    """Expressions for what stands between the `%`; none of them repeats anything."""
    parts = [""]
    characters = iter(pattern)
    for character in characters:
        if escape and character == escape:
            parts[-1] += re.escape(next(characters, escape))
        elif character == "%":
            parts.append("")
        else:
            parts[-1] += "." if character == "_" else re.escape(character)
    return parts
