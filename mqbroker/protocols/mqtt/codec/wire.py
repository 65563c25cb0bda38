"""The data types of the wire: integers, strings and variable byte integers, read with every length checked.

    two byte integer   big endian                                   MQTT 5 §1.5.2
    string, binary     two byte length, then so many octets         §1.5.4, §1.5.6
    variable integer   seven bits an octet, lowest first, bit 7     §1.5.5
                       means that another octet follows

A `Reader` walks over one packet's body. Whatever does not fit into the body is a malformed packet.
"""

from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.mqtt.codec.constants import REMAINING_LENGTH_MAX
from mqbroker.protocols.mqtt.codec.reasons import malformed


def encode_varint(value: int) -> bytes:
    """A variable byte integer, in as few octets as it takes [MQTT-1.5.5-1]. Raises ValueError beyond four octets."""
    if value < 0x80:
        return bytes((value,))
    if value > REMAINING_LENGTH_MAX:
        raise ValueError(f"{value} is too large for a variable byte integer")
    octets = bytearray()
    while value >= 0x80:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def scan_varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The integer that begins at `at`, and where it ends; (0, -1) when octets are missing. Raises malformed."""
    value = shift = 0
    while at < end:
        octet = data[at]
        at += 1
        value |= (octet & 0x7F) << shift
        if octet < 0x80:
            if octet == 0 and shift:
                raise malformed("a variable byte integer is longer than it needs to be")  # [MQTT-1.5.5-1]
            return value, at
        shift += 7
        if shift == 28:
            raise malformed("a variable byte integer has more than four octets")
    return 0, -1


def packet_ends(data: bytes) -> list[int]:
    """Where each of the packets ends that `data` consists of (§2.1)."""
    ends: list[int] = []
    size = len(data)
    end = 0
    while end < size:
        at = end + 1
        remaining = data[at]
        if remaining & 0x80:
            remaining, at = scan_varint(data, at, size)
        else:
            at += 1
        end = at + remaining
        ends.append(end)
    return ends


def encode_text(text: str) -> bytes:
    """A UTF-8 string with its length. Raises ValueError (UnicodeEncodeError) for what has no UTF-8 form."""
    return encode_binary(text.encode())


def encode_binary(octets: bytes) -> bytes:
    """Octets with their length. Raises ValueError beyond 65,535 of them."""
    if len(octets) > 0xFFFF:
        raise ValueError(f"{len(octets)} octets are too many for a string")
    return len(octets).to_bytes(2, "big") + octets


def decode_text(octets: bytes) -> str:
    """A UTF-8 string. Raises malformed for surrogates, other invalid UTF-8, and U+0000 [MQTT-1.5.4-1, -2]."""
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        raise malformed("a string is not UTF-8") from None
    if "\0" in text:
        raise malformed("a string contains U+0000")
    return text


class Reader:
    """A position in the body of one packet; `end` is where the body, or the part at hand, ends."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int = 0, end: int = -1) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end < 0 else end

    @property
    def is_done(self) -> bool:
        """Whether everything has been read."""
        return self.at == self.end

    def take(self, size: int) -> bytes:
        """The next octets."""
        stop = self.at + size
        if stop > self.end:
            raise malformed("a packet ends inside of a field")
        octets = self.data[self.at : stop]
        self.at = stop
        return octets

    def octet(self) -> int:
        """One octet."""
        return self.take(1)[0]

    def short(self) -> int:
        """A two byte integer."""
        return int.from_bytes(self.take(2), "big")

    def long(self) -> int:
        """A four byte integer."""
        return int.from_bytes(self.take(4), "big")

    def varint(self) -> int:
        """A variable byte integer."""
        value, at = scan_varint(self.data, self.at, self.end)
        if at < 0:
            raise malformed("a packet ends inside of a variable byte integer")
        self.at = at
        return value

    def binary(self) -> bytes:
        """Binary data."""
        return self.take(self.short())

    def text(self) -> str:
        """A UTF-8 string."""
        return decode_text(self.binary())

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(self.end - self.at)

    def packet_id(self) -> int:
        """A packet identifier, which is not 0 [MQTT-2.2.1-3]."""
        number = self.short()
        if number == 0:
            raise protocol_zero()
        return number

    def finish(self) -> None:
        """The body must end here."""
        if self.at != self.end:
            raise malformed("a packet has octets after its end")


def protocol_zero() -> ProtocolViolation:
    """A packet identifier of 0."""
    return malformed("a packet identifier is 0")
