"""Credit, windows, drain, echo and settle modes, in both directions and at their edges."""

import sys
from types import FrameType
from typing import Any

import pytest

from mqbroker.core.values import UInt64
from mqbroker.protocols.amqp1.codec import frames
from mqbroker.protocols.amqp1.codec.messaging import Accepted, Released, Source, Target
from mqbroker.protocols.amqp1.codec.performatives import Attach, Detach, Disposition, End, Flow, Transfer
from mqbroker.protocols.amqp1.codec.types import Symbol
from tests.amqp1.house import Client, House
from tests.amqp1.raw import RawAmqp1, data, said
from tests.support.broker_process import BrokerProcess


def transfers(first: int, count: int, **options: Any) -> bytes:
    settings = {"settled": True, **options}
    return b"".join(
        said(Transfer(0, number & 0xFFFF_FFFF, b"t", 0, **settings), data(b"x"))
        for number in range(first, first + count)
    )


def sender(house: House, **options: Any) -> Client:
    client = house.open()
    settings = {"source": Source(), "target": Target("/queue/q"), "initial_delivery_count": 0, **options}
    client.receive(frames.performative(0, Attach("s", 0, False, **settings)))
    client.frames()
    return client


def flow(handle: int | None, **options: Any) -> bytes:
    settings = {"next_incoming_id": 0, "incoming_window": 1000, "next_outgoing_id": 0, "outgoing_window": 10, **options}
    return frames.performative(0, Flow(handle=handle, **settings))


def kinds(found: list[tuple[Any, bytes]]) -> list[str]:
    return [type(each).__name__ for each, _ in found]


# --- publishers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("credit", [1, 2, 7])
def test_a_transfer_beyond_the_credit_ends_its_link(credit: int) -> None:
    """A run of equal transfers was taken whatever the credit was."""
    house = House(link_credit=credit)
    client = sender(house)
    client.receive(transfers(0, credit + 1))
    (found,) = [each for each, _ in client.frames() if isinstance(each, Detach)]
    assert found.error.condition == "amqp:link:transfer-limit-exceeded"
    assert house.vhost.queues["q"].waiting_count() == credit
    client.receive(transfers(credit + 1, 3))  # what is on its way is passed over
    assert client.frames() == []


def test_credit_comes_back_before_it_is_used_up() -> None:
    house = House(link_credit=4)
    client = sender(house)
    for number in range(0, 40, 2):
        client.receive(transfers(number, 2))
    granted = [each for each, _ in client.frames() if isinstance(each, Flow)]
    assert [(each.delivery_count, each.link_credit) for each in granted] == [(count, 4) for count in range(2, 42, 2)]


def test_no_credit_comes_for_what_is_not_settled() -> None:
    """A publisher whose messages the journal has not yet taken could go on for ever."""
    house = House(link_credit=4)
    client = sender(house, snd_settle_mode=0)
    client.receive(transfers(0, 2, settled=False))
    found = client.frames()
    assert kinds(found) == ["Disposition", "Flow"]
    assert found[1][0].link_credit == 4


def test_more_frames_than_the_window_end_the_session() -> None:
    """While memory is low nothing was done to who went on and on."""
    house = House(session_window=10)
    client = sender(house)
    house.alarms.reason = "memory"
    client.connection.alarms_changed()
    (told,) = [each for each, _ in client.frames()]
    assert (told.incoming_window, told.handle) == (0, None)
    client.receive(transfers(0, 10))  # these were on their way
    assert house.vhost.queues["q"].waiting_count() == 10
    client.receive(transfers(10, 1))
    (found,) = [each for each, _ in client.frames() if isinstance(each, End)]
    assert found.error.condition == "amqp:session:window-violation"
    assert house.vhost.queues["q"].waiting_count() == 10


def test_the_window_opens_again_when_memory_is_there() -> None:
    house = House(session_window=10)
    client = sender(house)
    house.alarms.reason = "memory"
    client.connection.alarms_changed()
    house.alarms.reason = ""
    client.connection.alarms_changed()
    assert [each.incoming_window for each, _ in client.frames()] == [0, 10]


def test_an_echo_is_answered_with_the_state_of_the_link() -> None:
    client = sender(House(link_credit=5))
    client.receive(transfers(0, 1) + flow(0, delivery_count=1, link_credit=4, echo=True))
    (found,) = [each for each, _ in client.frames()]
    assert (found.handle, found.delivery_count, found.link_credit, found.next_incoming_id) == (0, 1, 4, 1)
    client.receive(flow(None, echo=True))
    (found,) = [each for each, _ in client.frames()]
    assert (found.handle, found.echo) == (None, False)


def test_counts_go_round() -> None:
    """Serial numbers of 32 bits: RFC 1982."""
    house = House(link_credit=4)
    client = sender(house, initial_delivery_count=0xFFFF_FFFE)
    for number in range(0xFFFF_FFFE, 0x1_0000_0006, 2):
        client.receive(transfers(number, 2))
    assert house.vhost.queues["q"].waiting_count() == 8
    granted = [each for each, _ in client.frames() if isinstance(each, Flow)]
    assert [each.delivery_count for each in granted] == [0, 2, 4, 6]


