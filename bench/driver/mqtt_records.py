"""MQTT 3.1.1 publishes as records of constant size, their acknowledgements, and the few packets around them.

Owns the byte layout. Reads and writes no socket.

    30 | 32 | 34   length   topic length, topic   [packet identifier, QoS 1 and 2]   payload
"""

import numpy as np
import numpy.typing as npt

from bench.driver import stamp
from bench.driver.jobs import Endpoint, PublishJob
from bench.driver.records import RecordLayout, packet_numbers
from bench.driver.verify import Faults
from bench.errors import ProtocolError

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 0x10, 0x20, 0x30, 0x40, 0x82, 0x90
PUBREC, PUBREL, PUBCOMP = 0x50, 0x62, 0x70
PINGREQ, PINGRESP, DISCONNECT = b"\xc0\x00", 0xD0, b"\xe0\x00"
ACK_SIZE = 4
SUBACK_SIZE = 5
"""With one return code."""
RETAIN = 0x01
_CLEAN_SESSION, _HAS_PASSWORD, _HAS_USER = 0x02, 0x40, 0x80
_ACK = np.dtype([("head", ">u2"), ("number", ">u2")])


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


def connect_packet(endpoint: Endpoint, client: str, keeps_session: bool = False) -> bytes:
    """CONNECT without keep-alive."""
    flags = bytes([_HAS_USER | _HAS_PASSWORD | (0 if keeps_session else _CLEAN_SESSION)])
    names = _string(client) + _string(endpoint.user) + _string(endpoint.password)
    return packet(CONNECT, _string("MQTT") + b"\x04" + flags + b"\x00\x00" + names)


def subscribe_packet(topics: tuple[str, ...], qos: int) -> bytes:
    """SUBSCRIBE to all of them."""
    return packet(SUBSCRIBE, b"\x00\x01" + b"".join(_string(topic) + bytes([qos]) for topic in topics))


def forget_packet(topic: str) -> bytes:
    """Deletes what is retained for a topic, at QoS 1."""
    return packet(PUBLISH | 1 << 1 | RETAIN, _string(topic) + b"\x00\x01")


def granted(suback: bytes) -> bytes:
    """The return codes of a SUBACK, whose length may take more than one octet."""
    at = next(index for index in range(1, 5) if suback[index] < 128)
    return suback[at + 3 :]


def publish_layout(job: PublishJob, qos: int, flags: int = 0) -> RecordLayout:
    """Records that publish the job's variants, and the deliveries of them, which look the same."""
    number = b"\x00\x00" if qos else b""
    body = stamp.body(0, 0, job.body_size_bytes)
    templates = [packet(PUBLISH | qos << 1 | flags, _string(v.routing_key) + number + body) for v in job.variants]
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


def _head(kind: int) -> int:
    return kind << 8 | 2


def acks(kind: int, numbers: npt.NDArray[np.uint16]) -> bytes:
    """PUBACK, PUBREC, PUBREL or PUBCOMP for each of these packet identifiers."""
    packets = np.empty(len(numbers), _ACK)
    packets["head"] = _head(kind)
    packets["number"] = numbers
    return packets.tobytes()


def split_steps(packets: bytes) -> tuple[bytes, bytes]:
    """What a publisher at QoS 2 is sent: the PUBCOMPs, and PUBREL for each PUBREC. Raises ProtocolError."""
    found = np.frombuffer(packets, _ACK)
    received, completed = found["head"] == _head(PUBREC), found["head"] == _head(PUBCOMP)
    if not (received | completed).all():
        raise ProtocolError(f"expected PUBREC and PUBCOMP, the broker sent {packets[:16].hex()}")
    return found[completed].tobytes(), acks(PUBREL, found["number"][received])


def split_deliveries(data: bytearray, record_size: int) -> tuple[bytes, bytes, int]:
    """What a consumer at QoS 2 is sent: publishes, which all have one size, PUBRELs, and how many bytes that were.

    Raises ProtocolError for anything else.
    """
    publishes: list[bytes] = []
    releases: list[bytes] = []
    first_publish = PUBLISH | 2 << 1
    at, end = 0, len(data)
    while end - at >= ACK_SIZE:
        start, kind = at, data[at]
        if kind not in (first_publish, PUBREL):
            raise ProtocolError(f"expected PUBLISH and PUBREL, the broker sent {bytes(data[at : at + 16]).hex()}")
        size, run = (record_size, publishes) if kind == first_publish else (ACK_SIZE, releases)
        # Packets come in runs of one kind: looking at first bytes only keeps this loop ahead of any broker.
        while end - at >= size and data[at] == kind:
            at += size
        if at == start:
            break
        run.append(bytes(data[start:at]))
    return b"".join(publishes), b"".join(releases), at


def completions(releases: bytes) -> bytes:
    """PUBCOMP for each PUBREL."""
    return acks(PUBCOMP, np.frombuffer(releases, _ACK)["number"])


class AckLedger:
    """Counts PUBACKs or PUBCOMPs, which must come in the order of the publishes [MQTT-4.6.0-2]."""

    def __init__(self, kind: int = PUBACK) -> None:
        self.confirmed = 0
        self.faults = Faults()
        self._expected_head = _head(kind)
        self._pending = bytearray()

    def receive(self, data: bytes, published: int) -> None:
        """Take bytes from the broker. Raises ProtocolError for anything but these acknowledgements."""
        self._pending += data
        whole = len(self._pending) // ACK_SIZE * ACK_SIZE
        packets = np.frombuffer(bytes(self._pending[:whole]), _ACK)
        del self._pending[:whole]
        if (packets["head"] != self._expected_head).any():
            raise ProtocolError(f"expected {self._expected_head:04x}, the broker sent {packets.tobytes()[:16].hex()}")
        expected = packet_numbers(np.arange(self.confirmed, self.confirmed + len(packets), dtype=np.uint64))
        wrong = int((packets["number"] != expected).sum())
        if wrong:
            self.faults.out_of_order += wrong
            self.faults.note(f"{wrong} acknowledgements out of order after {self.confirmed} right ones")
        self.confirmed += len(packets)
        if self.confirmed > published:
            raise ProtocolError(f"{self.confirmed} acknowledgements for {published} publishes")
