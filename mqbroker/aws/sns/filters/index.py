"""Which subscriptions of a topic want a message, without asking each of them.

An alternative that asks for certain values of a key is found by the value that the message has; of several such keys by
the one with the fewest. What asks for nothing like that, such as a prefix alone, is asked one by one.
"""

from collections.abc import Iterable

from mqbroker.aws.sns.filters.filter import ATTRIBUTES, Alternative, Values
from mqbroker.aws.sns.filters.message_values import values_of_attributes, values_of_body
from mqbroker.aws.sns.filters.operators import Atom
from mqbroker.aws.sns.notification import Notification
from mqbroker.aws.sns.subscription import Subscription

Candidate = tuple[Subscription, Alternative]


class _Scope:
    """The filters of one scope."""

    __slots__ = ("by_value", "others")

    def __init__(self) -> None:
        self.by_value: dict[str, dict[Atom, list[Candidate]]] = {}
        self.others: list[Candidate] = []

    def add(self, subscription: Subscription, alternative: Alternative) -> None:
        candidate = (subscription, alternative)
        exact = [(len(test.exact), key, test.exact) for key, test in alternative.keys if test.is_exact]
        if not exact:
            self.others.append(candidate)
            return
        _, key, values = min(exact, key=lambda each: each[0])
        for value in values:
            self.by_value.setdefault(key, {}).setdefault(value, []).append(candidate)

    def is_empty(self) -> bool:
        return not self.by_value and not self.others

    def collect(self, values: Values, found: dict[Subscription, None]) -> None:
        by_value = self.by_value
        for key in by_value.keys() & values.keys() if len(values) > len(by_value) else values:
            candidates = by_value.get(key)
            if candidates is None:
                continue
            for value in values[key]:
                _keep(candidates.get(value, ()), values, found)
        _keep(self.others, values, found)


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
