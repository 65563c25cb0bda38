"""Policies: settings that operators lay over queues and exchanges by pattern.

Owns the policies of all vhosts, their validation with RabbitMQ 3.10.8's texts, and the rule of which one applies. What
a setting does is the queue's or the exchange's business (core/arguments.py combines it with the arguments).

Of the policies that match, the one with the highest priority applies, alone. An operator policy is found in the same
way and merged in: where both state a number, the lower one counts. A policy with a setting that a type of queue does
not know does not apply to queues of that type at all (measured).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.rabbitmq.arguments import queue_type_of, under_policy
from mqbroker.core.rabbitmq.erlang_text import json_text, pairs_text
from mqbroker.core.rabbitmq.patterns import compile_pattern
from mqbroker.errors import NotFound, PreconditionFailed

_KINDS = {
    "all": ("exchange", "classic", "quorum"),
    "exchanges": ("exchange",),
    "queues": ("classic", "quorum"),
    "classic_queues": ("classic",),
    "quorum_queues": ("quorum",),
    "streams": (),  # of which there are none
}

_OF_STREAMS = ("max-age", "stream-max-segment-size-bytes", "stream-filter-size-bytes")

_UNKNOWN_TO: dict[str, frozenset[str]] = {
    "exchange": frozenset(),
    "classic": frozenset(
        (
            "delivery-limit", "dead-letter-strategy", "queue-leader-locator", "initial-cluster-size",
            "target-group-size", "consumer-disconnected-timeout", *_OF_STREAMS,
        )
    ),
    "quorum": frozenset(
        (
            "queue-mode", "ha-mode", "ha-params", "ha-sync-mode", "ha-promote-on-shutdown", "ha-promote-on-failure",
            "queue-master-locator", "initial-cluster-size", *_OF_STREAMS,
        )
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy or operator policy. `definition` maps settings such as `message-ttl` to decoded JSON values."""

    vhost: str
    name: str
    pattern: str
    definition: Mapping[str, object]
    priority: int = 0
    apply_to: str = "all"


class Policies:
    """The policies of the broker, and what they come to for a queue or an exchange."""

    __slots__ = ("_merged", "_operator", "_ranked", "_user")

    def __init__(self) -> None:
        self._user: dict[tuple[str, str], Policy] = {}
        self._operator: dict[tuple[str, str], Policy] = {}
        self._ranked: dict[tuple[bool, str, str], list[tuple[re.Pattern[str], Policy]]] = {}
        """Those of a vhost that may apply to a type of queue or an exchange, the one that goes first first: an operator
        may look at a hundred thousand queues."""
        self._merged: dict[tuple[str, str, str], Mapping[str, object]] = {}
        """What a policy and an operator policy of a vhost come to together."""

    def set(self, policy: Policy, operator: bool = False) -> None:
        """Adds or replaces a policy. Raises PreconditionFailed, with every reason on a line of its own."""
        check_policy(policy, operator)
        self._of(operator)[policy.vhost, policy.name] = policy
        self._forget_decisions()

    def delete(self, vhost: str, name: str, operator: bool = False) -> Policy:
        """Deletes a policy and returns it. Raises NotFound."""
        found = self._of(operator).pop((vhost, name), None)
        self._forget_decisions()
        if found is None:
            raise NotFound(f"no {'operator policy' if operator else 'policy'} '{name}' in vhost '{vhost}'")
        return found

    def forget_vhost(self, vhost: str) -> None:
        """Deletes all policies of a vhost that was deleted."""
        self._forget_decisions()
        for policies in (self._user, self._operator):
            for key in [key for key in policies if key[0] == vhost]:
                del policies[key]

    def _forget_decisions(self) -> None:
        self._ranked.clear()
        self._merged.clear()

    def all(self, operator: bool = False) -> list[Policy]:
        """Every policy of every vhost."""
        return list(self._of(operator).values())

    def matching(
        self, vhost: str, kind: str, name: str, queue_type: str = "classic", operator: bool = False
    ) -> Policy | None:
        """The policy that applies to a `queue` or an `exchange`, if any. `queue_type` is classic or quorum."""
        target = queue_type if kind == "queue" else kind
        ranked = self._ranked.get((operator, vhost, target))
        if ranked is None:
            ranked = self._ranked[operator, vhost, target] = self._rank(operator, vhost, target)
        for pattern, policy in ranked:
            if pattern.search(name):
                return policy
        return None

    def _rank(self, operator: bool, vhost: str, target: str) -> list[tuple[re.Pattern[str], Policy]]:
        found = [each for each in self._of(operator).values() if each.vhost == vhost and _applies(each, target)]
        found.sort(key=lambda each: (each.priority, each.name), reverse=True)
        return [(compile_pattern(each.pattern), each) for each in found]

    def effective(self, vhost: str, kind: str, name: str, queue_type: str = "classic") -> Mapping[str, object]:
        """The settings in force for a `queue` or an `exchange`; empty when no policy applies."""
        policy = self.matching(vhost, kind, name, queue_type)
        return self.merged(policy, self.matching(vhost, kind, name, queue_type, operator=True))

    def merged(self, policy: Policy | None, operator: Policy | None) -> Mapping[str, object]:
        """The settings of a policy and an operator policy of one vhost together. They are not to be changed."""
        one = policy or operator
        if one is None:
            return {}
        key = one.vhost, "" if policy is None else policy.name, "" if operator is None else operator.name
        found = self._merged.get(key)
        if found is None:
            found = self._merged[key] = _merged(policy, operator)
        return found

    def in_force(self, declared: QueueSpec, vhost: str) -> QueueSpec:
        """What a queue that was declared like that does under the policies that apply to it."""
        policy = self.effective(vhost, "queue", declared.name, queue_type_of(declared.arguments))
        return under_policy(declared, policy) if policy or declared.counts_failures else declared

    def _of(self, operator: bool) -> dict[tuple[str, str], Policy]:
        return self._operator if operator else self._user


