"""Messages that consumers of a queue have and have not acknowledged, one by one: below /api/mqbroker.

Nobody notes when a message was delivered. Who looks again sees how long it is held at least: since it was seen first.
Of queues of SQS they are not shown: their bodies may have left memory meanwhile.
"""

from typing import Any

from mqbroker.core.consumer import Consumer
from mqbroker.core.message import Entry
from mqbroker.core.queues.classic import ClassicQueue
from mqbroker.core.recent import remember
from mqbroker.management.answers import Answer
from mqbroker.management.api.looking import number_asked, readable
from mqbroker.management.api.messages import shown
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import MANAGEMENT
from mqbroker.management.limits import BROWSED_BYTES_MAX, BROWSED_MAX, HELD_QUEUES_MAX


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("mqbroker/queues/:vhost/:queue/unacked", MANAGEMENT, GET=unacked)


def unacked(call: Call) -> Answer:
    """GET mqbroker/queues/V/Q/unacked?count=20&truncate=65536."""
    queue = readable(call, call.vhost_to_use())
    count = number_asked(call.query, "count", 20, BROWSED_MAX)
    truncate = number_asked(call.query, "truncate", 65_536, BROWSED_BYTES_MAX)
    encoding = call.query.get("encoding", "auto")
    known, place = call.ground.held_since, (queue.host.name, queue.name)
    before, since = known.get(place, {}), {}
    found: list[dict[str, Any]] = []
    left = BROWSED_BYTES_MAX
    for consumer in queue.consumers if isinstance(queue, ClassicQueue) else ():
        for entry in consumer.given()[: count - len(found)] if consumer.in_flight else ():
            key = entry.sequence, entry.attempts
            since[key] = before.get(key, call.now)
            left -= min(truncate, entry.message.size)
            if left >= 0:
                found.append(_held(consumer, entry, call.now - since[key], encoding, truncate))
    remember(known, place, since, HELD_QUEUES_MAX)
    return Answer(body={"messages_unacknowledged": queue.unacked_count, "items": found})


def _held(consumer: Consumer, entry: Entry, held_ms: int, encoding: str, truncate: int) -> dict[str, Any]:
    facts = consumer.describe()
    return {
        **shown(entry, 0, encoding, truncate),
        "id": entry.sequence,
        "received_at": entry.message.received_at,
        "consumer_tag": consumer.label(),
        "channel": facts.get("name", ""),
        "user": facts.get("user", ""),
        "delivery_tag": entry.tag,
        "held_ms": held_ms,
    }
