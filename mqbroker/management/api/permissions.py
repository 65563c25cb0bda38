"""Permissions of users in vhosts, and on topics: in force at once, for sessions that are open too."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mqbroker.core.access.access import Permissions, TopicPermissions, User
from mqbroker.core.rabbitmq.patterns import compile_permission
from mqbroker.errors import PreconditionFailed
from mqbroker.management.answers import NO_CONTENT, Answer, Listing, put_answer
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import ADMINISTRATOR
from mqbroker.management.refusals import bad_request, missing


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("permissions", ADMINISTRATOR, GET=permissions)
    routes.add("permissions/:vhost/:user", ADMINISTRATOR, GET=permission, PUT=put_permission, DELETE=clear_permission)
    routes.add("vhosts/:vhost/permissions", ADMINISTRATOR, GET=permissions)
    routes.add("users/:user/permissions", ADMINISTRATOR, GET=permissions)
    routes.add("topic-permissions", ADMINISTRATOR, GET=topic_permissions)
    routes.add("vhosts/:vhost/topic-permissions", ADMINISTRATOR, GET=topic_permissions)
    routes.add("users/:user/topic-permissions", ADMINISTRATOR, GET=topic_permissions)
    routes.add(
        "topic-permissions/:vhost/:user", ADMINISTRATOR, GET=topic_permissions_of_one, PUT=put_topic_permission,
        DELETE=clear_topic_permissions,
    )  # fmt: skip
    routes.add("topic-permissions/:vhost/:user/:exchange", ADMINISTRATOR, GET=topic_permission, DELETE=clear_topic)


@dataclass(frozen=True, slots=True)
class Shown:
    """A permission; of a topic permission, with its exchange."""

    user: str
    vhost: str
    rights: Permissions | TopicPermissions
    exchange: str = ""

    def describe(self) -> dict[str, Any]:
        """Its fields."""
        rights, who = self.rights, {"user": self.user, "vhost": self.vhost}
        if isinstance(rights, Permissions):
            return {**who, "configure": rights.configure, "write": rights.write, "read": rights.read}
        return {**who, "exchange": self.exchange, "write": rights.write, "read": rights.read}


def _listing(found: Iterable[Shown]) -> Listing:
    return Listing(list(found), Shown.describe, lambda each: (each.vhost, each.user, each.exchange))


def _users(call: Call) -> list[User]:
    """The user of the path, or all. Raises Refusal."""
    access = call.ground.broker.access
    if "user" not in call.names:
        return list(access.users.values())
    found = access.users.get(call.name("user"))
    if found is None:
        raise missing()
    return [found]


def _is_wanted(call: Call, vhost: str) -> bool:
    return vhost == call.names.get("vhost", vhost)


def permissions(call: Call) -> Listing:
    """GET permissions, and those of a user or in a vhost."""
    if "vhost" in call.names:
        call.vhost()
    return _listing(
        Shown(user.name, vhost, rights)
        for user in _users(call)
        for vhost, rights in user.permissions.items()
        if _is_wanted(call, vhost)
    )


def permission(call: Call) -> Answer:
    """GET permissions/V/U."""
    vhost, user = call.vhost().name, _users(call)[0]
    if vhost not in user.permissions:
        raise missing()
    return Answer(body=Shown(user.name, vhost, user.permissions[vhost]).describe())


def check_patterns(**patterns: object) -> None:
    """Raises Refusal for what is no regular expression."""
    for name, pattern in patterns.items():
        if not isinstance(pattern, str):
            raise bad_request(f"{name} should be a string")
        try:
            compile_permission(pattern)
        except PreconditionFailed as error:
            raise bad_request(f"invalid_regexp: {pattern}: {error}") from None


def _check_both(call: Call) -> tuple[str, str]:
    vhost, user = call.name("vhost"), call.name("user")
    if vhost not in call.ground.broker.vhosts or user not in call.ground.broker.access.users:
        raise bad_request("vhost_or_user_not_found")
    return vhost, user


def put_permission(call: Call) -> Answer:
    """PUT permissions/V/U."""
    configure, write, read = call.require("configure", "write", "read")
    vhost, user = _check_both(call)
    check_patterns(configure=configure, write=write, read=read)
    is_new = vhost not in call.ground.broker.access.user(user).permissions
    call.ground.broker.set_permissions(user, vhost, Permissions(configure, write, read))
    return put_answer(is_new)


def clear_permission(call: Call) -> Answer:
    """DELETE permissions/V/U."""
    permission(call)
    call.ground.broker.clear_permissions(call.name("user"), call.name("vhost"))
    return NO_CONTENT


# --- topics ---------------------------------------------------------------------------------------------------------


def topic_permissions(call: Call) -> Listing:
    """GET topic-permissions, and those of a user or in a vhost."""
    if "vhost" in call.names:
        call.vhost()
    return _listing(each for user in _users(call) for each in _topics(user) if _is_wanted(call, each.vhost))


def _topics(user: User) -> list[Shown]:
    return [Shown(user.name, vhost, rights, exchange) for (vhost, exchange), rights in user.topic_permissions.items()]


def topic_permissions_of_one(call: Call) -> Listing:
    """GET topic-permissions/V/U: a list."""
    return _listing(_topics_here(call))


def _topics_here(call: Call) -> list[Shown]:
    vhost = call.vhost().name
    found = [each for each in _topics(_users(call)[0]) if each.vhost == vhost]
    if not found:
        raise missing()
    return found


def topic_permission(call: Call) -> Answer:
    """GET topic-permissions/V/U/X."""
    return Answer(body=_topic_here(call).describe())


def _topic_here(call: Call) -> Shown:
    for each in _topics_here(call):
        if each.exchange == call.name("exchange"):
            return each
    raise missing()


def put_topic_permission(call: Call) -> Answer:
    """PUT topic-permissions/V/U."""
    exchange, write, read = call.require("exchange", "write", "read")
    vhost, user = _check_both(call)
    if not isinstance(exchange, str):
        raise bad_request("exchange should be a string")
    check_patterns(write=write, read=read)
    is_new = (vhost, exchange) not in call.ground.broker.access.user(user).topic_permissions
    call.ground.broker.set_topic_permissions(user, vhost, exchange, TopicPermissions(write, read))
    return put_answer(is_new)


def clear_topic_permissions(call: Call) -> Answer:
    """DELETE topic-permissions/V/U: all of them."""
    for each in _topics_here(call):
        call.ground.broker.clear_topic_permissions(each.user, each.vhost, each.exchange)
    return NO_CONTENT


def clear_topic(call: Call) -> Answer:
    """DELETE topic-permissions/V/U/X."""
    each = _topic_here(call)
    call.ground.broker.clear_topic_permissions(each.user, each.vhost, each.exchange)
    return NO_CONTENT
