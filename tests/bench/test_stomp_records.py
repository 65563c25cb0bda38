"""The driver's STOMP: SEND as records, and the bodies of MESSAGE frames whatever pieces they come in."""

import pytest

from bench.driver import stamp, stomp_records
from bench.driver.jobs import Endpoint, Limit, PublishJob, Variant
from bench.errors import ProtocolError

JOB = PublishJob(Endpoint("stomp", "127.0.0.1", 1), (Variant("q"),), 100, Limit())


def test_a_record_is_a_frame() -> None:
    layout = stomp_records.send_layout(JOB)
    head = b"SEND\ndestination:/queue/q\ncontent-length:100\n\n"
    assert layout.templates == (head + stamp.body(0, 0, 100) + b"\0",)
    assert layout.stamp_at == len(head)


@pytest.mark.parametrize("after", [b"", b"\n"])
def test_bodies_are_taken_from_whole_frames(after: bytes) -> None:
    frames = b"".join(b"MESSAGE\nmessage-id:%d\n\n" % 10**n + b"%04d" % n + b"\0" + after for n in range(4))
    whole = 0
    for end in range(len(frames) + 1):
        bodies, used = stomp_records.split_messages(bytearray(frames[:end]), 4)
        assert bodies == b"".join(b"%04d" % n for n in range(len(bodies) // 4))
        whole = len(bodies) // 4
        assert whole == 4 or frames[used:].lstrip(b"\n").startswith(b"MESSAGE")
        rest, _ = stomp_records.split_messages(bytearray(frames[used:]), 4)
        assert bodies + rest == b"0000000100020003"
    assert whole == 4


def test_anything_else_is_refused() -> None:
    with pytest.raises(ProtocolError, match="expected MESSAGE frames"):
        stomp_records.split_messages(bytearray(b"ERROR\nmessage:no\n\nwhat\0"), 4)
