"""Asks a node something over its link address: what `mqbroker ha` does, and nodes whose election is manual."""

import asyncio
import ssl
from typing import Any

from mqbroker.config.addresses import Address
from mqbroker.replication.link import Link
from mqbroker.replication.wire import Answer, Packet, Request

CONNECT_TIMEOUT_S = 5.0


async def asked(
    address: Address, context: ssl.SSLContext | None, content: dict[str, Any], timeout_s: float
) -> dict[str, Any]:
    """The answer of the node there. OSError and TimeoutError without one."""
    answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    def received(_link: Link, packets: list[Packet]) -> None:
        for packet in packets:
            if isinstance(packet, Answer) and not answered.done():
                answered.set_result(packet.content)

    def lost(_link: Link) -> None:
        if not answered.done():
            answered.set_exception(ConnectionResetError("it has ended the connection"))

    link = Link(received, lost)
    async with asyncio.timeout(min(CONNECT_TIMEOUT_S, timeout_s)):
        await asyncio.get_running_loop().create_connection(lambda: link, address.host, address.port, ssl=context)
    link.send([Request(content)])
    try:
        async with asyncio.timeout(timeout_s):
            return await answered
    finally:
        answered.cancel()
        link.abort()
