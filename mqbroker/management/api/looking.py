"""What RabbitMQ has not: looking at messages without taking them, and moving them to another queue.

The paths are below /api/mqbroker. Who looks needs the right to read the queue, as who gets does; who moves needs it for
the source, and to write to the destination.
"""

from collections.abc import Mapping
from typing import Any

from mqbroker.core.consumer import Gate, Window
from mqbroker.core.message import Entry, new_message
from mqbroker.core.queues.base import REJECTED, Queue
from mqbroker.core.vhost import VHost
from mqbroker.management.answers import Answer
from mqbroker.management.api.messages import Puller, shown
from mqbroker.management.bodies import whole_number
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import MANAGEMENT, MONITORING
from mqbroker.management.limits import BROWSED_BYTES_MAX, BROWSED_MAX, MOVED_AT_ONCE
from mqbroker.management.refusals import bad_request, not_found
from mqbroker.management.waiting import committed


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("mqbroker/queues/:vhost/:queue/messages", MANAGEMENT, GET=browse)
    routes.add("mqbroker/history", MONITORING, GET=history)
    routes.add("mqbroker/queues/:vhost/:queue/move", MANAGEMENT, POST=move)


def history(call: Call) -> Answer:
    """GET mqbroker/history: the numbers of the node at the samples of the last ten minutes, oldest first."""
    return Answer(body=[{"at": at, "numbers": numbers} for at, numbers in call.ground.node.samples.history])


def _readable(call: Call, vhost: VHost) -> Queue:
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


def browse(call: Call) -> Answer:
    """GET mqbroker/queues/V/Q/messages?offset=0&count=20&truncate=65536: what waits, in its order, left as it is."""
    queue = _readable(call, call.vhost_to_use())
    offset = number_asked(call.query, "offset", 0, 1 << 40)
    count = number_asked(call.query, "count", 20, BROWSED_MAX)
    truncate = number_asked(call.query, "truncate", 65_536, BROWSED_BYTES_MAX)
    encoding = call.query.get("encoding", "auto")
    waiting = queue.waiting_count()
    found: list[dict[str, Any]] = []
    left = BROWSED_BYTES_MAX
    for place, entry in enumerate(queue.look(offset, count), offset):
        left -= min(truncate, entry.message.size)
        if left < 0:
            break
        found.append(_browsed(entry, place, waiting, encoding, truncate))
    return Answer(body={"messages_ready": waiting, "offset": offset, "items": found})


def _browsed(entry: Entry, place: int, waiting: int, encoding: str, truncate: int) -> dict[str, Any]:
    return {
        **shown(entry, waiting - place - 1, encoding, truncate),
        "position": place,
        "received_at": entry.message.received_at,
        "expires_at": entry.expires_at or None,
    }


async def move(call: Call) -> Answer:
    """POST mqbroker/queues/V/Q/move `{destination, count}`: messages go to the end of another queue, each with its
    properties, exchange and key. It ends when there are no more, or the destination takes no more."""
    vhost = call.vhost_to_use()
    source = _readable(call, vhost)
    (name,) = call.require("destination")
    count = call.body.get("count", source.waiting_count())
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise bad_request("count should be a number")
    if not isinstance(name, str) or name not in vhost.queues:
        raise not_found(f"no queue '{name}' in vhost '{vhost.name}'")
    destination = vhost.queue(name)
    if destination is source:
        raise bad_request("a queue cannot be moved to itself")
    vhost.queue(source.name)  # raises ResourceLocked if it is somebody's own
    call.caller.check("write", vhost.name, "queue", name)
    moved = 0
    holder = Puller(source, Gate(), Window())
    while moved < count and not source.is_deleted and not destination.is_deleted:
        done, is_over = _move_some(call, source, destination, holder, min(MOVED_AT_ONCE, count - moved))
        moved += done
        if is_over:
            break
        # Not faster than the journal: a million messages must not be on their way to it at once.
        await committed(call.ground)
    return Answer(body={"moved": moved, "messages_ready": source.waiting_count()})


def _move_some(call: Call, source: Queue, destination: Queue, holder: Puller, most: int) -> tuple[int, bool]:
    """How many were moved, and whether there are no more to move. Each comes and goes in the same batch of the
    journal, so that a crash finds it in one queue."""
    now = call.ground.clock.now()
    for done in range(most):
        if not source.make_ready(now):
            return done, False
        entry = source.get(holder, now)
        if entry is None:
            return done, True
        message = entry.message
        copy = new_message(message.exchange, message.routing_key, message.properties, message.content(), now)
        if destination.publish(copy, now) == REJECTED:
            source.requeue([entry], now)
            return done, True
        source.settle(entry)
    return most, False
