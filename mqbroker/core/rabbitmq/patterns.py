"""Regular expressions that operators write for RabbitMQ (permissions, policies), run by Python.

Owns the differences: RabbitMQ uses PCRE on octets, so classes such as `\\w` are ASCII, POSIX classes (`[[:alnum:]]`)
exist, and `\\z` is the end of the text. Patterns come from administrators and names are short; how long a pattern
takes is not bounded here.
"""

import re
from functools import lru_cache

from mqbroker.errors import PreconditionFailed

DEFAULT_EXCHANGE = "amq.default"
"""What permissions call the exchange without a name."""

_POSIX_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t-\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_TRANSLATED = re.compile(r"\\.|\[:([a-z]+):\]", re.DOTALL)


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The compiled pattern, for `search`. Raises PreconditionFailed for one that is not a regular expression."""
    try:
        return re.compile(_TRANSLATED.sub(_translate, pattern), re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise PreconditionFailed(f"pattern should be regular expression but is invalid: {error}") from None


@lru_cache(maxsize=4096)
def compile_permission(pattern: str) -> re.Pattern[str]:
    """The same for a permission, where the empty pattern allows nothing but the empty name."""
    return compile_pattern(pattern or "^$")


def _translate(found: re.Match[str]) -> str:
    text = found[0]
    if text == r"\z":
        return r"\Z"
    if text == r"\Z":
        return r"(?=\n?\Z)"
    if found[1] is None:
        return text
    return _POSIX_CLASSES.get(found[1], text)
