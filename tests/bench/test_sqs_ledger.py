"""The ledger must find every kind of damage in what SQS answers, and nothing in sound answers."""

from collections.abc import Iterable

import pytest

from bench.driver import text_stamp
from bench.driver.sqs_ledger import SqsLedger, md5_text

SIZE = 100


def message(sequence: int, publisher: int = 0, **changes: str) -> dict[str, str]:
    text = text_stamp.text(sequence, publisher, SIZE)
    made = {"MessageId": f"{publisher}-{sequence}", "Body": text, "MD5OfBody": md5_text(text), "ReceiptHandle": "r"}
    return made | changes


def verdict(messages: Iterable[dict[str, str]], groups: int = 0) -> SqsLedger:
    ledger = SqsLedger(SIZE, groups)
    for received in messages:
        ledger.take_received(received)
    return ledger


def test_sound_messages_have_no_faults_in_any_order() -> None:
    ledger = verdict(message(sequence, publisher) for sequence in (2, 0, 1) for publisher in (7, 3))
    assert not ledger.faults
    assert ledger.received == 6


def test_a_message_that_comes_twice_is_found() -> None:
    assert verdict([message(0), message(0, MessageId="other")]).faults.surplus == 1


def test_a_message_identifier_that_comes_twice_is_found() -> None:
    assert verdict([message(0), message(1, MessageId="0-0")]).faults.surplus == 1
    assert verdict([message(0, MessageId="")]).faults.surplus == 1


@pytest.mark.parametrize("at", range(SIZE))
def test_a_changed_character_anywhere_is_found(at: int) -> None:
    sound = text_stamp.text(5, 1, SIZE)
    text = sound[:at] + "~" + sound[at + 1 :]
    assert verdict([message(5, 1, Body=text)]).faults.corrupt


def test_a_wrong_md5_is_found() -> None:
    assert verdict([message(0, MD5OfBody=md5_text("x"))]).faults.corrupt == 1


def test_groups_keep_their_order_each_for_itself() -> None:
    sequences = [1, 0, 3, 2, 5, 4]
    assert not verdict([message(sequence) for sequence in sequences], groups=2).faults
    assert not verdict([message(s, publisher) for publisher in (0, 1) for s in range(4)], groups=2).faults


@pytest.mark.parametrize("sequences", [[0, 2, 1, 3], [0, 1, 3], [1, 2, 3], [0, 0, 1]])
def test_a_group_out_of_order_is_found(sequences: list[int]) -> None:
    assert verdict([message(s, MessageId=str(n)) for n, s in enumerate(sequences)], groups=1).faults.out_of_order


def test_answers_to_sends_are_checked() -> None:
    digest = md5_text("text")
    ledger = SqsLedger(SIZE)
    ledger.take_sent({"MessageId": "a", "MD5OfMessageBody": digest}, digest)
    assert not ledger.faults
    ledger.take_sent({"MessageId": "a", "MD5OfMessageBody": digest}, digest)
    assert ledger.faults.surplus == 1
    ledger.take_sent({"MessageId": "b", "MD5OfMessageBody": md5_text("other")}, digest)
    assert ledger.faults.corrupt == 1
    assert ledger.sent == 3


def test_every_message_of_a_batch_must_be_taken() -> None:
    digests = [md5_text(text) for text in "ab"]
    taken = [{"Id": str(n), "MessageId": str(n), "MD5OfMessageBody": digest} for n, digest in enumerate(digests)]
    ledger = SqsLedger(SIZE)
    ledger.take_sent_batch({"Successful": taken, "Failed": []}, digests)
    assert not ledger.faults
    ledger.take_sent_batch({"Successful": [taken[0] | {"MessageId": "x"}], "Failed": [{"Id": "1"}]}, digests)
    assert ledger.faults.missing == 1
    assert ledger.sent == 3


def test_every_receipt_of_a_batch_must_be_deleted() -> None:
    ledger = SqsLedger(SIZE)
    ledger.take_deleted_batch({"Successful": [{"Id": "0"}, {"Id": "1"}]}, 2)
    assert not ledger.faults
    ledger.take_deleted_batch({"Successful": [{"Id": "0"}]}, 2)
    assert ledger.faults.missing == 1
    assert ledger.deleted == 3


def test_a_text_without_room_for_its_stamp_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 24"):
        text_stamp.fill(23)
