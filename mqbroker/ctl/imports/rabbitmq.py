"""RabbitMQ's definitions: taken as they are, but for what would be refused or does nothing here."""

import json
from pathlib import Path
from typing import Any

from mqbroker.core.access.passwords import is_known_format
from mqbroker.ctl.imports.found import CannotImport, Found, read_text

_SECTIONS = (
    "users", "vhosts", "permissions", "topic_permissions", "parameters", "global_parameters", "policies", "queues",
    "exchanges", "bindings",
)  # fmt: skip
_WITHOUT_EFFECT = ("ha-mode", "ha-params", "ha-sync-mode", "ha-promote-on-shutdown", "queue-mode", "queue-version",
                   "queue-master-locator", "max-age", "stream-max-segment-size-bytes", "federation-upstream",
                   "federation-upstream-set", "federation-upstream-pattern")  # fmt: skip


def take(path: Path, found: Found) -> None:
    """One file of definitions. Raises CannotImport."""
    try:
        data = json.loads(read_text(path).removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise CannotImport(f"{path.name} is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise CannotImport(f"{path.name} has no definitions")
    for section in _SECTIONS:
        items = data.get(section, [])
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise CannotImport(f"{path.name}: {section} should be a list of objects")
        for item in items:
            _take(section, dict(item), found)


def _take(section: str, item: dict[str, Any], found: Found) -> None:
    if section == "users":
        _look_at_user(item, found)
    elif section == "policies":
        _look_at_policy(item, found)
    elif section == "parameters" and item.get("component") not in ("operator_policy", "vhost-limits"):
        found.note(f"parameter {item.get('name')!r} of {item.get('component')!r} is kept at most: nothing acts on it")
    elif section == "queues" and _arguments(item).get("x-queue-type") == "stream":
        found.note(f"queue {item.get('name')!r} is a stream, of which there are none here, and is left out")
        return
    found.add(section, item)


def _look_at_user(user: dict[str, Any], found: Found) -> None:
    hashed = user.get("password_hash")
    if isinstance(hashed, str) and hashed and not is_known_format(hashed):
        algorithm = user.get("hashing_algorithm")
        found.note(f"user {user.get('name')!r}: a hash of {algorithm} cannot be used: give the user a new password")
        user["password_hash"] = ""
        user.pop("hashing_algorithm", None)


def _look_at_policy(policy: dict[str, Any], found: Found) -> None:
    definition = policy.get("definition")
    if not isinstance(definition, dict):
        return
    idle = sorted(definition.keys() & set(_WITHOUT_EFFECT))
    if idle:
        found.note(f"policy {policy.get('name')!r}: {', '.join(idle)} has no effect here")


def _arguments(item: dict[str, Any]) -> dict[str, Any]:
    value = item.get("arguments")
    return value if isinstance(value, dict) else {}
