"""Users out of Mosquitto's files: passwords, access lists, and the configuration of its dynamic security.

All users get the permissions that MQTT needs in one vhost, and a topic permission on amq.topic by their access lists.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mqbroker.core.access.passwords import is_known_format
from mqbroker.ctl.imports.found import CannotImport, Found
from mqbroker.ctl.imports.topics import is_pattern_usable, permission

EXCHANGE = "amq.topic"
ANONYMOUS = "anonymous"
_QUEUES = "^mqtt-(subscription|shared)-"
_BOTH = r"^(amq\.topic$|mqtt-(subscription|shared)-)"
_ACCESS = ("read", "write", "readwrite", "deny")

Topics = list[tuple[str, bool]]


@dataclass(slots=True)
class Rules:
    """What somebody may do."""

    write: Topics = field(default_factory=list)
    read: Topics = field(default_factory=list)
    no_write: Topics = field(default_factory=list)
    no_read: Topics = field(default_factory=list)

    def add(self, access: str, topic: str, is_pattern: bool) -> None:
        """One line of an access list."""
        if access in ("write", "readwrite"):
            self.write.append((topic, is_pattern))
        if access in ("read", "readwrite"):
            self.read.append((topic, is_pattern))
        if access == "deny":
            self.no_write.append((topic, is_pattern))
            self.no_read.append((topic, is_pattern))

    def plus(self, other: "Rules") -> "Rules":
        """Both together."""
        return Rules(
            self.write + other.write, self.read + other.read, self.no_write + other.no_write,
            self.no_read + other.no_read,
        )  # fmt: skip

    def permissions(self) -> dict[str, str]:
        """The regular expressions of a topic permission."""
        return {
            "write": permission(self.write, self.no_write, is_for_filters=False),
            "read": permission(self.read, self.no_read, is_for_filters=True),
        }


@dataclass(slots=True)
class AccessList:
    """An acl_file."""

    users: dict[str, Rules] = field(default_factory=dict)
    everybody: Rules = field(default_factory=Rules)

    def of(self, user: str) -> Rules:
        """What a user may do; the lines before any user are for those without a name."""
        return self.users.get(user, Rules()).plus(self.everybody)


def parse_access_list(text: str, name: str, found: Found) -> AccessList:
    """Reads an acl_file. Raises CannotImport."""
    rules = AccessList()
    user = ""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.strip().split(maxsplit=1)
        if not words or words[0].startswith("#"):
            continue
        rest = words[1].strip() if len(words) > 1 else ""
        if words[0] not in ("user", "topic", "pattern") or not rest:
            raise CannotImport(f"{name}:{number}: {line.strip()!r} is no line of an access list")
        if words[0] == "user":
            user = rest
            rules.users.setdefault(user, Rules())
            continue
        _take_topic(rules, words[0] == "pattern", user, rest, f"{name}:{number}", found)
    return rules


def _take_topic(rules: AccessList, is_pattern: bool, user: str, rest: str, place: str, found: Found) -> None:
    first, _, after = rest.partition(" ")
    access, topic = (first, after.strip()) if first in _ACCESS and after.strip() else ("readwrite", rest)
    if "#" in topic[:-1] or any("+" in level and level != "+" for level in topic.split("/")):
        raise CannotImport(f"{place}: {topic!r} is no filter of topics")
    if is_pattern and not is_pattern_usable(topic):
        found.note(f"{place}: the pattern {topic!r} is left out: %u and %c have to stand alone in their levels")
        return
    target = rules.everybody if is_pattern else rules.users.setdefault(user, Rules())
    target.add(access, topic, is_pattern)


def parse_passwords(text: str, name: str, found: Found) -> dict[str, str]:
    """Hashes by user out of a password_file. Raises CannotImport."""
    hashes = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        user, colon, hashed = line.strip().partition(":")
        if not colon or not user:
            raise CannotImport(f"{name}:{number}: no `user:hash`")
        if not is_known_format(hashed):
            found.note(f"{name}:{number}: the hash of user {user!r} cannot be used: give the user a new password")
            hashed = ""
        hashes[user] = hashed
    return hashes


def add_users(hashes: dict[str, str], rules: AccessList | None, vhost: str, found: Found) -> None:
    """The users of both files as definitions."""
    for user, hashed in hashes.items():
        add_user(user, hashed, None if rules is None else rules.of(user), vhost, found)
    if rules is None:
        return
    for user in rules.users.keys() - hashes.keys() - {""}:
        found.note(f"user {user!r} of the access list has no password, and is left out")
    if rules.everybody != Rules():
        found.note("lines with `pattern` are given to each user that is taken over, not to later ones")


def add_user(user: str, hashed: str, rules: Rules | None, vhost: str, found: Found) -> None:
    """One user; without rules any topic is allowed."""
    found.add("users", {"name": user, "password_hash": hashed, "tags": ""})
    rights = {"configure": _QUEUES, "write": _BOTH, "read": _BOTH}
    found.add("permissions", {"user": user, "vhost": vhost, **rights})
    if rules is not None:
        place = {"user": user, "vhost": vhost, "exchange": EXCHANGE}
        found.add("topic_permissions", {**place, **rules.permissions()})


# --- dynamic security -----------------------------------------------------------------------------------------------


def take_dynamic_security(text: str, name: str, vhost: str, found: Found) -> None:
    """Clients, groups and roles of a dynamic-security.json. Raises CannotImport."""
    try:
        data = json.loads(text)
        roles = {str(role["rolename"]): _ordered(role.get("acls", [])) for role in _list(data, "roles")}
        groups = {str(group["groupname"]): group for group in _list(data, "groups")}
        default = data.get("defaultACLAccess") or {}
        for client in _list(data, "clients"):
            _take_client(client, roles, groups, default, vhost, found)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise CannotImport(f"{name} is no configuration of dynamic security: {error!r}") from None
    if isinstance(data.get("anonymousGroup"), dict):
        found.note("anonymousGroup: give the rights of that group to a user, and name it in mqtt.anonymous_user")


def _list(data: Any, name: str) -> list[Any]:
    value = data.get(name, [])
    if not isinstance(value, list):
        raise TypeError(f"{name} is no list")
    return value


def _ordered(items: Iterable[Any]) -> list[Any]:
    return sorted(items, key=lambda item: -int(item.get("priority", 0)))


def _take_client(
    client: Any, roles: dict[str, list[Any]], groups: dict[str, Any], default: dict[str, bool], vhost: str, found: Found
) -> None:
    user = str(client["username"])
    if client.get("disabled"):
        found.note(f"client {user!r} is disabled, and is left out")
        return
    if client.get("clientid"):
        found.note(f"client {user!r}: its client identifier is not checked here")
    names = [str(role["rolename"]) for role in _ordered(client.get("roles", []))]
    for group in groups.values():
        if any(each.get("username") == user for each in group.get("clients", [])):
            names += [str(role["rolename"]) for role in _ordered(group.get("roles", []))]
    acls = [acl for name in dict.fromkeys(names) for acl in roles[name]]
    add_user(user, _dynamic_hash(client, user, found), _rules(acls, default, user, found), vhost, found)


def _dynamic_hash(client: Any, user: str, found: Found) -> str:
    hashed = str(client.get("encoded_password", ""))
    if not hashed and "password" in client:
        hashed = f"$7${int(client['iterations'])}${client['salt']}${client['password']}"
    if hashed and not is_known_format(hashed):
        found.note(f"the hash of client {user!r} cannot be used: give the user a new password")
        return ""
    return hashed


def _rules(acls: list[Any], default: dict[str, bool], user: str, found: Found) -> Rules:
    rules = Rules()
    allowed_before: list[str] = []
    for acl in acls:
        kind, topic, is_allowed = str(acl["acltype"]), str(acl["topic"]), bool(acl.get("allow"))
        if topic.startswith("$CONTROL"):
            found.note(f"user {user!r} may not change users by $CONTROL: there is the management API for that")
        elif kind == "publishClientSend":
            (rules.write if is_allowed else rules.no_write).append((topic, True))
        elif kind in ("subscribeLiteral", "subscribePattern"):
            (rules.read if is_allowed else rules.no_read).append((topic, True))
        elif kind == "publishClientReceive" and not is_allowed:
            rules.no_read.append((topic, True))
        if not is_allowed and allowed_before:
            found.note(f"user {user!r}: {kind} of {topic!r} is denied here also where a role before allows it")
        allowed_before += [topic] if is_allowed else []
    if default.get("publishClientSend"):
        rules.write.append(("#", False))
    if default.get("subscribe"):
        rules.read.append(("#", False))
    return rules
