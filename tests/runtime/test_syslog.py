"""The log as a server of syslog gets it: over UDP, TCP and sockets of this machine, and when there is none."""

import logging
import re
import socket
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest

from mqbroker.errors import ConfigError
from mqbroker.limits import SYSLOG_DATAGRAM_BYTES_MAX, SYSLOG_LINES_MAX
from mqbroker.runtime.logs import syslog
from mqbroker.runtime.logs.syslog import SyslogFormatter, SyslogHandler
from mqbroker.spoken import load_config
from tests.support.broker_process import BrokerProcess

WAIT_S = 20
HEAD = re.compile(
    r"<(\d+)>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (\S+) mqbroker (\d+) (\S+) "
    r"(-|\[mqbroker@32473(?: \w+=\"(?:[^\"\\\]]|\\.)*\")+\]) (.*)",
    re.DOTALL,
)  # RFC 5424 §6


def record(text: str, *args: object, level: int = logging.INFO, name: str = "mqbroker.amqp") -> logging.LogRecord:
    return logging.LogRecord(name, level, "", 0, text, args, None)


def parsed(line: bytes | str) -> tuple[str, ...]:
    text = line.decode() if isinstance(line, bytes) else line
    found = HEAD.fullmatch(text)
    assert found is not None, text
    return found.groups()


@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.DEBUG, 7), (logging.INFO, 6), (logging.WARNING, 4), (logging.ERROR, 3), (logging.CRITICAL, 2)],
)
def test_the_priority_is_facility_and_severity(level: int, priority: int) -> None:
    for facility, code in {"daemon": 3, "local0": 16, "local7": 23}.items():
        assert parsed(SyslogFormatter(facility).format(record("x", level=level)))[0] == str(code * 8 + priority)


def test_what_a_line_is_about_is_structured_data() -> None:
    """A client could forge a field, or end it, by its name."""
    line = record("%s, user %r: closed", "127.0.0.1:1 -> 127.0.0.1:2", 'a"] b\\c=d\n<13>1 - - -')
    found = parsed(SyslogFormatter("daemon").format(line))
    assert found[5].startswith('[mqbroker@32473 connection="127.0.0.1:1 -> 127.0.0.1:2" user="a\\"\\] b')
    assert "\n" not in found[6]


@pytest.mark.parametrize("name", ["mqbroker", "mqbroker.a b\nc", "mqbroker." + "x" * 100, "é"])
def test_categories_are_short_words(name: str) -> None:
    assert re.fullmatch(r"[!-~]{1,32}", parsed(SyslogFormatter("daemon").format(record("x", name=name)))[4])


@pytest.fixture
def handlers() -> Iterator[list[SyslogHandler]]:
    """Handlers to close."""
    made: list[SyslogHandler] = []
    yield made
    for each in made:
        each.close()


def test_a_datagram_of_this_machine(tmp_path: Path, handlers: list[SyslogHandler]) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "log"))
        server.settimeout(WAIT_S)
        handlers.append(SyslogHandler(f"unix://{tmp_path}/log", "daemon"))
        handlers[0].emit(record("grün %d", 1))
        assert parsed(server.recv(65_536))[6] == "grün 1"
        handlers[0].emit(record("é" * SYSLOG_DATAGRAM_BYTES_MAX))
        assert len(server.recv(65_536)) in range(SYSLOG_DATAGRAM_BYTES_MAX - 1, SYSLOG_DATAGRAM_BYTES_MAX + 1)


def test_a_stream_of_this_machine(tmp_path: Path, handlers: list[SyslogHandler]) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(tmp_path / "log"))
        server.listen()
        server.settimeout(WAIT_S)
        handlers.append(SyslogHandler(f"unix://{tmp_path}/log", "daemon"))
        handlers[0].emit(record("one"))
        assert next(_framed(server))[6] == "one"


def _framed(server: socket.socket) -> Generator[tuple[str, ...], None, None]:
    """The messages of one connection: RFC 6587 §3.4.1."""
    connection, _ = server.accept()
    connection.settimeout(WAIT_S)
    with connection, connection.makefile("rb") as file:
        while True:
            digits = b""
            while not digits.endswith(b" "):
                octet = file.read(1)
                if not octet:
                    return
                digits += octet
            yield parsed(file.read(int(digits)))


