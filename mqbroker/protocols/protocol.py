"""What a protocol is to the server, which knows none of them by name: a `Protocol` says what there is, and makes a
`Speaker`, which runs it in one broker.

Adding a protocol is a folder and one line in mqbroker/spoken.py. Its `Protocol` is imported by every command of the
command line, so it imports what runs the protocol only when that is asked for.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mqbroker.config.extension import Extension
from mqbroker.config.sections import Config
from mqbroker.core.properties import Formats, Properties

if TYPE_CHECKING:
    from mqbroker.protocols.node import Node
    from mqbroker.protocols.services import Services
    from mqbroker.protocols.session import Peer, Session
    from mqbroker.protocols.views import View


class Protocol(Extension):
    """The base of protocols."""

    websocket_path = ""
    """On this path a WebSocket has to name one of its `subprotocols`."""
    websocket_own_path = ""
    """On this path it is meant by WebSockets that name no subprotocol."""
    newest_wins = False
    """Whether a WebSocket that offers several of its `subprotocols` gets that which is first here, as the newest."""
    is_websocket_default = False
    """Whether it is meant by WebSockets that name no subprotocol."""
    websocket_beginnings: tuple[bytes, ...] = ()
    """The first octets of its clients, by which it is told from that one where they name no subprotocol."""
    guest_of = ""
    """The protocol whose listeners and WebSockets it shares; empty for none."""
    beginnings: tuple[bytes, ...] = ()
    """The first octets of its clients, by which a guest is told from its host and the other guests."""
    kinds: tuple[str, ...] = ()
    """The kinds of definitions in the journal that are its own to put back."""
    timed_kinds: frozenset[str] = frozenset()
    """Those of them that hold a deadline, for which the time between two runs matters."""

    def formats(self) -> Formats:
        """How the properties of its messages come back from the journal. Overridden where it has such."""
        return {}

    def recognise(self, _data: bytes) -> str:
        """What it is called, when these are first octets of one of its clients; else empty. Overridden."""
        return ""

    def compose(self, _fields: Mapping[str, object]) -> Properties | None:
        """Properties of a message that an operator publishes, by their neutral names; None from protocols that leave
        that to another one. Raises PreconditionFailed, KeyError, ValueError. Overridden by one."""
        return None

    def start(self, services: "Services", config: Config) -> "Speaker":
        """What runs it in the broker of these services. Nothing is put back yet, and nobody listens. Overridden."""
        raise NotImplementedError


class Speaker:
    """The base of what runs a protocol in one broker."""

    def restore(self, found: Mapping[str, bytes], now: int) -> None:
        """Puts back what the journal kept, and provides what the configuration names; the core has been restored.

        Raises ConfigError. Also called to try a configuration, with nothing found. Overridden where there is such.
        """

    def new_session(self, peer: "Peer") -> "Session":
        """The session of a new connection. Overridden."""
        raise NotImplementedError

    def begin(self, node: "Node") -> None:
        """The broker listens from now on. Overridden by those that show it to operators."""

    def views(self) -> "tuple[View, ...]":
        """What operators are shown of it beside queues and connections. Overridden where there is such."""
        return ()

    def stop(self) -> None:
        """The broker has stopped in order, and every session is gone. Overridden where that is worth a note."""

    async def close(self) -> None:
        """Closes what it has open itself, after `stop`. Overridden where that takes turns of the loop."""
