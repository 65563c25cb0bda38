"""Two real nodes, a real etcd, ordinary clients: whatever happens under load, nothing confirmed is lost."""

import asyncio
import logging
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pika  # type: ignore[import-untyped]
import pytest

from tests.replication import stores
from tests.replication.load import Load, under_load
from tests.replication.pair_house import a_pair
from tests.support.waiting import eventually

pytestmark = [
    stores.NEEDS_ETCD,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:coroutine 'Connection.close' was never awaited"),  # aiormq's own
]


@pytest.fixture(autouse=True)
def _quiet_clients(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("aiormq", "aio_pika", "pika"):
        caplog.set_level(logging.CRITICAL, name)


async def test_the_active_node_is_killed_again_and_again_and_nothing_confirmed_is_lost(tmp_path: Path) -> None:
    with a_pair(tmp_path) as pair:

        async def kill(load: Load) -> None:
            for _ in range(4):
                killed = pair.active
                await asyncio.to_thread(killed.kill)
                await load.progress()
                killed.start()
                await asyncio.to_thread(pair.until_in_sync)

        await under_load(pair, 1, kill)
        assert "Traceback" not in pair.logs()


async def test_an_encrypted_pair_of_the_page_cache_loses_nothing_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The standby has no use for the key before it is promoted."""
    monkeypatch.setenv("A_JOURNAL_KEY", "5e" * 32)
    keys = 'encryption_keys = ["env:A_JOURNAL_KEY"]'
    with a_pair(tmp_path, journal=keys, durability="write", direct=True) as pair:

        async def kill(load: Load) -> None:
            for _ in range(2):
                killed = pair.active
                await asyncio.to_thread(killed.kill)
                await load.progress()
                killed.start()
                await asyncio.to_thread(pair.until_in_sync)

        await under_load(pair, 4, kill)
        assert "is encrypted with the key" in pair.logs()


async def test_a_standby_that_is_killed_leaves_the_set_and_comes_back(tmp_path: Path) -> None:
    """Publishers waited for ever for a standby that was gone."""
    with a_pair(tmp_path) as pair:

        async def kill(load: Load) -> None:
            for _ in range(2):
                standby = pair.standby
                await asyncio.to_thread(standby.kill)
                await load.progress()
                assert pair.active.status()["isr"] == [pair.active.name]
                standby.start()
                await asyncio.to_thread(pair.until_in_sync)

        await under_load(pair, 2, kill)


async def test_an_active_node_that_was_paused_confirms_nothing_afterwards(tmp_path: Path) -> None:
    """It went on in its old epoch when it woke, and both nodes confirmed."""
    with a_pair(tmp_path) as pair:

        async def pause(load: Load) -> None:
            paused, other = pair.active, pair.standby
            paused.pause()
            await asyncio.to_thread(eventually, lambda: other.is_serving, 30)
            paused.go_on()
            await asyncio.to_thread(eventually, lambda: not paused.is_running, 30)
            assert "is the active node now" in paused.log()
            paused.start()
            await asyncio.to_thread(pair.until_in_sync)

        await under_load(pair, 3, pause)


def get(port: int, path: str) -> int:
    """The status of an HTTP request."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_an_alarm_can_be_made_of_the_copies_that_are_left(tmp_path: Path) -> None:
    """Nobody noticed for weeks that there was one copy only."""
    with a_pair(tmp_path, schemes=("amqp", "prometheus")) as pair:
        assert "mqbroker_pair_in_sync 2\n" in scraped(pair.a.ports["prometheus"])
        assert "mqbroker_pair_epoch 1\n" in scraped(pair.a.ports["prometheus"])
        pair.b.kill()
        eventually(lambda: "mqbroker_pair_in_sync 1\n" in scraped(pair.a.ports["prometheus"]), 30)


def scraped(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def test_load_balancers_and_clients_find_the_active_node(tmp_path: Path) -> None:
    """A standby that accepted connections kept clients from trying the other address."""
    with a_pair(tmp_path) as pair:
        paths = ("active", "ready", "live", "other")
        assert [get(pair.a.health_port, f"/health/{each}") for each in paths] == [200, 200, 200, 404]
        assert [get(pair.b.health_port, f"/health/{each}") for each in paths] == [503, 200, 200, 404]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", pair.b.ports["amqp"]), 5)
        addresses = [pika.URLParameters(node.url) for node in (pair.b, pair.a)]
        pika.BlockingConnection(addresses).close()


def test_a_standby_takes_over_when_the_active_node_stops_in_order(tmp_path: Path) -> None:
    with a_pair(tmp_path) as pair:
        connection = pika.BlockingConnection(pika.URLParameters(pair.a.url))
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("q", durable=True)
        channel.basic_publish("", "q", b"x", pika.BasicProperties(delivery_mode=2))
        connection.close()
        assert pair.a.stop() == 0
        assert pair.active is pair.b
        connection = pika.BlockingConnection(pika.URLParameters(pair.b.url))
        assert connection.channel().queue_declare("q", passive=True).method.message_count == 1
        connection.close()
