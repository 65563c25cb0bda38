"""The AWS services of a broker that may have no use for them: nothing of them is loaded before somebody has.

They are needed when a listener is theirs, when the configuration names a queue or a topic, or when the journal has
something of theirs, which goes on without listeners too.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mqbroker.core import definitions
from mqbroker.protocols.protocol import Speaker

if TYPE_CHECKING:
    from collections.abc import Callable

    from mqbroker.protocols.node import Node
    from mqbroker.protocols.views import View


class SleepingSpeaker(Speaker):
    """Stands for the services until they are needed."""

    def __init__(self, kinds: frozenset[str], wake: "Callable[[], Speaker]") -> None:
        """`kinds` are their definitions in the journal; `wake` makes what runs them."""
        self._kinds = kinds
        self._wake = wake
        self._awake: Speaker | None = None

    def restore(self, found: Mapping[str, bytes], now: int) -> None:
        """Overrides Speaker's."""
        if any(definitions.kind_of(key) in self._kinds for key in found):
            self._awake = self._wake()
            self._awake.restore(found, now)

    def views(self) -> "tuple[View, ...]":
        """Overrides Speaker's."""
        return () if self._awake is None else self._awake.views()

    def begin(self, node: "Node") -> None:
        """Overrides Speaker's."""
        if self._awake is not None:
            self._awake.begin(node)

    def stop(self) -> None:
        """Overrides Speaker's."""
        if self._awake is not None:
            self._awake.stop()

    async def close(self) -> None:
        """Overrides Speaker's."""
        if self._awake is not None:
            await self._awake.close()
