"""The PROXY header: whole, in pieces of every size, broken in every way that matters."""

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.errors import ProtocolViolation
from mqbroker.net.proxy_protocol import V2_PREFIX, ProxyHeader, ProxyHeaderParser


def v2(command: int, family: int, payload: bytes) -> bytes:
    return V2_PREFIX + bytes([command, family]) + len(payload).to_bytes(2, "big") + payload


IPV4 = socket.inet_aton("192.0.2.1") + socket.inet_aton("192.0.2.2") + struct.pack("!HH", 56324, 5672)
IPV6 = socket.inet_pton(socket.AF_INET6, "2001:db8::1") + socket.inet_pton(socket.AF_INET6, "::1") + b"\x00\x01\x16\x28"
MAPPED = socket.inet_pton(socket.AF_INET6, "::ffff:192.0.2.1") * 2 + b"\x00\x01\x16\x28"
TLV = b"\x01\x00\x02h2" + b"\x04\x00\x00"

KNOWN = ProxyHeader(("192.0.2.1", 56324), ("192.0.2.2", 5672))
HEADERS = [
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 5672\r\n", KNOWN),
    (b"PROXY TCP6 2001:db8::1 ::1 1 5672\r\n", ProxyHeader(("2001:db8::1", 1), ("::1", 5672))),
    (b"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", ProxyHeader(("192.0.2.1", 1), ("::1", 2))),
    (b"PROXY UNKNOWN\r\n", ProxyHeader()),
    (b"PROXY UNKNOWN " + b"f" * 91 + b"\r\n", ProxyHeader()),
    (v2(0x21, 0x11, IPV4), KNOWN),
    (v2(0x21, 0x11, IPV4 + TLV), KNOWN),
    (v2(0x21, 0x21, IPV6), ProxyHeader(("2001:db8::1", 1), ("::1", 5672))),
    (v2(0x21, 0x21, MAPPED), ProxyHeader(("192.0.2.1", 1), ("192.0.2.1", 5672))),
    (v2(0x20, 0x00, b""), ProxyHeader(is_local=True)),
    (v2(0x20, 0x11, IPV4), ProxyHeader(is_local=True)),
    (v2(0x21, 0x00, b""), ProxyHeader()),
    (v2(0x21, 0x31, bytes(216)), ProxyHeader()),
    (v2(0x21, 0x11, IPV4 + b"\x04" + bytes(4080)), KNOWN),
]


def parse(data: bytes, chunk_bytes_max: int = 1 << 20) -> tuple[ProxyHeader | None, int]:
    """The header and how many bytes were read for it, reading no more than asked for, in chunks of a bounded size."""
    parser, position = ProxyHeaderParser(), 0
    while position < len(data):
        chunk = data[position : position + min(parser.wanted, chunk_bytes_max)]
        position += len(chunk)
        header = parser.receive(chunk)
        if header is not None:
            return header, position
    return None, position


@pytest.mark.parametrize(("data", "header"), HEADERS)
def test_a_header_is_read_without_touching_what_follows(data: bytes, header: ProxyHeader) -> None:
    assert parse(data + b"AMQP\x00\x00\x09\x01" * 20) == (header, len(data))


@pytest.mark.parametrize(("data", "header"), HEADERS)
@pytest.mark.parametrize("chunk_bytes_max", [1, 2, 3, 5, 7, 11, 13, 15, 16, 17])
def test_a_header_may_come_in_pieces_of_any_size(data: bytes, header: ProxyHeader, chunk_bytes_max: int) -> None:
    assert parse(data + b"\x16\x03", chunk_bytes_max) == (header, len(data))


@pytest.mark.parametrize(("data", "header"), HEADERS)
def test_a_truncated_header_is_never_complete(data: bytes, header: ProxyHeader) -> None:
    for end in range(len(data)):
        assert parse(data[:end])[0] is None


@pytest.mark.parametrize(
    "data",
    [
        b"AMQP\x00\x00\x09\x01",
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01",
        b"proxy tcp4",
        b"PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n",
        b"PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 ::1 ::1 1 2\r\n",
        b"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.\xb2 192.0.2.2 1 2\r\n",
        b"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\nAMQP" + b" " * 80,
        b"PROXY UNKNOWN " + b"f" * 92 + b"\r\n",
        V2_PREFIX[:-1] + b"x",
        v2(0x11, 0x11, IPV4),
        v2(0x22, 0x11, IPV4),
        v2(0x21, 0x11, IPV4[:-1]),
        v2(0x21, 0x21, IPV4),
        v2(0x21, 0x11, IPV4 + bytes(4096)),
    ],
)
def test_what_is_no_header_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        parse(data)


@given(st.binary(max_size=200), st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", V2_PREFIX, V2_PREFIX + b"\x21\x11"]))
def test_any_bytes_end_in_a_header_an_error_or_a_wait(data: bytes, prefix: bytes) -> None:
    try:
        header, read = parse(prefix + data)
    except ProtocolViolation:
        return
    assert header is not None or read == len(prefix + data)
