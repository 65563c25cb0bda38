"""Limits of vhosts and users: how many connections, queues, exchanges and channels they may have."""

from collections.abc import Mapping
from typing import Any

from mqbroker.management.answers import NO_CONTENT, Answer
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import ADMINISTRATOR, MANAGEMENT
from mqbroker.management.ground import Ground
from mqbroker.management.refusals import bad_request, missing

VHOST_LIMITS = ("max-connections", "max-queues", "max-exchanges")
USER_LIMITS = ("max-connections", "max-channels")


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("vhost-limits", MANAGEMENT, GET=all_vhost_limits)
    routes.add("vhost-limits/:vhost", MANAGEMENT, GET=vhost_limits)
    routes.add("vhost-limits/:vhost/:limit", ADMINISTRATOR, PUT=set_vhost_limit, DELETE=clear_vhost_limit)
    routes.add("user-limits", ADMINISTRATOR, GET=all_user_limits)
    routes.add("user-limits/:user", ADMINISTRATOR, GET=user_limits)
    routes.add("user-limits/:user/:limit", ADMINISTRATOR, PUT=set_user_limit, DELETE=clear_user_limit)


def limits_of_vhost(ground: Ground, name: str) -> dict[str, int]:
    """Those that are set."""
    limits = ground.broker.limits_of(name)
    return _set(dict(zip(VHOST_LIMITS, (limits.max_connections, limits.max_queues, limits.max_exchanges), strict=True)))


def limits_of_user(ground: Ground, name: str) -> dict[str, int]:
    """Those that are set."""
    limits = ground.broker.access.user(name).limits
    return _set(dict(zip(USER_LIMITS, (limits.max_connections, limits.max_channels), strict=True)))


def _set(limits: Mapping[str, int]) -> dict[str, int]:
    return {name: limit for name, limit in limits.items() if limit >= 0}


def _shown(kind: str, found: Mapping[str, Mapping[str, int]]) -> Answer:
    return Answer(body=[{kind: name, "value": limits} for name, limits in sorted(found.items()) if limits])


def all_vhost_limits(call: Call) -> Answer:
    """GET vhost-limits."""
    return _shown("vhost", {each.name: limits_of_vhost(call.ground, each.name) for each in call.caller.visible()})


def vhost_limits(call: Call) -> Answer:
    """GET vhost-limits/V."""
    name = call.vhost().name
    return _shown("vhost", {name: limits_of_vhost(call.ground, name)})


def all_user_limits(call: Call) -> Answer:
    """GET user-limits."""
    users = call.ground.broker.access.users
    return _shown("user", {name: limits_of_user(call.ground, name) for name in users})


def user_limits(call: Call) -> Answer:
    """GET user-limits/U."""
    name = _user(call)
    return _shown("user", {name: limits_of_user(call.ground, name)})


def _user(call: Call) -> str:
    name = call.name("user")
    if name not in call.ground.broker.access.users:
        raise missing()
    return name


def _changed(call: Call, known: tuple[str, ...], limits: dict[str, Any]) -> dict[str, Any]:
    """The limits after a PUT. Raises Refusal."""
    name = call.name("limit")
    if name not in known:
        raise bad_request(f"Unrecognised limit: {name}")
    (value,) = call.require("value")
    if isinstance(value, bool) or not isinstance(value, int):
        raise bad_request(f"{name} should be a number")
    return {**limits, name: value}


def set_vhost_limit(call: Call) -> Answer:
    """PUT vhost-limits/V/L: always 204; -1 is no limit."""
    name = call.vhost().name
    call.ground.broker.set_vhost_limits(name, _changed(call, VHOST_LIMITS, limits_of_vhost(call.ground, name)))
    return NO_CONTENT


def clear_vhost_limit(call: Call) -> Answer:
    """DELETE vhost-limits/V/L: 204 also when there is none."""
    name = call.vhost().name
    limits = limits_of_vhost(call.ground, name)
    if limits.pop(call.name("limit"), None) is not None:
        call.ground.broker.set_vhost_limits(name, limits)
    return NO_CONTENT


def set_user_limit(call: Call) -> Answer:
    """PUT user-limits/U/L."""
    name = call.name("user")
    if name not in call.ground.broker.access.users:
        raise bad_request(f"no_such_user: {name}")
    call.ground.broker.set_user_limits(name, _changed(call, USER_LIMITS, limits_of_user(call.ground, name)))
    return NO_CONTENT


def clear_user_limit(call: Call) -> Answer:
    """DELETE user-limits/U/L."""
    name = _user(call)
    limits = limits_of_user(call.ground, name)
    if limits.pop(call.name("limit"), None) is not None:
        call.ground.broker.set_user_limits(name, limits)
    return NO_CONTENT
