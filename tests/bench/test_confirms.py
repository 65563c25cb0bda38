"""The ledger of confirms must count each message once and find confirms that cannot be."""

import pytest

from bench.driver.amqp_records import ack_frame
from bench.driver.confirms import ConfirmLedger
from bench.errors import ProtocolError


def single(tag: int) -> bytes:
    frame = bytearray(ack_frame(tag))
    frame[19] = 0
    return bytes(frame)


def test_single_and_multiple_confirms_count_each_message_once() -> None:
    ledger = ConfirmLedger()
    ledger.receive(single(3) + single(2) + ack_frame(5) + single(7), 10)
    assert ledger.confirmed == 6
    ledger.receive(ack_frame(10), 10)
    assert ledger.confirmed == 10
    assert not ledger.faults


def test_confirms_may_be_split_anywhere() -> None:
    data = single(1) + single(2) + ack_frame(4)
    for at in range(len(data)):
        ledger = ConfirmLedger()
        ledger.receive(data[:at], 4)
        ledger.receive(data[at:], 4)
        assert ledger.confirmed == 4
        assert not ledger.faults


def test_a_second_confirm_of_one_message_is_a_fault() -> None:
    ledger = ConfirmLedger()
    ledger.receive(single(1), 5)
    ledger.receive(single(1) + single(2) + single(2), 5)
    assert ledger.confirmed == 2
    assert ledger.faults.surplus == 2


def test_a_confirm_of_an_unpublished_message_is_a_fault() -> None:
    ledger = ConfirmLedger()
    ledger.receive(ack_frame(6), 5)
    assert ledger.confirmed == 0
    assert ledger.faults.surplus == 1


def test_a_nack_ends_the_run() -> None:
    nack = bytearray(ack_frame(1))
    nack[10] = 120
    with pytest.raises(ProtocolError, match="expected confirms"):
        ConfirmLedger().receive(bytes(nack), 1)


def test_the_ledger_grows_with_the_stream() -> None:
    ledger = ConfirmLedger()
    ledger.receive(ack_frame(3_000_000), 3_000_000)
    assert ledger.confirmed == 3_000_000
