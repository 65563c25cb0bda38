"""AMQP, MQTT and SQS with the addresses of both nodes: each goes on after a failover, and nothing confirmed is lost."""

import logging
import time
from pathlib import Path

import pytest

from tests.replication import stores
from tests.replication.clients import KINDS, Client
from tests.replication.pair_house import Pair, a_pair
from tests.support.waiting import eventually

pytestmark = [
    stores.NEEDS_ETCD,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]
WAIT_S = 30


@pytest.fixture(autouse=True)
def _quiet_clients(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "pika")


def employ(pair: Pair) -> list[Client]:
    clients = [kind([node.ports[scheme] for node in pair.nodes]) for scheme, kind in KINDS.items()]
    for client in clients:
        client.prepare(client.ports[0])
        client.start()
    return clients


def progress(clients: list[Client], messages: int = 20) -> None:
    goals = [len(client.confirmed) + messages for client in clients]
    eventually(lambda: all(len(each.confirmed) >= goal for each, goal in zip(clients, goals, strict=True)), WAIT_S)


def drain(clients: list[Client]) -> None:
    for client in clients:
        client.is_draining = True
    try:
        eventually(lambda: not any(client.missing() for client in clients), WAIT_S)
    except AssertionError:
        lost = [(each.name, sorted(each.missing())[:5], len(each.missing()), each.trouble) for each in clients]
        raise AssertionError(f"confirmed and not received: {lost}") from None
    for client in clients:
        client.stop()
        print(
            client.name,
            len(client.confirmed),
            "confirmed,",
            client.repeated,
            "repeated, longest wait",
            client.longest_wait_s,
        )


def test_clients_of_three_protocols_survive_kills_and_a_switchover(tmp_path: Path) -> None:
    with a_pair(tmp_path, schemes=tuple(KINDS)) as pair:
        clients = employ(pair)
        try:
            progress(clients)
            killed = pair.active
            killed.kill()
            progress(clients)
            killed.start()
            pair.until_in_sync()
            stopped = pair.active
            assert stopped.stop() == 0
            progress(clients)
            stopped.start()
            pair.until_in_sync()
            drain(clients)
        finally:
            for client in clients:
                client.is_stopping = True
            time.sleep(0.3)
        assert "Traceback" not in pair.logs()
