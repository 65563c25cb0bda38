"""Vhosts, users and access keys that the configuration names: made where they are missing, else compared.

What exists is left as it is, and each difference is a warning, because users may have been changed since by other
means. With `apply_users` the configuration is the truth: users become what it says, and those that it does not name are
deleted.

A password costs a fifth of a second to hash or to compare, on purpose. That is done after the start, one after the
other in a thread of low priority, and written down as it is done; until a new user has a hash, the password itself is
known to the authenticator. A user whose hash was not written before the process ended is made anew by the next start.
"""

import asyncio
import logging
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from mqbroker.config.access_keys import AccessKeyDefinition
from mqbroker.config.sections import Config, PermissionDefinition, UserDefinition
from mqbroker.core.access.access import Permissions, User
from mqbroker.core.access.passwords import SALT_BYTES, hash_password, is_known_format, verify
from mqbroker.core.broker import Broker
from mqbroker.core.rabbitmq.patterns import compile_permission
from mqbroker.errors import ConfigError, PreconditionFailed

log = logging.getLogger(__name__)

T = TypeVar("T")

_EVERYTHING = ".*"
_NICENESS = 5  # hashing must not compete with clients, nor wait for ever on a machine that is busy otherwise


class Expectations(Protocol):
    """Who lets users in before they have a hash."""

    def expect(self, user: str, password: bytes) -> None:
        """Takes this password for the user from now on."""

    def forget_expected(self, user: str) -> None:
        """The user has a hash."""

    def is_expected(self, user: str) -> bool:
        """Whether their hash is still being made."""


class Provisioning:
    """Brings the users of a broker in line with its configuration, or says where they are not."""

    def __init__(self, broker: Broker, config: Config, logins: Expectations, wake: Callable[[], None]) -> None:
        """`wake` asks for the end of the loop's turn, in which what was defined is sealed."""
        self._broker = broker
        self._config = config
        self._logins = logins
        self._wake = wake
        self._unhashed: list[UserDefinition] = []
        self._uncompared: list[UserDefinition] = []
        self.end_sessions: Callable[[str, str], None] = lambda _user, _reason: None
        """Ends the sessions of a user, for a reason."""

    def apply(self) -> None:
        """Does everything but the passwords. Call it once, after the journal has been read. Raises ConfigError."""
        check_users(self._config)
        config, access = self._config, self._broker.access
        for name in (config.default_vhost, *(vhost.name for vhost in config.vhosts)):
            self._broker.add_vhost(name)
        named = list(_all_users(config))
        for user in named:
            found = access.users.get(user.name)
            if found is None:
                self._make(user)
            else:
                self._compare(user, found)
        for user in named:
            for key in user.access_keys:
                self._provide_key(user, key)
        if config.apply_users:
            for name in sorted(access.users.keys() - {user.name for user in named} - self._foreign()):
                log.warning("user %r is deleted: the configuration does not name it, and apply_users is set", name)
                self._broker.delete_user(name)

    def _foreign(self) -> set[str]:
        """Users whom only another source knows (backend_chain.py): about them the configuration says nothing."""
        return {name for name in self._broker.provisional_users if not self._logins.is_expected(name)}

    # --- new users --------------------------------------------------------------------------------------------------

    def _make(self, user: UserDefinition) -> None:
        if user.password is None:
            self._broker.put_user(user.name, user.password_hash or "", user.tags)
            for each in user.permissions:
                self._broker.set_permissions(user.name, each.vhost, _permissions(each))
            return
        # Not in the journal before it has a hash: with an empty one it would be a user whom no password lets in.
        self._broker.provisional_users.add(user.name)
        access = self._broker.access
        access.put_user(user.name, "", user.tags)
        for each in user.permissions:
            access.set_permissions(user.name, each.vhost, _permissions(each))
        self._logins.expect(user.name, user.password.encode())
        self._unhashed.append(user)

    def _provide_key(self, user: UserDefinition, key: AccessKeyDefinition) -> None:
        access = self._broker.access
        found = access.access_keys.get(key.id)
        if found is None:
            self._broker.put_access_key(user.name, key.id, key.secret, key.account)
        elif (found.user, found.secret, found.account) != (user.name, key.secret, key.account):
            if self._config.apply_users and found.user == user.name:
                self._broker.put_access_key(user.name, key.id, key.secret, key.account)
            else:
                self._differs(user.name, f"access key {key.id}")

    # --- users that are there -----------------------------------------------------------------------------------------

    def _compare(self, user: UserDefinition, found: User) -> None:
        differences = list(self._differences(user, found))
        if differences and self._config.apply_users:
            self._overwrite(user, found)
            log.info("user %r has from the configuration now: %s", user.name, ", ".join(differences))
        elif differences:
            self._differs(user.name, ", ".join(differences))
        if user.password is not None:
            self._uncompared.append(user)

    def _differences(self, user: UserDefinition, found: User) -> Iterator[str]:
        if user.password_hash is not None and user.password_hash != found.password_hash:
            yield "password_hash"
        if frozenset(user.tags) != found.tags:
            yield "tags"
        wanted = {each.vhost: _permissions(each) for each in user.permissions}
        for vhost in sorted(wanted.keys() | found.permissions.keys()):
            if wanted.get(vhost) != found.permissions.get(vhost):
                yield f"permissions in vhost {vhost!r}"

    def _overwrite(self, user: UserDefinition, found: User) -> None:
        for vhost in found.permissions.keys() - {each.vhost for each in user.permissions}:
            self._broker.clear_permissions(user.name, vhost)
        for each in user.permissions:
            self._broker.set_permissions(user.name, each.vhost, _permissions(each))
        before = found.password_hash
        self._broker.put_user(user.name, user.password_hash or before, user.tags)
        if before and found.password_hash != before:
            self._end(user.name)

    def _end(self, user: str) -> None:
        self.end_sessions(user, f"the password of user '{user}' was changed")

    def _differs(self, user: str, what: str) -> None:
        text = "user %r differs from the configuration and is left as it is: %s (--apply-users makes it the same)"
        log.warning(text, user, what)

    # --- passwords ----------------------------------------------------------------------------------------------------

    async def hash_task(self) -> None:
        """Hashes the passwords of new users, then compares those of the others."""
        if not (self._unhashed or self._uncompared):
            return
        # Threads are asked for by name, so that the loop's own executor is left to short work.
        with ThreadPoolExecutor(1, thread_name_prefix="hash", initializer=_be_nice) as pool:
            try:
                for user in self._unhashed:
                    self._keep_new(user, await _in(pool, lambda user=user: _hash(user)))  # type: ignore[misc]
                for user in self._uncompared:
                    await self._compare_password(user, pool)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _keep_new(self, user: UserDefinition, password_hash: str) -> None:
        self._logins.forget_expected(user.name)
        if user.name in self._broker.provisional_users:  # else somebody has deleted it, or given it another password
            self._keep(user, password_hash)

    def _keep(self, user: UserDefinition, password_hash: str) -> None:
        found = self._broker.access.users.get(user.name)
        if found is None:
            return  # somebody has deleted it meanwhile
        self._broker.put_user(user.name, password_hash, found.tags)
        for key in self._broker.access.access_keys_of(user.name):
            self._broker.put_access_key(user.name, key.id, key.secret, key.account)
        self._wake()

    async def _compare_password(self, user: UserDefinition, pool: ThreadPoolExecutor) -> None:
        found = self._broker.access.users.get(user.name)
        if found is None:
            return
        kept, password = found.password_hash, (user.password or "").encode()
        if await _in(pool, lambda: verify(password, kept)):
            return
        if not self._config.apply_users:
            self._differs(user.name, "password")
            return
        self._keep(user, await _in(pool, lambda: _hash(user)))
        self._end(user.name)
        log.info("user %r has from the configuration now: password", user.name)


