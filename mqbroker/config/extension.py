"""What a protocol adds to the configuration: a section with its options, schemes of listeners, rules of its own.

The whole configuration is put together out of these (composition.py). Which protocols there are is not known here.
"""

from collections.abc import Iterator, Set
from typing import TYPE_CHECKING, Any

from mqbroker.config.listener import Scheme

if TYPE_CHECKING:
    from mqbroker.config.sections import Config
    from mqbroker.config.sources import KeyPath


class Extension:
    """The base of what protocols add. Subclasses say what differs from nothing at all."""

    name: str
    """Also that of the section."""
    section: type[Any] | None = None
    """A dataclass of options (option.py)."""
    schemes: tuple[Scheme, ...] = ()
    subprotocols: tuple[str, ...] = ()
    """By which of them a WebSocket asks for it; empty when WebSockets do not carry it."""

    def adjust(self, config: "Config", _given: Set[tuple[str, ...]]) -> "Config":
        """The configuration with what follows from other options; `given` are the paths of options with a value of
        their own. Overridden where there is such a thing."""
        return config

    def contradictions(self, _config: "Config") -> Iterator[tuple["KeyPath", str]]:
        """What does not go together: where it stands, and a sentence. Overridden where there is such a thing."""
        return iter(())
