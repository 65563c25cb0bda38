"""The filter of a subscription: which messages it is for, compiled from its policy.

`$or` is taken apart at the start, so a filter is a list of alternatives of which each asks something of some keys.
"""

from collections.abc import Mapping, Sequence
from itertools import product

from mqbroker.aws.limits import (
    SNS_FILTER_COMBINATIONS_MAX,
    SNS_FILTER_KEYS_MAX,
    SNS_FILTER_POLICY_BYTES_MAX,
)
from mqbroker.aws.sns import refusals
from mqbroker.aws.sns.filters.json_tokens import JsonFault
from mqbroker.aws.sns.filters.operators import Atom, Test
from mqbroker.aws.sns.filters.parser import Branches, Conditions, Group, Leaf, PolicyFault, parse_policy

ATTRIBUTES = "MessageAttributes"
BODY = "MessageBody"

Values = Mapping[str, Sequence[Atom]]
"""What a message has under each key: members of arrays are values of their own."""


class KeyTest:
    """What one key is asked for."""

    __slots__ = ("exact", "is_indexed", "prefixes", "ranges", "tests", "wants_absent", "wants_present")

    def __init__(self, conditions: Conditions) -> None:
        self.exact = frozenset(conditions.exact)
        self.prefixes = tuple(conditions.prefixes)
        self.ranges = tuple(conditions.ranges)
        self.tests: tuple[Test, ...] = tuple(conditions.tests)
        self.wants_present = conditions.wants_present
        self.wants_absent = conditions.wants_absent
        self.is_indexed = not (self.tests or self.wants_present or self.wants_absent)
        """Whether the key must have one of the values of `exact`, or one that begins with one of the prefixes or is in
        one of the ranges, and nothing else will do."""

    def matches(self, values: Sequence[Atom] | None) -> bool:
        """Whether the values of the key will do; None where the message does not have it."""
        if values is None:
            return self.wants_absent
        if self.wants_present or not self.exact.isdisjoint(values):
            return True
        if self.prefixes and any(isinstance(value, str) and value.startswith(self.prefixes) for value in values):
            return True
        for span in self.ranges:
            for value in values:
                if span.matches(value):
                    return True
        for test in self.tests:
            for value in values:
                if test(value):
                    return True
        return False


class Alternative:
    """A set of keys of which each must be as it is asked for."""

    __slots__ = ("keys",)

    def __init__(self, keys: Sequence[tuple[str, KeyTest]]) -> None:
        self.keys = tuple(keys)

    def matches(self, values: Values) -> bool:
        """Whether a message will do."""
        for key, test in self.keys:  # noqa: SIM110 - a generator would take longer than the tests
            if not test.matches(values.get(key)):
                return False
        return True


class Filter:
    """A compiled policy. `scope` is ATTRIBUTES or BODY."""

    __slots__ = ("alternatives", "scope")

    def __init__(self, scope: str, alternatives: Sequence[Alternative]) -> None:
        self.scope = scope
        self.alternatives = tuple(alternatives)

    @staticmethod
    def parse(text: str, scope: str, prefix: str = "") -> "Filter":
        """Raises AwsError, whose text has the prefix."""
        if len(text.encode()) > SNS_FILTER_POLICY_BYTES_MAX:
            raise refusals.invalid(f"{prefix}FilterPolicy: Filter policy is too long")
        try:
            group = parse_policy(text)
        except JsonFault as fault:
            raise refusals.invalid(f"{prefix}FilterPolicy: failed to parse JSON. {fault}") from None
        except PolicyFault as fault:
            raise refusals.invalid(f"{prefix}FilterPolicy: {fault}") from None
        leaves = list(_leaves(group))
        if scope == ATTRIBUTES and any(leaf.depth > 1 for leaf in leaves):
            raise refusals.invalid(
                f"{prefix}Filter policy scope MessageAttributes does not support nested filter policy"
            )
        if len({leaf.path for leaf in leaves}) > SNS_FILTER_KEYS_MAX:
            raise refusals.invalid(
                f"{prefix}FilterPolicy: Filter policy can not have more than {SNS_FILTER_KEYS_MAX} keys"
            )
        if _combinations(group) > SNS_FILTER_COMBINATIONS_MAX:
            raise refusals.invalid(f"{prefix}FilterPolicy: Filter policy is too complex")
        tests = {id(leaf): KeyTest(leaf.conditions) for leaf in leaves}
        alternatives = [
            Alternative([(leaf.path, tests[id(leaf)]) for leaf in chosen]) for chosen in _alternatives(group)
        ]
        return Filter(scope, alternatives)

    def matches(self, values: Values) -> bool:
        """Whether a message will do."""
        return any(alternative.matches(values) for alternative in self.alternatives)


def _leaves(group: Group) -> list[Leaf]:
    found: list[Leaf] = []
    for part in group.parts:
        if isinstance(part, Branches):
            for branch in part.groups:
                found += _leaves(branch)
        else:
            found.append(part)
    return found


def _combinations(group: Group) -> int:
    """Values times depth, of all keys multiplied; those of branches are added."""
    count = 1
    for part in group.parts:
        if isinstance(part, Branches):
            count *= sum(_combinations(branch) for branch in part.groups)
        else:
            count *= part.conditions.count * part.depth
    return count


def _alternatives(group: Group) -> list[list[Leaf]]:
    choices: list[list[list[Leaf]]] = []
    for part in group.parts:
        if isinstance(part, Branches):
            choices.append([chosen for branch in part.groups for chosen in _alternatives(branch)])
        else:
            choices.append([[part]])
    return [[leaf for part in chosen for leaf in part] for chosen in product(*choices)]
