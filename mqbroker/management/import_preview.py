"""What an import of definitions would change: what is new, what is overwritten, what stays as it is."""

import json
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from mqbroker.management.importing import SECTIONS, Plan
from mqbroker.management.limits import MATCHING_SHOWN

_KEYS: Mapping[str, tuple[str, ...]] = {
    "users": ("name",),
    "vhosts": ("name",),
    "permissions": ("user", "vhost"),
    "topic_permissions": ("user", "vhost", "exchange"),
    "global_parameters": ("name",),
    "policies": ("vhost", "name"),
    "parameters": ("component", "vhost", "name"),
    "exchanges": ("vhost", "name"),
    "queues": ("vhost", "name"),
    "bindings": ("vhost", "source", "destination_type", "destination", "routing_key", "arguments"),
}
_STAYING = ("exchanges", "queues")
"""What is there with other arguments stays as it is (importing.py)."""


def changes(plan: Plan, exported: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """By section: how many are new, changed, the same and kept though they differ; and the first names of those that
    would not be the same."""
    found = {}
    for section in SECTIONS:
        if plan[section]:
            there = {_key(section, item): item for item in exported[section]}
            found[section] = _counted(section, plan[section], there.get)
    return found


def _key(section: str, item: Mapping[str, Any]) -> Hashable:
    return tuple(_plain(item.get(name) or ("queue" if name == "destination_type" else "")) for name in _KEYS[section])


def _plain(value: object) -> str:
    return value if isinstance(value, str) else "" if not value else json.dumps(value, sort_keys=True)


def _counted(
    section: str, items: list[dict[str, Any]], find: Callable[[Hashable], Mapping[str, Any] | None]
) -> dict[str, Any]:
    counts = {"new": 0, "changed": 0, "kept": 0, "same": 0}
    names: list[str] = []
    for item in items:
        before = find(_key(section, item))
        if before is None:
            verdict = "new"
        elif _is_same(item, before):
            verdict = "same"
        else:
            verdict = "kept" if section in _STAYING else "changed"
        counts[verdict] += 1
        if verdict != "same" and len(names) < MATCHING_SHOWN:
            names.append(str(item.get("name") or item.get("user") or item.get("destination") or ""))
    return {**counts, "names": names}


def _is_same(item: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """What a file leaves out is not overwritten; a password is another one, as far as anybody knows."""
    return "password" not in item and all(_alike(item[name], before[name]) for name in item if name in before)


def _alike(given: object, kept: object) -> bool:
    if isinstance(kept, list) and isinstance(given, str):
        given = [each.strip() for each in given.split(",") if each.strip()]
    return (given or None) == (kept or None)
