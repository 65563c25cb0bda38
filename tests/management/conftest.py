"""One broker with the management API for all tests of a file; each uses names of its own."""

from collections.abc import Iterator

import pytest

from tests.management.api import Api
from tests.support.broker_process import BrokerProcess

SCHEMES = ("amqp", "mqtt", "aws", "management", "prometheus")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker in a process of its own."""
    with BrokerProcess(tmp_path_factory.mktemp("management") / "data", "--dev", schemes=SCHEMES) as process:
        yield process
        assert "Traceback" not in process.log()


@pytest.fixture
def api(broker: BrokerProcess) -> Api:
    """The user guest, an administrator."""
    return Api(broker.ports["management"])
