"""stomp.py, unmodified, over TCP and TLS."""

import pytest

from tests.clients import node_modules
from tests.stomp.stompy import StompPy
from tests.support.broker_process import BrokerProcess

VERSIONS = ("1.0", "1.1", "1.2")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("scheme", ["stomp", "stomps"])
def test_stomp_py_sends_receives_and_acknowledges(broker: BrokerProcess, version: str, scheme: str) -> None:
    ca = str(broker.data_dir / "certs" / "ca.pem")
    queue = f"/queue/py-{version}-{scheme}"
    with StompPy(broker.ports[scheme], version, tls=scheme == "stomps", ca=ca) as stomp:
        stomp.subscribe(queue, ack="client" if version == "1.0" else "client-individual")
        stomp.send(queue, "häl\nlo", persistent="true", other="a:b\\c\nd" if version != "1.0" else "a")
        message = stomp.message()
        assert message.body == "häl\nlo"
        assert message.headers["other"] == ("a:b\\c\nd" if version != "1.0" else "a")
        if version == "1.2":
            stomp.client.ack(message.headers["ack"])
        elif version == "1.1":
            stomp.client.ack(message.headers["message-id"], 1)
        else:
            stomp.client.ack(message.headers["message-id"])
        stomp.client.begin("t")
        stomp.client.send(queue, "in it", transaction="t", headers={"receipt": "in"})
        assert stomp.receipt() == "in"
        stomp.client.commit("t")
        assert stomp.message().body == "in it"


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_stomp_py_speaks_through_a_websocket_without_a_subprotocol(broker: BrokerProcess, scheme: str) -> None:
    ca = str(broker.data_dir / "certs" / "ca.pem")
    with StompPy(broker.ports[scheme], "ws", tls=scheme == "wss", ca=ca, ws_path="/stomp") as stomp:
        stomp.subscribe(f"/queue/py-{scheme}", ack="client-individual")
        stomp.send(f"/queue/py-{scheme}", "hällo")
        message = stomp.message()
        assert message.body == "hällo"
        stomp.client.ack(message.headers["ack"])


def test_stomp_py_keeps_its_heart_beat(broker: BrokerProcess) -> None:
    with StompPy(broker.ports["stomp"], heartbeats=(4000, 4000)) as stomp:
        stomp.subscribe("/queue/beat")
        stomp.heart_beat()
        stomp.send("/queue/beat", "x")
        assert stomp.message().body == "x"


def test_an_error_comes_to_the_listener(broker: BrokerProcess) -> None:
    with StompPy(broker.ports["stomp"]) as stomp:
        stomp.client.send("/foo/x", "x", headers={"receipt": "r"})
        error = stomp.error()
        assert error.headers["message"] == "Unknown destination"
        assert error.headers["receipt-id"] == "r"


def test_what_was_receipted_survives_a_kill(broker: BrokerProcess) -> None:
    """A receipt that goes before the journal promises what a power cut takes back."""
    with StompPy(broker.ports["stomp"]) as stomp:
        for number in range(10):
            stomp.send("/queue/kept", str(number), persistent="true", own="header")
    broker.kill()
    broker.start()
    with StompPy(broker.ports["stomp"]) as stomp:
        stomp.subscribe("/queue/kept", ack="client")
        messages = [stomp.message() for _ in range(10)]
    assert [each.body for each in messages] == [str(number) for number in range(10)]
    assert messages[0].headers["own"] == "header"
    assert messages[0].headers["persistent"] == "true"


@pytest.mark.timeout(3 * node_modules.RUN_TIMEOUT_S)
@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_stompjs_finds_everything_as_it_expects_it(broker: BrokerProcess, scheme: str) -> None:
    node_modules.prepare()
    url = f"{scheme}://localhost:{broker.ports[scheme]}/ws"
    with node_modules.start("stompjs.test.mjs", url, broker.data_dir / "certs" / "ca.pem") as process:
        output, _ = process.communicate(timeout=node_modules.RUN_TIMEOUT_S)
    assert process.returncode == 0, output
