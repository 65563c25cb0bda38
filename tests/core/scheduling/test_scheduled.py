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


def test_without_a_delay_it_comes_after_a_period() -> None:
    place = Place()
    place.schedule(PERIOD=100, REPEAT=2)
    assert place.times(1000) == [100, 200, 300]


MINUTE = 60_000


@pytest.mark.parametrize(
    ("headers", "times"),
    [
        ({"DELAY": 10_000, "PERIOD": 5000, "REPEAT": 2}, [70_000, 75_000, 80_000, 130_000, 135_000, 140_000]),
        ({"PERIOD": 20_000, "REPEAT": 1}, [80_000, 100_000, 140_000, 160_000]),
        ({"DELAY": 10_000, "REPEAT": 1}, [70_000, 130_000]),  # again and again after no time is once
        ({"DELAY": 10_000}, [60_000, 120_000]),
        ({"PERIOD": 25_000, "REPEAT": -1}, [85_000, 110_000, 135_000, 145_000]),  # until the next start
        ({"DELAY": 90_000, "PERIOD": 1000, "REPEAT": 1}, [150_000, 151_000]),  # which is before the next start's
    ],
)
def test_each_time_of_a_crontab_may_be_the_start_of_several(headers: dict[str, object], times: list[int]) -> None:
    """The headers beside a crontab meant nothing: a message that was to come ten times each hour came once."""
    place = Place()
    place.schedule(CRON="* * * * *", **headers)
    assert place.times(160_000, 1000) == times


def test_the_starts_of_a_crontab_that_are_over_are_left_out() -> None:
    """After a month without power each minute of it had its copy."""
    place = Place()
    place.schedule(CRON="* * * * *")
    place.schedule(PERIOD=100, REPEAT=-1)
    place.broker.advance(100 * MINUTE + 1)
    place.broker.scheduler.finish(100 * MINUTE + 1)
    assert place.queue.waiting_count() == 2
    scheduled = place.vhost.scheduled
    assert scheduled is not None
    assert [job.expires_at for job in scheduled.jobs().values()] == [100 * MINUTE + 100, 101 * MINUTE]


def test_what_was_published_to_an_exchange_that_is_gone_is_dropped() -> None:
    place = Place()
    schedule = schedule_in({"AMQ_SCHEDULED_DELAY": 10})
    assert schedule is not None
    place.vhost.schedule_message(message(b"x", "q", "gone"), schedule, 0)
    assert place.times(100) == []


def test_headers_without_a_schedule_have_none() -> None:
    assert schedule_in({"own": "header", "AMQ_SCHEDULED_DELAY": "0", "AMQ_SCHEDULED_REPEAT": "3"}) is None


@pytest.mark.parametrize(
    "headers", [{"DELAY": "x"}, {"DELAY": -1}, {"PERIOD": 1 << 40}, {"REPEAT": True}, {"CRON": "nonsense"}]
)
def test_a_wrong_schedule_is_refused(headers: dict[str, object]) -> None:
    with pytest.raises(PreconditionFailed):
        schedule_in({f"AMQ_SCHEDULED_{name}": value for name, value in headers.items()})