def _merged(policy: Policy | None, operator: Policy | None) -> Mapping[str, object]:
    """The settings of a policy and an operator policy together."""
    settings = {} if policy is None else dict(policy.definition)
    for key, value in () if operator is None else operator.definition.items():
        mine = settings.get(key)
        settings[key] = _lower(mine, value) if isinstance(mine, int) and isinstance(value, int) else value
    return settings


def _lower(one: int, other: int) -> int:
    """The lower limit; a negative number is none."""
    return min((number for number in (one, other) if number >= 0), default=one)


def _applies(policy: Policy, target: str) -> bool:
    if target not in _UNKNOWN_TO:  # a type of queue that RabbitMQ does not have
        return policy.apply_to in ("all", "queues")
    return target in _KINDS[policy.apply_to] and _UNKNOWN_TO[target].isdisjoint(policy.definition)


# --- validation -----------------------------------------------------------------------------------------------------


def check_policy(policy: Policy, operator: bool = False) -> None:
    """Raises PreconditionFailed for a policy that RabbitMQ would not take, with every reason on a line of its own."""
    reasons = [*_definition_errors(policy.definition, operator)]
    if policy.apply_to not in _KINDS:
        reasons.append(f"apply-to '{policy.apply_to}' unrecognised; should be 'queues', 'exchanges' or 'all'")
    try:
        compile_pattern(policy.pattern)
    except PreconditionFailed as error:
        reasons.append(str(error))
    if reasons:
        raise PreconditionFailed("\n".join(reasons))


def _definition_errors(definition: Mapping[str, object], operator: bool) -> Iterable[str]:
    """The first thing that is wrong with the settings, as RabbitMQ reports one only."""
    if not definition:
        return ["no policy provided"]
    for key, value in definition.items():
        setting = _SETTINGS.get(key)
        if setting is not None and not setting[0](value):
            return [f"{json_text(value)} {setting[1]}"]
    known = _OPERATOR_SETTINGS if operator else _SETTINGS
    if sum(key in definition for key in _UPSTREAMS) > 1:
        return ["cannot specify more than one of federation-upstream, -upstream-set and -upstream-pattern"]
    unknown = {key: value for key, value in definition.items() if key not in known}
    return [f"{pairs_text(unknown)} are not recognised policy settings"] if unknown else []


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_positive(value: object) -> bool:
    return _is_count(value) and value != 0


