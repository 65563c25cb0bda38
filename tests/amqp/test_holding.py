"""Channels that wait for the journal, and what becomes of what arrives for them. The journal is the tests' own here."""

from collections.abc import Callable

import pytest

from mqbroker.core.ledger import Ledger
from mqbroker.limits import PORTION
from mqbroker.protocols.amqp.limits import AMQP_HELD_FRAMES_BYTES_MAX
from mqbroker.protocols.amqp.methods import encode_method
from tests.support.amqp_house import DirectAmqp, House


class SlowLedger(Ledger):
    """A journal whose disk answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.is_journalling = True
        self.kept: list[Callable[[], None]] = []

    def promise(self, position: int, keep: Callable[[], None]) -> None:
        self.kept.append(keep)

    def catch_up(self) -> None:
        """Everything so far is on the disk."""
        kept, self.kept = self.kept, []
        for keep in kept:
            keep()


@pytest.fixture
def ledger() -> SlowLedger:
    return SlowLedger()


@pytest.fixture
def house(ledger: SlowLedger) -> House:
    return House(ledger)


@pytest.fixture
def client(house: House) -> DirectAmqp:
    return house.connect()


def declare(name: str, channel: int = 1) -> bytes:
    return encode_method("queue.declare", channel, queue=name, durable=True)


def overfill(client: DirectAmqp) -> None:
    """Sends more than is kept of frames for channel 1, which waits for the journal."""
    client.write(declare("held"))
    while client.session.is_reading:
        client.publish("held", bytes(100_000))
    assert client.session.held_bytes > AMQP_HELD_FRAMES_BYTES_MAX


def test_frames_for_a_channel_that_waits_are_taken_up_in_their_order(
    house: House, ledger: SlowLedger, client: DirectAmqp
) -> None:
    client.write(declare("a") + declare("b") + encode_method("basic.qos", 1, prefetch_count=1) + declare("c"))
    for expected in (["queue.declare-ok"], ["queue.declare-ok", "basic.qos-ok"], ["queue.declare-ok"]):
        assert client.is_silent()
        ledger.catch_up()
        house.turn()
        assert [client.next().name for _ in expected] == expected
    assert client.is_silent()


def test_a_client_is_read_again_when_the_frames_that_were_kept_are_taken_up(
    house: House, ledger: SlowLedger, client: DirectAmqp
) -> None:
    overfill(client)
    ledger.catch_up()
    house.turn()
    assert client.session.is_reading
    assert client.session.held_bytes == 0
    client.expect("queue.declare-ok")


def test_a_client_is_read_again_when_the_channel_is_closed_that_waited(
    house: House, ledger: SlowLedger, client: DirectAmqp
) -> None:
    """The fault: a channel that was closed while it waited (here for a delivery that nobody acknowledged) left its
    connection unread for ever."""
    client.declare("q")
    client.publish("q", b"never acknowledged")
    client.consume("q", arguments={"x-consumer-timeout": 1000})
    client.delivery()
    overfill(client)
    house.pass_time(5_000)
    client.expect("channel.close")
    assert client.session.is_reading
    assert client.session.held_bytes == 0


def test_one_channel_that_is_released_does_not_have_the_client_read_while_another_is_full(
    house: House, ledger: SlowLedger, client: DirectAmqp
) -> None:
    client.call("channel.open", 2)
    client.write(declare("other", 2))
    first, ledger.kept = ledger.kept, []
    overfill(client)
    for keep in first:
        keep()
    house.turn()
    client.expect("queue.declare-ok", 2)
    assert not client.session.is_reading
    ledger.catch_up()
    house.turn()
    assert client.session.is_reading
    client.expect("queue.declare-ok")


def test_a_close_waits_for_what_is_held_and_is_answered_then(
    house: House, ledger: SlowLedger, client: DirectAmqp
) -> None:
    client.write(declare("a") + declare("b") + encode_method("connection.close", 0))
    assert client.is_silent()
    ledger.catch_up()
    house.turn()
    client.expect("queue.declare-ok")
    assert client.is_silent()
    ledger.catch_up()
    house.turn()
    client.expect("queue.declare-ok")
    client.expect("connection.close-ok", 0)


def test_what_is_kept_is_taken_up_in_portions(house: House, ledger: SlowLedger, client: DirectAmqp) -> None:
    other = house.connect()
    client.write(declare("a") + encode_method("basic.qos", 1, prefetch_count=1) * (3 * PORTION))
    ledger.catch_up()
    house.broker.scheduler.step(house.now)
    other.call("basic.qos", prefetch_count=1)  # is handled in between
    house.turn()
    client.expect("queue.declare-ok")
    for _ in range(3 * PORTION):
        client.expect("basic.qos-ok")


def test_declarations_without_an_answer_wait_for_nothing(house: House, ledger: SlowLedger, client: DirectAmqp) -> None:
    """Nothing was promised, so nothing has to be durable first."""
    client.write(encode_method("queue.declare", 1, queue="a", durable=True, nowait=True))
    assert client.call("queue.declare", queue="a", passive=True).args["queue"] == "a"
    assert ledger.kept == []
