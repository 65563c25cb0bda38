"""Who may do what: users, their tags, and their permissions in each vhost.

Owns the decision and its text, as RabbitMQ 3.10.8 words it. It does not know protocols, and it does not check passwords
(core/passwords.py). Everything is denied unless a permission allows it, with one exception that is RabbitMQ's: a topic
exchange for which a user has no topic permission is not restricted by topic.

A permission is three regular expressions, searched for in the name of the queue or exchange. An empty one allows
nothing.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mqbroker.core.access.credentials import ACCESS_KEY, Credential, Credentials, access_key
from mqbroker.core.rabbitmq.patterns import DEFAULT_EXCHANGE, compile_permission
from mqbroker.core.rabbitmq.quotas import NO_USER_LIMITS, UserLimits
from mqbroker.core.recent import remember
from mqbroker.errors import AccessRefused, NotAllowed, NotFound
from mqbroker.limits import ACCESS_DECISIONS_MAX

# Values put into a topic pattern must not be read as wildcards by whoever subscribes (AMQP and MQTT).
_WILDCARDS = frozenset("*#+")


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a user may do in one vhost: declare and delete, publish and bind to, consume and bind from."""

    configure: str
    write: str
    read: str


@dataclass(frozen=True, slots=True)
class TopicPermissions:
    """The topics that a user may publish to and subscribe to on one exchange; `{username}` and such are filled in."""

    write: str
    read: str


@dataclass(slots=True)
class User:
    """An account. `permissions` is by vhost, `topic_permissions` by vhost and exchange."""

    name: str
    password_hash: str = ""
    tags: frozenset[str] = frozenset()
    limits: UserLimits = NO_USER_LIMITS
    permissions: dict[str, Permissions] = field(default_factory=dict)
    topic_permissions: dict[tuple[str, str], TopicPermissions] = field(default_factory=dict)

    @property
    def is_impersonator(self) -> bool:
        """Whether the user may publish in the name of another (the `user_id` property)."""
        return "impersonator" in self.tags


class Judge(Protocol):
    """Decides about users whom another service knows, in the place of permissions kept here."""

    def has_resources(self, user: str) -> bool:
        """Whether it decides what this user may do with queues and exchanges."""

    def has_topics(self, user: str) -> bool:
        """Whether it decides which topics this user may use."""

    def may(self, user: str, vhost: str, kind: str, resource: str, action: str) -> bool:
        """Whether an action is allowed. Raises AccessPending."""

    def may_topic(
        self, user: str, vhost: str, exchange: str, key: str, action: str, variables: Mapping[str, str]
    ) -> bool:
        """The same for a routing key of a topic exchange. Raises AccessPending."""


