"""What one session has subscribed to, and what a message that reaches it means there: QoS, identifiers, flags.

The exchange decides which session gets a message; which of the session's filters it matches is asked here, once for
each topic. So overlapping subscriptions lead to one delivery with the highest QoS and every identifier (§3.3.4), and
what is asked per message is one look into a dictionary.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from mqbroker.core.recent import remember
from mqbroker.core.routing.topics import TopicTrie
from mqbroker.protocols.mqtt.codec.packets import TopicFilter
from mqbroker.protocols.mqtt.limits import MQTT_MATCHES_MAX
from mqbroker.protocols.mqtt.topics import SYSTEM_PREFIX, is_hidden

if TYPE_CHECKING:
    from mqbroker.protocols.mqtt.counters import Counters

_FILTER = "x-mqtt-filter"
_QOS = "x-mqtt-qos"
_NO_LOCAL = "x-mqtt-no-local"
_RETAIN = "x-mqtt-retain-as-published"
_IDENTIFIER = "x-mqtt-subscription-identifier"


class Subscription:
    """One topic filter of a session. `text` is the filter as the client wrote it, `topic` without its share."""

    __slots__ = (
        "former_key", "group", "identifier", "is_denied", "key", "no_local", "qos", "retain_as_published", "text",
        "topic",
    )  # fmt: skip

    def __init__(self, wanted: TopicFilter, group: str, topic: str, key: str, identifier: int) -> None:
        self.text = wanted.topic
        self.group = group
        self.topic = topic
        self.key = key
        self.former_key = ""
        """The key before the configuration named another mapping, for messages that have waited since then."""
        self.qos = wanted.qos
        self.no_local = wanted.no_local
        self.retain_as_published = wanted.retain_as_published
        self.identifier = identifier
        """The subscription identifier, 0 for none."""
        self.is_denied = False
        """True when permissions that have changed since do not allow it any more."""

    @property
    def identifiers(self) -> tuple[int, ...]:
        """The subscription identifier, if there is one."""
        return (self.identifier,) if self.identifier else ()

    def arguments(self) -> dict[str, object]:
        """The options as arguments of its binding, so that they survive with it."""
        found: dict[str, object] = {_FILTER: self.text, _QOS: self.qos}
        if self.no_local:
            found[_NO_LOCAL] = True
        if self.retain_as_published:
            found[_RETAIN] = True
        if self.identifier:
            found[_IDENTIFIER] = self.identifier
        return found


def wanted_by(arguments: Mapping[str, object]) -> tuple[TopicFilter, int] | None:
    """The filter and the identifier that a binding was made for; None for a binding of somebody else's."""
    text, qos, identifier = arguments.get(_FILTER), arguments.get(_QOS), arguments.get(_IDENTIFIER, 0)
    if not isinstance(text, str) or not isinstance(qos, int) or not isinstance(identifier, int):
        return None
    return TopicFilter(text, qos, _NO_LOCAL in arguments, _RETAIN in arguments), identifier


class Match(NamedTuple):
    """What a topic means to a session. QoS -1: nothing is sent."""

    qos: int
    identifiers: tuple[int, ...]
    retain_as_published: bool
    has_no_local: bool


PLAIN = Match(0, (), False, False)
"""The simplest case, always this very object: QoS 0 and nothing else to say."""

NOTHING = Match(-1, (), False, False)
UNKNOWN = Match(2, (), False, False)
"""No filter matches (any more), but the message is here: it was bound by hand, or before an UNSUBSCRIBE."""


class Subscriptions:
    """All subscriptions of one session, by filter text."""

    __slots__ = ("_counters", "_former", "_trie", "by_text", "matches", "system_count")

    def __init__(self, counters: "Counters") -> None:
        self._counters = counters
        self.system_count = 0
        """How many of them are for $SYS topics."""
        self.by_text: dict[str, Subscription] = {}
        self._trie: TopicTrie[Subscription] = TopicTrie()
        self._former: TopicTrie[Subscription] = TopicTrie()
        """Those with a `former_key`, by that."""
        self.matches: dict[str, Match] = {}
        """What `match` has found lately, by routing key; emptied whenever it may have changed."""

    def add(self, subscription: Subscription) -> None:
        """Adds one whose text is not there yet."""
        self.by_text[subscription.text] = subscription
        self._count(subscription, 1)
        if not subscription.group:
            self._trie.add(subscription.key, subscription)
            if subscription.former_key:
                self._former.add(subscription.former_key, subscription)
        self.matches.clear()

    def remove(self, text: str) -> Subscription | None:
        """Takes one away; None when it is not there."""
        found = self.by_text.pop(text, None)
        if found is not None:
            self._count(found, -1)
            if not found.group:
                self._trie.remove(found.key, found)
                self._former.remove(found.former_key, found)
        self.matches.clear()
        return found

    def end(self) -> None:
        """The session is over."""
        for subscription in self.by_text.values():
            self._count(subscription, -1)
        self.by_text.clear()

    def _count(self, subscription: Subscription, change: int) -> None:
        if subscription.group:
            self._counters.shared_subscriptions += change
            return
        self._counters.subscriptions += change
        if subscription.topic.startswith(SYSTEM_PREFIX):
            self._counters.system_subscriptions += change
            self.system_count += change

    def forget_matches(self) -> None:
        """What was remembered is no longer true."""
        self.matches.clear()

    def match(self, key: str, is_own: bool) -> Match:
        """What a message with this routing key means; `is_own` when the session's client published it."""
        found = self.matches.get(key)
        if found is None:
            found = remember(self.matches, key, self._find(key, self._trie.match(key)), MQTT_MATCHES_MAX)
        if is_own and found.has_no_local:
            others = [each for each in self._trie.match(key) if not each.no_local]  # [MQTT-3.8.3-3]
            return self._find(key, others) if others else NOTHING
        return found

    def _find(self, key: str, subscriptions: Iterable[Subscription]) -> Match:
        visible = [each for each in subscriptions if not is_hidden(each.topic, key)]
        if not visible and self._former:
            visible = [each for each in self._former.match(key) if not is_hidden(each.topic, key)]
        if not visible:
            return NOTHING if key[:1] == "$" else UNKNOWN
        found = [each for each in visible if not each.is_denied]
        if not found:
            return NOTHING
        match = Match(
            max(each.qos for each in found),
            tuple(each.identifier for each in found if each.identifier),
            any(each.retain_as_published for each in found),
            any(each.no_local for each in found),
        )
        return PLAIN if match == PLAIN else match
