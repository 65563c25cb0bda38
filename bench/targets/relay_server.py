"""The bare relay's process: moves bytes from publishers to the consumer on uvloop, and does nothing else.

Owns the relaying. `python -m bench.targets.relay_server PORT`.
"""

import asyncio
import sys
from typing import ClassVar, cast

import uvloop

from bench.driver.relay_dialect import CONSUMER, WELCOME

HIGH_WATER_BYTES = 1024 * 1024


class Relay(asyncio.Protocol):
    """One connection; all of them share the consumer's transport and the publishers held back because of it."""

    consumer: ClassVar[asyncio.Transport | None] = None
    publishers: ClassVar[set[asyncio.Transport]] = set()

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._greeted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the greeting."""
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Take the greeting, then pass everything on."""
        if self._greeted:
            if Relay.consumer is not None:
                Relay.consumer.write(data)
            return
        assert self._transport is not None
        self._greeted = True
        if data == CONSUMER:
            Relay.consumer = self._transport
            self._transport.set_write_buffer_limits(HIGH_WATER_BYTES)
        else:
            Relay.publishers.add(self._transport)
        self._transport.write(WELCOME)

    def pause_writing(self) -> None:
        """The consumer is slow: hold the publishers back."""
        for publisher in Relay.publishers:
            publisher.pause_reading()

    def resume_writing(self) -> None:
        """The consumer has caught up."""
        for publisher in Relay.publishers:
            publisher.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the connection."""
        assert self._transport is not None
        Relay.publishers.discard(self._transport)
        if Relay.consumer is self._transport:
            Relay.consumer = None


async def serve(port: int) -> None:
    """Relay until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Relay, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
