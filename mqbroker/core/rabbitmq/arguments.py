"""The arguments of a queue: what is accepted, which spec that is together with a policy, and when two are equivalent.

Owns the rules and the texts of RabbitMQ 3.10.8, measured against it: clients match on them. It knows queues by name
only. What 3.10.8 takes for one queue type and refuses for another is refused here as well; what no type of it knows is
accepted and has no effect.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple, TypeVar

from mqbroker.core.queues import kinds
from mqbroker.core.queues.spec import CLASSIC, DROP_HEAD, QueueSpec
from mqbroker.core.rabbitmq.erlang_text import plain_text
from mqbroker.core.values import Timestamp, same_value, type_name
from mqbroker.errors import PreconditionFailed
from mqbroker.limits import COUNT_MAX, EXPIRY_MS_MAX, QUEUE_PRIORITY_MAX, QUORUM_PRIORITY_MAX

Arguments = Mapping[str, object]
T = TypeVar("T")

# Quorum queues since RabbitMQ 4.0; a poison message does not go round for ever.
DEFAULT_DELIVERY_LIMIT: Final = 20

PERSISTENT_LETTERS = "x-dead-letter-persistent-only"
"""Our own: messages that are not persistent are dropped, not dead-lettered, as ActiveMQ has it. It does not count when
a queue is declared again."""

_QUEUE_TYPES = ("classic", "quorum")


def is_queue_type(name: object) -> bool:
    """Whether clients may declare queues of this type: one of RabbitMQ's, or a kind that has no other name."""
    return isinstance(name, str) and (name in _QUEUE_TYPES or kinds.is_declarable(name))


# --- checks of one value: None, or what Erlang prints of the error ----------------------------------------------------


def _check_integer(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool | Timestamp):
        return None
    return f'"expected integer, got {type_name(value)}"'


def _check_count(value: object) -> str | None:
    error = _check_integer(value)
    if error is None and _number(value) < 0:
        return f"{{value_negative,{value}}}"
    return error


def _check_positive(value: object) -> str | None:
    return "{value_zero,0}" if _check_integer(value) is None and value == 0 else _check_count(value)


def _check_ttl(value: object) -> str | None:
    error = _check_count(value)
    if error is None and _number(value) > EXPIRY_MS_MAX:
        return f"{{value_too_large,{value}}}"
    return error


def _check_expires(value: object) -> str | None:
    return _check_positive(value) or _check_ttl(value)


def _check_priority(value: object) -> str | None:
    error = _check_count(value)
    if error is None and _number(value) > QUEUE_PRIORITY_MAX:
        return f"{{max_value_exceeded,{value}}}"
    return error


def _check_version(value: object) -> str | None:
    error = _check_count(value)
    return f"\"unsupported queue version '{value}'\"" if error is None and value not in (1, 2) else error


def _check_bool(value: object) -> str | None:
    return None if isinstance(value, bool) else f"{{unacceptable_type,{type_name(value)}}}"


def _check_string(value: object) -> str | None:
    kind = type_name(value)
    return None if kind == "longstr" else f"{{unacceptable_type,{kind}}}"


def _check_overflow(value: object) -> str | None:
    is_known = value in ("drop-head", "reject-publish", "reject-publish-dlx")
    return _check_string(value) or (None if is_known else "invalid_overflow")


def _check_strategy(value: object) -> str | None:
    is_known = value in ("at-most-once", "at-least-once")
    return _check_string(value) or (None if is_known else "invalid_dlx_strategy")


def _check_mode(value: object) -> str | None:
    is_known = value in ("default", "lazy")
    return _check_string(value) or (None if is_known else f"\"unsupported queue mode '{plain_text(value)}'\"")


def _check_type(value: object) -> str | None:
    is_known = is_queue_type(value)
    return _check_string(value) or (None if is_known else f"\"unsupported queue type '{plain_text(value)}'\"")


def _check_nothing(_value: object) -> str | None:
    return None


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value


# --- what each type of queue takes ------------------------------------------------------------------------------------


class _Argument(NamedTuple):
    check: Callable[[object], str | None]
    queue_types: tuple[str, ...]

    def is_for(self, queue_type: str) -> bool:
        """Whether queues of a type take it; a type that RabbitMQ does not have takes what all take."""
        return queue_type in self.queue_types or (self.queue_types == _QUEUE_TYPES and queue_type not in _QUEUE_TYPES)


_CLASSIC = ("classic",)
_QUORUM = ("quorum",)
_STREAM = ()

