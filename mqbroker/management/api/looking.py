"""What RabbitMQ has not: looking at messages, and searching them, without taking them; and the numbers of the node.

The paths are below /api/mqbroker. Who looks needs the right to read the queue, as who gets does.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from mqbroker.core.message import Entry
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.kinds import kind_of
from mqbroker.core.vhost import VHost
from mqbroker.management.answers import Answer
from mqbroker.management.api.messages import shown
from mqbroker.management.bodies import whole_number
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import MANAGEMENT, MONITORING
from mqbroker.management.limits import BROWSED_BYTES_MAX, BROWSED_MAX, MATCHING_SHOWN, SEARCHED_AT_ONCE, SEARCHED_MAX
from mqbroker.management.pages import name_filter
from mqbroker.management.properties import shown_properties
from mqbroker.management.refusals import bad_request, not_found
from mqbroker.management.retention import RANGES


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("mqbroker/queues/:vhost/:queue/messages", MANAGEMENT, GET=browse)
    routes.add("mqbroker/vhosts/:vhost/matching", MANAGEMENT, GET=matching)
    routes.add("mqbroker/history", MONITORING, GET=history)


def history(call: Call) -> Answer:
    """GET mqbroker/history?range=3600: the numbers of the node in the last so many seconds, oldest first."""
    span = number_asked(call.query, "range", 600, max(RANGES))
    if span not in RANGES:
        raise bad_request(f"range should be one of {', '.join(map(str, RANGES))}")
    return Answer(body=[{"at": at, "numbers": numbers} for at, numbers in call.ground.retention.of(span)])


def matching(call: Call) -> Answer:
    """GET mqbroker/vhosts/V/matching?pattern=^a&apply-to=queues: what a policy with that pattern would be for."""
    vhost = call.vhost()
    kind, matches = call.query.get("apply-to", "all"), name_filter(call.query.get("pattern", ""))
    queues = [queue.name for queue in vhost.queues.values() if kind_of(queue).obeys_policies and matches(queue.name)]
    exchanges = [name for name in vhost.exchanges if matches(name)]
    found = {
        "queues": [] if kind == "exchanges" else queues,
        "exchanges": exchanges if kind in ("all", "exchanges") else [],
    }
    return Answer(
        body={name: {"count": len(each), "first": sorted(each)[:MATCHING_SHOWN]} for name, each in found.items()}
    )


def readable(call: Call, vhost: VHost) -> Queue:
    """The queue of the path, if the caller may read it. Raises Refusal, AccessRefused."""
    name = call.name("queue")
    call.caller.check("read", vhost.name, "queue", name)
    if name not in vhost.queues:
        raise not_found(f"no queue '{name}' in vhost '{vhost.name}'")
    return vhost.queues[name]


def number_asked(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    """A number of the query. Raises Refusal."""
    number = whole_number(query[name], most) if name in query else default
    if number is None:
        raise bad_request(f"{name} should be a number up to {most}")
    return number


async def browse(call: Call) -> Answer:
    """GET mqbroker/queues/V/Q/messages?offset=0&count=20&truncate=65536: what waits, in its order, left as it is.

    With `&text=...` only what has that text in its body, key, headers or properties; `next_offset` is where to go on.
    """
    queue = readable(call, call.vhost_to_use())
    offset = number_asked(call.query, "offset", 0, 1 << 40)
    count = number_asked(call.query, "count", 20, BROWSED_MAX)
    truncate = number_asked(call.query, "truncate", 65_536, BROWSED_BYTES_MAX)
    encoding = call.query.get("encoding", "auto")
    waiting = queue.waiting_count()
    if "text" in call.query:
        places, scanned = await _searched(queue, offset, count, call.query["text"])
    else:
        places = list(enumerate(queue.look(offset, count), offset))
        scanned = offset + len(places)
    found: list[dict[str, Any]] = []
    left = BROWSED_BYTES_MAX
    for place, entry in places:
        left -= min(truncate, entry.message.size)
        if left < 0:
            scanned = place
            break
        found.append(_browsed(entry, place, waiting, encoding, truncate))
    return Answer(body={"messages_ready": waiting, "offset": offset, "next_offset": scanned, "items": found})


async def _searched(queue: Queue, offset: int, count: int, text: str) -> tuple[list[tuple[int, Entry]], int]:
    """Up to so many that have a text, with their places, and the place where to look further."""
    wanted, found = text.casefold(), []
    end = min(queue.waiting_count(), offset + SEARCHED_MAX)
    place = offset
    while place < end:
        entries = queue.look(place, SEARCHED_AT_ONCE)
        if not entries:
            break
        for entry in entries:
            place += 1
            if _has(entry, wanted):
                found.append((place - 1, entry))
                if len(found) >= count:
                    return found, place
        await asyncio.sleep(0)
    return found, place


def _has(entry: Entry, wanted: str) -> bool:
    message = entry.message
    if wanted in message.routing_key.casefold() or wanted in message.content().decode("utf-8", "replace").casefold():
        return True
    return any(wanted in f"{name}: {value}".casefold() for name, value in shown_properties(message.properties).items())


def _browsed(entry: Entry, place: int, waiting: int, encoding: str, truncate: int) -> dict[str, Any]:
    return {
        **shown(entry, waiting - place - 1, encoding, truncate),
        "id": entry.sequence,
        "position": place,
        "received_at": entry.message.received_at,
        "expires_at": entry.expires_at or None,
    }
