"""A real Mosquitto that is bridged to this broker, in both directions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mqtt.paho_client import Paho
from tests.support.broker_process import BrokerProcess
from tests.support.mosquitto_process import MosquittoProcess

STATE = "$SYS/broker/connection/{}/state"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    folder = tmp_path_factory.mktemp("bridge")
    with BrokerProcess(folder / "data", "--dev", "--durability", "write", schemes=("mqtt",)) as running:
        yield running


def bridged(folder: Path, broker: BrokerProcess, name: str, *lines: str) -> MosquittoProcess:
    return MosquittoProcess(
        folder,
        f"connection {name}",
        f"address 127.0.0.1:{broker.ports['mqtt']}",
        f"remote_clientid {name}",
        f"topic {name}/# both 1",
        "restart_timeout 1",
        *lines,
    )


def wait_for_state(watcher: Paho, name: str, state: bytes) -> None:
    while (message := watcher.message()).payload != state:
        assert message.topic == STATE.format(name)


@pytest.mark.parametrize(("version", "level"), [("mqttv31", 3), ("mqttv311", 4), ("mqttv50", 5)])
def test_a_bridge_with_default_settings_connects_and_carries_both_ways(
    broker: BrokerProcess, tmp_path: Path, version: str, level: int
) -> None:
    """A bridge's level, 3 or 4 with the highest bit, was answered as if it were version 5, so that it never came."""
    name = f"bridge-{version}"
    with (
        Paho(broker.ports["mqtt"], f"watch-{version}", 5) as here,
        bridged(tmp_path, broker, name, f"bridge_protocol_version {version}") as mosquitto,
    ):
        here.subscribe(STATE.format(name), 1)
        wait_for_state(here, name, b"1")
        assert f"client {name!r}, user 'guest', MQTT level {level}" in broker.log()
        assert "UNSUPPORTED_PROTOCOL_VERSION" not in broker.log()
        here.subscribe(f"{name}/#", 1)
        with Paho(mosquitto.port, "there", 4) as there:
            there.subscribe(f"{name}/#", 1)
            there.publish(f"{name}/up", b"1", 1)
            assert [(m.topic, m.payload) for m in (here.message(), there.message())] == [(f"{name}/up", b"1")] * 2
            here.publish(f"{name}/down", b"2", 1)
            assert [(m.topic, m.payload) for m in (here.message(), there.message())] == [(f"{name}/down", b"2")] * 2
            # Had any of these come back over the bridge, it would be here before the next one.
            there.publish(f"{name}/up", b"3", 1)
            assert [m.payload for m in (here.message(), there.message())] == [b"3"] * 2
        mosquitto.kill()
        wait_for_state(here, name, b"0")


@pytest.mark.parametrize("version", ["mqttv311", "mqttv50"])
def test_what_is_retained_here_is_retained_behind_the_bridge(
    broker: BrokerProcess, tmp_path: Path, version: str
) -> None:
    """A bridge's subscription means "retain as published", which version 3 cannot say."""
    name = f"retaining-{version}"
    with (
        Paho(broker.ports["mqtt"], f"retainer-{version}", 5) as here,
        bridged(tmp_path, broker, name, f"bridge_protocol_version {version}") as mosquitto,
    ):
        here.subscribe(STATE.format(name), 1)
        wait_for_state(here, name, b"1")
        with Paho(mosquitto.port, "live", 4) as live:
            live.subscribe(f"{name}/#", 1)
            here.publish(f"{name}/t", b"kept", 1, retain=True)
            assert live.message().payload == b"kept"
        with Paho(mosquitto.port, "late", 4) as late:
            late.subscribe(f"{name}/#", 1)
            message = late.message()
            assert (message.payload, message.retain) == (b"kept", True)


def test_without_the_private_bit_a_bridge_comes_as_a_common_client(broker: BrokerProcess, tmp_path: Path) -> None:
    with (
        Paho(broker.ports["mqtt"], "watch-public", 5) as here,
        bridged(tmp_path, broker, "public", "try_private false", "notifications true"),
    ):
        here.subscribe(STATE.format("public"), 1)
        wait_for_state(here, "public", b"1")
