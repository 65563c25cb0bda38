"""What is known of one vhost for advisories: its destinations, and who has asked for which advisories.

A topic is a key of the exchange of topics that something is bound with. The queue of a subscription to one is not a
destination itself.
"""

from collections import Counter

from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.selected import SelectedQueue
from mqbroker.core.routing.topics import TopicTrie
from mqbroker.core.vhost import VHost
from mqbroker.runtime.advisories.shapes import QUEUE, TEMP_QUEUE, TEMP_TOPIC, TOPIC

EXCHANGE = "amq.topic"
PREFIX = "ActiveMQ.Advisory."

_FIRST_WORD = "ActiveMQ"  # who subscribes to everything has not asked for these
_TEMPORARY_KEYS = ("temp-topic.", "amq.dyn-")
_SUBSCRIPTIONS = "subscription "  # what names begin with of those of AMQP 1.0 that stay


class Place:
    """One vhost."""

    __slots__ = ("_consumers", "_keys", "_of_topics", "_producers_of", "_queues", "asked", "producers", "vhost")

    def __init__(self, vhost: VHost) -> None:
        self.vhost = vhost
        self._queues: dict[str, str] = {}
        """The queues that are destinations, and their kinds."""
        self._keys: dict[str, set[str]] = {}
        """The topics that a queue gets, by its name."""
        self._consumers: Counter[str] = Counter()
        """How many consumers a queue has."""
        self._of_topics: dict[str, list[int]] = {}
        """How many queues get a topic, and how many consumers those have: whoever watches many should not have them
        counted for each."""
        self.producers: dict[str, tuple[str, str]] = {}
        """The kinds and names of the destinations that producers are for."""
        self._producers_of: Counter[tuple[str, str]] = Counter()
        self.asked: dict[str, set[str]] = {}
        """The binding keys by which a queue gets advisories, by its name."""

    # --- what happens -----------------------------------------------------------------------------------------------

    def bound(self, queue: str, key: str) -> str | None:
        """Something is bound to the exchange of topics. The topic that is new with it."""
        words = key.split(".")
        if words[0] == _FIRST_WORD:
            self.asked.setdefault(queue, set()).add(key)
        keys = self._keys.setdefault(queue, set())
        if key.startswith(PREFIX) or "*" in words or "#" in words or key in keys:
            return None
        keys.add(key)
        counts = self._of_topics.setdefault(key, [0, 0])
        counts[0] += 1
        counts[1] += self._consumers[queue]
        return key if counts[0] == 1 else None

    def unbound(self, queue: str, key: str) -> str | None:
        """A binding is gone. The topic that is gone with it."""
        self.asked.get(queue, set()).discard(key)
        if not self.asked.get(queue):
            self.asked.pop(queue, None)
        keys = self._keys.get(queue, set())
        if key not in keys:
            return None
        keys.remove(key)
        counts = self._of_topics[key]
        counts[0] -= 1
        counts[1] -= self._consumers[queue]
        if counts[0]:
            return None
        del self._of_topics[key]
        return key

    def queue_found(self, queue: Queue) -> str | None:
        """A queue is there: its kind, if it is a destination."""
        if self.is_subscription(queue):
            return None
        kind = self._queues[queue.name] = TEMP_QUEUE if queue.declared.owner is not None else QUEUE
        return kind

    def queue_gone(self, name: str) -> tuple[str | None, list[str]]:
        """A queue is deleted: the kind of destination that it was, and the topics that are gone with it."""
        self.asked.pop(name, None)
        topics = [key for key in tuple(self._keys.get(name, ())) if self.unbound(name, key)]
        self._keys.pop(name, None)
        self._consumers.pop(name, None)
        return self._queues.pop(name, None), topics

    def consumers_changed(self, queue: str, change: int) -> None:
        """A queue has so many consumers more, or less."""
        self._consumers[queue] += change
        for topic in self._keys.get(queue, ()):
            self._of_topics[topic][1] += change

    def producer_found(self, producer: str, kind: str, name: str) -> None:
        """Somebody is about to send to a destination."""
        self.producers[producer] = kind, name
        self._producers_of[kind, name] += 1

    def producer_gone(self, producer: str) -> tuple[str, str] | None:
        """Somebody sends no more: to which destination."""
        found = self.producers.pop(producer, None)
        if found is not None:
            self._producers_of[found] -= 1
            if not self._producers_of[found]:
                del self._producers_of[found]
        return found

    # --- what is asked ----------------------------------------------------------------------------------------------

    def is_subscription(self, queue: Queue) -> bool:
        """Whether a queue is that of a subscription to topics."""
        spec = queue.declared
        if isinstance(queue, SelectedQueue):
            return True
        is_own = spec.owner is not None or spec.auto_delete or queue.name.startswith(_SUBSCRIPTIONS)
        return is_own and bool(self._keys.get(queue.name) or self.asked.get(queue.name))

    def destinations_of(self, name: str) -> list[tuple[str, str, int]]:
        """The destinations that consumers of a queue have: it, or the topics that it is a subscription to. Each with
        its kind, and how many have it."""
        queue = self.vhost.queues.get(name)
        is_destination = name in self._queues if queue is None else not self.is_subscription(queue)
        if is_destination:
            return [(QUEUE, name, self._consumers[name])]
        return [(TOPIC, topic, self._of_topics[topic][1]) for topic in self._keys.get(name, ())]

    def topics(self) -> list[str]:
        """The topics that somebody has subscribed to."""
        return list(self._of_topics)

    def queues(self) -> list[tuple[str, str]]:
        """The queues that are destinations, with their kinds."""
        return list(self._queues.items())

    def producer_count(self, kind: str, name: str) -> int:
        """How many producers a destination has."""
        return self._producers_of[kind, name]

    def wants(self, kind: str) -> bool:
        """Whether somebody may have asked for advisories whose names begin with this word."""
        return any(_may_mean(key, kind) for keys in self.asked.values() for key in keys)

    def names(self, *kinds: str) -> bool:
        """Whether somebody has asked for advisories by one of these words: they are of single messages, which nobody
        is told of who asks for everything, as in ActiveMQ unless a policy says so."""
        starts = tuple(PREFIX + kind for kind in kinds)
        return any(key.startswith(starts) for keys in self.asked.values() for key in keys)


def kind_of_topic(topic: str) -> str:
    """Whether a topic is a temporary one."""
    return TEMP_TOPIC if topic.startswith(_TEMPORARY_KEYS) else TOPIC


def _may_mean(key: str, kind: str) -> bool:
    """Whether a binding key matches some advisory of a kind, which is the third word of its name."""
    words = key.split(".")
    if "#" in words[:3]:
        return True
    return len(words) >= 3 and words[1] in ("Advisory", "*") and words[2] in (kind, "*")


def matches(key: str, topic: str) -> bool:
    """Whether a binding key matches the name of an advisory."""
    wanted: TopicTrie[str] = TopicTrie()
    wanted.add(key, key)
    return bool(wanted.match(topic))
