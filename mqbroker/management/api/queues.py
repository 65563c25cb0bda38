"""Queues: lists that stay fast with very many of them, one with all that is known, declared, deleted, emptied."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.kinds import kind_of
from mqbroker.core.rabbitmq.arguments import queue_type_of
from mqbroker.core.rabbitmq.declaring import declare_queue, generated_name
from mqbroker.core.rabbitmq.policy import Policy
from mqbroker.core.vhost import VHost
from mqbroker.limits import NAME_BYTES_MAX
from mqbroker.management.answers import NO_CONTENT, Answer, Listing, put_answer
from mqbroker.management.api.consumers import consumers_of
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import ADMINISTRATOR, MANAGEMENT
from mqbroker.management.ground import Ground
from mqbroker.management.pages import value_at
from mqbroker.management.ranges import LENGTHS, Reader, add_samples, range_of
from mqbroker.management.refusals import bad_request, missing
from mqbroker.management.stats import QUEUE_STATS, growth, lengths, queue_rate, queue_stats
from mqbroker.management.waiting import happened

_TOTALS = ("name", "vhost", "type", "node", "state", "messages", "messages_ready", "messages_unacknowledged")


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("queues", MANAGEMENT, GET=queues)
    routes.add("queues/:vhost", MANAGEMENT, GET=queues)
    routes.add("queues/:vhost/:queue", MANAGEMENT, GET=queue, PUT=put_queue, DELETE=delete_queue)
    routes.add("queues/:vhost/:queue/contents", MANAGEMENT, DELETE=purge)
    routes.add("queues/:vhost/:queue/actions", ADMINISTRATOR, POST=act)


def queues(call: Call) -> Listing:
    """GET queues, and those of a vhost; with `?only=no-consumers,not-empty` those of which all of that is so."""
    ground = call.ground
    found = [each for vhost in call.vhosts() for each in vhost.queues.values()]
    for name in filter(None, call.query.get("only", "").split(",")):
        if name not in _ONLY:
            raise bad_request(f"only should be of {', '.join(_ONLY)}")
        is_so = _ONLY[name]
        found = [each for each in found if is_so(each)]
    if call.flag("disable_stats"):
        names = _TOTALS if call.flag("enable_queue_totals") else _TOTALS[:5]
        return Listing(
            found, lambda each: _short(ground, each, names), identity, lambda column: sort_key(ground, column)
        )
    return Listing(found, lambda each: describe(ground, each), identity, lambda column: sort_key(ground, column))


_ONLY: Mapping[str, Callable[[Queue], bool]] = {
    "no-consumers": lambda queue: not queue.consumers,
    "not-empty": lambda queue: queue.waiting_count() > 0,
    "unacked": lambda queue: queue.unacked_count > 0,
}


def identity(queue: Queue) -> tuple[str, str]:
    """What tells a queue from all others."""
    return queue.host.name, queue.name


_KEYS: Mapping[str, Callable[[Queue], Any]] = {
    "name": lambda queue: queue.name,
    "vhost": lambda queue: queue.host.name,
    "type": lambda queue: type_of(queue),
    "durable": lambda queue: queue.durable,
    "messages": lambda queue: queue.waiting_count() + queue.unacked_count,
    "messages_ready": lambda queue: queue.waiting_count(),
    "messages_unacknowledged": lambda queue: queue.unacked_count,
    "message_bytes": lambda queue: queue.byte_count,
    "consumers": lambda queue: len(queue.consumers),
}


def sort_key(ground: Ground, column: str) -> Callable[[Queue], Any]:
    """The value of a column without all the others."""
    found = _KEYS.get(column)
    if found is not None:
        return found
    if column == "messages_details.rate":
        return lambda queue: growth(queue, ground.node.samples)
    root, dot, rest = column.partition(".")
    if root in _PARTS:
        part = _PARTS[root]
        return (lambda queue: value_at(part(ground, queue), rest)) if dot else (lambda queue: part(ground, queue))
    if root in _SAME or (rest == "rate" and root.endswith("_details")):
        return lambda _queue: 0
    for name in QUEUE_STATS:
        if column == f"message_stats.{name}_details.rate":
            samples = ground.node.samples
            return lambda queue: queue_rate(queue, samples, name)
        if column == f"message_stats.{name}":
            read = QUEUE_STATS[name]
            return lambda queue: read(queue.counted())
    return lambda _queue: None  # of any other column there is nothing, and of a table no order


_PARTS: Mapping[str, Callable[[Ground, Queue], Any]] = {
    "auto_delete": lambda _, queue: queue.declared.auto_delete,
    "exclusive": lambda _, queue: queue.spec.owner is not None,
    "state": lambda _, queue: _state(queue),
    "arguments": lambda _, queue: queue.declared.arguments,
    "consumer_capacity": lambda _, queue: _capacity(queue),
    "consumer_utilisation": lambda _, queue: _capacity(queue),
    "policy": lambda ground, queue: _policy_name(ground, queue, is_operator=False),
    "operator_policy": lambda ground, queue: _policy_name(ground, queue, is_operator=True),
    "idle_since": lambda _, queue: _idle_since(queue),
    "effective_policy_definition": lambda ground, queue: _effective(ground, queue),
    "exclusive_consumer_tag": lambda _, queue: _exclusive_tag(queue),
    "single_active_consumer_tag": lambda _, queue: _active_tag(queue),
    "backing_queue_status": lambda _, queue: _backing(queue),
    "leader": lambda ground, queue: ground.name if type_of(queue) == "quorum" else None,
    "members": lambda ground, queue: [ground.name] if type_of(queue) == "quorum" else None,
    "online": lambda ground, queue: [ground.name] if type_of(queue) == "quorum" else None,
    "memory": lambda _, queue: queue.byte_count,
    "message_bytes_ready": lambda _, queue: queue.byte_count,
    "message_bytes_ram": lambda _, queue: queue.byte_count,
    "message_bytes_persistent": lambda _, queue: queue.byte_count if queue.durable else 0,
    "messages_ram": lambda _, queue: queue.waiting_count() + queue.unacked_count,
    "messages_ready_ram": lambda _, queue: queue.waiting_count(),
    "messages_unacknowledged_ram": lambda _, queue: queue.unacked_count,
    "messages_persistent": lambda _, queue: queue.waiting_count() + queue.unacked_count if queue.durable else 0,
}
_SAME = frozenset({
    "node", "messages_paged_out", "message_bytes_unacknowledged", "message_bytes_paged_out", "reductions",
    "garbage_collection", "storage_version",
})  # fmt: skip
"""What is the same of all queues."""


def _short(ground: Ground, queue: Queue, names: tuple[str, ...]) -> dict[str, Any]:
    values = {"node": ground.name, "state": _state(queue)}
    return {name: values[name] if name in values else _KEYS[name](queue) for name in names}


def type_of(queue: Queue) -> str:
    """RabbitMQ's name of its type; kinds that RabbitMQ does not have go by their own."""
    kind = kind_of(queue)
    return queue_type_of(queue.declared.arguments) if kind.obeys_policies else kind.name