# In the order in which RabbitMQ looks at them: the first one that is wrong is reported.
_ARGUMENTS: Final[dict[str, _Argument]] = {
    "x-expires": _Argument(_check_expires, _QUEUE_TYPES),
    "x-message-ttl": _Argument(_check_ttl, _QUEUE_TYPES),
    "x-dead-letter-exchange": _Argument(_check_string, _QUEUE_TYPES),
    "x-dead-letter-routing-key": _Argument(_check_string, _QUEUE_TYPES),
    "x-dead-letter-strategy": _Argument(_check_strategy, _QUORUM),
    "x-max-length": _Argument(_check_count, _QUEUE_TYPES),
    "x-max-length-bytes": _Argument(_check_count, _QUEUE_TYPES),
    "x-max-in-memory-length": _Argument(_check_count, _QUORUM),
    "x-max-in-memory-bytes": _Argument(_check_count, _QUORUM),
    "x-max-priority": _Argument(_check_priority, _CLASSIC),
    "x-overflow": _Argument(_check_overflow, _QUEUE_TYPES),
    "x-queue-mode": _Argument(_check_mode, _CLASSIC),
    "x-queue-version": _Argument(_check_version, _CLASSIC),
    "x-single-active-consumer": _Argument(_check_bool, _QUEUE_TYPES),
    "x-queue-type": _Argument(_check_type, _QUEUE_TYPES),
    "x-quorum-initial-group-size": _Argument(_check_positive, _QUORUM),
    "x-max-age": _Argument(_check_nothing, _STREAM),
    "x-stream-max-segment-size-bytes": _Argument(_check_nothing, _STREAM),
    "x-initial-cluster-size": _Argument(_check_nothing, _STREAM),
    "x-queue-leader-locator": _Argument(_check_nothing, _QUEUE_TYPES),  # classic queues too since RabbitMQ 3.12
    "x-queue-master-locator": _Argument(_check_nothing, _CLASSIC),
    "x-delivery-limit": _Argument(_check_integer, _QUORUM),
}


def arguments_of(queue_type: str) -> list[str]:
    """The arguments that mean something to a type of queue: those that count when a queue is declared again."""
    return [name for name, argument in _ARGUMENTS.items() if argument.is_for(queue_type)]


def check_queue_arguments(arguments: Arguments, queue_type: str, place: str) -> None:
    """Raises PreconditionFailed for arguments that a queue cannot have. `place` is `queue 'q' in vhost '/'`."""
    # RabbitMQ looks at this type before all others, and says so in other words.
    if "x-dead-letter-exchange" in arguments:
        kind = type_name(arguments["x-dead-letter-exchange"])
        if kind != "longstr":
            raise PreconditionFailed(f"invalid type '{kind}' for arg 'x-dead-letter-exchange' in {place}")
    for name in ("x-queue-type", *arguments_of(queue_type)):
        if name in arguments:
            _check_argument(name, arguments, place)
    for name in arguments:
        if name in _ARGUMENTS and not _ARGUMENTS[name].is_for(queue_type):
            raise PreconditionFailed(f"invalid arg '{name}' for {place} of queue type rabbit_{queue_type}_queue")


def _check_argument(name: str, arguments: Arguments, place: str) -> None:
    error = _ARGUMENTS[name].check(arguments[name])
    if error is None and name == "x-dead-letter-routing-key" and "x-dead-letter-exchange" not in arguments:
        error = "routing_key_but_no_dlx_defined"
    if error is not None:
        raise PreconditionFailed(f"invalid arg '{name}' for {place}: {error}")


def check_queue_properties(queue_type: str, durable: bool, exclusive: bool, auto_delete: bool, place: str) -> None:
    """Raises PreconditionFailed for a quorum queue that is to go away by itself."""
    wrong = _wrong_property(queue_type, durable, exclusive, auto_delete)
    if wrong is not None:
        raise PreconditionFailed(f"invalid property '{wrong}' for {place}")


def _wrong_property(queue_type: str, durable: bool, exclusive: bool, auto_delete: bool) -> str | None:
    if queue_type != "quorum":
        return None
    if auto_delete:
        return "auto-delete"
    if exclusive:
        return "exclusive-owner"
    return None if durable else "non-durable"


