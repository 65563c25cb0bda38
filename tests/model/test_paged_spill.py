"""What is not persistent leaves memory in portions, of messages and of octets."""

from itertools import pairwise

import pytest

from mqbroker.limits import SPILL_BYTES_AT_ONCE
from tests.model.model import Letter
from tests.model.test_paged import Broker

LARGE = 200_000


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
