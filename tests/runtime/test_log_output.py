"""The log as files, as JSON and in RabbitMQ's words; levels and files that change while the broker runs."""

import gzip
import json
import logging
import os
import re
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pika  # type: ignore[import-untyped]
import pika.exceptions  # type: ignore[import-untyped]
import pytest

from mqbroker.config.rotation import parse_rotation
from mqbroker.config.sections import LogConfig
from mqbroker.core.events import Event
from mqbroker.management.rabbitmq_words import RabbitWords
from mqbroker.runtime.logs.fields import JsonFormatter, fields_of
from mqbroker.runtime.logs.setup import LogFile
from tests.management.api import Api
from tests.support.broker_process import BrokerProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(120)

SCHEMES = ("amqp", "management")


def visit(broker: BrokerProcess, password: str = "guest") -> None:
    """A client comes and goes."""
    credentials = pika.PlainCredentials("guest", password)
    pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", broker.ports["amqp"], "/", credentials)).close()


def record(template: str, *args: object) -> logging.LogRecord:
    """A record of the log."""
    return logging.LogRecord("mqbroker.amqp", logging.INFO, "", 0, template, args, None)


def test_lines_of_json_have_what_they_are_about_as_fields(tmp_path: Path) -> None:
    """Whoever gathers logs had to take sentences apart to find a user's lines."""
    with BrokerProcess(tmp_path / "data", "--dev", schemes=SCHEMES, config='[log]\nformat = "json"\n') as broker:
        visit(broker)
        eventually(lambda: "closed by the client" in broker.log())
    lines: list[dict[str, Any]] = [json.loads(line) for line in broker.log().splitlines() if line.startswith("{")]
    opened = next(line for line in lines if "opened vhost" in line["msg"])
    assert (opened["user"], opened["vhost"], opened["level"], opened["domain"]) == (
        "guest",
        "/",
        "info",
        "mqbroker.amqp",
    )
    assert re.fullmatch(r"127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+", opened["connection"])
    closed = next(line for line in lines if "closed by the client" in line["msg"])
    assert closed["connection"] == opened["connection"]


def test_nobody_forges_a_field_by_a_name() -> None:
    """A client that called itself `user 'root'` had lines that named root as their user."""
    found = fields_of(record("%s, client %r: disconnected", "1.2.3.4:5 -> 6.7.8.9:10", "x', user 'root"))
    assert found == {"connection": "1.2.3.4:5 -> 6.7.8.9:10", "client": "x', user 'root"}
    text = JsonFormatter().format(record("%s: %s", "a\nb", 'c" , "user": "root'))
    assert "\n" not in text
    assert "user" not in json.loads(text)


def test_rabbitmqs_words_are_where_its_parsers_match_them(tmp_path: Path) -> None:
    """Programs that read RabbitMQ's log found none of its lines."""
    with BrokerProcess(tmp_path / "data", "--dev", schemes=SCHEMES, config='[log]\nformat = "rabbitmq"\n') as broker:
        api = Api(broker.ports["management"])
        visit(broker)
        with pytest.raises(pika.exceptions.ProbableAuthenticationError):
            visit(broker, "wrong")
        assert api.of("guest", "wrong").call("GET", "whoami").status == 401
        api.put("vhosts/v")
        api.put("users/u", {"password": "x", "tags": "monitoring"})
        api.put("permissions/v/u", {"configure": ".*", "write": ".*", "read": ".*"})
        api.put("users/u", {"password": "y", "tags": "monitoring"})
        api.delete("users/u")
        eventually(lambda: "Deleted user 'u'" in broker.log())
        log = broker.log()
    stamp = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00:00 \[%s\] <0\.\d+\.0> "
    peer = r"127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+"
    for level, text in (
        ("info", r"started TCP listener on 127\.0\.0\.1:\d+"),
        ("info", r"Server startup complete; \d+ plugins started\."),
        ("info", rf"accepting AMQP connection <0\.\d+\.0> \({peer}\)"),
        ("info", rf"connection <0\.\d+\.0> \({peer}\): user 'guest' authenticated and granted access to vhost '/'"),
        ("info", rf"closing AMQP connection <0\.\d+\.0> \({peer}, vhost: '/', user: 'guest'\)"),
        ("error", "PLAIN login refused: user 'guest' - invalid credentials"),
        ("warning", "HTTP access denied: user 'guest' - invalid credentials"),
        ("info", r"Adding vhost 'v' \(description: ''\)"),
        ("info", "Created user 'u'"),
        ("info", r"Successfully set user tags for user 'u' to \[monitoring\]"),
        ("info", r"Successfully set permissions for 'u' in virtual host 'v' to '\.\*', '\.\*', '\.\*'"),
        ("info", "Successfully changed password for user 'u'"),
    ):
        assert re.search(stamp % level + text + "$", log, re.MULTILINE), text
    assert "opened vhost" not in log, "each event has one line"


