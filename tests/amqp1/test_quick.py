"""Transfers and dispositions are read in two ways: what the quick one takes means the same to the other."""

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp1.codec.composites import encode_composite
from mqbroker.protocols.amqp1.codec.frames import read_performative
from mqbroker.protocols.amqp1.codec.messaging import Accepted, Rejected, Released
from mqbroker.protocols.amqp1.codec.performatives import Disposition, Transfer
from mqbroker.protocols.amqp1.codec.quick import Quick

NUMBERS = st.one_of(st.integers(0, 300), st.integers(0, 0xFFFF_FFFF))
FLAGS = st.sampled_from([None, True, False])
TRANSFERS = st.builds(
    Transfer,
    NUMBERS,
    st.one_of(st.none(), NUMBERS),
    st.one_of(st.none(), st.binary(max_size=32)),
    st.one_of(st.none(), st.integers(0, 3)),
    FLAGS,
    st.booleans(),
    st.sampled_from([None, 0, 1]),
    st.sampled_from([None, Accepted()]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
DISPOSITIONS = st.builds(
    Disposition,
    st.booleans(),
    NUMBERS,
    st.one_of(st.none(), NUMBERS),
    st.booleans(),
    st.sampled_from([None, Accepted(), Released(), Rejected()]),
    st.booleans(),
)


def generic(data: bytes) -> tuple[Any, int] | None:
    try:
        return read_performative(data, 0, len(data))
    except ProtocolViolation:
        return None


def check_transfer(data: bytes) -> bool:
    quick = Quick()
    at = quick.read_transfer(data, 0, len(data))
    if not at:
        return False
    read = generic(data)
    assert read is not None
    found, payload_at = read
    assert isinstance(found, Transfer)
    assert payload_at == at
    assert (found.handle, found.delivery_id) == (quick.handle, quick.delivery_id)
    assert {None: -1, True: 1, False: 0}[found.settled] == quick.settled
    assert found.more == quick.has_more
    assert (found.aborted, found.resume, found.state) == (False, False, None)
    return True


def check_acceptance(data: bytes) -> bool:
    quick = Quick()
    if not quick.read_acceptance(data, 0, len(data)):
        return False
    read = generic(data)
    assert read is not None
    found, end = read
    assert isinstance(found, Disposition)
    assert end == len(data)
    assert (found.role, found.settled, found.state) == (True, True, Accepted())
    assert (found.first, found.first if found.last is None else found.last) == (quick.first, quick.last)
    return True


@given(TRANSFERS, st.binary(max_size=20))
@example(Transfer(0, 7, b"tag", 0, True), b"payload")
def test_a_transfer_means_the_same_in_both_ways(transfer: Transfer, payload: bytes) -> None:
    data = encode_composite(transfer)
    is_taken = check_transfer(data + payload)
    is_usual = transfer.delivery_id is not None and not transfer.message_format and transfer.rcv_settle_mode is None
    if is_usual and transfer.state is None and not (transfer.resume or transfer.aborted or transfer.batchable):
        assert is_taken


@given(DISPOSITIONS)
@example(Disposition(True, 5, None, True, Accepted()))
def test_a_disposition_means_the_same_in_both_ways(disposition: Disposition) -> None:
    is_taken = check_acceptance(encode_composite(disposition))
    if disposition.role and disposition.settled and isinstance(disposition.state, Accepted):
        assert is_taken


def test_a_list_that_is_longer_than_it_says_is_not_taken() -> None:
    """Items that were outside of their list were read all the same."""
    assert not check_transfer(bytes.fromhex("005314c000024343"))
    assert not check_acceptance(bytes.fromhex("005315c001054143404100532445"))


@given(st.one_of(TRANSFERS, DISPOSITIONS), st.data())
def test_changed_octets_are_never_taken_for_something_else(value: Any, draw: st.DataObject) -> None:
    """A field that was passed over without a look made one message of another."""
    data = bytearray(encode_composite(value))
    if draw.draw(st.booleans()):
        data = data[: draw.draw(st.integers(3, len(data)))]
    else:
        data[draw.draw(st.integers(3, len(data) - 1))] = draw.draw(st.integers(0, 255))
    check_transfer(bytes(data)) if isinstance(value, Transfer) else check_acceptance(bytes(data))


def test_what_clients_send_is_read_quickly() -> None:
    """Recorded from proton and rhea."""
    assert check_transfer(bytes.fromhex("005314c00804520143a00131430053 70".replace(" ", "")))
    assert check_acceptance(bytes.fromhex("005315c009054143404100532445"))
