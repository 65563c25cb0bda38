"""The driver's MQTT: packets as the specification draws them, PUBACKs counted in order."""

import numpy as np
import pytest

from bench.driver import mqtt_records, stamp
from bench.driver.jobs import Endpoint, Limit, PublishJob, Variant
from bench.driver.records import RecordSource, packet_numbers
from bench.errors import ProtocolError

JOB = PublishJob(Endpoint("mqtt", "127.0.0.1", 1), (Variant("a/b"),), 100, Limit())


@pytest.mark.parametrize(("value", "encoded"), [(0, "00"), (127, "7f"), (128, "8001"), (2_097_152, "80808001")])
def test_remaining_lengths_are_encoded_as_in_the_specification(value: int, encoded: str) -> None:
    assert mqtt_records.remaining_length(value).hex() == encoded


def test_a_packet_is_complete_at_its_last_byte_and_not_before() -> None:
    packet = mqtt_records.packet(0x30, bytes(200))
    assert [mqtt_records.packet_size(packet[:at]) for at in range(len(packet))] == [None] * len(packet)
    assert mqtt_records.packet_size(packet + b"more") == len(packet)
    assert mqtt_records.packet_size(b"xx" + packet, 2) == len(packet)


def test_qos_0_publishes_carry_no_packet_identifier() -> None:
    record = mqtt_records.publish_layout(JOB, 0).templates[0]
    assert record == b"\x30" + bytes([105]) + b"\x00\x03a/b" + stamp.body(0, 0, 100)


def test_qos_1_packet_identifiers_count_from_one_and_skip_zero() -> None:
    source = RecordSource(mqtt_records.publish_layout(JOB, 1), 0)
    record = bytes(source.take(1))
    assert record == b"\x32" + bytes([107]) + b"\x00\x03a/b" + b"\x00\x01" + stamp.body(0, 0, 100)
    seen = {int(n) for n in packet_numbers(np.arange(70_000, dtype=np.uint64))}
    assert (min(seen), max(seen)) == (1, 65535)


def test_pubacks_confirm_in_order_even_when_split() -> None:
    data = mqtt_records.acks(mqtt_records.PUBACK, np.array([1, 2, 3], np.uint16))
    assert data == b"\x40\x02\x00\x01\x40\x02\x00\x02\x40\x02\x00\x03"
    ledger = mqtt_records.AckLedger()
    ledger.receive(data[:5], 3)
    assert ledger.confirmed == 1
    ledger.receive(data[5:], 3)
    assert ledger.confirmed == 3
    assert not ledger.faults


def test_pubacks_out_of_order_are_faults() -> None:
    ledger = mqtt_records.AckLedger()
    ledger.receive(mqtt_records.acks(mqtt_records.PUBACK, np.array([2, 1, 3], np.uint16)), 3)
    assert ledger.faults.out_of_order == 2


def test_more_pubacks_than_publishes_end_the_run() -> None:
    with pytest.raises(ProtocolError, match="2 acknowledgements for 1"):
        mqtt_records.AckLedger().receive(mqtt_records.acks(mqtt_records.PUBACK, np.array([1, 2], np.uint16)), 1)
