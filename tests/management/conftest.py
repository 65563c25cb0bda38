"""One broker with the management API for all tests of a file; each uses names of its own."""

from collections.abc import Iterator

import pytest

from tests.browser.chromium import Chromium
from tests.conftest import find_program
from tests.management.api import Api
from tests.management.console import Console
from tests.support.broker_process import BrokerProcess

SCHEMES = ("amqp", "mqtt", "stomp", "aws", "management", "prometheus")


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


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """A browser with an empty profile."""
    with Chromium(find_program("chromium"), tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def console(browser: Chromium, broker: BrokerProcess) -> Console:
    """The console, logged in as guest."""
    found = Console(browser, broker.ports["management"])
    found.log_in()
    return found