def with_default_type(
    arguments: Arguments, default_queue_type: str, durable: bool, exclusive: bool, auto_delete: bool
) -> Arguments:
    """The arguments as if the client had asked for the vhost's default queue type, where it fits and none is asked for.

    To be kept with the queue and applied to redeclarations, as RabbitMQ does: then the default may change.
    """
    if default_queue_type == "classic" or "x-queue-type" in arguments:
        return arguments
    if _wrong_property(default_queue_type, durable, exclusive, auto_delete) is not None:
        return arguments
    return {**arguments, "x-queue-type": default_queue_type}


# --- what they amount to ----------------------------------------------------------------------------------------------


def parse_spec(
    arguments: Arguments,
    queue: str,
    vhost: str,
    policy: Mapping[str, object],
    durable: bool = True,
    exclusive: bool = False,
    auto_delete: bool = False,
    default_queue_type: str = "classic",
) -> QueueSpec:
    """Checks the arguments of a declaration and combines them with the effective policy. Raises PreconditionFailed."""
    arguments = with_default_type(arguments, default_queue_type, durable, exclusive, auto_delete)
    return under_policy(declared_spec(arguments, queue, vhost, durable, exclusive, auto_delete), policy)


def declared_spec(
    arguments: Arguments, queue: str, vhost: str, durable: bool, exclusive: bool, auto_delete: bool
) -> QueueSpec:
    """What a declaration asks for, checked. Raises PreconditionFailed."""
    place = f"queue '{queue}' in vhost '{vhost}'"
    queue_type = queue_type_of(arguments)
    check_queue_arguments(arguments, queue_type, place)
    check_queue_properties(queue_type, durable, exclusive, auto_delete, place)
    is_quorum = queue_type == "quorum"
    return QueueSpec(
        name=queue,
        kind=CLASSIC if is_quorum else queue_type,
        durable=durable,
        auto_delete=auto_delete,
        message_ttl=_whole(arguments.get("x-message-ttl")),
        expires=_whole(arguments.get("x-expires")),
        max_length=_whole(arguments.get("x-max-length")),
        max_length_bytes=_whole(arguments.get("x-max-length-bytes")),
        overflow=_text(arguments, "x-overflow") or "",
        dead_letter_exchange=_text(arguments, "x-dead-letter-exchange"),
        dead_letter_routing_key=_text(arguments, "x-dead-letter-routing-key"),
        dead_letters_are_persistent=arguments.get(PERSISTENT_LETTERS) is True,
        max_priority=QUORUM_PRIORITY_MAX if is_quorum else _whole(arguments.get("x-max-priority")),
        single_active_consumer=arguments.get("x-single-active-consumer") is True,
        delivery_limit=_integer(arguments.get("x-delivery-limit")) if is_quorum else None,
        counts_failures=is_quorum,
        consumer_timeout=_whole(arguments.get("x-consumer-timeout")),
        arguments=arguments,
    )


def queue_type_of(arguments: Arguments) -> str:
    """The type that the arguments ask for; classic for one that is not known, which the checks refuse."""
    wanted = arguments.get("x-queue-type")
    return wanted if isinstance(wanted, str) and is_queue_type(wanted) else "classic"


def under_policy(spec: QueueSpec, policy: Mapping[str, object]) -> QueueSpec:
    """What is in force of a declared spec with the effective policy (policy.py) laid over it.

    Where both state a number the lower one counts, otherwise what was declared does.
    """
    return replace(
        spec,
        message_ttl=_lower(spec.message_ttl, policy, "message-ttl", EXPIRY_MS_MAX),
        expires=_lower(spec.expires, policy, "expires", EXPIRY_MS_MAX),
        max_length=_lower(spec.max_length, policy, "max-length"),
        max_length_bytes=_lower(spec.max_length_bytes, policy, "max-length-bytes"),
        overflow=spec.overflow or _text(policy, "overflow") or DROP_HEAD,
        dead_letter_exchange=_first(spec.dead_letter_exchange, _text(policy, "dead-letter-exchange")),
        dead_letter_routing_key=_first(spec.dead_letter_routing_key, _text(policy, "dead-letter-routing-key")),
        delivery_limit=_delivery_limit(spec.delivery_limit, policy) if spec.counts_failures else None,
        consumer_timeout=_lower(spec.consumer_timeout, policy, "consumer-timeout"),
    )