def is_declarable(queue: Queue) -> bool:
    """Whether a client may declare such a queue: others are made by their protocol, for a subscriber or a poller."""
    return kind_of(queue).is_declarable


def describe(ground: Ground, queue: Queue) -> dict[str, Any]:
    """A queue."""
    spec, declared = queue.spec, queue.declared
    ready, unacked, size = queue.waiting_count(), queue.unacked_count, queue.byte_count
    consumers = queue.consumers
    is_persistent = queue.durable
    found: dict[str, Any] = {
        "name": queue.name,
        "vhost": queue.host.name,
        "type": type_of(queue),
        "durable": queue.durable,
        "auto_delete": declared.auto_delete,
        "exclusive": spec.owner is not None,
        "arguments": declared.arguments,
        "node": ground.name,
        "state": _state(queue),
        "consumers": len(consumers),
        "consumer_utilisation": _capacity(queue),
        "consumer_capacity": _capacity(queue),
        **_policies(ground, queue),
        "exclusive_consumer_tag": _exclusive_tag(queue),
        "single_active_consumer_tag": _active_tag(queue),
        **lengths(ready, unacked, {}),
        "messages_details": {"rate": growth(queue, ground.node.samples)},
        "messages_ram": ready + unacked,
        "messages_ready_ram": ready,
        "messages_unacknowledged_ram": unacked,
        "messages_persistent": ready + unacked if is_persistent else 0,
        "messages_paged_out": 0,
        "message_bytes": size,
        "message_bytes_ready": size,
        "message_bytes_unacknowledged": 0,
        "message_bytes_ram": size,
        "message_bytes_persistent": size if is_persistent else 0,
        "message_bytes_paged_out": 0,
        "memory": size,
        "reductions": 0,
        "reductions_details": {"rate": 0.0},
        "message_stats": queue_stats(queue, ground.node.samples),
        "garbage_collection": _GARBAGE,
        "backing_queue_status": _backing(queue),
        "storage_version": 1,
    }
    idle_since = _idle_since(queue)
    if idle_since is not None:
        found["idle_since"] = idle_since
    if found["type"] == "quorum":
        found |= {"leader": ground.name, "members": [ground.name], "online": [ground.name], "open_files": {}}
    return found


