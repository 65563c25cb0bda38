"""`mqbroker ha`: what an operator sees and does, with real nodes; and a pair whose store is PostgreSQL."""

import signal
import subprocess
import sys
from pathlib import Path

import pika  # type: ignore[import-untyped]
import pytest
from kombu.connection import Connection

from mqbroker.net import devcerts
from tests.replication import stores
from tests.replication.pair_house import NodeProcess, Pair, a_pair, closing, seconds_until
from tests.support.waiting import eventually

pytestmark = [
    stores.NEEDS_ETCD,
    pytest.mark.timeout(180),
]
WAIT_S = 45


def ha(node: NodeProcess, *words: str) -> tuple[int, str]:
    """The exit code and the output of the command for that node."""
    config = node.data_dir.parent / f"{node.name}.toml"
    command = [sys.executable, "-m", "mqbroker", "ha", *words, "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=node.environment())
    return done.returncode, done.stdout + done.stderr


def publish(node: NodeProcess, count: int, ballast: bytes = b"") -> None:
    connection = pika.BlockingConnection(pika.URLParameters(node.url))
    channel = connection.channel()
    channel.confirm_delivery()
    channel.queue_declare("q", durable=True)
    for number in range(count):
        channel.basic_publish("", "q", b"%d" % number + ballast, pika.BasicProperties(delivery_mode=2))
    connection.close()


def waiting(node: NodeProcess) -> int:
    connection = pika.BlockingConnection(pika.URLParameters(node.url))
    count = connection.channel().queue_declare("q", passive=True).method.message_count
    connection.close()
    return int(count)


def test_an_operator_sees_and_moves_a_pair(tmp_path: Path) -> None:
    with a_pair(tmp_path) as pair:
        publish(pair.a, 50)
        code, said = ha(pair.a, "status")
        assert code == 0, said
        assert "a of the pair mqbroker, active" in said
        assert "in sync    a, b" in said
        assert "standby    b: 0 batches behind" in said
        code, said = ha(pair.b, "status")
        assert code == 0, said
        assert "leader     a, epoch 1" in said
        code, said = ha(pair.b, "verify")
        assert code == 0, said
        assert "alike up to batch" in said
        assert "run this on a standby" in ha(pair.a, "verify")[1]
        assert "b is not the active node" in ha(pair.b, "switchover")[1]
        assert "is alive" in ha(pair.b, "promote", "--epoch", "2")[1]

        code, said = ha(pair.a, "switchover")
        assert code == 0, said
        assert "a stops" in said
        eventually(lambda: not pair.a.is_running, WAIT_S)
        eventually(lambda: pair.b.is_serving, WAIT_S)
        assert waiting(pair.b) == 50
        code, said = ha(pair.b, "status")
        assert code == 1, said
        assert "no standby is in sync" in ha(pair.b, "switchover")[1]
        assert "does not answer" in ha(pair.a, "status")[1]


def test_a_difference_of_the_journals_is_found(tmp_path: Path) -> None:
    """Bits that a disk had changed were noticed when the standby was promoted."""
    with a_pair(tmp_path) as pair:
        publish(pair.a, 50)
        segment = sorted(pair.b.data_dir.glob("*.journal"))[0]
        with segment.open("r+b") as file:
            octets = file.read()
            file.seek(octets.index(b"\0\0", 400) - 20)
            file.write(b"\xff")
        code, said = ha(pair.b, "verify")
        assert code == 1, said
        assert "segment" in said


def test_a_standby_that_may_lack_messages_is_promoted_by_force_only(tmp_path: Path) -> None:
    with a_pair(tmp_path) as pair:
        publish(pair.a, 10)
        pair.b.kill()
        publish(pair.a, 5)
        pair.a.kill()
        pair.b.start()
        eventually(lambda: "not in the in-sync set" in pair.b.log(), WAIT_S)
        assert "not in the in-sync set" in ha(pair.b, "promote", "--epoch", "2")[1]
        assert "the next one is 2" in ha(pair.b, "promote", "--epoch", "7", "--force")[1]
        code, said = ha(pair.b, "promote", "--epoch", "2", "--force")
        assert code == 0, said
        eventually(lambda: pair.b.is_serving, WAIT_S)
        assert waiting(pair.b) == 10
        publish(pair.b, 1)
        pair.a.start()
        pair.until_in_sync()
        assert list(pair.a.data_dir.glob("*.divergent")), "what a had alone is kept"
        assert ha(pair.a, "verify")[0] == 0


def test_certificates_of_links_are_read_again(tmp_path: Path) -> None:
    """A node that ran refused the new ones, and its own was refused: a rotation took both nodes down."""
    with a_pair(tmp_path) as pair:
        pair.b.kill()
        (pair.certificates / "pair.pem").write_text("nonsense")
        hang_up(pair.a)
        eventually(lambda: "the certificates of links stay as they were" in pair.a.log(), WAIT_S)
        devcerts.generate_pair(pair.certificates)
        hang_up(pair.a)
        eventually(lambda: "the certificates of links were read again" in pair.a.log(), WAIT_S)
        pair.b.start()
        pair.until_in_sync()


def hang_up(node: NodeProcess) -> None:
    assert node.process is not None
    node.process.send_signal(signal.SIGHUP)


def test_kombu_takes_a_list_of_both_nodes(tmp_path: Path) -> None:
    """What Celery's `broker_url` is."""
    with a_pair(tmp_path) as pair:
        urls = ";".join(node.url for node in (pair.b, pair.a))
        exchange(urls, "x")
        pair.a.kill()
        eventually(lambda: pair.b.is_serving, WAIT_S)
        exchange(urls, "y")


def exchange(urls: str, text: str) -> None:
    with Connection(urls) as connection:  # type: ignore[no-untyped-call]
        connection.ensure_connection(max_retries=10, interval_start=0.2)
        queue = connection.SimpleQueue("k")
        queue.put(text)
        payload = ""
        while payload != text:  # an acknowledgement of the one before may not have been on both nodes
            message = queue.get(timeout=10)
            payload = message.payload
            message.ack()
        queue.close()


def test_a_pair_whose_etcd_is_secured_fails_over(tmp_path: Path) -> None:
    """A user and a certificate of etcd worked in the contract tests, and no node passed them on."""
    with stores.etcd(tmp_path / "etcd", is_tls=True) as store:
        store.demand_password()
        more = (
            f'election_user = "{stores.USER}"\nelection_password = "{stores.PASSWORD}"\n'
            f'election_ca = "{store.certificates}/ca.pem"'
        )
        pair = Pair(tmp_path, store, more=more, direct=True)
        for node in pair.nodes:
            node.configure("http://", "https://")
        fail_over(pair)


@stores.NEEDS_POSTGRESQL
def test_a_pair_whose_store_is_postgresql_fails_over(tmp_path: Path) -> None:
    with stores.postgresql(tmp_path / "postgresql") as url, stores.etcd(tmp_path / "etcd") as unused:
        pair = Pair(tmp_path, unused, more='election = "postgresql"', direct=True)
        for node in pair.nodes:
            node.configure(f"http://127.0.0.1:{node.to_store.port}", url)
        fail_over(pair)


def fail_over(pair: Pair) -> None:
    """The active node is killed, and the other one has everything."""
    with closing(pair):
        pair.start()
        publish(pair.a, 20)
        pair.a.kill()
        print(f"b serves after {seconds_until(lambda: pair.b.is_serving):.1f} s")
        assert waiting(pair.b) == 20
        pair.a.start()
        pair.until_in_sync()
