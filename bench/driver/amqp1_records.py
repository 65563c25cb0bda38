"""AMQP 1.0 frames as records of constant size: transfers as clients write them, and what is left of those that come.

Owns the byte layout. Reads and writes no socket.

    transfer    size 02 00 0000  00 53 14 c0 sz 05 43 70 <delivery-id> a0 04 <tag> 43 41 | 42  00 53 75 <size>  body
    delivery    size 02 00 0000  <transfer, header and other sections of the broker's own size>                 body
"""

from bench.driver import stamp
from bench.driver.jobs import Endpoint, PublishJob
from bench.driver.records import RecordLayout
from bench.errors import ProtocolError

SASL_HEADER = b"AMQP\x03\x01\x00\x00"
HEADER = b"AMQP\x00\x01\x00\x00"
TRANSFER, DISPOSITION, FLOW = 0x14, 0x15, 0x13
CREDIT_MAX = 0x7FFF_FFFF
_ID_AT = 16  # of a transfer: where the delivery-id is


def frame(body: bytes, kind: int = 0) -> bytes:
    """A frame on channel 0."""
    return (len(body) + 8).to_bytes(4, "big") + bytes((2, kind, 0, 0)) + body


def composite(code: int, *fields: bytes) -> bytes:
    """A described list of encoded fields."""
    items = b"".join(fields)
    head = b"\x00\x53" + bytes((code,))
    return head + b"\xd0" + (len(items) + 4).to_bytes(4, "big") + len(fields).to_bytes(4, "big") + items


def uint(value: int) -> bytes:
    """A uint."""
    return b"\x70" + value.to_bytes(4, "big")


def text(value: str, constructor: int = 0xA1) -> bytes:
    """A short string, symbol or binary."""
    octets = value.encode()
    return bytes((constructor, len(octets))) + octets


NULL, TRUE, FALSE = b"\x40", b"\x41", b"\x42"


def opening(endpoint: Endpoint) -> bytes:
    """Everything up to an open session: clients need not wait for the answers."""
    login = f"\0{endpoint.user}\0{endpoint.password}"
    init = composite(0x41, text("PLAIN", 0xA3), text(login, 0xA0))
    session = composite(0x11, NULL, uint(0), uint(CREDIT_MAX), uint(CREDIT_MAX))
    return SASL_HEADER + frame(init, 1) + HEADER + frame(composite(0x10, text("bench"))) + frame(session)


def attach(address: str, is_receiver: bool, is_settled: bool) -> bytes:
    """A link on handle 0."""
    terminus = composite(0x28 if is_receiver else 0x29, text(address))
    source, target = (terminus, composite(0x29)) if is_receiver else (composite(0x28), terminus)
    role, mode = (TRUE if is_receiver else FALSE), b"\x50\x01" if is_settled else b"\x50\x00"
    fields = [text("bench"), b"\x43", role, mode, b"\x50\x00", source, target]
    return frame(composite(0x12, *fields, *([] if is_receiver else [NULL, NULL, b"\x43"])))


def flow(received: int, credit: int) -> bytes:
    """Grants credit after so many deliveries."""
    window = [uint(received), uint(CREDIT_MAX), uint(0), uint(CREDIT_MAX)]
    return frame(composite(FLOW, *window, b"\x43", uint(received), uint(credit)))


def accepted(first: int, last: int) -> bytes:
    """Settles deliveries."""
    return frame(composite(DISPOSITION, TRUE, uint(first), uint(last), TRUE, b"\x00\x53\x24\x45"))


def transfer_layout(job: PublishJob) -> RecordLayout:
    """Records that send the job's one variant."""
    size = job.body_size_bytes
    data = b"\xa0" + bytes((size,)) if size < 256 else b"\xb0" + size.to_bytes(4, "big")
    settled = FALSE if job.window else TRUE
    fields = b"\x43\x70\0\0\0\0\xa0\x04\0\0\0\0\x43" + settled
    head = b"\x00\x53\x14\xc0" + bytes((len(fields) + 1, 5)) + fields + b"\x00\x53\x75" + data
    whole = frame(head + stamp.body(0, 0, size))
    return RecordLayout((whole,), 8 + len(head), size, _ID_AT, ">u4")


def body_layout(job: PublishJob) -> RecordLayout:
    """Records that are bodies alone: what `split` leaves of deliveries."""
    return RecordLayout((stamp.body(0, 0, job.body_size_bytes),), 0, job.body_size_bytes)


def split(data: bytes) -> tuple[list[bytes], int]:
    """The whole frames, without those that have no body, and how many bytes they were. Raises ProtocolError."""
    frames: list[bytes] = []
    at = 0
    while len(data) - at >= 8:
        size = int.from_bytes(data[at : at + 4], "big")
        if size < 8:
            raise ProtocolError(f"the broker sent a frame of {size} bytes")
        if at + size > len(data):
            break
        if size > 8:
            frames.append(data[at + 8 : at + size])
        at += size
    return frames, at


def code_of(body: bytes) -> int:
    """Which performative a frame has. Raises ProtocolError for one that ends something."""
    code = body[2] if body.startswith(b"\x00\x53") else int.from_bytes(body[2:10], "big")
    if code in (0x16, 0x17, 0x18):
        raise ProtocolError(f"the broker ends a link, a session or the connection: {body[:200]!r}")
    return code


def fields_of(body: bytes, count: int) -> list[int]:
    """The first fields of a flow or disposition, numbers and truths; -1 for null. Raises ProtocolError for others."""
    at = 3 if body[1] == 0x53 else 10
    at += 3 if body[at] == 0xC0 else 9
    found: list[int] = []
    while len(found) < count and at < len(body):
        code = body[at]
        width = {0x52: 1, 0x70: 4, 0x40: 0, 0x41: 0, 0x42: 0, 0x43: 0}.get(code)
        if width is None:
            raise ProtocolError(f"a field of an unexpected type: {body[:100]!r}")
        constant = {0x40: -1, 0x41: 1}.get(code, 0)
        found.append(int.from_bytes(body[at + 1 : at + 1 + width], "big") if width else constant)
        at += 1 + width
    return found + [-1] * (count - len(found))