def _state(queue: Queue) -> str:
    return "paused" if queue.is_paused else "running"


_GARBAGE = {
    "fullsweep_after": -1, "max_heap_size": -1, "min_bin_vheap_size": -1, "min_heap_size": -1, "minor_gcs": -1,
}  # fmt: skip


def _exclusive_tag(queue: Queue) -> str | None:
    exclusive = queue.exclusive_consumer
    return None if exclusive is None else exclusive.label()


def _active_tag(queue: Queue) -> str | None:
    if not queue.is_single_active:
        return None
    return next((each.label() for each in queue.consumers if each.is_active), None)


def _backing(queue: Queue) -> dict[str, object]:
    return {"mode": "default", "version": 1, "len": queue.waiting_count()}


def _capacity(queue: Queue) -> float:
    """The share of time in which consumers could take a message: here whether they can now."""
    if not queue.consumers:
        return 0.0
    return 1.0 if queue.ring or not queue.waiting_count() else 0.0


def _idle_since(queue: Queue) -> str | None:
    if queue.consumers or queue.unacked_count or not queue.used_at:
        return None
    return datetime.fromtimestamp(queue.used_at / 1000, UTC).isoformat(timespec="milliseconds")


def _policy(ground: Ground, queue: Queue, is_operator: bool) -> Policy | None:
    """The one that applies."""
    if not kind_of(queue).obeys_policies:
        return None
    kind = queue_type_of(queue.declared.arguments)
    return ground.broker.policies.matching(queue.host.name, "queue", queue.name, kind, operator=is_operator)


def _policy_name(ground: Ground, queue: Queue, is_operator: bool) -> str | None:
    found = _policy(ground, queue, is_operator)
    return None if found is None else found.name


def _effective(ground: Ground, queue: Queue) -> Mapping[str, object]:
    return ground.broker.policies.merged(_policy(ground, queue, False), _policy(ground, queue, True))


def _policies(ground: Ground, queue: Queue) -> dict[str, Any]:
    policy, operator = _policy(ground, queue, False), _policy(ground, queue, True)
    return {
        "policy": None if policy is None else policy.name,
        "operator_policy": None if operator is None else operator.name,
        "effective_policy_definition": dict(ground.broker.policies.merged(policy, operator)),
    }


def found_queue(call: Call, vhost: VHost) -> Queue:
    """The queue of the path. Raises Refusal."""
    found = vhost.queues.get(call.name("queue"))
    if found is None:
        raise missing()
    return found