def test_a_server_that_comes_late_and_comes_again(handlers: list[SyslogHandler]) -> None:
    """Lines of the time without a server were lost, or the broker waited for it."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        handlers.append(SyslogHandler(f"tcp://127.0.0.1:{port}", "local3"))
        for number in range(3):
            handlers[0].emit(record("early %d", number))
        server.listen()
        server.settimeout(WAIT_S)
        lines = _framed(server)
        assert [next(lines)[6] for _ in range(3)] == ["early 0", "early 1", "early 2"]
        lines.close()
        for number in range(100):  # what was written before the end was noticed is lost, as TCP has it
            handlers[0].emit(record("late %d", number))
        assert next(_framed(server))[6].startswith("late ")


def test_lines_for_which_there_is_no_room_are_counted(handlers: list[SyslogHandler]) -> None:
    """A server that is away would cost all memory."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        handlers.append(SyslogHandler(f"tcp://127.0.0.1:{server.getsockname()[1]}", "daemon"))
        for number in range(SYSLOG_LINES_MAX + 10):
            handlers[0].emit(record("%d", number))
        server.listen()
        server.settimeout(WAIT_S)
        texts = (found[6] for found in _framed(server))
        last = next(text for text in texts if "left out" in text)
        assert 8 <= int(last.split()[0]) <= 10


def test_every_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch, handlers: list[SyslogHandler]) -> None:
    """Of a server with an address of IPv6 that cannot be reached nothing was seen, though the other one was there."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(WAIT_S)
        addresses = [("127.0.0.1", 9), server.getsockname()]  # nobody listens on the first
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address) for address in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        handlers.append(SyslogHandler("tcp://logs.example:514", "daemon"))
        handlers[0].emit(record("one"))
        assert next(_framed(server))[6] == "one"


def test_a_name_that_is_none_does_not_end_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread died of it, and no line was sent for good."""
    monkeypatch.setattr(syslog, "SYSLOG_RETRY_S", 0.01)
    handler = SyslogHandler(f"udp://{'x' * 64}.example", "daemon")
    asked, again = threading.Event(), threading.Event()
    real = socket.getaddrinfo

    def ask(*given: Any, **more: Any) -> Any:
        if asked.is_set():
            again.set()
        asked.set()
        return real(*given, **more)

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    handler.emit(record("one"))
    assert again.wait(WAIT_S)
    handler.close()


def test_a_full_queue_does_not_outlive_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread went on to send what was left, and then waited for ever."""
    monkeypatch.setattr(syslog, "SYSLOG_STOP_S", 0.01)
    is_free = threading.Event()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        monkeypatch.setattr(
            syslog, "_connect", lambda made, address: is_free.wait(WAIT_S) and _connected(made, address)
        )
        before = set(threading.enumerate())
        handler = SyslogHandler(f"tcp://127.0.0.1:{server.getsockname()[1]}", "daemon")
        (thread,) = set(threading.enumerate()) - before
        for number in range(SYSLOG_LINES_MAX + 10):
            handler.emit(record("%d", number))
        handler.close()
        is_free.set()
        thread.join(WAIT_S)
        assert not thread.is_alive()


def _connected(made: socket.socket, address: tuple[str, int]) -> socket.socket:
    made.connect(address)
    return made


def test_a_broker_and_udp(tmp_path: Path) -> None:
    """Operators whose logs are gathered by syslog could not see the broker."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(WAIT_S)
        config = f'[log]\nsyslog = "udp://127.0.0.1:{server.getsockname()[1]}"\nsyslog_facility = "local0"\n'
        with BrokerProcess(tmp_path / "data", "--dev", config=config) as broker:
            pika.BlockingConnection(pika.URLParameters(broker.url)).close()
            while True:
                found = parsed(server.recv(65_536))
                if 'user="guest"' in found[5] or "'guest'" in found[6]:
                    break
            assert found[3] == str(broker.pid)
            assert found[0] == str(16 * 8 + 6)
        # Standard error has the lines too.
        assert found[6] in broker.log_path.read_text()


def test_a_server_that_is_never_there_does_not_hold_the_end_up(tmp_path: Path) -> None:
    config = '[log]\nsyslog = "tcp://127.0.0.1:9"\n'
    with BrokerProcess(tmp_path / "data", "--dev", config=config) as broker:
        pika.BlockingConnection(pika.URLParameters(broker.url)).close()
    assert not any(thread.name == "syslog" for thread in threading.enumerate())


@pytest.mark.parametrize("url", ["host:514", "http://host", "udp://", "udp://host/path", "unix://host/log", "unix:"])
def test_a_server_is_a_url(tmp_path: Path, url: str) -> None:
    path = tmp_path / "mqbroker.toml"
    path.write_text(f'[log]\nsyslog = "{url}"\n')
    with pytest.raises(ConfigError, match=r"log\.syslog must be like udp://host:514"):
        load_config(path, {}, {})
