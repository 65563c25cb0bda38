"""The looks at what services measure, without a clock."""

from collections.abc import Iterator

import pytest

from mqbroker.aws.cloudwatch.custom import Custom
from mqbroker.aws.cloudwatch.recorder import Recorder
from mqbroker.aws.cloudwatch.series import MINUTE_MS, Things
from mqbroker.aws.family import AwsService
from mqbroker.aws.measures import Measure, MetricFamily
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger

NOW = 30_000_000 * MINUTE_MS
FAMILY = MetricFamily("N", ("gauge",), frozenset(), ("None",))


class Failing(AwsService):
    """Has one thing to say, and then cannot go on."""

    def measures(self, _now: int) -> Iterator[Measure]:
        yield Measure(FAMILY, "0", "r", (), (1.0,))
        raise OSError(24, "Too many open files")


def test_a_service_that_fails_ends_one_look_only(caplog: pytest.LogCaptureFixture) -> None:
    """The broker stopped when no descriptor was left to count the descriptors with."""
    broker, things = Broker(Ledger(), lambda: "name"), Things()
    recorder = Recorder(broker, [Failing()], things, Custom())
    recorder.start(NOW)
    answered: list[int] = []
    recorder.when_looked(NOW, NOW + 1, answered.append)
    broker.scheduler.finish(NOW)
    assert answered == [NOW]
    assert len(things.by_key) == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    broker.advance(NOW + MINUTE_MS)
    broker.scheduler.finish(NOW + MINUTE_MS)
    assert len(caplog.records) == 2