def queue(call: Call) -> Answer:
    """GET queues/V/Q."""
    found = found_queue(call, call.vhost())
    owner = found.spec.owner
    more: dict[str, Any] = {
        "consumer_details": consumers_of(call.ground, found),
        "deliveries": [],
        "incoming": [],
    }
    if owner is not None:
        more["owner_pid_details"] = _owner(owner)
    body = {**describe(call.ground, found), **more}
    _add_past(call, found, body)
    return Answer(body=body)


def _add_past(call: Call, queue: Queue, body: dict[str, Any]) -> None:
    """What it was in the last minutes, if that is asked for: from the first question on."""
    lengths_range, rates_range = range_of(call.query, "lengths"), range_of(call.query, "msg_rates")
    if lengths_range is not None or rates_range is not None:
        history = call.ground.trends.history(queue, lambda: _numbers_of(queue))
        add_samples(body, LENGTHS, lengths_range, history)
        add_samples(body["message_stats"], _READERS, rates_range, history)


def _numbers_of(queue: Queue) -> dict[str, int]:
    counts = queue.counted()
    stats = {name: read(counts) for name, read in QUEUE_STATS.items()}
    return {**stats, "ready": queue.waiting_count(), "unacked": queue.unacked_count}


_READERS: Mapping[str, Reader] = {name: itemgetter(name) for name in QUEUE_STATS}


def _owner(owner: object) -> dict[str, Any]:
    describe_owner = getattr(owner, "describe", None)
    facts = describe_owner() if describe_owner is not None else {}
    return {name: facts.get(name, "") for name in ("name", "peer_host", "peer_port")}


# --- changes --------------------------------------------------------------------------------------------------------


def put_queue(call: Call) -> Answer:
    """PUT queues/V/Q: like queue.declare, not durable unless it says so."""
    vhost, name, caller = call.vhost_to_use(), call.name("queue"), call.caller
    check_name("queue", name)
    arguments, is_durable = call.table("arguments"), call.truth("durable")
    is_auto_delete = call.truth("auto_delete")
    caller.check("configure", vhost.name, "queue", name or generated_name(vhost))
    _check_dead_letter(call, vhost, name, arguments)
    is_new = name not in vhost.queues
    declare_queue(vhost, name or generated_name(vhost), is_durable, False, is_auto_delete, arguments, call.now)
    return put_answer(is_new)


def check_name(kind: str, name: str) -> None:
    """Raises Refusal for a name that is too long for a short string."""
    size = len(name.encode("utf-8", "surrogateescape"))
    if size > NAME_BYTES_MAX:
        raise bad_request(f"{kind} should be less than {NAME_BYTES_MAX} bytes, actually was {size}")


def _check_dead_letter(call: Call, vhost: VHost, name: str, arguments: Mapping[str, Any]) -> None:
    exchange = arguments.get("x-dead-letter-exchange")
    if isinstance(exchange, str):
        call.caller.check("read", vhost.name, "queue", name)
        call.caller.check("write", vhost.name, "exchange", exchange)


def delete_queue(call: Call) -> Answer:
    """DELETE queues/V/Q."""
    vhost = call.vhost_to_use()
    found = found_queue(call, vhost)
    call.caller.check("configure", vhost.name, "queue", found.name)
    vhost.delete_queue(found.name, found.spec.owner, call.flag("if-unused"), call.flag("if-empty"))
    return NO_CONTENT


async def purge(call: Call) -> Answer:
    """DELETE queues/V/Q/contents: answered once it will stay empty."""
    vhost = call.vhost_to_use()
    found = found_queue(call, vhost)
    call.caller.check("read", vhost.name, "queue", found.name)
    vhost.queue(found.name)
    await happened(lambda done: found.purge(call.now, lambda _now: done()), call.ground)
    return NO_CONTENT


def act(call: Call) -> Answer:
    """POST queues/V/Q/actions: what mirrors did; there are none."""
    found_queue(call, call.vhost())
    action = call.string("action")
    if action not in ("sync", "cancel_sync"):
        raise bad_request(f"unknown: {action}")
    return NO_CONTENT
