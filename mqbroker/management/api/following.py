"""The broker's events and its log, as they are and as they come.

GET mqbroker/events, mqbroker/log       the last lines, filtered
GET mqbroker/stream?topics=events,log   those that come from now on, as server-sent events (HTML Standard §9.2)
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

from mqbroker.management.answers import Answer
from mqbroker.management.api.looking import number_asked
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import ADMINISTRATOR, MANAGEMENT, MONITORING, Caller
from mqbroker.management.feeds import Feed, Line
from mqbroker.management.limits import FEED_KEPT, STREAM_BEAT_S, STREAMS_MAX
from mqbroker.management.refusals import Refusal, bad_request
from mqbroker.protocols.plain_json import dump

_LEVELS = ("debug", "info", "warning", "error", "critical")
_TAGS = {"samples": MANAGEMENT, "events": MONITORING, "log": ADMINISTRATOR, "trace": ADMINISTRATOR}
"""Who may follow what. Samples say only that there is a new one."""
_EVENT_STREAM = "text/event-stream"


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("mqbroker/events", MONITORING, GET=events)
    routes.add("mqbroker/log", ADMINISTRATOR, GET=lines)
    routes.add("mqbroker/stream", MANAGEMENT, GET=stream)
    routes.add("mqbroker/following", MONITORING, GET=following)


def events(call: Call) -> Answer:
    """GET mqbroker/events?count=100&text=orders."""
    return last_lines(call, call.ground.feeds["events"])


def lines(call: Call) -> Answer:
    """GET mqbroker/log?count=100&level=warning&text=orders."""
    level = call.query.get("level", "")
    if level and level not in _LEVELS:
        raise bad_request(f"level should be one of {', '.join(_LEVELS)}")
    return last_lines(call, call.ground.feeds["log"], level)


def last_lines(call: Call, feed: Feed, level: str = "") -> Answer:
    """The last lines of a feed that have the text that is asked for. Raises Refusal."""
    count = number_asked(call.query, "count", 100, FEED_KEPT)
    text = call.query.get("text", "").casefold()
    found = [line for line in feed.since(0) if _is_wanted(line, text, level)]
    return Answer(body=found[-count:] if count else [])


def _is_wanted(line: Line, text: str, level: str) -> bool:
    if level and _LEVELS.index(line.get("level", "info")) < _LEVELS.index(level):
        return False
    return not text or text in dump(line).decode().casefold()


def following(call: Call) -> Answer:
    """GET mqbroker/following: how many follow."""
    return Answer(body={"streams": call.ground.streams, "streams_max": STREAMS_MAX})


def stream(call: Call) -> Answer:
    """GET mqbroker/stream?topics=samples,events,log,trace."""
    topics = [topic for topic in call.query.get("topics", "samples").split(",") if topic]
    for topic in topics:
        if topic not in _TAGS:
            raise bad_request(f"there is no topic {topic!r}: {', '.join(_TAGS)} are there")
        call.caller.require(_TAGS[topic])
    if call.ground.streams >= STREAMS_MAX:
        raise Refusal(429, "too_many_streams", f"{STREAMS_MAX} are being followed already")
    return Answer(content_type=_EVENT_STREAM, stream=_written(call, topics))


async def _written(call: Call, topics: list[str]) -> AsyncGenerator[bytes, None]:
    """What comes, until the follower is gone, or may not look any more."""
    ground = call.ground
    feeds = {topic: ground.feeds[topic] for topic in topics}
    seen = {topic: feed.last for topic, feed in feeds.items()}
    is_more = asyncio.Event()
    may_still = _still(call.caller, call, topics)
    for feed in feeds.values():
        feed.follow(is_more)
    ground.streams += 1
    try:
        yield b"retry: 3000\n\n"
        while may_still():
            try:
                async with asyncio.timeout(STREAM_BEAT_S):
                    await is_more.wait()
            except TimeoutError:
                yield b": still here\n\n"  # proxies end what is silent, and who is gone is noticed
                continue
            is_more.clear()
            if may_still():
                yield b"".join(_new(topic, feed, seen) for topic, feed in feeds.items())
    finally:
        ground.streams -= 1
        for feed in feeds.values():
            feed.leave(is_more)


def _still(caller: Caller, call: Call, topics: list[str]) -> Callable[[], bool]:
    """Asks whether the caller is still who they were: a user with the same password, and tags that suffice."""
    users = call.ground.broker.access.users
    before = users.get(caller.name)
    password = before.password_hash if before is not None else ""

    def may() -> bool:
        nonlocal password
        if caller.is_owner:
            return True
        user = users.get(caller.name)
        if user is None:
            return False
        password = password or user.password_hash  # the first hash of a user of the configuration is no change
        if user.password_hash != password:
            return False
        now = Caller(caller.name, user.tags, call.ground.broker)
        return all(now.has(_TAGS[topic]) for topic in topics)

    return may


def _new(topic: str, feed: Feed, seen: dict[str, int]) -> bytes:
    found = feed.since(seen[topic])
    missed = feed.last - seen[topic] - len(found)
    seen[topic] = feed.last
    parts = [_message("missed", {"topic": topic, "count": missed})] if missed else []
    parts += [_message(topic, line) for line in found]
    return b"".join(parts)


def _message(name: str, content: Mapping[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + dump(content) + b"\n\n"
