"""Messages that are delivered later: once, periodically, by a crontab, and after a restart."""

from typing import Any

import pytest

from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.scheduling.schedule import schedule_in
from mqbroker.errors import PreconditionFailed
from tests.core.messages import PlainProperties, message


class Place:
    """A queue, and messages for it that come later."""

    def __init__(self) -> None:
        self.broker = Broker(Ledger(), lambda: "name")
        self.vhost = self.broker.add_vhost("/")
        self.queue = self.vhost.declare(QueueSpec("q"), 0)

    def schedule(self, **headers: Any) -> None:
        named = {f"AMQ_SCHEDULED_{name}": value for name, value in headers.items()}
        schedule = schedule_in(named)
        assert schedule is not None
        properties = PlainProperties({**named, "own": "header"})
        self.vhost.schedule_message(message(b"x", "q", properties=properties), schedule, 0)

    def times(self, end: int, step: int = 10) -> list[int]:
        """When something came, up to then."""
        found = []
        for now in range(0, end + 1, step):
            before = self.queue.waiting_count()
            self.broker.advance(now)
            self.broker.scheduler.finish(now)
            found += [now] * (self.queue.waiting_count() - before)
        return found


def test_a_message_comes_after_its_delay_without_its_schedule() -> None:
    place = Place()
    place.schedule(DELAY="100")
    assert place.times(1000) == [100]
    (entry,) = place.queue.waiting()
    headers = dict(entry.message.properties.headers())
    assert headers.pop("scheduledJobId")
    assert headers == {"own": "header"}


def test_it_is_repeated_so_often() -> None:
    place = Place()
    place.schedule(DELAY=50, PERIOD=100, REPEAT=3)
    assert place.times(1000) == [50, 150, 250, 350]


def test_it_may_be_repeated_for_ever() -> None:
    place = Place()
    place.schedule(DELAY=100, PERIOD=100, REPEAT=-1)
    assert place.times(400) == [100, 200, 300, 400]


def test_a_crontab_says_when() -> None:
    place = Place()
    place.schedule(CRON="*/2 * * * *")
    assert place.times(360_000, 30_000) == [120_000, 240_000, 360_000]


def test_what_was_published_to_an_exchange_that_is_gone_is_dropped() -> None:
    place = Place()
    schedule = schedule_in({"AMQ_SCHEDULED_DELAY": 10})
    assert schedule is not None
    place.vhost.schedule_message(message(b"x", "q", "gone"), schedule, 0)
    assert place.times(100) == []


def test_headers_without_a_schedule_have_none() -> None:
    assert schedule_in({"own": "header", "AMQ_SCHEDULED_DELAY": "0"}) is None


@pytest.mark.parametrize(
    "headers", [{"DELAY": "x"}, {"DELAY": -1}, {"PERIOD": 1 << 40}, {"REPEAT": True}, {"CRON": "nonsense"}]
)
def test_a_wrong_schedule_is_refused(headers: dict[str, object]) -> None:
    with pytest.raises(PreconditionFailed):
        schedule_in({f"AMQ_SCHEDULED_{name}": value for name, value in headers.items()})
