"""Names of destinations as ActiveMQ has them, for every protocol that speaks to its clients.

a,b,topic://c          composite: several at once, of the kind that is meant unless they say another
a.*.b, a.>             wildcards: one word, and all the rest
a?consumer.x=y         options after a name
"""

from typing import NamedTuple

QUEUE = "queue"
TOPIC = "topic"

_PREFIXES = ((f"{QUEUE}://", QUEUE), (f"{TOPIC}://", TOPIC))
_OPTION_PREFIX = "consumer."


class Destination(NamedTuple):
    """A queue or a topic."""

    kind: str
    name: str


def destinations_in(text: str, kind: str) -> list[Destination]:
    """The destinations that a name means, which are of that kind unless they say another. Empty ones are left out."""
    found = []
    for part in text.split(","):
        own = Destination(kind, part.strip())
        for prefix, other in _PREFIXES:
            if own.name.startswith(prefix):
                own = Destination(other, own.name.removeprefix(prefix))
        if own.name:
            found.append(own)
    return found


def pattern_of(topic: str) -> str:
    """The binding key that matches what a topic with wildcards does."""
    words = topic.split(".")
    return ".".join([*words[:-1], "#" if words[-1] == ">" else words[-1]])


def without_options(text: str) -> tuple[str, dict[str, str]]:
    """A name without what stands after it, and the consumer's options there."""
    name, _, query = text.partition("?")
    found = {}
    for part in query.split("&"):
        key, _, value = part.partition("=")
        if key.startswith(_OPTION_PREFIX):
            found[key.removeprefix(_OPTION_PREFIX)] = value
    return name, found
