"""Messages that are where they should not be: moved or copied to another queue, sent back to where they died, deleted.

All of it is below /api/mqbroker. Who takes messages away needs the right to read their queue, and to write to the one
where they go. Each is gone from one queue when it is in the other, also after a crash.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from mqbroker.core.consumer import Gate, Window
from mqbroker.core.message import Entry, new_message
from mqbroker.core.queues.base import REJECTED, Queue
from mqbroker.core.queues.choosing import take_chosen
from mqbroker.core.rabbitmq.x_death import deaths_in
from mqbroker.core.vhost import VHost
from mqbroker.management.answers import NO_CONTENT, Answer
from mqbroker.management.api.looking import readable
from mqbroker.management.api.messages import Puller
from mqbroker.management.bodies import whole_number
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import MANAGEMENT
from mqbroker.management.limits import CHOSEN_MAX, MOVED_AT_ONCE, UNDONE_MAX
from mqbroker.management.refusals import Refusal, bad_request, not_found
from mqbroker.management.waiting import committed


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("mqbroker/queues/:vhost/:queue/move", MANAGEMENT, POST=move)
    routes.add("mqbroker/queues/:vhost/:queue/redrive", MANAGEMENT, POST=redrive)
    routes.add("mqbroker/queues/:vhost/:queue/messages/:id", MANAGEMENT, DELETE=delete)


# --- moving ---------------------------------------------------------------------------------------------------------


async def move(call: Call) -> Answer:
    """POST mqbroker/queues/V/Q/move `{destination, count}`, or `{destination, ids}`, and `copy`: messages go to the end
    of another queue, each with its properties, exchange and key.

    It ends when there are no more, or the destination takes no more. The answer has the ids that they have now, unless
    they are too many, so that they can be moved back.
    """
    vhost = call.vhost_to_use()
    source = readable(call, vhost)
    destination = _destination(call, vhost, source)
    vhost.queue(source.name)  # raises ResourceLocked if it is somebody's own
    ids = _ids(call)
    if call.truth("copy"):
        moved = await _copy(call, source, destination, ids)
    elif ids is not None:
        moved = _move_chosen(call, source, destination, ids)
    else:
        moved = await _move_first(call, source, destination)
    count = len(moved)
    found: dict[str, Any] = {"moved": count, "messages_ready": source.waiting_count()}
    if count <= UNDONE_MAX:
        found["ids"] = moved
    return Answer(body=found)


def _destination(call: Call, vhost: VHost, source: Queue) -> Queue:
    (name,) = call.require("destination")
    if not isinstance(name, str) or name not in vhost.queues:
        raise not_found(f"no queue '{name}' in vhost '{vhost.name}'")
    destination = vhost.queue(name)
    if destination is source:
        raise bad_request("a queue cannot be moved to itself")
    call.caller.check("write", vhost.name, "queue", name)
    return destination


def _ids(call: Call) -> set[int] | None:
    given = call.body.get("ids")
    if given is None:
        return None
    if not isinstance(given, list) or len(given) > CHOSEN_MAX:
        raise bad_request(f"ids should be a list of up to {CHOSEN_MAX} numbers")
    if any(isinstance(each, bool) or not isinstance(each, int) for each in given):
        raise bad_request("ids should be numbers")
    return set(given)


def _count(call: Call, source: Queue) -> int:
    """How many it is about: all that wait now unless said, and not more than they are."""
    most = source.waiting_count()
    count = call.body.get("count", most)
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise bad_request("count should be a number")
    return min(count, most)


def _put(destination: Queue, entry: Entry, now: int) -> int:
    """The id that the message has there now; 0 when it is not taken."""
    message, place = entry.message, destination.next_sequence
    copy = new_message(message.exchange, message.routing_key, message.properties, message.content(), now)
    return 0 if destination.publish(copy, now) == REJECTED else place


async def _move_first(call: Call, source: Queue, destination: Queue) -> list[int]:
    moved: list[int] = []
    async for entry, now in _in_turn(call, source, _count(call, source)):
        place = 0 if destination.is_deleted else _put(destination, entry, now)
        if not place:
            source.requeue([entry], now)
            break
        source.settle(entry)
        moved.append(place)
    return moved


async def _in_turn(call: Call, source: Queue, count: int) -> AsyncIterator[tuple[Entry, int]]:
    """Up to so many messages from the front, and what time it is. Who gets one puts it elsewhere and settles it before
    they ask for the next: it comes and goes in the same batch of the journal, so that a crash finds it in one queue."""
    holder = Puller(source, Gate(), Window())
    done = 0
    while done < count and not source.is_deleted:
        now = call.ground.clock.now()
        if not source.make_ready(now):
            call.ground.services.outbox.wake()
            await asyncio.sleep(0)
            continue
        entry = source.get(holder, now)
        if entry is None:
            return
        yield entry, now
        done += 1
        if done % MOVED_AT_ONCE == 0 or done == count:
            # Not faster than the journal: a million messages must not be on their way to it at once.
            await committed(call.ground)


def _move_chosen(call: Call, source: Queue, destination: Queue, ids: set[int]) -> list[int]:
    now = call.ground.clock.now()
    chosen = take_chosen(source, ids, Puller(source, Gate(), Window()))
    moved: list[int] = []
    for at, entry in enumerate(chosen.entries):
        place = _put(destination, entry, now)
        if not place:
            source.requeue(chosen.entries[at:], now)
            break
        source.settle(entry)
        moved.append(place)
    if not moved and ids:
        raise _unreachable(chosen.is_complete)
    return moved


def _unreachable(is_complete: bool) -> Refusal:
    """Why nothing was found of what was chosen."""
    if is_complete:
        return not_found("none of these messages waits any more, or the queue that they should go to is full")
    return bad_request("there is too much before these messages, or they have left memory: move what is before them")


async def _copy(call: Call, source: Queue, destination: Queue, ids: set[int] | None) -> list[int]:
    count = _count(call, source) if ids is None else source.waiting_count()
    copied: list[int] = []
    for start in range(0, count, MOVED_AT_ONCE):
        now = call.ground.clock.now()
        for entry in source.look(start, min(MOVED_AT_ONCE, count - start)):
            if ids is not None and entry.sequence not in ids:
                continue
            place = _put(destination, entry, now)
            if not place:
                return copied
            copied.append(place)
        await committed(call.ground)
        if ids is not None and len(copied) == len(ids):
            break
    return copied


# --- dead letters -----------------------------------------------------------------------------------------------------


async def redrive(call: Call) -> Answer:
    """POST mqbroker/queues/V/Q/redrive `{count}`: dead letters go back to the queue where each of them died first.

    Those that say of no queue that is there stay. The answer has the new ids by queue, as `move` has them.
    """
    vhost = call.vhost_to_use()
    source = readable(call, vhost)
    vhost.queue(source.name)
    count = _count(call, source)
    targets = await _targets(call, vhost, source, count)
    moved: dict[str, list[int]] = {}
    passed: list[Entry] = []
    try:
        async for entry, now in _in_turn(call, source, count):
            target = targets.get(died_in(entry))
            place = 0 if target is None or target.is_deleted else _put(target, entry, now)
            if target is None or not place:
                passed.append(entry)
                continue
            source.settle(entry)
            moved.setdefault(target.name, []).append(place)
    finally:
        if passed:
            source.requeue(passed, call.ground.clock.now())
    total = sum(map(len, moved.values()))
    found: dict[str, Any] = {"moved": total, "left": len(passed), "messages_ready": source.waiting_count()}
    if total <= UNDONE_MAX:
        found["ids"] = moved
    return Answer(body=found)


async def _targets(call: Call, vhost: VHost, source: Queue, count: int) -> dict[str, Queue]:
    """The queues that dead letters go back to. Raises AccessRefused where the caller may not write to one."""
    names: set[str] = set()
    for start in range(0, count, MOVED_AT_ONCE):
        names.update(map(died_in, source.look(start, min(MOVED_AT_ONCE, count - start))))
        await asyncio.sleep(0)
    found = sorted(name for name in names - {"", source.name} if name in vhost.queues)
    for name in found:
        call.caller.check("write", vhost.name, "queue", name)
    return {name: vhost.queue(name) for name in found}


def died_in(entry: Entry) -> str:
    """The queue where a dead letter died first; empty for any other message."""
    properties = entry.message.properties
    if not properties.has_headers:
        return ""
    headers = properties.headers()
    first = headers.get("x-first-death-queue")
    if isinstance(first, str):
        return first
    deaths = deaths_in(headers)
    return str(deaths[-1].get("queue", "")) if deaths else ""


# --- deleting -------------------------------------------------------------------------------------------------------


def delete(call: Call) -> Answer:
    """DELETE mqbroker/queues/V/Q/messages/ID: one message that waits, wherever it stands."""
    vhost = call.vhost_to_use()
    queue = readable(call, vhost)
    vhost.queue(queue.name)
    number = whole_number(call.name("id"))
    if number is None:
        raise bad_request("the id of a message is a number")
    chosen = take_chosen(queue, [number], Puller(queue, Gate(), Window()))
    if not chosen.entries:
        raise _unreachable(chosen.is_complete)
    for entry in chosen.entries:
        queue.settle(entry)
    return NO_CONTENT
