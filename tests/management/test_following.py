"""Events and the log, looked at and followed."""

import base64
import http.client
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest

from mqbroker.management.feeds import Feed, LogFeed
from tests.management.api import TIMEOUT_S, Api
from tests.support.broker_process import BrokerProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(120)


class Follower:
    """One stream of server-sent events."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.response = response

    def next(self, name: str) -> Any:
        """The content of the next message of that name; None when the stream ends."""
        current = ""
        while True:
            line = self.response.readline().decode()
            if not line:
                return None
            if line.startswith("event: "):
                current = line[7:].strip()
            elif line.startswith("data: ") and current == name:
                return json.loads(line[6:])


@contextmanager
def following(api: Api, topics: str) -> Iterator[Follower]:
    """Follows topics."""
    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=TIMEOUT_S)
    token = base64.b64encode(f"{api.user}:{api.password}".encode()).decode()
    headers = {"Authorization": f"Basic {token}", "Accept": "text/event-stream"}
    connection.request("GET", f"/api/mqbroker/stream?topics={topics}", headers=headers)
    response = connection.getresponse()
    assert response.status == 200
    assert response.getheader("content-type") == "text/event-stream"
    assert response.readline() == b"retry: 3000\n"
    try:
        yield Follower(response)
    finally:
        response.close()
        connection.close()


def test_events_and_lines_come_as_they_happen(api: Api) -> None:
    """Whoever wanted to know asked again and again."""
    with following(api, "samples,events,log") as follower:
        api.put("queues/%2F/followed", {"durable": True})
        while True:
            event = follower.next("events")
            if event["fields"].get("queue") == "followed":
                break
        assert event["name"] == "queue.created"
        assert follower.next("samples")["number"] > 0
    found = api.get("mqbroker/events?text=followed")
    assert [each["name"] for each in found] == ["queue.created"]


def test_the_log_is_shown_filtered_and_only_to_administrators(broker: BrokerProcess, api: Api) -> None:
    """What went wrong for one client was in a file on another machine."""
    api.call("GET", "overview", headers={"Authorization": "Basic bm9ib2R5Ong="})

    credentials = pika.PlainCredentials("nobody-at-all", "x")
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        pika.BlockingConnection(
            pika.ConnectionParameters("127.0.0.1", broker.ports["amqp"], credentials=credentials, connection_attempts=1)
        )
    eventually(lambda: bool(api.get("mqbroker/log?text=nobody-at-all")))
    (line, *_) = api.get("mqbroker/log?text=nobody-at-all")
    assert line["level"] in ("info", "warning", "error")
    assert line["category"].startswith("mqbroker")
    assert api.get("mqbroker/log?count=0") == []
    assert api.get("mqbroker/log?level=critical") == []
    assert api.refused("GET", "mqbroker/log?level=loud")[0] == 400
    assert api.refused("GET", "mqbroker/log?count=x")[0] == 400
    watching = api.add_user("log-watcher", "monitoring")
    assert watching.refused("GET", "mqbroker/log") == (401, "not_authorised", "Not administrator user")
    assert watching.refused("GET", "mqbroker/stream?topics=log")[0] == 401
    assert watching.refused("GET", "mqbroker/stream?topics=nonsense")[0] == 400
    assert watching.get("mqbroker/events?count=1")


def test_a_stream_ends_with_the_password_of_its_user(api: Api) -> None:
    """Who had opened the page once could look for ever."""
    api.add_user("leaving", "monitoring")
    with following(api.of("leaving"), "events") as follower:
        api.put("users/leaving", {"password": "another", "tags": "monitoring"})
        assert follower.next("nothing") is None


def test_a_feed_forgets_the_oldest_and_knows_how_many_there_were() -> None:
    """Lines without bound are memory without bound."""
    feed = Feed()
    for number in range(2500):
        feed.add({"text": str(number)})
    kept = feed.since(0)
    assert len(kept) == 1000
    assert kept[0] == {"number": 1501, "text": "1500"}
    assert feed.since(2499) == [{"number": 2500, "text": "2499"}]


def test_lines_of_a_closed_loop_are_nobodys() -> None:
    """A thread that logged at the end of the broker failed."""

    def closed(*_arguments: object) -> None:
        raise RuntimeError("Event loop is closed")

    feed = Feed()
    LogFeed(feed, closed).emit(logging.makeLogRecord({"msg": "late"}))
    assert feed.last == 0
