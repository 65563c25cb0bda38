"""stomp.py, unmodified, against a broker in ActiveMQ's dialect."""

from base64 import b64encode

import orjson
import pytest

from tests.stomp.stompy import StompPy
from tests.support.broker_process import BrokerProcess


def test_stomp_py_logs_in_by_http_basic(jms_broker: BrokerProcess) -> None:
    header = {"Authorization": f"Basic {b64encode(b'guest:guest').decode()}"}
    with StompPy(jms_broker.ports["ws"], "ws", ws_path="/stomp", header=header) as stomp:
        stomp.subscribe("/queue/basic")
        stomp.send("/queue/basic", "x")
        assert stomp.message().body == "x"
    stomp = StompPy(jms_broker.ports["ws"], "ws", ws_path="/stomp")
    stomp.client.connect("guest", "guest", wait=False)
    assert stomp.error().headers["message"] == "User name [guest] or password is invalid."


def test_a_queue_is_watched_by_its_mirror(jms_broker: BrokerProcess) -> None:
    with StompPy(jms_broker.ports["stomp"]) as stomp:
        stomp.subscribe("/topic/VirtualTopic.Mirror.watched")
        stomp.send("/queue/watched", "x")
        message = stomp.message()
        assert (message.body, message.headers["destination"]) == ("x", "/topic/VirtualTopic.Mirror.watched")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("jms-map-json", {"map": {"entry": [{"string": ["name", "Dejan"]}, {"string": "age", "long": 5}]}}),
        ("jms-map-xml", None),
    ],
)
def test_a_map_of_amqp_1_0_is_text_for_stomp_py(jms_broker: BrokerProcess, form: str, expected: object) -> None:
    """A STOMP client was given the octets of the map as AMQP encodes it."""
    proton = pytest.importorskip("proton", reason="python-qpid-proton is not installed")
    from proton.utils import BlockingConnection  # type: ignore[import-not-found,unused-ignore]

    with StompPy(jms_broker.ports["stomp"]) as stomp:
        stomp.subscribe(f"/queue/{form}", transformation=form)
        connection = BlockingConnection(f"amqp://guest:guest@127.0.0.1:{jms_broker.ports['amqp']}", timeout=15)
        connection.create_sender(f"queue://{form}").send(proton.Message(body={"name": "Dejan", "age": 5}))
        connection.close()
        message = stomp.message()
    assert message.headers["transformation"] == form
    if expected is None:
        assert message.body.startswith("<map>\n  <entry>\n    <string>name</string>\n    <string>Dejan</string>")
    else:
        assert orjson.loads(message.body) == expected
