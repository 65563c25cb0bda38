"""A planned switchover: every client is told in its protocol's own words, and the other node serves soon."""

import socket
import threading
from pathlib import Path
from time import monotonic
from typing import Any

import paho.mqtt.client as paho
import pika  # type: ignore[import-untyped]
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from mqbroker.replication.control import told
from tests.browser.chromium import Chromium
from tests.conftest import find_program
from tests.management.api import Api
from tests.management.console import Console
from tests.replication import stores
from tests.replication.clients import KINDS
from tests.replication.pair_house import NodeProcess, a_pair
from tests.support.waiting import eventually

pytestmark = [
    stores.NEEDS_ETCD,
    pytest.mark.timeout(180),
]
WAIT_S = 45
ATTEMPTS = 5
SOON_S = 2.0  # a machine that does nothing else needs a tenth of that; the modules took longer
STUBBORN_S = 5.0  # half of shutdown_timeout_s
REFERENCE = "b.example:8883"


def switched_s(active: NodeProcess, other: NodeProcess) -> float:
    """How long it takes from the command until the other node serves."""
    began = monotonic()
    told(active.control, {"do": "switchover"})
    eventually(lambda: other.is_serving, WAIT_S)
    taken_s = monotonic() - began
    eventually(lambda: not active.is_running, WAIT_S)
    return taken_s


def test_a_switchover_loads_nothing(tmp_path: Path) -> None:
    """It took as long as the modules of all protocols to load. A busy machine has some attempts."""
    with a_pair(tmp_path, schemes=tuple(KINDS), direct=True) as pair:
        taken: list[float] = []
        while not taken or (taken[-1] > SOON_S and len(taken) < ATTEMPTS):
            active = pair.active
            taken.append(switched_s(active, pair.standby))
            active.start()
            pair.until_in_sync()
        print(taken)
        assert min(taken) < SOON_S, taken


class Listener:
    """paho, and what it is told in the end."""

    def __init__(self, port: int) -> None:
        self.code = 0
        self.reference = ""
        self.is_over, self.is_connected = threading.Event(), threading.Event()
        client = self.client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        client.username_pw_set("guest", "guest")
        client.on_connect = lambda *_: self.is_connected.set()
        client.on_disconnect = self._over
        client.connect("127.0.0.1", port)
        client.loop_start()
        assert self.is_connected.wait(10)

    def _over(self, _client: Any, _data: Any, _flags: Any, reason: Any, properties: Any) -> None:
        if not self.is_over.is_set():
            self.code, self.reference = reason.value, getattr(properties, "ServerReference", "")
            self.is_over.set()


def test_each_client_is_told_in_its_own_words(tmp_path: Path) -> None:
    """Clients waited for time-outs, or for a node that was gone."""
    more = f'\n[mqtt]\nserver_reference = "{REFERENCE}"'
    with a_pair(tmp_path, schemes=tuple(KINDS), direct=True, more=more) as pair:
        ports = pair.a.ports
        connection = pika.BlockingConnection(pika.URLParameters(pair.a.url))
        listener = Listener(ports["mqtt"])
        with socket.create_connection(("127.0.0.1", ports["aws"]), 10) as http:
            http.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nAction=")
            # The connection of pika answers nobody while it is not asked to: nobody waits for it for long.
            assert switched_s(pair.a, pair.b) < STUBBORN_S
            with http.makefile("rb") as answer:
                said = answer.read()
        assert said.startswith(b"HTTP/1.1 503 Service Unavailable\r\n"), said
        assert b"\r\nRetry-After: 1\r\n" in said
        with pytest.raises(pika.exceptions.ConnectionClosedByBroker) as closed:
            connection.process_data_events(1)
        assert closed.value.reply_code == 320
        assert listener.is_over.wait(10)
        listener.client.loop_stop()
        assert (listener.code, listener.reference) == (0x9C, REFERENCE)


def test_a_mistake_in_the_configuration_of_a_standby_shows_at_its_start(tmp_path: Path) -> None:
    """It showed at the promotion, when there was no other node any more."""
    with a_pair(tmp_path, direct=True) as pair:
        pair.b.kill()
        assert pair.b.config is not None
        pair.b.config += '\n[[users]]\nname = "somebody"\npassword_hash = "nonsense"\n'
        pair.b.start()
        eventually(lambda: not pair.b.is_running, WAIT_S)
        assert "is in no format that this broker knows" in pair.b.log()
        assert pair.a.is_serving


def test_a_switchover_is_asked_for_in_the_console(tmp_path: Path) -> None:
    """Who was at the console had to look for the machine and its command line; the answer was lost as it stopped."""
    program = find_program("chromium")
    with a_pair(tmp_path, schemes=("amqp", "management")) as pair, Chromium(program, tmp_path / "profile") as browser:
        active, standby = pair.active, pair.standby
        pair.until_in_sync()
        console = Console(browser, active.ports["management"])
        console.log_in()
        console.go("/pair", "Pair")
        console.click("Switch over")
        assert console.browser.evaluate("document.querySelector('dialog button.bad').disabled") is True
        console.fill("dialog input", active.name)
        console.click("Switch over", "document.querySelector('dialog')")
        console.wait_text(f"{active.name} stops, and one of {standby.name} takes over")
        eventually(lambda: standby.is_serving, WAIT_S)
        eventually(lambda: not active.is_running, WAIT_S)


def test_a_switchover_that_nobody_could_take_over_is_refused(tmp_path: Path) -> None:
    """The only node stopped, and nobody served."""
    with a_pair(tmp_path, schemes=("amqp", "management")) as pair:
        active, standby = pair.active, pair.standby
        standby.kill()
        api = Api(active.ports["management"])
        found = eventually_refused(api)
        assert "no standby is in sync" in found
        api.put("users/watcher", {"password": "x", "tags": "monitoring"})
        assert api.of("watcher", "x").call("POST", "mqbroker/pair/switchover").status == 401
        assert active.is_serving


def eventually_refused(api: Api) -> str:
    """Once the standby is known to be gone."""
    eventually(lambda: len(api.get("mqbroker/pair")["isr"]) == 1, WAIT_S)
    return api.refused("POST", "mqbroker/pair/switchover")[2]
