"""MQTT 3.1.1 publishes as records of constant size, their acknowledgements, and the few packets around them.

Owns the byte layout. Reads and writes no socket.

    30 | 32   length   topic length, topic   [packet identifier, QoS 1]   payload
"""

import numpy as np
import numpy.typing as npt

from bench.driver import stamp
from bench.driver.jobs import Endpoint, PublishJob
from bench.driver.records import RecordLayout, packet_numbers
from bench.driver.verify import Faults
from bench.errors import ProtocolError

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 0x10, 0x20, 0x30, 0x40, 0x82, 0x90
PINGREQ, PINGRESP, DISCONNECT = b"\xc0\x00", 0xD0, b"\xe0\x00"
PUBACK_SIZE = 4
_CLEAN_SESSION, _HAS_PASSWORD, _HAS_USER = 0x02, 0x40, 0x80
_PUBACK = np.dtype([("head", ">u2"), ("number", ">u2")])
_PUBACK_HEAD = PUBACK << 8 | 2


def remaining_length(value: int) -> bytes:
    """The variable-length integer of the fixed header [MQTT 3.1.1 §2.2.3]."""
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def packet(first: int, content: bytes) -> bytes:
    """A whole control packet."""
    return bytes([first]) + remaining_length(len(content)) + content


def _string(text: str) -> bytes:
    return len(text.encode()).to_bytes(2, "big") + text.encode()


def connect_packet(endpoint: Endpoint, client: str) -> bytes:
    """CONNECT with a clean session and without keep-alive."""
    flags = bytes([_CLEAN_SESSION | _HAS_USER | _HAS_PASSWORD])
    names = _string(client) + _string(endpoint.user) + _string(endpoint.password)
    return packet(CONNECT, _string("MQTT") + b"\x04" + flags + b"\x00\x00" + names)


def subscribe_packet(topics: tuple[str, ...], qos: int) -> bytes:
    """SUBSCRIBE to all of them."""
    return packet(SUBSCRIBE, b"\x00\x01" + b"".join(_string(topic) + bytes([qos]) for topic in topics))


def publish_layout(job: PublishJob, qos: int) -> RecordLayout:
    """Records that publish the job's variants, and the deliveries of them, which look the same."""
    number = b"\x00\x00" if qos else b""
    body = stamp.body(0, 0, job.body_size_bytes)
    templates = [packet(PUBLISH | qos << 1, _string(v.routing_key) + number + body) for v in job.variants]
    stamp_at = len(templates[0]) - job.body_size_bytes
    return RecordLayout(tuple(templates), stamp_at, job.body_size_bytes, stamp_at - 2 if qos else None, ">u2")


def packet_size(data: bytes | bytearray, at: int = 0) -> int | None:
    """Size of the whole packet that starts at an offset, or None when it has not arrived entirely."""
    length = 0
    for index in range(1, min(5, len(data) - at)):
        octet = data[at + index]
        length |= (octet & 127) << 7 * (index - 1)
        if octet < 128:
            size = 1 + index + length
            return size if len(data) - at >= size else None
    return None


def pubacks(numbers: npt.NDArray[np.uint16]) -> bytes:
    """PUBACK for each of these packet identifiers."""
    packets = np.empty(len(numbers), _PUBACK)
    packets["head"] = _PUBACK_HEAD
    packets["number"] = numbers
    return packets.tobytes()


class PubackLedger:
    """Counts PUBACKs, which must come in the order of the publishes [MQTT-4.6.0-2]."""

    def __init__(self) -> None:
        self.confirmed = 0
        self.faults = Faults()
        self._pending = bytearray()

    def receive(self, data: bytes, published: int) -> None:
        """Take bytes from the broker. Raises ProtocolError for anything but PUBACK."""
        self._pending += data
        whole = len(self._pending) // PUBACK_SIZE * PUBACK_SIZE
        packets = np.frombuffer(bytes(self._pending[:whole]), _PUBACK)
        del self._pending[:whole]
        if (packets["head"] != _PUBACK_HEAD).any():
            raise ProtocolError(f"expected PUBACK, the broker sent {packets.tobytes()[:16].hex()}")
        expected = packet_numbers(np.arange(self.confirmed, self.confirmed + len(packets), dtype=np.uint64))
        wrong = int((packets["number"] != expected).sum())
        if wrong:
            self.faults.out_of_order += wrong
            self.faults.note(f"{wrong} PUBACKs out of order after {self.confirmed} right ones")
        self.confirmed += len(packets)
        if self.confirmed > published:
            raise ProtocolError(f"{self.confirmed} PUBACKs for {published} publishes")
