"""The clients of Node.js, unmodified from npm, over TCP, TLS and WebSocket."""

import pytest

from tests.clients import node_modules
from tests.clients.node_modules import RUN_TIMEOUT_S
from tests.support.broker_process import BrokerProcess


@pytest.fixture(scope="module", autouse=True)
def _modules() -> None:
    node_modules.prepare()


@pytest.mark.timeout(3 * node_modules.RUN_TIMEOUT_S)
@pytest.mark.parametrize("scheme", ["amqp", "amqps"])
@pytest.mark.parametrize("script", ["amqplib.test.mjs", "amqp-client.test.mjs"])
def test_a_client_finds_everything_as_it_expects_it(broker: BrokerProcess, script: str, scheme: str) -> None:
    url = f"{scheme}://guest:guest@localhost:{broker.ports[scheme]}"
    with node_modules.start(script, url, broker.data_dir / "certs" / "ca.pem") as process:
        output, _ = process.communicate(timeout=RUN_TIMEOUT_S)
    assert process.returncode == 0, output


@pytest.mark.timeout(3 * node_modules.RUN_TIMEOUT_S)
@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_amqp_over_websocket_is_the_same(broker: BrokerProcess, scheme: str) -> None:
    url = f"{scheme}://guest:guest@localhost:{broker.ports[scheme]}/ws/amqp"
    with node_modules.start("amqp-client.test.mjs", url, broker.data_dir / "certs" / "ca.pem") as process:
        output, _ = process.communicate(timeout=RUN_TIMEOUT_S)
    assert process.returncode == 0, output


@pytest.mark.timeout(3 * node_modules.RUN_TIMEOUT_S)
@pytest.mark.parametrize("scheme", ["amqp", "amqps", "ws", "wss"])
@pytest.mark.parametrize("script", ["rhea.test.mjs", "rhea-promise.test.mjs"])
def test_rhea_finds_everything_as_it_expects_it(broker: BrokerProcess, script: str, scheme: str) -> None:
    url = f"{scheme}://guest:guest@localhost:{broker.ports[scheme]}"
    with node_modules.start(script, url, broker.data_dir / "certs" / "ca.pem") as process:
        output, _ = process.communicate(timeout=RUN_TIMEOUT_S)
    assert process.returncode == 0, output


@pytest.mark.timeout(3 * node_modules.RUN_TIMEOUT_S)
@pytest.mark.parametrize(
    ("scheme", "version"),
    [("mqtt", 3), ("mqtt", 4), ("mqtt", 5), ("mqtts", 5), ("ws", 3), ("ws", 4), ("ws", 5), ("wss", 5)],
)
def test_mqtt_js_finds_everything_as_it_expects_it(broker: BrokerProcess, scheme: str, version: int) -> None:
    url = f"{scheme}://localhost:{broker.ports[scheme]}/mqtt?{version}"
    with node_modules.start("mqtt.test.mjs", url, broker.data_dir / "certs" / "ca.pem") as process:
        output, _ = process.communicate(timeout=RUN_TIMEOUT_S)
    assert process.returncode == 0, output


def test_a_session_goes_on_after_the_broker_was_killed(broker: BrokerProcess) -> None:
    url = f"amqp://guest:guest@localhost:{broker.ports['amqp']}"
    with node_modules.start("reconnect.mjs", url, broker.data_dir / "certs" / "ca.pem") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "before\n"
        broker.kill()
        broker.start()
        output, _ = process.communicate(timeout=RUN_TIMEOUT_S)
    assert process.returncode == 0, output
    assert output.splitlines()[-1] == "after"
