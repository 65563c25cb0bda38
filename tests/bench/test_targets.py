"""Targets: names, URLs, and processes that are started, awaited, and stopped without a trace."""

import os
import sys
from pathlib import Path

import pytest

from bench import procfs
from bench.driver.jobs import Endpoint
from bench.errors import TargetError, UsageError
from bench.targets.base import Promise, free_ports
from bench.targets.emulator import Emulator
from bench.targets.fauxqs import Fauxqs
from bench.targets.http_stub import HttpStub
from bench.targets.moto import Moto
from bench.targets.pair import MqbrokerPair
from bench.targets.process import BrokerProcess, accepts
from bench.targets.registry import Fleet, factory_of
from bench.targets.relay import BareRelay
from bench.targets.url import RunningBroker
from tests.replication.stores import NEEDS_ETCD


@pytest.mark.parametrize(
    ("text", "name", "endpoint"),
    [
        ("amqp://host", "host:5672", Endpoint("amqp", "host", 5672)),
        ("old=amqp://u:p%40@host:99/v%2F1", "old", Endpoint("amqp", "host", 99, "u", "p@", "v/1")),
        ("sqs://AKIA:s%2Fecret@host", "host:9324", Endpoint("sqs", "host", 9324, "AKIA", "s/ecret")),
        ("mqtt://127.0.0.1:1884", "127.0.0.1:1884", Endpoint("mqtt", "127.0.0.1", 1884)),
    ],
)
def test_a_running_broker_is_named_by_its_url(text: str, name: str, endpoint: Endpoint) -> None:
    target = RunningBroker(text)
    assert target.name == name
    assert target.endpoint(endpoint.protocol) == endpoint


def test_a_running_broker_is_measured_when_its_pid_is_given() -> None:
    assert RunningBroker(f"amqp://host?pid={os.getpid()}").pids() == [os.getpid()]
    assert RunningBroker("amqp://host").pids() == []


@pytest.mark.parametrize("text", ["http://host", "amqp://", "x=y=amqp://host"])
def test_what_is_no_broker_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a target"):
        RunningBroker(text)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="rabbitmq"):
        factory_of("rabbit")


def test_another_environment_is_a_target_of_its_own() -> None:
    assert factory_of(f"old={sys.executable}")().name == "old"


def test_a_fleet_starts_a_target_once_and_stops_it_at_the_end() -> None:
    with Fleet(("relay",)) as fleet:
        with fleet.running("relay", Promise.MEMORY) as first, fleet.running("relay", Promise.MEMORY) as second:
            assert first is second
        (pid,) = first.pids()
        assert procfs.usage([pid]).rss_bytes > 0
        with fleet.running("relay", Promise.MEMORY, fresh=True) as third:
            assert third is not first
        assert third.pids() == []
    assert first.pids() == []
    assert not Path(f"/proc/{pid}").exists()


def test_a_relay_takes_part_only_in_what_can_be_relayed() -> None:
    relay = BareRelay()
    assert relay.can_serve(relayable=True, plain=False)
    assert not relay.can_serve(relayable=False, plain=True)


@pytest.mark.parametrize("emulator", [Fauxqs(), Moto(), HttpStub()])
def test_an_emulator_takes_part_where_a_write_is_promised_and_says_that_it_keeps_nothing(emulator: Emulator) -> None:
    assert [promise for promise in Promise if emulator.keeps(promise)] == [Promise.WRITE]
    assert "in memory" in emulator.durability(Promise.WRITE)
    assert emulator.speaks("sqs")
    assert not emulator.speaks("amqp")


def test_the_http_stub_takes_part_only_in_what_needs_no_queue() -> None:
    assert HttpStub().can_serve(relayable=True, headline=False)
    assert not HttpStub().can_serve(relayable=False, headline=True)


def test_a_process_that_ends_early_is_told_with_its_output(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('no such setting'); raise SystemExit(3)"]
    process = BrokerProcess("Broker", command, tmp_path / "log")
    with pytest.raises(TargetError, match=r"status 3: no such setting"):
        process.await_port(free_ports(1)[0], 30.0)
    process.stop()


def test_a_program_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="cannot be started"):
        BrokerProcess("Broker", [str(tmp_path / "nothing")], tmp_path / "log")


def test_free_ports_are_distinct() -> None:
    assert len(set(free_ports(20))) == 20


@NEEDS_ETCD
def test_a_pair_is_in_sync_when_it_has_started() -> None:
    """What was measured was a node alone, while the other one caught up."""
    with MqbrokerPair(Path(sys.executable)) as pair:
        pair.start(Promise.WRITE)
        assert len(pair.pids()) == 2
        endpoint = pair.endpoint("amqp")
        assert endpoint is not None
        assert accepts(endpoint.port)


def test_the_machine_uses_at_least_what_this_process_uses() -> None:
    used = procfs.usage([os.getpid()])
    assert 0 < used.cpu_seconds <= used.machine_cpu_seconds