def test_alarms_in_rabbitmqs_words(caplog: pytest.LogCaptureFixture) -> None:
    """An alarm of the disk that came while memory was low was not to be seen."""
    words = RabbitWords({}, "mqbroker@here", has_connections=True)
    with caplog.at_level(logging.WARNING):
        for name, fields in (
            ("alarm.set", {"reason": "low on memory"}), ("alarm.set", {"reason": "low on memory & low on disk"}),
            ("alarm.set", {"reason": "low on disk"}), ("alarm.cleared", {}),
        ):  # fmt: skip
            words.take(Event(name, 0, fields))
    assert [each.getMessage() for each in caplog.records] == [
        "memory resource limit alarm set on node mqbroker@here.",
        "disk resource limit alarm set on node mqbroker@here.",
        "memory resource limit alarm cleared on node mqbroker@here",
        "memory resource limit alarm cleared across the cluster",
        "disk resource limit alarm cleared on node mqbroker@here",
        "disk resource limit alarm cleared across the cluster",
    ]


def test_files_are_rotated_packed_and_reopened(tmp_path: Path) -> None:
    """The log of a broker filled the disk, or went on in a file that logrotate had taken away."""
    path = tmp_path / "logs" / "broker.log"
    config = f'[log]\nfile = "{path}"\nrotate_bytes = 2000\nkeep_files = 2\n'
    with BrokerProcess(tmp_path / "data", "--dev", schemes=SCHEMES, config=config) as broker:
        for _ in range(40):
            visit(broker)
        eventually(lambda: sorted(each.name for each in path.parent.iterdir()) == [
            "broker.log", "broker.log.1.gz", "broker.log.2.gz",
        ])  # fmt: skip
        assert b"guest" in gzip.decompress((path.parent / "broker.log.1.gz").read_bytes())
        api = Api(broker.ports["management"])
        api.post("mqbroker/log/rotate")
        moved = path.rename(tmp_path / "moved")
        assert broker.process is not None
        broker.process.send_signal(1)
        eventually(path.exists)
        visit(broker)
        eventually(lambda: "closed by the client" in path.read_text())
        assert moved.exists()
        assert path.stat().st_mode & 0o777 == 0o640


