"""The connections of links, as the loop sees them: octets to packets, packets to octets, and when to read.

Both ends are thin: what a packet means is decided in active.py and replica.py.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import cast

from mqbroker.errors import LinkBroken
from mqbroker.limits import PAIR_IN_FLIGHT_BYTES_MAX
from mqbroker.replication.wire import Packet, Unpacker, packed

log = logging.getLogger(__name__)

Received = Callable[["Link", list[Packet]], None]
Lost = Callable[["Link"], None]


class Link(asyncio.Protocol):
    """One end of a connection."""

    def __init__(self, received: Received, lost: Lost, opened: Callable[["Link"], None] | None = None) -> None:
        self.node = ""
        """Who the other side is; empty before it has said so."""
        self.peer = ""
        """Its address."""
        self.is_open = False
        self.resumed: Callable[[], None] = lambda: None
        """Called when there is room to send again."""
        self._received = received
        self._lost = lost
        self._opened = opened
        self._unpacker = Unpacker()
        self._transport: asyncio.Transport | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()

    # --- asyncio ------------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop, like the next four."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(PAIR_IN_FLIGHT_BYTES_MAX)
        host, port = (transport.get_extra_info("peername") or ("?", 0))[:2]
        self.peer = f"{host}:{port}"
        self.is_open = True
        if self._opened is not None:
            self._opened(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self.is_open = False
        self._may_write.set()
        self._lost(self)

    def data_received(self, data: bytes) -> None:
        try:
            packets = list(self._unpacker.receive(data))
        except LinkBroken as error:
            log.error("the link with %s ends: %s", self.node or self.peer, error)
            self.abort()
            return
        if packets and self.is_open:
            self._received(self, packets)

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()
        self.resumed()

    # --- the owner ----------------------------------------------------------------------------------------------------

    def trust(self, node: str) -> None:
        """The other side is known to be that node."""
        self.node = node
        self._unpacker.trust()

    def send(self, packets: Iterable[Packet]) -> None:
        """Sends them, in their order."""
        if self.is_open and self._transport is not None and (parts := packed(packets)):
            self._transport.writelines(parts)

    @property
    def has_room(self) -> bool:
        """Whether not much waits to be sent."""
        return self._may_write.is_set()

    async def drained(self) -> None:
        """Returns when there is room."""
        await self._may_write.wait()

    def set_reading(self, is_reading: bool) -> None:
        """Whether more is read."""
        transport = self._transport
        if transport is not None and not transport.is_closing() and transport.is_reading() is not is_reading:
            (transport.resume_reading if is_reading else transport.pause_reading)()

    def close(self) -> None:
        """Sends what waits, and ends the connection."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Ends the connection at once. `lost` is called soon."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()


async def wait_at_most(event: asyncio.Event, seconds: float) -> None:
    """Waits for what an end of a link tells of, or until that time is over."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