# --- consumers --------------------------------------------------------------------------------------------------------


def receiver(house: House, count: int, **options: Any) -> Client:
    """A client with so many messages in its queue."""
    client = sender(house)
    client.receive(transfers(0, count))
    attach = Attach("r", 1, True, source=Source("/queue/q"), target=Target(), **options)
    client.receive(frames.performative(0, attach))
    client.frames()
    return client


def test_nothing_comes_without_credit() -> None:
    client = receiver(House(), 3)
    client.receive(flow(1, delivery_count=0, link_credit=0, echo=True))
    (found,) = [each for each, _ in client.frames()]
    assert (found.link_credit, found.available) == (0, 3)


def test_a_drain_without_credit_changes_nothing() -> None:
    client = receiver(House(), 3)
    client.receive(flow(1, delivery_count=0, link_credit=0, drain=True))
    (found,) = [each for each, _ in client.frames()]
    assert (found.drain, found.delivery_count, found.link_credit, found.available) == (True, 0, 0, 3)


def test_a_drain_of_less_than_there_is_ends_with_the_last_delivery() -> None:
    client = receiver(House(), 5)
    client.receive(flow(1, delivery_count=0, link_credit=2, drain=True))
    found = client.frames()
    assert kinds(found) == ["Transfer", "Transfer", "Flow"]
    assert (found[2][0].delivery_count, found[2][0].link_credit, found[2][0].drain) == (2, 0, True)


def test_credit_for_an_older_count_is_what_is_left_of_it() -> None:
    """A flow that crosses deliveries on their way gave too much credit."""
    client = receiver(House(), 5)
    client.receive(flow(1, delivery_count=0, link_credit=2))
    assert kinds(client.frames()) == ["Transfer"] * 2
    client.receive(flow(1, delivery_count=0, link_credit=3))
    assert kinds(client.frames()) == ["Transfer"]
    client.receive(flow(1, delivery_count=0, link_credit=1))  # fewer than have come: none is left
    assert client.frames() == []


def test_the_sessions_window_holds_deliveries_back() -> None:
    client = receiver(House(), 5)
    client.receive(flow(1, delivery_count=0, link_credit=5, incoming_window=2))
    assert kinds(client.frames()) == ["Transfer"] * 2
    client.receive(flow(None, next_incoming_id=1, incoming_window=2))
    assert kinds(client.frames()) == ["Transfer"]
    client.receive(flow(None, next_incoming_id=3, incoming_window=0))
    assert client.frames() == []
    client.receive(flow(None, next_incoming_id=3, incoming_window=9))
    assert kinds(client.frames()) == ["Transfer"] * 2


def test_a_window_ahead_of_what_was_sent_ends_the_session() -> None:
    client = receiver(House(), 1)
    client.receive(flow(None, next_incoming_id=1))
    (found,) = [each for each, _ in client.frames()]
    assert found.error.condition == "amqp:session:window-violation"


# --- settle modes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0, 1, 2])
def test_a_publishers_settle_mode_is_what_it_says(client: RawAmqp1, name: str, mode: int) -> None:
    assert client.sender(f"/queue/{name}", snd_settle_mode=mode).snd_settle_mode == mode


@pytest.mark.parametrize(("mode", "settled"), [(0, True), (1, False), (1, None)])
def test_a_transfer_that_disagrees_ends_its_link(client: RawAmqp1, name: str, mode: int, settled: bool | None) -> None:
    client.sender(f"/queue/{name}", snd_settle_mode=mode)
    client.transfer(0, data(b"x"), settled=settled)
    assert client.error_of(Detach)[0] == "amqp:invalid-field"


@pytest.mark.parametrize(("wanted", "mode"), [(0, 0), (1, 1), (2, 0)])
def test_a_consumer_gets_one_of_two_modes(client: RawAmqp1, name: str, wanted: int, mode: int) -> None:
    client.sender(f"/queue/{name}")
    answer = client.receiver(f"/queues/{name}", snd_settle_mode=wanted)
    assert (answer.snd_settle_mode, answer.rcv_settle_mode) == (mode, 0)


def test_settling_in_two_steps_is_refused_by_name(client: RawAmqp1, name: str) -> None:
    client.sender(f"/queue/{name}")
    client.receiver(f"/queues/{name}", rcv_settle_mode=1)
    assert client.error_of(Detach) == ("amqp:not-implemented", "rcv-settle-mode second not supported")


@pytest.mark.parametrize("settled", [True, False])
def test_what_is_not_settled_by_the_client_is_settled_by_the_broker(settled: bool) -> None:
    house = House()
    client = receiver(house, 2)
    client.receive(flow(1, delivery_count=0, link_credit=2))
    client.frames()
    client.receive(frames.performative(0, Disposition(True, 0, 1, settled, Accepted())))
    found = client.frames()
    assert kinds(found) == ([] if settled else ["Disposition"])
    assert all((each.role, each.settled, each.first, each.last) == (False, True, 0, 1) for each, _ in found)
    assert house.vhost.queues["q"].unacked_count == 0
    client.receive(frames.performative(0, Disposition(True, 0, 1, True, Accepted())))  # its second step says nothing
    assert client.frames() == []