class Access:
    """The accounts of the broker and the decisions made from them. Users are named: one who was deleted is denied."""

    __slots__ = ("_decisions", "credentials", "generation", "judge", "users")

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.credentials = Credentials()
        self.generation = 0
        """Grows with every change, for callers that remember decisions."""
        self.judge: Judge | None = None
        self._decisions: dict[tuple[str, str, str, str], bool] = {}

    # --- accounts ---------------------------------------------------------------------------------------------------

    def put_user(self, name: str, password_hash: str, tags: Iterable[str] = ()) -> User:
        """Creates a user, or gives an existing one another hash and other tags."""
        user = self.users.setdefault(name, User(name))
        user.password_hash = password_hash
        user.tags = frozenset(tags)
        self._changed()
        return user

    def delete_user(self, name: str) -> User:
        """Deletes a user with all permissions and credentials. Raises NotFound."""
        user = self.user(name)
        del self.users[name]
        for credential in self.credentials.of(name):
            self.credentials.delete(credential.kind, credential.id)
        self._changed()
        return user

    def user(self, name: str) -> User:
        """The user of that name. Raises NotFound."""
        found = self.users.get(name)
        if found is None:
            raise NotFound(f"no user '{name}'")
        return found

    def set_limits(self, name: str, limits: UserLimits) -> None:
        """Replaces the limits of a user. Raises NotFound."""
        self.user(name).limits = limits

    # --- credentials ------------------------------------------------------------------------------------------------

    @property
    def access_keys(self) -> Mapping[str, Credential]:
        """The access keys of all users, by id."""
        return self.credentials.by_kind[ACCESS_KEY]

    def put_access_key(self, user: str, key_id: str, secret: str, account: str) -> Credential:
        """Gives a user an access key, or one of the user's another secret. Raises NotFound, PreconditionFailed."""
        self.user(user)
        return self.credentials.put(access_key(key_id, user, secret, account))

    def delete_access_key(self, key_id: str) -> None:
        """Deletes an access key. Raises NotFound."""
        self.credentials.delete(ACCESS_KEY, key_id)

    def access_keys_of(self, user: str) -> list[Credential]:
        """The access keys of a user."""
        return [each for each in self.credentials.of(user) if each.kind == ACCESS_KEY]

    # --- permissions ------------------------------------------------------------------------------------------------

    def set_permissions(self, name: str, vhost: str, permissions: Permissions) -> None:
        """Replaces what a user may do in a vhost. Raises NotFound, or PreconditionFailed for a bad pattern."""
        user = self.user(name)
        for pattern in (permissions.configure, permissions.write, permissions.read):
            compile_permission(pattern)
        user.permissions[vhost] = permissions
        self._changed()

    def clear_permissions(self, name: str, vhost: str) -> bool:
        """Takes a vhost from a user; False when there was nothing to take. Raises NotFound."""
        found = self.user(name).permissions.pop(vhost, None)
        self._changed()
        return found is not None

    def set_topic_permissions(self, name: str, vhost: str, exchange: str, permissions: TopicPermissions) -> None:
        """Restricts a user on a topic exchange. Raises NotFound, or PreconditionFailed for a bad pattern."""
        user = self.user(name)
        compile_permission(permissions.write)
        compile_permission(permissions.read)
        user.topic_permissions[vhost, exchange] = permissions
        self._changed()

    def clear_topic_permissions(self, name: str, vhost: str, exchange: str) -> bool:
        """Lifts such a restriction; False when there was none. Raises NotFound."""
        found = self.user(name).topic_permissions.pop((vhost, exchange), None)
        self._changed()
        return found is not None

    def forget_vhost(self, vhost: str) -> None:
        """Removes every permission in a vhost that was deleted."""
        for user in self.users.values():
            user.permissions.pop(vhost, None)
            for place in [place for place in user.topic_permissions if place[0] == vhost]:
                del user.topic_permissions[place]
        self._changed()

    def forget_decisions(self) -> None:
        """What the judge has said counts no longer."""
        self.generation += 1

    def _changed(self) -> None:
        self.generation += 1
        self._decisions.clear()

    # --- decisions --------------------------------------------------------------------------------------------------

    def check_vhost(self, name: str, vhost: str) -> None:
        """Raises NotAllowed unless the user has some permission in the vhost, even an empty one."""
        user = self.users.get(name)
        if user is None or vhost not in user.permissions:
            raise NotAllowed(f"access to vhost '{vhost}' refused for user '{name}'")

    def check_configure(self, name: str, vhost: str, kind: str, resource: str) -> None:
        """Raises AccessRefused unless the user may declare and delete this `queue` or `exchange`."""
        self._check(name, vhost, kind, resource, "configure")

    def check_write(self, name: str, vhost: str, kind: str, resource: str) -> None:
        """Raises AccessRefused unless the user may publish to this exchange, or bind this queue or exchange."""
        self._check(name, vhost, kind, resource, "write")

    def check_read(self, name: str, vhost: str, kind: str, resource: str) -> None:
        """Raises AccessRefused unless the user may consume from this queue, or bind something to this exchange."""
        self._check(name, vhost, kind, resource, "read")

    def check_any(self, name: str, vhost: str, kind: str, resource: str) -> None:
        """Raises AccessRefused unless the user has some permission on it: to others its very existence is a secret."""
        self._check(name, vhost, kind, resource, "configure", "write", "read")

    def _check(self, name: str, vhost: str, kind: str, resource: str, *actions: str) -> None:
        """Raises AccessRefused unless one of the actions is allowed."""
        if kind == "exchange" and not resource:
            resource = DEFAULT_EXCHANGE
        if self.judge is not None and self.judge.has_resources(name):
            if self._is_judged_well(self.judge, name, vhost, kind, resource, actions):
                return
            raise _refused(name, vhost, kind, resource)
        for action in actions:
            question = (name, vhost, resource, action)
            allowed = self._decisions.get(question)
            if allowed is None:
                allowed = self._may(name, vhost, resource, action)
                remember(self._decisions, question, allowed, ACCESS_DECISIONS_MAX)
            if allowed:
                return
        raise _refused(name, vhost, kind, resource)

    def _is_judged_well(
        self, judge: Judge, name: str, vhost: str, kind: str, resource: str, actions: Iterable[str]
    ) -> bool:
        user = self.users.get(name)
        is_inside = user is not None and vhost in user.permissions
        return is_inside and any(judge.may(name, vhost, kind, resource, action) for action in actions)

    def _may(self, name: str, vhost: str, resource: str, action: str) -> bool:
        user = self.users.get(name)
        permissions = None if user is None else user.permissions.get(vhost)
        if permissions is None:
            return False
        pattern: str = getattr(permissions, action)
        return compile_permission(pattern).search(resource) is not None

    def check_topic_write(
        self, name: str, vhost: str, exchange: str, key: str, variables: Mapping[str, str] | None = None
    ) -> None:
        """Raises AccessRefused unless the user may publish with this routing key. For topic exchanges only.

        `variables` are filled into the pattern beside `username` and `vhost`, such as MQTT's `client_id`.
        """
        self._check_topic(name, vhost, exchange, key, "write", variables or {})

    def check_topic_read(
        self, name: str, vhost: str, exchange: str, key: str, variables: Mapping[str, str] | None = None
    ) -> None:
        """The same for binding a queue or exchange with this key, and for unbinding it."""
        self._check_topic(name, vhost, exchange, key, "read", variables or {})

    def _check_topic(
        self, name: str, vhost: str, exchange: str, key: str, action: str, variables: Mapping[str, str]
    ) -> None:
        judge = self.judge
        if judge is not None and judge.has_topics(name):
            if judge.may_topic(name, vhost, exchange, key, action, {"username": name, "vhost": vhost, **variables}):
                return
            raise _topic_refused(name, vhost, exchange, key)
        user = self.users.get(name)
        restriction = None if user is None else user.topic_permissions.get((vhost, exchange))
        if user is not None and restriction is None:
            return
        pattern = "" if restriction is None else getattr(restriction, action)
        expanded = _expand(pattern, {"username": name, "vhost": vhost, **variables})
        if expanded is None or not compile_permission(expanded).search(key):
            raise _topic_refused(name, vhost, exchange, key)


def _refused(name: str, vhost: str, kind: str, resource: str) -> AccessRefused:
    return AccessRefused(f"access to {kind} '{resource}' in vhost '{vhost}' refused for user '{name}'")


def _topic_refused(name: str, vhost: str, exchange: str, key: str) -> AccessRefused:
    return AccessRefused(
        f"access to topic '{key}' in exchange '{exchange}' in vhost '{vhost}' refused for user '{name}'"
    )


def _expand(pattern: str, variables: Mapping[str, str]) -> str | None:
    """`pattern` with `{name}` filled in literally; None when a value that is asked for could pass for a wildcard."""
    for name, value in variables.items():
        placeholder = f"{{{name}}}"
        if placeholder not in pattern:
            continue
        if not _WILDCARDS.isdisjoint(value):
            return None
        pattern = pattern.replace(placeholder, re.escape(value))
    return pattern