def test_full_files_are_packed_beside_the_loop(tmp_path: Path) -> None:
    """Every 10 MiB of log held all clients up for as long as gzip takes; a packed file could be read by anybody."""
    path = tmp_path / "broker.log"
    Path(f"{path}.1").write_text("of a process that was killed\n")
    handler = LogFile(LogConfig(rotate_bytes=100, keep_files=3), path)
    for text in ("one", "two"):
        handler.emit(record("%s", text * 30))
    handler.doRollover()
    handler.close()
    names = [f"broker.log.{number}.gz" for number in (3, 2, 1)]
    eventually(lambda: {each.name for each in tmp_path.iterdir()} == {"broker.log", *names})
    packed = [gzip.decompress((tmp_path / name).read_bytes()).decode() for name in names]
    assert packed == ["of a process that was killed\n", f"{'one' * 30}\n", f"{'two' * 30}\n"]
    assert {each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == {0o640}


def test_a_file_that_cannot_be_reopened_is_tried_again(tmp_path: Path) -> None:
    """While the folder of the log was away, a SIGHUP left a closed file behind: no line was written ever after."""
    path = tmp_path / "logs" / "broker.log"
    with BrokerProcess(tmp_path / "data", "--dev", schemes=SCHEMES, config=f'[log]\nfile = "{path}"\n') as broker:
        visit(broker)
        path.parent.rename(tmp_path / "away")
        assert broker.process is not None
        broker.process.send_signal(1)
        eventually(lambda: "cannot be opened anew" in broker.log())
        (tmp_path / "away").rename(path.parent)
        visit(broker)
        eventually(lambda: path.read_text().count("closed by the client") == 2)


def test_levels_change_while_the_broker_runs(tmp_path: Path) -> None:
    """To see more of one client the broker had to be restarted."""
    config = '[log]\nlevels = {amqp = "error"}\n'
    with BrokerProcess(tmp_path / "data", "--dev", schemes=SCHEMES, config=config) as broker:
        api = Api(broker.ports["management"])
        assert {"category": "mqbroker.amqp", "level": "error"} in api.get("mqbroker/log/levels")
        visit(broker)
        api.put("mqbroker/log/levels/amqp", {"level": "info"})
        assert "opened vhost" not in broker.log()
        visit(broker)
        eventually(lambda: "opened vhost" in broker.log())
        api.put("mqbroker/log/levels/default", {"level": "none"})
        assert {"category": "default", "level": "none"} in api.get("mqbroker/log/levels")
        for body in ({"level": "loud"}, {"level": 3}, {}):
            assert api.refused("PUT", "mqbroker/log/levels/amqp", body)[0] == 400
        assert api.refused("PUT", "mqbroker/log/levels/a%20b", {"level": "info"})[0] == 400


def local(text: str) -> float:
    """A local time in seconds since the epoch."""
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(("text", "now", "then"), [
    ("$D0", "2026-11-30 10:00", "2026-12-01 00:00"),
    ("$D0", "2026-11-30 00:00", "2026-12-01 00:00"),
    ("$D23", "2026-11-30 10:00", "2026-11-30 23:00"),
    ("$D23H30", "2026-11-30 23:00", "2026-11-30 23:30"),
    ("$W0D23", "2026-11-30 10:00", "2026-12-06 23:00"),
    ("$W1D16", "2026-11-30 10:00", "2026-11-30 16:00"),
    ("$M1D0", "2026-11-30 10:00", "2026-12-01 00:00"),
    ("$M31D5", "2026-11-30 10:00", "2026-12-31 05:00"),
    ("$MLD0", "2026-11-30 10:00", "2026-12-31 00:00"),
    ("$M29D0", "2027-01-30 10:00", "2027-03-29 00:00"),
    ("$H15", "2026-11-30 10:20", "2026-11-30 11:15"),
    ("$H15", "2026-11-30 23:20", "2026-12-01 00:15"),
])  # fmt: skip
def test_dates_of_rotation_are_those_of_rabbitmq(text: str, now: str, then: str) -> None:
    found = parse_rotation(text)
    assert found is not None
    assert found.after(local(now)) == local(then)


@pytest.mark.parametrize("text", ["$", "D0", "$D24", "$W7D0", "$M32", "$M0D0", "$H60", "$D0 ", "$W1M1D0"])
def test_dates_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a time such as"):
        parse_rotation(text)


def test_a_file_is_begun_anew_by_date(tmp_path: Path) -> None:
    """One file held the lines of many days, and that of a broker that was down at midnight those of two."""
    path = tmp_path / "broker.log"
    path.write_text("of the day before\n")
    os.utime(path, (time.time() - 100_000,) * 2)
    handler = LogFile(LogConfig(rotate_date=parse_rotation("$D0"), compress=False), path)
    for text in ("one", "two"):
        handler.emit(record("%s", text))
    assert Path(f"{path}.1").read_text() == "of the day before\n"
    assert path.read_text() == "one\ntwo\n"
    late = record("%s", "three")
    late.created = time.time() + 90_000
    handler.emit(late)
    handler.close()
    assert Path(f"{path}.1").read_text() == "one\ntwo\n"
    assert path.read_text() == "three\n"


def test_what_ends_channels_and_connections_is_told_in_rabbitmqs_words(tmp_path: Path) -> None:
    """Programs that count channel errors in RabbitMQ's log counted none."""
    with BrokerProcess(tmp_path / "data", "--dev", schemes=SCHEMES, config='[log]\nformat = "rabbitmq"\n') as broker:
        connection = pika.BlockingConnection(pika.URLParameters(broker.url))
        with pytest.raises(pika.exceptions.ChannelClosedByBroker):
            connection.channel().queue_declare("absent", passive=True)
        with pytest.raises(pika.exceptions.ConnectionClosedByBroker):
            connection.channel().basic_qos(prefetch_size=1)
        eventually(lambda: "Error on AMQP connection" in broker.log())
        log = broker.log()
    head = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00:00 \[error\] <0\.\d+\.0> "
    where = r"<0\.1\.0> \(127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+, vhost: '/', user: 'guest'"
    for lines in (
        (rf"Channel error on connection {where}\), channel 1:",
         r" operation queue\.declare caused a channel exception not_found: no queue 'absent' in vhost '/'"),
        (rf"Error on AMQP connection {where}, state: running\), channel 0:",
         r" operation basic\.qos caused a connection exception not_implemented: .*"),
    ):  # fmt: skip
        assert re.search("\n".join(f"{head}{line}$" for line in lines), log, re.MULTILINE), lines


def test_the_log_goes_to_an_exchange(tmp_path: Path) -> None:
    """Who follows RabbitMQ's amq.rabbitmq.log got nothing."""
    config = '[log]\nexchange = true\nformat = "json"\n'
    broker = BrokerProcess(tmp_path / "data", "--dev", schemes=SCHEMES, config=config)
    with broker, pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        channel.queue_declare("errors", exclusive=True)
        channel.queue_bind("errors", "amq.rabbitmq.log", "warning")
        with pytest.raises(pika.exceptions.ChannelClosedByBroker):
            connection.channel().queue_declare("absent", passive=True)
        found: list[Any] = []

        def has_come() -> bool:
            found[:] = channel.basic_get("errors", auto_ack=True)
            return found[0] is not None

        eventually(has_come)
        method, properties, body = found
        line = json.loads(body)
        assert (method.exchange, method.routing_key, line["level"]) == ("amq.rabbitmq.log", "warning", "warning")
        assert "no queue 'absent'" in line["msg"]
        assert properties.content_type == "text/plain"
        forger = connection.channel()
        forger.confirm_delivery()
        with pytest.raises(pika.exceptions.ChannelClosedByBroker):
            forger.basic_publish("amq.rabbitmq.log", "info", b"forged")