def test_a_link_that_says_what_is_unsettled_is_refused(broker: BrokerProcess, client: RawAmqp1, name: str) -> None:
    client.sender(f"/queue/{name}")
    client.receiver(f"/queues/{name}", unsettled={b"tag": None})
    assert client.error_of(Detach) == ("amqp:not-implemented", "Link recovery not supported")


@pytest.mark.parametrize("cut", range(0, 90, 7))
def test_dispositions_one_by_one_are_taken_in_runs(cut: int) -> None:
    """A run ended at a delivery of another link, or was settled twice where the chunk had ended within it."""
    house = House()
    client = receiver(house, 6)
    client.receive(frames.performative(0, Attach("r2", 2, True, source=Source("/queue/q"), target=Target())))
    client.receive(flow(1, delivery_count=0, link_credit=2) + flow(2, delivery_count=0, link_credit=2))
    assert kinds(client.frames())[-4:] == ["Transfer"] * 4
    run = b"".join(said(Disposition(True, number, None, True, Accepted())) for number in (2, 0, 9, 2, 1))
    run += said(Disposition(True, 3, None, True, Released()))
    client.receive(run[:cut])
    client.receive(run[cut:] + flow(1, delivery_count=2, link_credit=1, next_incoming_id=4))
    assert kinds(client.frames()) == ["Transfer"]
    queue = house.vhost.queues["q"]
    assert (queue.unacked_count, queue.waiting_count(), queue.counts.acked) == (1, 2, 3)


@pytest.mark.parametrize("cut", range(0, 110, 9))
def test_ranges_are_taken_in_runs(cut: int) -> None:
    """A range that reached over a settled delivery, another link's or the last one settled something else."""
    house = House()
    client = receiver(house, 8)
    client.receive(frames.performative(0, Attach("r2", 2, True, source=Source("/queue/q"), target=Target())))
    client.receive(flow(1, delivery_count=0, link_credit=3) + flow(2, delivery_count=0, link_credit=3))
    assert kinds(client.frames())[-6:] == ["Transfer"] * 6
    ranges = ((1, 2), (2, 3), (5, 9), (7, 8), (0xFFFF_FFF0, 0))
    run = b"".join(said(Disposition(True, first, last, True, Accepted())) for first, last in ranges)
    client.receive(run[:cut])
    client.receive(run[cut:])
    queue = house.vhost.queues["q"]
    assert (queue.unacked_count, queue.waiting_count(), queue.counts.acked) == (1, 2, 5)
    client.receive(frames.performative(0, Disposition(True, 4, None, True, Accepted())))
    assert (queue.unacked_count, queue.counts.acked) == (0, 6)


def test_ranges_that_are_settled_cost_nothing_more() -> None:
    """Each disposition of some 30 octets looked a thousand times for deliveries that were settled long ago."""
    house = House()
    client = receiver(house, 1000)
    client.receive(flow(1, delivery_count=0, link_credit=900))
    client.frames()
    accepted = said(Disposition(True, 0, 999, True, Accepted()))
    looks = 0

    def count(called: FrameType, event: str, _: object) -> None:
        nonlocal looks
        looks += event == "call" and called.f_code.co_name == "take" and "unacked" in called.f_code.co_filename

    sys.setprofile(count)
    try:
        client.receive(accepted * 50)
    finally:
        sys.setprofile(None)
    queue = house.vhost.queues["q"]
    assert (queue.unacked_count, queue.waiting_count(), queue.counts.acked) == (0, 100, 900)
    assert looks <= 900
    client.receive(flow(1, delivery_count=900, link_credit=100, next_incoming_id=900))
    assert kinds(client.frames()) == ["Transfer"] * 100
    client.receive(accepted)
    assert (queue.unacked_count, queue.counts.acked) == (0, 1000)


def test_a_priority_may_be_any_number() -> None:
    """One that no C integer holds was an internal error."""
    house = House()
    receiver(house, 0, properties={Symbol("rabbitmq:priority"): UInt64((1 << 64) - 1)})
    assert [each.priority for each in house.vhost.queues["q"].consumers] == [(1 << 63) - 1]


@pytest.mark.parametrize("size", [10, 1000])
def test_a_message_that_the_client_does_not_take_ends_its_session(size: int) -> None:
    """A client was sent what it had said that it would not take."""
    house = House()
    client = receiver(house, 1, max_message_size=100)
    client.receive(said(Transfer(0, 1, b"t", 0, True), data(b"x" * size)))
    client.receive(flow(1, delivery_count=0, link_credit=5))
    found = client.frames()
    if size == 10:
        assert kinds(found) == ["Transfer"] * 2
        return
    assert kinds(found) == ["Transfer", "End"]
    assert found[1][0].error.condition == "amqp:link:message-size-exceeded"
    assert "> maximum message size (100 bytes)" in found[1][0].error.description
    assert house.vhost.queues["q"].waiting_count() == 2