def check_users(config: Config) -> None:
    """Raises ConfigError, with file and line, for what no user can have."""
    for user in config.users:
        if user.password_hash is not None and not is_known_format(user.password_hash):
            text = "is in no format that this broker knows: scrypt, SCRAM-SHA-256, or RabbitMQ's SHA-256 and SHA-512"
            raise ConfigError(f"{_at(user.place)}the password_hash of user {user.name!r} {text}")
        for each in user.permissions:
            for pattern in (each.configure, each.write, each.read):
                try:
                    compile_permission(pattern)
                except PreconditionFailed as error:
                    text = f"{_at(each.place)}the permission {pattern!r} of user {user.name!r} cannot be used: {error}"
                    raise ConfigError(text) from None


def _at(place: str) -> str:
    return f"{place}: " if place else ""


def _all_users(config: Config) -> Iterator[UserDefinition]:
    """The users of the configuration, and those that options stand for."""
    yield from config.users
    named = {user.name for user in config.users}
    everywhere = PermissionDefinition(config.default_vhost, _EVERYTHING, _EVERYTHING, _EVERYTHING)
    if config.default_user and config.default_user not in named:
        yield UserDefinition(config.default_user, config.default_pass, None, ("administrator",), (everywhere,))
    if config.dev and "guest" not in named | {config.default_user}:
        yield UserDefinition("guest", "guest", None, ("administrator",), (everywhere,))


def _permissions(given: PermissionDefinition) -> Permissions:
    return Permissions(given.configure, given.write, given.read)


def _hash(user: UserDefinition) -> str:
    return hash_password((user.password or "").encode(), secrets.token_bytes(SALT_BYTES))


def _be_nice() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


async def _in(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, work)
