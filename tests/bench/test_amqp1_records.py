"""The driver's AMQP 1.0: what it writes is what mqbroker's codec reads, and bodies are taken from whole frames."""

import numpy as np
import pytest

from bench.driver import amqp1_records as r
from bench.driver.jobs import Endpoint, Limit, PublishJob, Variant
from bench.driver.records import RecordSource
from bench.errors import ProtocolError
from mqbroker.protocols.amqp1.codec import frames
from mqbroker.protocols.amqp1.codec.performatives import Attach, Disposition, Flow, Transfer

ENDPOINT = Endpoint("amqp1", "127.0.0.1", 1)


def read(frame: bytes) -> object:
    found, at = frames.read_performative(frame, 8, len(frame))
    assert int.from_bytes(frame[:4], "big") == len(frame)
    assert isinstance(found, Transfer) or at == len(frame)
    return found


@pytest.mark.parametrize("size", [100, 1000])
def test_records_are_transfers_with_growing_ids(size: int) -> None:
    layout = r.transfer_layout(PublishJob(ENDPOINT, (Variant("q"),), size, Limit(), window=5))
    records = bytes(RecordSource(layout, 0).take(70_000))
    count = len(records) // layout.size
    for number in (0, 1, count - 1):
        found = read(records[number * layout.size : (number + 1) * layout.size])
        assert isinstance(found, Transfer)
        assert (found.handle, found.delivery_id, found.settled) == (0, number, False)
    assert np.frombuffer(records, layout.dtype)["number"].tolist() == list(range(count))


def test_what_it_says_is_understood() -> None:
    attach = read(r.attach("/queue/q", is_receiver=True, is_settled=False))
    assert isinstance(attach, Attach)
    assert (attach.source.address, attach.snd_settle_mode) == ("/queue/q", 0)
    flow = read(r.flow(7, 100))
    assert isinstance(flow, Flow)
    assert (flow.delivery_count, flow.link_credit) == (7, 100)
    assert r.fields_of(r.flow(7, 100)[8:], 7)[4:] == [0, 7, 100]
    disposition = read(r.accepted(3, 5))
    assert isinstance(disposition, Disposition)
    assert (disposition.first, disposition.last, disposition.settled) == (3, 5, True)
    assert r.fields_of(r.accepted(3, 5)[8:], 4) == [1, 3, 5, 1]


def test_frames_are_taken_whole_and_ends_are_refused() -> None:
    data = r.flow(1, 2) + frames.EMPTY + r.accepted(0, 0)
    for end in range(len(data) + 1):
        found, used = r.split(data[:end])
        assert used <= end
        assert len(found) == (used >= len(r.flow(1, 2))) + (used == len(data))
    with pytest.raises(ProtocolError, match="ends a link"):
        r.code_of(b"\x00\x53\x18\x45")
