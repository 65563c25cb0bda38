"""Topics of Mosquitto's access lists as the regular expressions of topic permissions, which match routing keys.

A subscription is allowed or refused as a whole here, while Mosquitto grants it and looks at each message. So a filter
that is wider than what is allowed is refused, and so are wildcards where they could bring what is denied.
"""

import re
from collections.abc import Sequence

_LEVEL = r"[^.#]*"
_REST = r"(\..*)?"
_NO_WILDCARD = r"(?![^*#]*[*#])"
_SUBSTITUTES = {"%u": "{username}", "%c": "{client_id}"}


def is_pattern_usable(topic: str) -> bool:
    """Whether %u and %c stand alone in their levels: otherwise Mosquitto takes them as they are."""
    return all(level in _SUBSTITUTES or ("%u" not in level and "%c" not in level) for level in topic.split("/"))


def expression(topic: str, is_pattern: bool = False) -> str:
    """A regular expression for the keys of all topics of a filter, without the anchors."""
    if topic == "#":
        return ".*"
    levels = topic.split("/")
    rest = ""
    if levels[-1] == "#":
        levels, rest = levels[:-1], _REST
    return r"\.".join(_level(level, is_pattern) for level in levels) + rest


def _level(level: str, is_pattern: bool) -> str:
    if level == "+":
        return _LEVEL
    if is_pattern and level in _SUBSTITUTES:
        return _SUBSTITUTES[level]
    # A dot within a level is a slash in the key with `mqtt.topic_mapping = "exact"`, and a dot otherwise.
    return re.escape(level).replace(r"\.", "[./]")


def permission(allowed: Sequence[tuple[str, bool]], denied: Sequence[tuple[str, bool]], is_for_filters: bool) -> str:
    """The regular expression of a topic permission; of topics and whether they are patterns. Empty allows nothing."""
    parts = []
    for topic, is_pattern in dict.fromkeys(allowed):
        guard = ""
        if is_for_filters and any(overlap(topic, each) for each, _ in denied):
            guard = _NO_WILDCARD
        parts.append(guard + expression(topic, is_pattern))
    if not parts:
        return ""
    refused = "|".join(expression(topic, is_pattern) for topic, is_pattern in dict.fromkeys(denied))
    return f"^{f'(?!({refused})$)' if refused else ''}({'|'.join(parts)})$"


def overlap(one: str, other: str) -> bool:
    """Whether there can be a topic that both filters match; what is filled in may be anything."""
    left, right = one.split("/"), other.split("/")
    for first, second in zip(left, right, strict=False):
        if "#" in (first, second):
            return True
        if first != second and not _is_any(first) and not _is_any(second):
            return False
    return len(left) == len(right) or _goes_on(left, right)


def _goes_on(left: Sequence[str], right: Sequence[str]) -> bool:
    shorter, longer = sorted((left, right), key=len)
    return shorter[-1] == "#" or longer[len(shorter) :] == ["#"]


def _is_any(level: str) -> bool:
    return level == "+" or level in _SUBSTITUTES
