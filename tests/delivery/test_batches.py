"""Records that are written together: as many as there may be, no longer than they may wait, and nobody is forgotten."""

import asyncio

import pytest

from mqbroker.delivery.batches import Batches
from mqbroker.delivery.errors import DeliveryFailed
from mqbroker.delivery.limits import BATCH_RECORDS_MAX
from tests.delivery.test_lane import Yard

LONG_S = 60.0
LARGE = 1 << 20


class Sink:
    """What was written."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.fault: DeliveryFailed | None = None

    async def write(self, records: list[bytes]) -> int:
        self.batches.append(list(records))
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
        return 200


async def test_a_batch_is_written_when_it_is_full() -> None:
    sink = Sink()
    batches = Batches(sink.write, LONG_S, LARGE, Yard().shop)
    adding = [asyncio.create_task(batches.add(b"%d" % number)) for number in range(2 * BATCH_RECORDS_MAX)]
    assert await asyncio.wait_for(asyncio.gather(*adding), 10) == [200] * 2 * BATCH_RECORDS_MAX
    numbers = [b"%d" % number for number in range(2 * BATCH_RECORDS_MAX)]
    assert sink.batches == [numbers[:BATCH_RECORDS_MAX], numbers[BATCH_RECORDS_MAX:]]


async def test_a_batch_has_so_many_octets_at_most_and_one_record() -> None:
    sink = Sink()
    batches = Batches(sink.write, LONG_S, LARGE, Yard().shop)
    record = bytes(LARGE)
    for _ in range(2):
        assert await asyncio.wait_for(batches.add(record), 10) == 200
    assert [len(batch) for batch in sink.batches] == [1, 1]


async def test_records_wait_no_longer_than_they_may() -> None:
    sink = Sink()
    batches = Batches(sink.write, 0.05, LARGE, Yard().shop)
    assert list(await asyncio.wait_for(asyncio.gather(batches.add(b"a"), batches.add(b"b")), 10)) == [200, 200]
    assert sink.batches == [[b"a", b"b"]]
    assert await asyncio.wait_for(batches.add(b"c"), 10) == 200


async def test_everybody_hears_of_a_failure_and_the_next_batch_is_another() -> None:
    sink = Sink()
    sink.fault = DeliveryFailed("full")
    batches = Batches(sink.write, 0, LARGE, Yard().shop)
    found = list(await asyncio.gather(batches.add(b"a"), batches.add(b"b"), return_exceptions=True))
    assert found == [sink.fault, sink.fault]
    sink.fault = None
    assert await batches.add(b"a") == 200


async def test_who_gives_up_does_not_end_the_batch_of_the_others() -> None:
    sink = Sink()
    batches = Batches(sink.write, 0.05, LARGE, Yard().shop)
    first, second = (asyncio.create_task(batches.add(record)) for record in (b"a", b"b"))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await asyncio.wait_for(second, 10) == 200


async def test_the_end_of_the_broker_ends_them() -> None:
    yard = Yard()
    adding = asyncio.create_task(Batches(Sink().write, LONG_S, LARGE, yard.shop).add(b"a"))
    await asyncio.sleep(0)
    yard.shop.stop()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(adding, 10)
