"""Everything that may befall a pair (faults.py), with clients of AMQP, MQTT and SQS: nothing confirmed is lost."""

import logging
from pathlib import Path

import pytest

from tests.replication import stores
from tests.replication.faults import FAULTS
from tests.replication.torture import LONG, SHORT, endure

QUICK = ("kill", "pause", "part-active", "clock")
"""Those whose short form is in the ordinary tests; with AMQP alone most are (test_pair.py, test_partitions.py)."""

pytestmark = [
    stores.NEEDS_ETCD,
    pytest.mark.timeout(400),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]


@pytest.fixture(autouse=True)
def _quiet_clients(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "pika")


@pytest.mark.parametrize("name", QUICK)
def test_clients_of_three_protocols_survive(name: str, tmp_path: Path) -> None:
    endure(FAULTS[name], SHORT, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_clients_of_three_protocols_survive_at_length(name: str, tmp_path: Path) -> None:
    endure(FAULTS[name], LONG, tmp_path)
