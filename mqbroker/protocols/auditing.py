"""Who wants to know of every call that somebody makes to an interface of operators or of AWS.

Records have CloudTrail's shape (AWS CloudTrail User Guide, "CloudTrail record contents"). Whoever makes one leaves out
what must not be kept: passwords, configuration and bodies.
"""

from collections.abc import Mapping
from typing import Protocol

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
STARS = "***"
OMITTED = "omitted"
_DEPTH_MAX = 32
"""Of what is shown. What is nested more deeply could not be written, and a call would go unrecorded by it."""


class Audit(Protocol):
    """Keeps records of calls."""

    @property
    def has_reads(self) -> bool:
        """Whether calls are wanted that change nothing."""

    @property
    def has_data_events(self) -> bool:
        """Whether those are wanted that send and take messages."""

    @property
    def folder(self) -> str:
        """Where the records are; empty where none are kept."""

    def record(self, fields: Mapping[str, object], is_stranger: bool = False) -> None:
        """A call was made. Version, time and id are added. `is_stranger`: nobody knows by whom, and anybody can do so
        by the thousand."""


class NoAudit:
    """Keeps nothing."""

    has_reads = has_data_events = False
    folder = ""

    def record(self, fields: Mapping[str, object], is_stranger: bool = False) -> None:
        """Implements Audit's."""


def hidden(value: object, names: Mapping[str, str], depth: int = 0) -> object:
    """The same without the values of members that have one of these names in lower case: what stands for them."""
    if depth > _DEPTH_MAX and isinstance(value, Mapping | list | tuple):
        return OMITTED
    if isinstance(value, Mapping):
        return {
            str(name): names[str(name).lower()] if str(name).lower() in names else hidden(part, names, depth + 1)
            for name, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [hidden(part, names, depth + 1) for part in value]
    return f"{len(value)} octets" if isinstance(value, bytes) else value


def redacted(value: object) -> object:
    """The same without what stands between `//` and `@` in URIs: passwords."""
    if isinstance(value, str):
        return _without_user_info(value)
    if isinstance(value, Mapping):
        return {name: redacted(part) for name, part in value.items()}
    return [redacted(part) for part in value] if isinstance(value, list | tuple) else value


def _without_user_info(text: str) -> str:
    scheme, found, rest = text.partition("://")
    authority, slash, path = rest.partition("/")
    if not found or "@" not in authority:
        return text
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
