"""The broker: its vhosts, users and policies, and the definitions in the journal that make them come back.

The core begins here. Whoever owns it calls `advance` when `timers.next_deadline()` has come, has the scheduler's tasks
run in portions, seals the ledger once per turn, and passes `now` to everything. No protocol, no clock, no I/O, no
randomness: unique names come from a function.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from mqbroker.core import definitions
from mqbroker.core.access.access import Access, Permissions, TopicPermissions, User
from mqbroker.core.access.credentials import ACCESS_KEY
from mqbroker.core.events import Events
from mqbroker.core.ledger import Ledger
from mqbroker.core.queues.extent import FLEETING
from mqbroker.core.queues.spill import Spilling
from mqbroker.core.rabbitmq.policy import Policies, Policy
from mqbroker.core.rabbitmq.quotas import (
    NO_VHOST_LIMITS,
    UserLimits,
    VHostLimits,
    parse_user_limits,
    parse_vhost_limits,
)
from mqbroker.core.scheduler import Scheduler
from mqbroker.core.timers import Timers
from mqbroker.core.totals import Totals, totals_of
from mqbroker.core.vhost import VHost
from mqbroker.core.vhost_end import VHostEnd
from mqbroker.errors import NotFound, PreconditionFailed
from mqbroker.limits import PORTION

_NUMBER_BLOCK = 1000  # queue numbers are reserved in the journal by the thousand, so that none is ever used twice


class Broker:
    """Everything that clients of any protocol share."""

    def __init__(self, ledger: Ledger, unique_name: Callable[[], str], events: Events | None = None) -> None:
        self.ledger = ledger
        self.events = events or Events()
        """Told of everything that happens beside messages."""
        self.unique_name = unique_name
        """Returns a new name, hard to guess, at each call."""
        self.timers = Timers()
        self.scheduler = Scheduler()
        self.access = Access()
        self.provisional_users: set[str] = set()
        """Users who are not in the journal, and have an empty hash: those whose password is still being hashed, which
        it has once it is, and those whom only another source knows, which it never has."""
        self.policies = Policies()
        self.vhosts: dict[str, VHost] = {}
        self.past = Totals()
        """What vhosts have counted that are gone."""
        self.past_deaths: Counter[str] = Counter()
        """How many dead letters they had, by reason."""
        self._ends: dict[str, VHostEnd] = {}
        """The vhosts that are being deleted."""
        self._vhost_limits: dict[str, VHostLimits] = {}
        self.spilling = Spilling(self)
        """Has what nobody was promised leave memory, where queues are long."""
        self._next_number = 1
        self._numbers_reserved = 1

    # --- numbers ----------------------------------------------------------------------------------------------------

    def next_number(self) -> int:
        """A number for something that the journal keeps messages of; never given twice, over restarts too.

        Raises PreconditionFailed when all have been given: what follows are the numbers of what is not kept.
        """
        number = self._next_number
        if number >= FLEETING:
            raise PreconditionFailed("the journal has no numbers left")
        self._next_number += 1
        if number >= self._numbers_reserved:
            self._numbers_reserved = number + _NUMBER_BLOCK
            self._define(definitions.key("numbers"), {"reserved": self._numbers_reserved})
        return number

    def _define(self, key: str, value: Mapping[str, object] | None) -> None:
        self.ledger.define(key, None if value is None else definitions.pack(value))

    # --- vhosts -----------------------------------------------------------------------------------------------------

    def vhost(self, name: str) -> VHost:
        """The vhost of that name. Raises NotFound."""
        found = self.vhosts.get(name)
        if found is None:
            raise NotFound(f"no vhost '{name}'")
        return found

    def add_vhost(self, name: str) -> VHost:
        """Adds a vhost with its predeclared exchanges; one that is there stays as it is."""
        found = self.vhosts.get(name)
        if found is None:
            if name in self._ends:
                self._ends[name].finish()
            found = self.vhosts[name] = VHost(name, self)
            self._define(definitions.key("vhost", name), {})
            self.events.tell("vhost.created", vhost=name)
        return found

    def delete_vhost(self, name: str) -> None:
        """Deletes a vhost with everything in it, in portions. Raises NotFound."""
        vhost = self.vhost(name)
        del self.vhosts[name]
        self.events.tell("vhost.deleted", vhost=name)
        end = self._ends[name] = VHostEnd(vhost, lambda: self._forget_vhost(vhost))
        if end.run(0, PORTION):
            self.scheduler.add(end)

    def _forget_vhost(self, vhost: VHost) -> None:
        name = vhost.name
        del self._ends[name]
        self.past.add(totals_of(vhost))
        self.past_deaths.update(vhost.deaths())
        for policy in [each for each in self.policies.all() if each.vhost == name]:
            self._define(definitions.key("policy", name, policy.name), None)
        for policy in [each for each in self.policies.all(operator=True) if each.vhost == name]:
            self._define(definitions.key("operator-policy", name, policy.name), None)
        self.policies.forget_vhost(name)
        self.access.forget_vhost(name)
        for user in self.access.users.values():
            self._keep_user(user)
        self._vhost_limits.pop(name, None)
        self._define(definitions.key("vhost-limits", name), None)
        self._define(definitions.key("vhost", name), None)

    def limits_of(self, vhost: str) -> VHostLimits:
        """The limits of a vhost."""
        return self._vhost_limits.get(vhost, NO_VHOST_LIMITS)

    def set_vhost_limits(self, vhost: str, limits: Mapping[str, object]) -> None:
        """Sets `max-connections`, `max-queues` and `max-exchanges`. Raises NotFound, PreconditionFailed."""
        self.vhost(vhost)
        self._vhost_limits[vhost] = parse_vhost_limits(limits)
        self._define(definitions.key("vhost-limits", vhost), limits)
        self.events.tell("vhost.limits.set", vhost=vhost, limits=limits)

    # --- users ------------------------------------------------------------------------------------------------------

    def put_user(self, name: str, password_hash: str, tags: Iterable[str] = ()) -> None:
        """Creates a user or changes an existing one's password and tags."""
        user = self.access.put_user(name, password_hash, tags)
        if password_hash:  # without one it is the tags that change
            self.provisional_users.discard(name)
        self._keep_user(user)
        self.events.tell("user.put", user=name, tags=sorted(user.tags))

    def delete_user(self, name: str) -> None:
        """Deletes a user and the user's access keys. Raises NotFound."""
        keys = self.access.access_keys_of(name)
        self.access.delete_user(name)
        self.provisional_users.discard(name)
        for key in keys:
            self._define(definitions.key("access-key", key.id), None)
        self._define(definitions.key("user", name), None)
        self.events.tell("user.deleted", user=name)

    def put_access_key(self, user: str, key_id: str, secret: str, account: str) -> None:
        """Gives a user a key to sign requests with. Raises NotFound, PreconditionFailed.

        The journal keeps the secret as it is: a signature cannot be checked with a hash of it.
        """
        key = self.access.put_access_key(user, key_id, secret, account)
        if user not in self.provisional_users:
            value = {"user": key.user, "secret": key.secret, "account": key.account}
            self._define(definitions.key("access-key", key_id), value)
        self.events.tell("credential.put", user=user, kind=key.kind, id=key_id)

    def delete_access_key(self, key_id: str) -> None:
        """Deletes an access key. Raises NotFound."""
        self.access.delete_access_key(key_id)
        self._define(definitions.key("access-key", key_id), None)
        self.events.tell("credential.deleted", kind=ACCESS_KEY, id=key_id)

    def set_permissions(self, user: str, vhost: str, permissions: Permissions) -> None:
        """Says what a user may do in a vhost. Raises NotFound, PreconditionFailed."""
        self.vhost(vhost)
        self.access.set_permissions(user, vhost, permissions)
        self._keep_user(self.access.user(user))
        self.events.tell(
            "permission.set",
            user=user,
            vhost=vhost,
            configure=permissions.configure,
            write=permissions.write,
            read=permissions.read,
        )

    def clear_permissions(self, user: str, vhost: str) -> None:
        """Takes a vhost from a user. Raises NotFound."""
        self.access.clear_permissions(user, vhost)
        self._keep_user(self.access.user(user))
        self.events.tell("permission.cleared", user=user, vhost=vhost)

    def set_topic_permissions(self, user: str, vhost: str, exchange: str, permissions: TopicPermissions) -> None:
        """Restricts a user on a topic exchange. Raises NotFound, PreconditionFailed."""
        self.vhost(vhost)
        self.access.set_topic_permissions(user, vhost, exchange, permissions)
        self._keep_user(self.access.user(user))
        self.events.tell(
            "topic.permission.set",
            user=user,
            vhost=vhost,
            exchange=exchange,
            write=permissions.write,
            read=permissions.read,
        )

    def clear_topic_permissions(self, user: str, vhost: str, exchange: str) -> None:
        """Restricts a user there no more. Raises NotFound."""
        self.access.clear_topic_permissions(user, vhost, exchange)
        self._keep_user(self.access.user(user))
        self.events.tell("topic.permission.cleared", user=user, vhost=vhost, exchange=exchange)

    def set_user_limits(self, user: str, limits: Mapping[str, object]) -> None:
        """Sets `max-connections` and `max-channels`. Raises NotFound, PreconditionFailed."""
        self.access.set_limits(user, parse_user_limits(limits))
        self._keep_user(self.access.user(user))
        self.events.tell("user.limits.set", user=user, limits=limits)

    def _keep_user(self, user: User) -> None:
        if user.name in self.provisional_users:
            return
        self._define(
            definitions.key("user", user.name),
            {
                "password_hash": user.password_hash,
                "tags": sorted(user.tags),
                "max_connections": user.limits.max_connections,
                "max_channels": user.limits.max_channels,
                "permissions": [[vhost, p.configure, p.write, p.read] for vhost, p in user.permissions.items()],
                "topics": [[*place, p.write, p.read] for place, p in user.topic_permissions.items()],
            },
        )

    # --- policies ---------------------------------------------------------------------------------------------------

    def set_policy(self, policy: Policy, now: int, operator: bool = False) -> None:
        """Adds or replaces a policy, in force at once. Raises NotFound, PreconditionFailed."""
        vhost = self.vhost(policy.vhost)
        self.policies.set(policy, operator)
        self._define(
            definitions.key("operator-policy" if operator else "policy", policy.vhost, policy.name),
            {
                "pattern": policy.pattern,
                "definition": policy.definition,
                "priority": policy.priority,
                "apply_to": policy.apply_to,
            },
        )
        vhost.apply_policies(now)
        self.events.tell(
            "policy.set",
            vhost=policy.vhost,
            policy=policy.name,
            pattern=policy.pattern,
            definition=policy.definition,
            priority=policy.priority,
            apply_to=policy.apply_to,
            is_operator=operator,
        )

    def delete_policy(self, vhost: str, name: str, now: int, operator: bool = False) -> None:
        """Deletes a policy; what it did ends at once. Raises NotFound."""
        self.policies.delete(vhost, name, operator)
        self._define(definitions.key("operator-policy" if operator else "policy", vhost, name), None)
        self.vhost(vhost).apply_policies(now)
        self.events.tell("policy.deleted", vhost=vhost, policy=name, is_operator=operator)

    # --- time and restart -------------------------------------------------------------------------------------------

    def advance(self, now: int) -> None:
        """Does what is due: expiries, delays, queue expiry."""
        self.timers.advance(now)

    def skip_numbers(self, reserved: int) -> None:
        """Numbers up to `reserved` may have been used in an earlier run."""
        self._next_number = self._numbers_reserved = max(self._next_number, reserved)

    def restore_user(self, name: str, value: Mapping[str, object]) -> None:
        """Puts back a user as `_keep_user` wrote it."""
        password_hash, tags = value["password_hash"], value["tags"]
        permissions, topics = value["permissions"], value["topics"]
        assert isinstance(password_hash, str)
        assert isinstance(tags, list)
        assert isinstance(permissions, list)
        assert isinstance(topics, list)
        self.access.put_user(name, password_hash, tags)
        for vhost, configure, write, read in permissions:
            self.access.set_permissions(name, vhost, Permissions(configure, write, read))
        for vhost, exchange, write, read in topics:
            self.access.set_topic_permissions(name, vhost, exchange, TopicPermissions(write, read))
        connections, channels = value["max_connections"], value["max_channels"]
        assert isinstance(connections, int)
        assert isinstance(channels, int)
        self.access.set_limits(name, UserLimits(connections, channels))

    def restore_vhost_limits(self, vhost: str, value: Mapping[str, object]) -> None:
        """Puts back the limits of a vhost."""
        self._vhost_limits[vhost] = parse_vhost_limits(value)
