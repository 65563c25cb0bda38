"""What is not persistent leaves memory in portions, of messages and of octets."""

from itertools import pairwise

import pytest

from mqbroker.core.queues.extent import FLEETING
from mqbroker.core.rabbitmq.declaring import declare_queue
from mqbroker.errors import PreconditionFailed
from mqbroker.limits import SPILL_BYTES_AT_ONCE
from tests.model.model import Letter
from tests.model.test_paged import Broker

LARGE = 200_000


def recorded(twin: Broker, queue: str) -> int:
    """How many of the messages that wait the journal has."""
    return len([entry for entry in twin.queue(queue).waiting() if entry.lsn])


@pytest.mark.parametrize("queue", ["loose", "loose-ranked"])
def test_large_messages_are_recorded_a_few_at_a_time(queue: str) -> None:
    """200 of 1 MiB stood in one batch; and those of 4 GiB together, which no batch can hold, stopped the broker."""
    twin = Broker(1, None)
    ledger, scheduler = twin.house.ledger, twin.house.broker.scheduler
    for ident in range(1, 61):
        twin.house.publish(Letter(ident, LARGE, "", queue, False, ident % 3, None))
    twin.spill()
    added = [ledger.added()]
    while scheduler.step(twin.house.now):
        added.append(ledger.added())
        twin.house.finish()
    portions = [after - before for before, after in pairwise(added)]
    assert sum(portions) > 55 * LARGE
    assert max(portions) < SPILL_BYTES_AT_ONCE + 2 * LARGE
    assert ledger.pager.paged_out > 50


def test_numbers_of_what_is_not_kept_are_given_to_nothing_else() -> None:
    """After a thousand million queues a durable one had such a number: a restart made nothing of its messages."""
    twin = Broker(1, None)
    house = twin.house
    house.broker.skip_numbers(FLEETING - 1)
    assert declare_queue(house.vhost, "last", True, False, False, {}, house.now).number == FLEETING - 1
    with pytest.raises(PreconditionFailed, match="the journal has no numbers left"):
        declare_queue(house.vhost, "more", True, False, False, {}, house.now)
    assert "more" not in house.vhost.queues
    for ident in range(1, 31):
        house.publish(Letter(ident, 20, "", "loose", False, 0, None))
    twin.spill()
    twin.rest()
    assert twin.queue("loose").waiting_count() == 30
    assert house.ledger.pager.paged_out == 0


def test_what_passes_through_quickly_is_not_recorded() -> None:
    """A consumer that kept up cost the broker a quarter of its rate: all beyond the window was written and read."""
    twin = Broker(64, None)
    for ident in range(1, 301):
        twin.house.publish(Letter(ident, 20, "", "loose", False, 0, None))
    twin.spill()
    twin.rest()
    assert recorded(twin, "loose") == 0
    twin.house.now += 20
    twin.spill()
    twin.rest()
    assert recorded(twin, "loose") == 300 - 64
