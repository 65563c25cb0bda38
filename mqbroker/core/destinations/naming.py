"""What names of destinations mean by setting: virtual topics, and composite destinations.

    virtual topic    Consumer.N.VirtualTopic.X    a queue that gets what is published to the topic VirtualTopic.X
                     prefix^   ^topic             of which there may be many for one topic, one for each application
    mirrored queue   what is sent to the queue Q goes to the topic VirtualTopic.Mirror.Q too, for who wants to look on
                                                                   prefix^            and there may be a postfix
    composite        queue://A = queue://B + topic://C  what is sent to A goes to B and C instead; and to A too, if it
                                                        is named among them

The settings are texts that were checked (config/destinations.py).
"""

from collections.abc import Iterable, Mapping

from mqbroker.core.destinations.names import QUEUE, TOPIC, Destination, destinations_in
from mqbroker.core.queues.aware import AwareQueue
from mqbroker.core.queues.spec import CLASSIC

VIRTUAL_TOPICS = ("VirtualTopic.>",)
VIRTUAL_TOPIC_PREFIX = "Consumer.*."
_REST, _WORD = ">", "*"


def matches(pattern: Iterable[str], words: list[str]) -> bool:
    """Whether the words of a name are what a pattern says: `*` is one word, `>` all the rest, one at least."""
    at = 0
    for wanted in pattern:
        if wanted == _REST:
            return at < len(words)
        if at >= len(words) or wanted not in (_WORD, words[at]):
            return False
        at += 1
    return at == len(words)


def is_pattern(name: str) -> bool:
    """Whether a name stands for any number of destinations."""
    return not {_WORD, _REST}.isdisjoint(name.split("."))


class Naming:
    """The settings of one broker."""

    __slots__ = ("_composites", "_is_selector_aware", "_mirror", "_prefix", "_virtual_topics")

    def __init__(
        self,
        virtual_topics: Iterable[str] = VIRTUAL_TOPICS,
        prefix: str = VIRTUAL_TOPIC_PREFIX,
        composites: Mapping[str, Iterable[str]] | None = None,
        mirror: tuple[str, str] | None = None,
        is_selector_aware: bool = False,
    ) -> None:
        """`composites` has what the names with their kinds stand for, `mirror` what is before and after the name of a
        queue in that of its mirror; None where there are none. With `is_selector_aware` queues of virtual topics take
        only what their consumers select."""
        self._virtual_topics = [pattern.split(".") for pattern in virtual_topics]
        self._prefix = prefix.rstrip(".").split(".")
        self._mirror = mirror
        self._is_selector_aware = is_selector_aware
        self._composites = {
            destinations_in(name, QUEUE)[0]: destinations_in(",".join(targets), QUEUE)
            for name, targets in (composites or {}).items()
        }

    def virtual_topic_of(self, queue: str) -> str:
        """The virtual topic whose messages a queue of this name gets; empty when there is none."""
        words = queue.split(".")
        count = len(self._prefix)
        topic = words[count:]
        if not topic or not matches(self._prefix, words[:count]):
            return ""
        is_virtual = any(matches(pattern, topic) for pattern in self._virtual_topics)
        return ".".join(topic) if is_virtual else ""  # it may have wildcards itself, which are words like others here

    def kind_of(self, queue: str) -> str:
        """Which kind of queue one of this name is."""
        return AwareQueue.role if self._is_selector_aware and self.virtual_topic_of(queue) else CLASSIC

    def places_of(self, destination: Destination) -> list[Destination]:
        """Where what is sent to a destination goes to: to itself, unless it is a composite one, and to mirrors."""
        found = self._composites.get(destination, [destination])
        if self._mirror is None:
            return found
        before, after = self._mirror
        return [*found, *(Destination(TOPIC, before + each.name + after) for each in found if each.kind == QUEUE)]
