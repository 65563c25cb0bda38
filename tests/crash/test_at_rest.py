"""A real broker with keys: nothing that clients say is in its files, and it starts, stops, dies and changes keys."""

import subprocess
import sys
from pathlib import Path

import pika  # type: ignore[import-untyped]
import pytest

from tests.crash.clients import channel_of
from tests.support.broker_process import BrokerProcess
from tests.support.waiting import eventually

CONFIG = """
[journal]
encryption_keys = [{}]

[[users]]
name = "zanzibar"
password = "zanzibar"
"""
OLD, NEW = "0a" * 32, "0b" * 32
QUEUE, BODY, HEADER = "queue-of-marmalade", b"body of liquorice", "header-of-nougat"
SPOKEN = (QUEUE.encode(), BODY, HEADER.encode(), b"value-of-caramel", b"zanzibar", b"guest")

HASHED_S = 45  # it has a low priority


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLD_KEY", OLD)
    monkeypatch.setenv("NEW_KEY", NEW)


def publish(broker: BrokerProcess, count: int) -> None:
    with channel_of(broker.url) as channel:
        channel.confirm_delivery()
        channel.queue_declare(QUEUE, durable=True)
        properties = pika.BasicProperties(delivery_mode=2, headers={HEADER: "value-of-caramel"})
        for _ in range(count):
            channel.basic_publish("", QUEUE, BODY, properties)


def take(broker: BrokerProcess) -> list[bytes]:
    """Takes and acknowledges everything, in a transaction: an acknowledgement has no answer, so that a broker that is
    killed after it may not have written it yet."""
    bodies: list[bytes] = []
    with channel_of(broker.url) as channel:
        channel.tx_select()
        while True:
            method, properties, body = channel.basic_get(QUEUE)
            if method is None:
                channel.tx_commit()
                return bodies
            assert properties.headers == {HEADER: "value-of-caramel"}
            bodies.append(body)
            channel.basic_ack(method.delivery_tag)


def written(data_dir: Path) -> bytes:
    """All that is in the files."""
    return b"".join(path.read_bytes() for path in data_dir.rglob("*") if path.is_file())


def broker_with(folder: Path, keys: str, durability: str = "fsync") -> BrokerProcess:
    return BrokerProcess(folder / "data", "--dev", "--durability", durability, config=CONFIG.format(keys))


@pytest.mark.parametrize(
    ("keys", "durability"), [("", "write"), ('"env:NEW_KEY"', "write"), ('"env:NEW_KEY"', "fsync")],
    ids=["plain", "encrypted, write", "encrypted, fsync"],
)  # fmt: skip
def test_what_clients_say_is_in_the_files_only_without_a_key(tmp_path: Path, keys: str, durability: str) -> None:
    broker = broker_with(tmp_path, keys, durability)
    with broker:
        publish(broker, 3)
        # Passwords are hashed in the background, and only then their users are in the journal.
        eventually(lambda: bool(keys) or all(word in written(tmp_path / "data") for word in SPOKEN), HASHED_S)
        running = written(tmp_path / "data")
        assert broker.stop() == 0
    for content in (running, written(tmp_path / "data")):
        assert [word in content for word in SPOKEN] == [not keys] * len(SPOKEN)
    assert NEW not in broker.log()
    with broker:
        assert take(broker) == [BODY] * 3
        assert broker.stop() == 0
    assert ("the journal is encrypted with the key" in broker.log()) == bool(keys)


@pytest.mark.timeout(180)
def test_encryption_is_turned_on_and_keys_are_changed_with_messages_in_the_journal(tmp_path: Path) -> None:
    broker = broker_with(tmp_path, "")
    for keys in ("", '"env:OLD_KEY"', '"env:NEW_KEY", "env:OLD_KEY"'):
        broker.config = CONFIG.format(keys)
        broker.start()
        publish(broker, 2)
        broker.kill()
    assert "1 segments of the journal were written without encryption, and go as their messages go" in broker.log()
    with broker:
        assert take(broker) == [BODY] * 6
        broker.kill()
    broker.config = CONFIG.format('"env:NEW_KEY"')
    with broker:
        assert take(broker) == []
        assert broker.stop() == 0
    assert BODY not in written(tmp_path / "data")


def test_without_its_key_a_journal_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with broker_with(tmp_path, '"env:NEW_KEY"') as broker:
        assert broker.stop() == 0
    before = written(tmp_path / "data")
    for keys, reason in (("", "no key is given"), ('"env:OLD_KEY"', "what is given is ")):
        result = start(tmp_path, keys)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.startswith("mqbroker: 0000000000000001.journal is encrypted with the key ")
        assert result.stderr.count("\n") == 1
        assert reason in result.stderr
    assert written(tmp_path / "data") == before


def start(folder: Path, keys: str) -> "subprocess.CompletedProcess[str]":
    """A start that cannot succeed."""
    command = [*broker_with(folder, keys).command(), "--log-level", "error"]
    return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)


def test_a_key_that_cannot_be_had_stops_the_start_before_anything_is_made(tmp_path: Path) -> None:
    result = start(tmp_path, '"env:NO_KEY"')
    assert result.returncode == 2
    assert result.stderr == "mqbroker: journal.encryption_keys: NO_KEY is not set in the environment\n"
    assert not (tmp_path / "data").exists()


def test_a_running_journal_can_be_verified_with_its_key(tmp_path: Path) -> None:
    with broker_with(tmp_path, '"env:NEW_KEY"') as broker:
        publish(broker, 3)
        command = [sys.executable, "-m", "mqbroker", "journal", "verify", "--key", "env:NEW_KEY", str(broker.data_dir)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
        assert result.returncode == 0, result.stderr
        assert ", encrypted with the key " in result.stdout
