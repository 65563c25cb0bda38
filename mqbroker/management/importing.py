"""Definitions in RabbitMQ's format, put into a broker: first into one that nobody uses, to see whether they can be.

RabbitMQ stops in the midst of an import that is wrong. Here nothing is changed then.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

from mqbroker.core.access.access import Permissions, TopicPermissions
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.core.queues.base import Queue
from mqbroker.core.rabbitmq.declaring import declare_exchange, declare_queue
from mqbroker.core.routing.exchange import Exchange
from mqbroker.errors import RequestRefused
from mqbroker.management.api import policies as policy_paths
from mqbroker.management.api import users as user_paths
from mqbroker.management.api.limits import USER_LIMITS
from mqbroker.management.api.parameters import COMPONENTS, check_parameter
from mqbroker.management.api.permissions import check_patterns
from mqbroker.management.api.vhosts import vhost_metadata
from mqbroker.management.ground import CLUSTER_ID, Ground
from mqbroker.management.limits import SLICE_ITEMS
from mqbroker.management.refusals import bad_request
from mqbroker.management.store import Store

SECTIONS = (
    "users", "vhosts", "permissions", "topic_permissions", "global_parameters", "policies", "parameters", "exchanges",
    "queues", "bindings",
)  # fmt: skip


class Plan:
    """What is to be imported, section by section. With a vhost, everything is for that one."""

    def __init__(self, given: dict[str, Any], vhost: str | None = None) -> None:
        """Raises Refusal when a section is no list of objects."""
        self.vhost = vhost
        self.sections: dict[str, list[dict[str, Any]]] = {}
        for name in SECTIONS:
            items = given.get(name) or []
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise bad_request(f"{name} should be a list of objects")
            self.sections[name] = [{**item, "vhost": vhost} for item in items] if vhost is not None else items

    def __getitem__(self, name: str) -> list[dict[str, Any]]:
        return self.sections[name]


async def import_definitions(ground: Ground, plan: Plan, now: int, is_dry_run: bool = False) -> None:
    """Imports all of it, or raises Refusal and imports nothing, as does a dry run."""
    values = [await user_paths.user_values(item) for item in plan["users"]]
    hashes = [(_text(item, "name"), *value) for item, value in zip(plan["users"], values, strict=True)]
    trial = _trial(ground.broker, plan)
    await _apply(Import(trial, _trial_store(trial, ground.store), plan, hashes, now))
    if not is_dry_run:
        await _apply(Import(ground.broker, ground.store, plan, hashes, now, ground))


async def _apply(work: "Import") -> None:
    for done, step in enumerate(work.steps(), 1):
        try:
            step()
        except RequestRefused as error:
            raise bad_request(str(error)) from None
        if done % SLICE_ITEMS == 0:
            await asyncio.sleep(0)


def _trial(broker: Broker, plan: Plan) -> Broker:
    """A broker that nobody uses, with the vhosts, users and exchanges that the plan may refer to."""
    numbers = iter(range(1 << 62))
    trial = Broker(Ledger(), lambda: f"trial{next(numbers)}")
    for user in broker.access.users.values():
        trial.put_user(user.name, user.password_hash, user.tags)
    for name, vhost in broker.vhosts.items():
        trial.add_vhost(name).default_queue_type = vhost.default_queue_type
    for item in plan["bindings"]:
        name = str(item.get("vhost"))
        exchange = broker.vhosts[name].exchanges.get(str(item.get("source"))) if name in broker.vhosts else None
        if exchange is not None and exchange.name not in trial.vhosts[name].exchanges:
            kind = exchange.kind, exchange.durable, exchange.auto_delete, exchange.internal
            declare_exchange(trial.vhosts[name], exchange.name, *kind, exchange.arguments)
    return trial


def _trial_store(trial: Broker, store: Store) -> Store:
    found = Store(trial)
    found.vhosts.update(store.vhosts)
    return found


def _text(item: dict[str, Any], name: str, default: str | None = None) -> str:
    value = item.get(name, default)
    if not isinstance(value, str):
        raise bad_request(f"{name} should be a string" if name in item else f"key_missing: {name}")
    return value


def _table(item: dict[str, Any], name: str) -> dict[str, Any]:
    value = item.get(name) or {}
    if not isinstance(value, dict):
        raise bad_request(f"{name} should be an object")
    return value


def _truth(item: dict[str, Any], name: str) -> bool:
    return item.get(name) in (True, "true")


class Import:
    """One plan for one broker, in steps."""

    def __init__(
        self, broker: Broker, store: Store, plan: Plan, users: list[tuple[str, list[str], str]], now: int,
        ground: Ground | None = None,
    ) -> None:  # fmt: skip
        """Without a `ground` it is a trial: nobody is connected."""
        self._broker = broker
        self._store = store
        self._plan = plan
        self._users = users
        self._now = now
        self._ground = ground

    def steps(self) -> "Iterator[Any]":
        """What is to be done, in order: each finds what it refers to."""
        for name, tags, password_hash in self._users:
            yield lambda name=name, tags=tags, kept=password_hash: self._put_user(name, tags, kept)
        handlers = {
            "users": self._user_limits, "vhosts": self._vhost, "permissions": self._permission,
            "exchanges": self._exchange, "topic_permissions": self._topic_permission,
            "global_parameters": self._global_parameter, "policies": self._policy, "parameters": self._parameter,
            "queues": self._queue, "bindings": self._binding,
        }  # fmt: skip
        for section, handler in handlers.items():
            for item in self._plan[section]:
                yield lambda handler=handler, item=item: handler(item)

    def _put_user(self, name: str, tags: list[str], password_hash: str) -> None:
        if self._ground is None:
            self._broker.put_user(name, password_hash, tags)
        else:
            user_paths.put(self._ground, name, password_hash, tags, self._now)

    def _user_limits(self, item: dict[str, Any]) -> None:
        limits = {name: value for name, value in _table(item, "limits").items() if name in USER_LIMITS}
        if limits:
            self._broker.set_user_limits(_text(item, "name"), limits)

    def _vhost(self, item: dict[str, Any]) -> None:
        name = _text(item, "name")
        before = self._store.metadata(name)
        metadata = vhost_metadata(item, before)
        self._broker.add_vhost(name)
        if metadata != before:
            self._store.describe_vhost(name, metadata)

    def _check_vhost(self, item: dict[str, Any]) -> str:
        name = _text(item, "vhost")
        if name not in self._broker.vhosts:
            raise bad_request(f"no_such_vhost: {name}")
        return name

    def _check_user(self, item: dict[str, Any]) -> str:
        name = _text(item, "user")
        if name not in self._broker.access.users:
            raise bad_request(f"no_such_user: {name}")
        return name

    def _permission(self, item: dict[str, Any]) -> None:
        user, vhost = self._check_user(item), self._check_vhost(item)
        rights = [_text(item, name) for name in ("configure", "write", "read")]
        check_patterns(configure=rights[0], write=rights[1], read=rights[2])
        self._broker.set_permissions(user, vhost, Permissions(*rights))

    def _topic_permission(self, item: dict[str, Any]) -> None:
        user, vhost = self._check_user(item), self._check_vhost(item)
        exchange, write, read = (_text(item, name) for name in ("exchange", "write", "read"))
        check_patterns(write=write, read=read)
        self._broker.set_topic_permissions(user, vhost, exchange, TopicPermissions(write, read))

    def _global_parameter(self, item: dict[str, Any]) -> None:
        name = _text(item, "name")
        if name != CLUSTER_ID:
            self._store.set_global(name, item.get("value"))

    def _policy(self, item: dict[str, Any], is_operator: bool = False) -> None:
        policy = policy_paths.parsed(self._check_vhost(item), _text(item, "name"), item)
        policy_paths.set_in(self._broker, policy, is_operator, self._now)

    def _parameter(self, item: dict[str, Any]) -> None:
        component, name, vhost = _text(item, "component"), _text(item, "name"), self._check_vhost(item)
        if component == "operator_policy":
            self._policy({**_table(item, "value"), "name": name, "vhost": vhost}, is_operator=True)
        elif component == "vhost-limits":
            self._broker.set_vhost_limits(vhost, _table(item, "value"))
        elif component in COMPONENTS:
            check_parameter(component, name, item.get("value"))
            self._store.set_parameter(component, vhost, name, item.get("value"))

    def _exchange(self, item: dict[str, Any]) -> None:
        vhost, name = self._broker.vhost(self._check_vhost(item)), _text(item, "name")
        if name and name not in vhost.exchanges:
            flags = _truth(item, "durable"), _truth(item, "auto_delete"), _truth(item, "internal")
            declare_exchange(vhost, name, _text(item, "type", "direct"), *flags, _table(item, "arguments"))

    def _queue(self, item: dict[str, Any]) -> None:
        vhost, name = self._broker.vhost(self._check_vhost(item)), _text(item, "name")
        if name and name not in vhost.queues:
            arguments = _table(item, "arguments")
            flags = _truth(item, "durable"), False, _truth(item, "auto_delete")
            declare_queue(vhost, name, *flags, arguments, self._now)

    def _binding(self, item: dict[str, Any]) -> None:
        vhost = self._broker.vhost(self._check_vhost(item))
        kind = _text(item, "destination_type", "queue")
        if kind not in ("queue", "exchange"):
            raise bad_request(f"unknown destination_type: {kind}")
        source, name = vhost.exchanges.get(_text(item, "source")), _text(item, "destination")
        found: dict[str, Queue] | dict[str, Exchange] = vhost.queues if kind == "queue" else vhost.exchanges
        destination = found.get(name)
        if source is not None and destination is not None:
            vhost.bind(source, destination, _text(item, "routing_key", ""), _table(item, "arguments"))