def arguments_for(spec: QueueSpec) -> Arguments:
    """The arguments with which a client would have declared a queue that another protocol has made."""
    stated = {
        "x-queue-type": "quorum" if spec.counts_failures else None,
        "x-expires": spec.expires,
        "x-message-ttl": spec.message_ttl,
        "x-dead-letter-exchange": spec.dead_letter_exchange,
        "x-dead-letter-routing-key": spec.dead_letter_routing_key,
        PERSISTENT_LETTERS: spec.dead_letters_are_persistent or None,
        "x-max-length": spec.max_length,
        "x-max-length-bytes": spec.max_length_bytes,
        "x-max-priority": None if spec.counts_failures else spec.max_priority,
        "x-overflow": spec.overflow or None,
        "x-single-active-consumer": spec.single_active_consumer or None,
        "x-delivery-limit": spec.delivery_limit,
        "x-consumer-timeout": spec.consumer_timeout,
    }
    return {name: value for name, value in stated.items() if value is not None}


def _lower(declared: int | None, policy: Mapping[str, object], name: str, most: int = COUNT_MAX) -> int | None:
    """A policy may state any number; where a deadline comes of it, it counts as no more than `most`."""
    stated = _whole(policy.get(name))
    if stated is None:
        return declared
    return min(stated, most if declared is None else declared)


def _first(one: T | None, other: T | None) -> T | None:
    return other if one is None else one


def _text(words: Mapping[str, object], name: str) -> str | None:
    value = words.get(name)
    return plain_text(value) if isinstance(value, str | bytes) else None


def _delivery_limit(declared: int | None, policy: Mapping[str, object]) -> int | None:
    """A negative number is no limit, and gives way to any other (RabbitMQ 4.0)."""
    stated = [declared, _integer(policy.get("delivery-limit"))]
    numbers = [number for number in stated if number is not None]
    if not numbers:
        return DEFAULT_DELIVERY_LIMIT
    return min((number for number in numbers if number >= 0), default=None)


def _integer(value: object) -> int | None:
    return None if isinstance(value, bool | Timestamp) or not isinstance(value, int) else min(int(value), COUNT_MAX)


def _whole(value: object) -> int | None:
    """The number if it is one and counts something: `x-consumer-timeout` is not checked, so it may be anything."""
    number = _integer(value)
    return None if number is None or number < 0 else number


# --- equivalence ------------------------------------------------------------------------------------------------------

_ABSENT = object()
_EXCHANGE_ARGUMENTS = ("alternate-exchange",)


def check_equivalent(
    current: Mapping[str, object], received: Mapping[str, object], kind: str, name: str, vhost: str
) -> None:
    """Raises PreconditionFailed for the first difference, in the order of `current`.

    Both map the fields of a declaration to their values: for an exchange `type`, `durable`, `auto_delete`, `internal`;
    for a queue `durable`, `auto_delete`; and for both `arguments`, a table. `kind` is `queue` or `exchange`. Of the
    arguments only those count that mean something to the type of queue, and of an exchange's only the alternate.
    Numbers of different width are equal, a number and a fraction are not; the type `classic` may be left out.
    """
    place = f"for {kind} '{name}' in vhost '{vhost}'"
    for field, value in current.items():
        if field != "arguments" and received[field] != value:
            _fail(field, place, f"'{plain_text(received[field])}'", f"'{plain_text(value)}'")
    had, wanted = current["arguments"], received["arguments"]
    assert isinstance(had, Mapping)
    assert isinstance(wanted, Mapping)
    _check_arguments(had, wanted, place, arguments_of(queue_type_of(had)) if kind == "queue" else _EXCHANGE_ARGUMENTS)


def _check_arguments(
    current: Mapping[str, object], received: Mapping[str, object], place: str, names: Iterable[str]
) -> None:
    for name in names:
        have = current.get(name, _ABSENT)
        want = received.get(name, _ABSENT)
        if have is _ABSENT and want is _ABSENT:
            continue
        if have is _ABSENT or want is _ABSENT:
            if name != "x-queue-type" or "classic" not in (have, want):
                _fail(name, place, _typed(want), _typed(have))
        elif not _is_same(have, want):
            _fail(name, place, f"'{plain_text(want)}'", f"'{plain_text(have)}'")


def _is_same(have: object, want: object) -> bool:
    return isinstance(have, float) == isinstance(want, float) and same_value(have, want)


def _typed(value: object) -> str:
    return "none" if value is _ABSENT else f"the value '{plain_text(value)}' of type '{type_name(value)}'"


def _fail(name: str, place: str, received: str, current: str) -> None:
    raise PreconditionFailed(f"inequivalent arg '{name}' {place}: received {received} but current is {current}")
