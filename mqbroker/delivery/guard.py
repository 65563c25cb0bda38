"""Which addresses the broker connects to of itself.

Whoever may subscribe an endpoint could otherwise have the broker call services of the network that it is in: the
metadata of its cloud, databases without passwords, its own ports. So only public addresses are allowed, and networks
that the operator names. What a name stands for is looked up once, and the connection goes to that very address: a name
that stands for something else a moment later gains nothing.

Few names are looked up at once, and one that nobody answers for takes long. So what was found is good for a while, and
for longer while no answer comes: endpoints that are known need not wait for names that lead nowhere.
"""

import asyncio
import ipaddress
import socket
import time
from collections.abc import Sequence

from mqbroker.config.addresses import Network
from mqbroker.core.recent import remember
from mqbroker.delivery.errors import DeliveryFailed
from mqbroker.delivery.limits import ADDRESSES_MAX, ADDRESSES_S, LOOKUP_TIMEOUT_S

EVERYWHERE: tuple[Network, ...] = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
"""For what the operator has named, and for development."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressGuard:
    """Looks up names, and lets through what is allowed."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        """`allowed` are the networks that are allowed although they are not public."""
        self._allowed = tuple(allowed)
        self._known: dict[str, tuple[list[str], float]] = {}
        """What was found for hosts, and until when that is good."""

    def allows(self, address: Address) -> bool:
        """Whether a connection to the address may be made."""
        inner = _embedded(address)
        if any(inner in network for network in self._allowed if network.version == inner.version):
            return True
        return inner.is_global and not inner.is_multicast and not inner.is_reserved

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host, all of which are allowed. Raises DeliveryFailed."""
        known, until = self._known.get(host, ([], 0.0))
        if time.monotonic() < until:
            return known
        try:
            async with asyncio.timeout(LOOKUP_TIMEOUT_S):
                found = await self._looked_up(host, port)
        except TimeoutError:
            if known:
                return known
            raise DeliveryFailed(f"{host} is not found within {LOOKUP_TIMEOUT_S:g} s") from None
        remember(self._known, host, (found, time.monotonic() + ADDRESSES_S), ADDRESSES_MAX)
        return found

    def forget(self, host: str) -> None:
        """The addresses of a host were of no use."""
        self._known.pop(host, None)

    async def _looked_up(self, host: str, port: int) -> list[str]:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise DeliveryFailed(f"{host} is not found: {error}") from None
        texts = list(dict.fromkeys(str(each[4][0]) for each in found))
        for text in texts:
            if not self.allows(ipaddress.ip_address(text.partition("%")[0])):
                raise DeliveryFailed(f"{host} is at {text}, which is not a public address", is_permanent=True)
        return texts


def _embedded(address: Address) -> Address:
    """The address of IPv4 that an address of IPv6 stands for, if it does: it leads there."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052 §2.1