def _is_limit(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= -1


def _is_age(value: object) -> bool:
    return isinstance(value, str) and _AGE.fullmatch(value) is not None


def _is_filter_size(value: object) -> bool:
    return _is_count(value) and 16 <= int(str(value)) <= 255


def _is_string(value: object) -> bool:
    return isinstance(value, str)


def _is_anything(_value: object) -> bool:
    return True


def _is_one_of(*choices: object) -> Callable[[object], bool]:
    return lambda value: value in choices and not isinstance(value, bool)


_AGE = re.compile(r"[1-9][0-9]*[YMDhms]")
_UPSTREAMS = ("federation-upstream", "federation-upstream-set", "federation-upstream-pattern")

# What a setting may be, and what is said of it when it is not. The last group has no effect here: it is taken so that
# definitions exported by RabbitMQ can be imported.
_SETTINGS: dict[str, tuple[Callable[[object], bool], str]] = {
    "alternate-exchange": (_is_string, "is not a valid alternate exchange name"),
    "dead-letter-exchange": (_is_string, "is not a valid dead letter exchange name"),
    "dead-letter-routing-key": (_is_string, "is not a valid dead letter routing key"),
    "message-ttl": (_is_count, "is not a valid message TTL"),
    "expires": (_is_positive, "is not a valid queue expiry"),
    "max-length": (_is_count, "is not a valid maximum length"),
    "max-length-bytes": (_is_count, "is not a valid maximum length in bytes"),
    "overflow": (_is_one_of("drop-head", "reject-publish", "reject-publish-dlx"), "is not a valid overflow value"),
    "delivery-limit": (_is_limit, "is not a valid delivery limit"),
    "consumer-timeout": (_is_count, "is not a valid consumer timeout"),
    "dead-letter-strategy": (_is_one_of("at-most-once", "at-least-once"), "is not a valid dead letter strategy"),
    "max-in-memory-length": (_is_count, "is not a valid maximum memory in bytes"),
    "max-in-memory-bytes": (_is_count, "is not a valid maximum memory in bytes"),
    "queue-mode": (_is_one_of("default", "lazy"), "is not a valid queue-mode value"),
    "queue-version": (_is_one_of(1, 2), "is not a valid queue-version value"),
    "queue-leader-locator": (_is_string, "is not a valid queue leader locator value"),
    "queue-master-locator": (_is_string, "invalid queue-master-locator value"),
    "initial-cluster-size": (_is_count, "is not a valid cluster size"),
    "target-group-size": (_is_count, "is not a valid target group size"),
    "max-age": (_is_age, "is not a valid max age"),
    "stream-max-segment-size-bytes": (_is_count, "is not a valid segment size"),
    "stream-filter-size-bytes": (_is_filter_size, "is not a valid filter size. Valid range is from 16 to 255."),
    "consumer-disconnected-timeout": (_is_count, "is not a valid consumer disconnected timeout"),
    "federation-upstream": (_is_string, "is not a valid federation upstream name"),
    "federation-upstream-set": (_is_string, "is not a valid federation upstream set name"),
    "federation-upstream-pattern": (_is_string, "is not a valid federation upstream pattern"),
    "ha-mode": (_is_one_of("all", "exactly", "nodes"), "is not a valid ha-mode value"),
    "ha-params": (_is_anything, ""),
    "ha-sync-mode": (_is_anything, ""),
    "ha-sync-batch-size": (_is_anything, ""),
    "ha-promote-on-shutdown": (_is_anything, ""),
    "ha-promote-on-failure": (_is_anything, ""),
}

_OPERATOR_SETTINGS = frozenset(
    (
        "expires", "message-ttl", "max-length", "max-length-bytes", "max-in-memory-length", "max-in-memory-bytes",
        "delivery-limit", "overflow",
    )
)  # fmt: skip
