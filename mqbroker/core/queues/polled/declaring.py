"""How a vhost comes by its polled queues, and what the journal keeps of them.

The definition of a polled queue is that of any queue, with its role, its settings, and for a FIFO queue the number of
its deduplication ids. AMQP sees a durable queue without arguments.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mqbroker.core import definitions
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.polled.fifo import FifoQueue
from mqbroker.core.queues.polled.queue import PolledQueue
from mqbroker.core.queues.polled.settings import PollSettings
from mqbroker.errors import PreconditionFailed

if TYPE_CHECKING:
    from mqbroker.core.vhost import VHost

ROLES: dict[str, type[PolledQueue]] = {each.role: each for each in (PolledQueue, FifoQueue)}


def add(vhost: "VHost", name: str, settings: PollSettings, now: int, fifo: bool) -> PolledQueue:
    """A new polled queue, and its definition. Raises PreconditionFailed where it cannot take the place of another."""
    current = vhost.queues.get(name)
    if current is not None:
        _check_is_plain(current)
    queue = _made(vhost, name, FifoQueue.role if fifo else PolledQueue.role, vhost.broker.next_number(), now)
    if isinstance(queue, FifoQueue):
        queue.identify(vhost.broker.next_number())
    queue.set_up(settings)
    queue.start_from(now)
    vhost.add_queue(queue)
    _define(vhost, queue)
    return queue


def _check_is_plain(queue: Queue) -> None:
    """Raises PreconditionFailed with what keeps a polled queue from taking the place of this one.

    Nothing is lost where there are no messages, nobody consumes, and whoever declared the queue asked for nothing that
    a polled queue does not do.
    """
    obstacles = {
        "has another kind": type(queue) is not Queue,
        "is exclusive": queue.owner is not None,
        "is not durable": not queue.durable,
        "is deleted with its last consumer": queue.auto_delete,
        "was declared with arguments": bool(queue.arguments),
        "has consumers": bool(queue.consumers),
        "has messages": queue.waiting_count() + queue.unacked_count > 0,
    }
    for obstacle, is_there in obstacles.items():
        if is_there:
            raise PreconditionFailed(obstacle)


def restored(vhost: "VHost", name: str, value: Mapping[str, object], now: int) -> PolledQueue:
    """The queue of a definition, without its messages."""
    number, settings = value["number"], value["polling"]
    assert isinstance(number, int)
    assert isinstance(settings, Mapping)
    queue = _made(vhost, name, str(value["role"]), number, now)
    if isinstance(queue, FifoQueue):
        deduplication = value["deduplication"]
        assert isinstance(deduplication, int)
        queue.identify(deduplication)
    queue.set_up(PollSettings.unpacked(settings))
    return queue


def change(vhost: "VHost", queue: PolledQueue, settings: PollSettings, now: int) -> None:
    """Other settings for a queue."""
    queue.apply(settings, now)
    _define(vhost, queue)


def renumber(vhost: "VHost", queue: PolledQueue) -> None:
    """The journal forgets the entries of a queue and its deduplication ids, but not the queue."""
    vhost.ledger.forget(queue.number)
    queue.number = vhost.broker.next_number()
    if isinstance(queue, FifoQueue):
        vhost.ledger.forget(queue.deduplication.number)
        queue.identify(vhost.broker.next_number())
    _define(vhost, queue)
    vhost.define_bindings(queue)


def _made(vhost: "VHost", name: str, role: str, number: int, now: int) -> PolledQueue:
    queue = ROLES[role](vhost, vhost.ledger, name, number, True)
    queue.used_at = now
    return queue


def _define(vhost: "VHost", queue: PolledQueue) -> None:
    value: dict[str, object] = {
        "number": queue.number,
        "auto_delete": False,
        "arguments": {},
        "role": queue.role,
        "polling": queue.settings_of_polling.packed(),
    }
    if isinstance(queue, FifoQueue):
        value["deduplication"] = queue.deduplication.number
    vhost.ledger.define(definitions.key("queue", vhost.name, queue.name), definitions.pack(value))
