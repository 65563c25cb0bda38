"""STOMP frames as records of constant size: SEND as clients write it, and what is left of MESSAGE without its head.

Owns the byte layout. Reads and writes no socket.

    SEND LF destination:/queue/bench LF content-length:100 LF LF  body  NUL
    MESSAGE LF ... LF LF  body  NUL [LF]                          whose head grows with the number in its message-id
"""

from bench.driver import stamp
from bench.driver.jobs import Endpoint, PublishJob
from bench.driver.records import RecordLayout
from bench.errors import ProtocolError

_END = b"\n\n"


def frame(command: str, **headers: object) -> bytes:
    """A frame without a body."""
    lines = "".join(f"{name.replace('_', '-')}:{value}\n" for name, value in headers.items())
    return f"{command}\n{lines}\n\0".encode()


def connect_frame(endpoint: Endpoint) -> bytes:
    """CONNECT without heart-beats."""
    return frame("CONNECT", accept_version="1.2", host="/", login=endpoint.user, passcode=endpoint.password)


def destination(routing_key: str) -> str:
    """Where messages with this key go."""
    return f"/queue/{routing_key}"


def send_layout(job: PublishJob) -> RecordLayout:
    """Records that send the job's variants."""
    size = job.body_size_bytes
    heads = [frame("SEND", destination=destination(v.routing_key), content_length=size)[:-1] for v in job.variants]
    templates = tuple(head + stamp.body(0, 0, size) + b"\0" for head in heads)
    return RecordLayout(templates, len(heads[0]), size)


def body_layout(job: PublishJob) -> RecordLayout:
    """Records that are bodies alone: what `split_messages` leaves."""
    return RecordLayout((stamp.body(0, 0, job.body_size_bytes),), 0, job.body_size_bytes)


def split_messages(data: bytearray, body_size: int) -> tuple[bytes, int]:
    """The bodies of all whole MESSAGE frames, which have one size, and how many bytes the frames were.

    Raises ProtocolError for a frame that is none.
    """
    bodies: list[bytes] = []
    octets = bytes(data)
    at = int(octets.startswith(b"\n"))  # what follows a frame may come with the next one
    while (head_end := octets.find(_END, at)) >= 0:
        body_at = head_end + len(_END)
        end = body_at + body_size
        if end >= len(octets):
            break
        if octets[end] or not octets.startswith(b"MESSAGE\n", at):
            raise ProtocolError(f"expected MESSAGE frames, the broker sent {octets[at : at + 200]!r}")
        bodies.append(octets[body_at:end])
        at = end + 1
        if octets[at : at + 1] == b"\n":
            at += 1
    return b"".join(bodies), at
