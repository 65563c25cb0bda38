"""stomp.py, unmodified, against a broker in ActiveMQ's dialect."""

from base64 import b64encode

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
