"""Which subscriptions of a topic want a message, without asking each of them.

An alternative that asks for certain values, prefixes or ranges of a key is found by the value that the message has;
of several such keys by the one with the fewest. What asks for nothing like that, such as a suffix alone, is asked one
by one.
"""

from collections.abc import Iterable, Sequence

from mqbroker.aws.sns.filters.filter import ATTRIBUTES, Alternative, KeyTest, Values
from mqbroker.aws.sns.filters.intervals import Intervals
from mqbroker.aws.sns.filters.message_values import values_of_attributes, values_of_body
from mqbroker.aws.sns.filters.operators import Atom
from mqbroker.aws.sns.notification import Notification
from mqbroker.aws.sns.subscription import Subscription

_RANGE_BREADTH = 16

Candidate = tuple[Subscription, Alternative]


class _Key:
    """What is asked of one key: those who ask, by the values, by the prefixes of values, and by ranges."""

    __slots__ = ("_ranges", "_spans", "by_prefix", "by_value", "lengths")

    def __init__(self) -> None:
        self.by_value: dict[Atom, list[Candidate]] = {}
        self.by_prefix: dict[str, list[Candidate]] = {}
        self.lengths: set[int] = set()
        """Of the prefixes."""
        self._spans: list[tuple[float, float, Candidate]] = []
        self._ranges: Intervals[Candidate] | None = None

    def add(self, test: KeyTest, candidate: Candidate) -> None:
        for value in test.exact:
            self.by_value.setdefault(value, []).append(candidate)
        for prefix in test.prefixes:
            self.by_prefix.setdefault(prefix, []).append(candidate)
            self.lengths.add(len(prefix))
        self._spans += [(span.low, span.high, candidate) for span in test.ranges]

    def finish(self) -> None:
        """Everybody has been added."""
        if self._spans:
            self._ranges = Intervals(self._spans)

    def collect(self, found_here: Sequence[Atom], values: Values, found: dict[Subscription, None]) -> None:
        for value in found_here:
            _keep(self.by_value.get(value, ()), values, found)
            if self.lengths and isinstance(value, str):
                for length in self.lengths:
                    if length <= len(value):
                        _keep(self.by_prefix.get(value[:length], ()), values, found)
            if self._ranges is not None and isinstance(value, float):
                _keep(self._ranges.around(value), values, found)


class _Scope:
    """The filters of one scope."""

    __slots__ = ("keys", "others")

    def __init__(self) -> None:
        self.keys: dict[str, _Key] = {}
        self.others: list[Candidate] = []

    def add(self, subscription: Subscription, alternative: Alternative) -> None:
        candidate = (subscription, alternative)
        indexed = [each for each in alternative.keys if each[1].is_indexed]
        if not indexed:
            self.others.append(candidate)
            return
        key, test = min(indexed, key=lambda each: _breadth(each[1]))
        self.keys.setdefault(key, _Key()).add(test, candidate)

    def finish(self) -> None:
        """Everybody has been added."""
        for key in self.keys.values():
            key.finish()

    def is_empty(self) -> bool:
        return not self.keys and not self.others

    def collect(self, values: Values, found: dict[Subscription, None]) -> None:
        keys = self.keys
        for key in keys.keys() & values.keys() if len(values) > len(keys) else values:
            here = keys.get(key)
            if here is not None:
                here.collect(values[key], values, found)
        _keep(self.others, values, found)


def _breadth(test: KeyTest) -> int:
    """How many messages a key lets through, about: a range usually more than some values."""
    return len(test.exact) + len(test.prefixes) + _RANGE_BREADTH * len(test.ranges)


def _keep(candidates: Iterable[Candidate], values: Values, found: dict[Subscription, None]) -> None:
    for subscription, alternative in candidates:
        if subscription not in found and alternative.matches(values):
            found[subscription] = None


class FilterIndex:
    """The subscriptions of one topic that messages may go to."""

    __slots__ = ("_attributes", "_body", "filtered", "unfiltered")

    def __init__(self, subscriptions: Iterable[Subscription]) -> None:
        self.unfiltered: list[Subscription] = []
        self.filtered: list[Subscription] = []
        self._attributes, self._body = _Scope(), _Scope()
        for each in subscriptions:
            if each.filter is None:
                self.unfiltered.append(each)
                continue
            self.filtered.append(each)
            scope = self._attributes if each.filter.scope == ATTRIBUTES else self._body
            for alternative in each.filter.alternatives:
                scope.add(each, alternative)
        self._attributes.finish()
        self._body.finish()

    @property
    def count(self) -> int:
        """How many subscriptions there are."""
        return len(self.unfiltered) + len(self.filtered)

    def wanted(self, notification: Notification) -> list[Subscription]:
        """Those that want a message."""
        if not self.filtered:
            return self.unfiltered
        found: dict[Subscription, None] = {}
        if not self._attributes.is_empty():
            self._attributes.collect(values_of_attributes(notification.attributes), found)
        if not self._body.is_empty():
            values = values_of_body(notification.message.content())
            if values is not None:
                self._body.collect(values, found)
        return [*self.unfiltered, *found] if found else self.unfiltered
