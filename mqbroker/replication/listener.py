"""Where the other nodes, and `mqbroker ha`, connect to this one."""

import asyncio
import ssl

from mqbroker.config.addresses import Address
from mqbroker.errors import ConfigError
from mqbroker.limits import PAIR_LINKS_MAX
from mqbroker.replication.link import Link, Lost, Received


class LinkListener:
    """One listening address, and the links that came in."""

    def __init__(self, address: Address, context: ssl.SSLContext | None, received: Received, lost: Lost) -> None:
        self.address = address
        """Where it listens, with the port that was really taken once it is open."""
        self._context = context
        self._received = received
        self._lost = lost
        self._links: set[Link] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Raises ConfigError when the address cannot be had."""
        address = self.address
        try:
            self._server = await asyncio.get_running_loop().create_server(
                self._new_link, address.host, address.port, ssl=self._context
            )
        except OSError as error:
            raise ConfigError(f"cannot listen for links on {address} (pair.listen): {error.strerror}") from None
        self.address = Address(address.host, self._server.sockets[0].getsockname()[1])

    def _new_link(self) -> Link:
        return Link(self._received, self._gone, self._opened)

    def _opened(self, link: Link) -> None:
        self._links.add(link)
        if len(self._links) > PAIR_LINKS_MAX:
            link.abort()

    def _gone(self, link: Link) -> None:
        self._links.discard(link)
        self._lost(link)

    async def close(self) -> None:
        """Ends all links."""
        if self._server is not None:
            self._server.close()
        for link in list(self._links):
            link.abort()
