"""The PROXY protocol, versions 1 and 2: the header that a proxy sends first to say for whom it connects.

Sans-I/O: bytes in, a header out. It never asks for a byte beyond the header, because what follows may be a TLS
handshake that somebody else must read from the socket. Who may send such a header is the listener's business.

    version 1   PROXY TCP4 192.0.2.1 192.0.2.2 56324 5672\\r\\n         at most 107 bytes
                PROXY UNKNOWN ...\\r\\n

    version 2   +---------------------------+-------+--------+-----------+------------------------+
                | 0D 0A 0D 0A 00 0D 0A 51   | 2 cmd | family | length    | addresses, then TLVs   |
                | 55 49 54 0A               | 1 B   | 1 B    | 2 B, big  | `length` bytes         |
                +---------------------------+-------+--------+-----------+------------------------+
"""

import ipaddress
import struct
from dataclasses import dataclass

from mqbroker.errors import ProtocolViolation
from mqbroker.limits import PROXY_V1_BYTES_MAX, PROXY_V2_BYTES_MAX

V1_PREFIX = b"PROXY "
V2_PREFIX = b"\r\n\r\n\x00\r\nQUIT\n"
V1_BYTES_MIN = len(b"PROXY UNKNOWN\r\n")
V2_FIXED_BYTES = 16

_V1_FAMILIES: dict[bytes, type[ipaddress.IPv4Address] | type[ipaddress.IPv6Address]] = {
    b"TCP4": ipaddress.IPv4Address,
    b"TCP6": ipaddress.IPv6Address,
}
# Version 2, §2.2: high nibble the address family, low nibble the transport.
_ADDRESSES = {0x11: struct.Struct("!4s4sHH"), 0x21: struct.Struct("!16s16sHH")}
_COMMAND_LOCAL, _COMMAND_PROXY = 0x20, 0x21


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """What the proxy said. Without addresses it does not know them, or `is_local`: it connects on its own behalf."""

    source: tuple[str, int] | None = None
    destination: tuple[str, int] | None = None
    is_local: bool = False


class ProxyHeaderParser:
    """Collects one header. Read at most `wanted` bytes and pass them to `receive`, until it returns the header."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.wanted = V1_BYTES_MIN
        """How many bytes are certainly still part of the header."""

    def receive(self, data: bytes) -> ProxyHeader | None:
        """The header once it is complete. Raises ProtocolViolation for what cannot become one."""
        assert len(data) <= self.wanted
        self._buffer += data
        if self._starts_with(V2_PREFIX):
            return self._receive_v2()
        if self._starts_with(V1_PREFIX):
            return self._receive_v1()
        raise ProtocolViolation("proxy", "the connection does not open with a PROXY header")

    def _starts_with(self, prefix: bytes) -> bool:
        return bytes(self._buffer[: len(prefix)]) == prefix[: len(self._buffer)]

    def _receive_v1(self) -> ProxyHeader | None:
        buffer = self._buffer
        if len(buffer) < V1_BYTES_MIN:
            self.wanted = V1_BYTES_MIN - len(buffer)
            return None
        if buffer.endswith(b"\r\n"):
            return _parse_v1(bytes(buffer[:-2]))
        self.wanted = 1 if buffer.endswith(b"\r") else 2
        if b"\n" in buffer or len(buffer) + self.wanted > PROXY_V1_BYTES_MAX:
            raise ProtocolViolation("proxy", "the PROXY header line does not end where it must")
        return None

    def _receive_v2(self) -> ProxyHeader | None:
        size = V2_FIXED_BYTES
        if len(self._buffer) >= V2_FIXED_BYTES:
            size += int.from_bytes(self._buffer[14:16], "big")
        if size > PROXY_V2_BYTES_MAX:
            raise ProtocolViolation("proxy", f"the PROXY header of {size} bytes is too large")
        self.wanted = size - len(self._buffer)
        return None if self.wanted or size < V2_FIXED_BYTES else self._complete_v2()

    def _complete_v2(self) -> ProxyHeader | None:
        header = bytes(self._buffer)
        return _parse_v2(header[12], header[13], header[V2_FIXED_BYTES:])


def _parse_v1(line: bytes) -> ProxyHeader:
    words = line.split(b" ")
    if words[1] == b"UNKNOWN":  # §2.1: whatever follows is to be ignored
        return ProxyHeader()
    family = _V1_FAMILIES.get(words[1])
    if family is None or len(words) != 6:
        raise ProtocolViolation("proxy", "the PROXY header line is malformed")
    try:
        hosts = [plain_host(family(word.decode("ascii"))) for word in words[2:4]]
    except ValueError:
        raise ProtocolViolation("proxy", "the PROXY header holds no valid address") from None
    return ProxyHeader((hosts[0], _v1_port(words[4])), (hosts[1], _v1_port(words[5])))


def _v1_port(word: bytes) -> int:
    if not (word.isdigit() and len(word) <= 5 and int(word) <= 0xFFFF):
        raise ProtocolViolation("proxy", "the PROXY header holds no valid port")
    return int(word)


def _parse_v2(command: int, family: int, payload: bytes) -> ProxyHeader:
    if command == _COMMAND_LOCAL:
        return ProxyHeader(is_local=True)
    if command != _COMMAND_PROXY:
        raise ProtocolViolation("proxy", f"the PROXY header has an unknown version or command 0x{command:02x}")
    layout = _ADDRESSES.get(family)
    if layout is None:  # unspecified, UDP or a UNIX socket: there is no TCP address to learn
        return ProxyHeader()
    if len(payload) < layout.size:
        raise ProtocolViolation("proxy", "the PROXY header is too short for its addresses")
    source, destination, source_port, destination_port = layout.unpack_from(payload)
    return ProxyHeader((_packed_host(source), source_port), (_packed_host(destination), destination_port))


def _packed_host(packed: bytes) -> str:
    return plain_host(ipaddress.ip_address(packed))


def plain_host(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """The address as text; an IPv4 address that is wrapped into IPv6 is the IPv4 address."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
