"""The queues of one vhost: declared, put back by a restart, replaced, and deleted, whatever their kinds are.

There is one way for a queue to come and one to go. The register tells the ledger what is durable, and sees to it that
what belongs to a connection goes with it, and what nobody uses when its time has come. It knows neither the protocols
that ask for queues nor what is bound to them: that is the vhost's business.
"""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from mqbroker.core import definitions
from mqbroker.core.ledger import Ledger
from mqbroker.core.queues import telling
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.classic import ClassicQueue
from mqbroker.core.queues.kind import Entries
from mqbroker.core.queues.kinds import kind_in, kind_named, kind_of, pack_queue
from mqbroker.core.queues.polled.host import PollHost
from mqbroker.core.queues.polled.queue import PolledQueue
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.stats import Counts
from mqbroker.core.tap import Tap
from mqbroker.core.timers import Timer, Timers
from mqbroker.errors import PreconditionFailed, ResourceLocked

if TYPE_CHECKING:
    from mqbroker.core.queues.leftovers import Container


class RegisterHost(PollHost, Protocol):
    """What the register asks of its vhost."""

    ledger: Ledger
    timers: Timers
    queues: dict[str, Queue]
    reply_queues: dict[str, Queue]
    tap: Tap | None
    generation: int

    past_counts: Counts

    def next_number(self) -> int:
        """A number for something that the journal keeps messages of."""

    def check_room(self, queue_name: str) -> None:
        """Raises PreconditionFailed when one more queue is too many."""

    def in_force(self, declared: QueueSpec) -> QueueSpec:
        """What policies make of a spec."""

    def unbind_everything_from(self, gone: Queue) -> None:
        """The queue is gone: so are its bindings."""

    def release_routes(self) -> None:
        """No route keeps a queue that is gone."""

    def leave(self, containers: "list[Container]") -> None:
        """Has what is in the containers freed."""


class QueueRegister:
    """The queues of one vhost."""

    def __init__(self, host: RegisterHost) -> None:
        self._host = host
        self._owned: dict[object, dict[Queue, None]] = {}
        self._expiries: dict[Queue, Timer] = {}
        """The timers of queues that expire unused."""

    # --- coming -----------------------------------------------------------------------------------------------------

    def declare(self, spec: QueueSpec, now: int) -> Queue:
        """A new queue. Raises PreconditionFailed when it is one too many, ResourceLocked when its name is taken."""
        host = self._host
        if spec.name in host.queues:
            raise ResourceLocked(f"queue '{spec.name}' in vhost '{host.name}' is there and is not this subscriber's")
        if not spec.is_hidden:
            host.check_room(spec.name)
        queue = self._new(spec, now)
        self._add(queue)
        self.define(queue)
        return queue

    def replace(self, former: Queue, spec: QueueSpec, now: int, inherit: Callable[[Queue, Queue], None]) -> Queue:
        """A new queue in the place of its namesake. `inherit` gives it the bindings of the other before that goes.

        Raises PreconditionFailed with what the other has that would be lost.
        """
        _check_is_plain(former)
        queue = self._new(spec, now)
        inherit(former, queue)
        self.remove(former)
        self._add(queue)
        self.define(queue)
        return queue

    def restore(self, spec: QueueSpec, value: Mapping[str, object], entries: Entries, now: int) -> Queue:
        """Puts back a queue that the journal kept, with its entries. `spec` is what its arguments amount to."""
        number = value["number"]
        assert isinstance(number, int)
        kind = kind_in(value)
        queue = self._made(kind.unpacked(spec, value), number, now)
        self._add(queue)
        kind.restore(queue, value, entries, now)
        return queue

    def _new(self, spec: QueueSpec, now: int) -> Queue:
        next_number = self._host.next_number
        queue = self._made(spec, next_number() if spec.durable else 0, now)
        kind_named(spec.kind).begin(queue, next_number, now)
        return queue

    def _made(self, spec: QueueSpec, number: int, now: int) -> Queue:
        queue = kind_named(spec.kind).make(self._host, self._host.ledger, number, spec)
        queue.declared = spec
        queue.configure(self._in_force(queue))
        queue.used_at = now
        queue.tap = self._host.tap
        return queue

    def _in_force(self, queue: Queue) -> QueueSpec:
        declared: QueueSpec = queue.declared
        return self._host.in_force(declared) if kind_of(queue).obeys_policies else declared

    def _add(self, queue: Queue) -> None:
        spec = queue.spec
        (self._host.reply_queues if spec.is_hidden else self._host.queues)[queue.name] = queue
        if spec.owner is not None:
            self._owned.setdefault(spec.owner, {})[queue] = None
        self._host.generation += 1
        self._watch_expiry(queue, queue.used_at)
        if not spec.is_hidden:
            telling.created(queue)

    def define(self, queue: Queue) -> None:
        """Tells the journal of a queue that is to last, or of what has changed."""
        if queue.number:
            self._host.ledger.define(self._key(queue), pack_queue(queue))

    def _key(self, queue: Queue) -> str:
        return definitions.key("queue", self._host.name, queue.name)

    # --- changing ---------------------------------------------------------------------------------------------------

    def apply_policies(self, now: int) -> None:
        """The policies have changed: every queue does what applies to it now."""
        for queue in list(self._host.queues.values()):
            if kind_of(queue).obeys_policies:
                before = queue.spec.expires
                queue.configure(self._in_force(queue))
                if queue.spec.expires != before:
                    self._watch_expiry(queue, now)
                queue.enforce(now)

    def renumber(self, queue: PolledQueue) -> None:
        """The journal forgets what it keeps for the queue, but not the queue."""
        queue.renumber(self._host.next_number)
        self.define(queue)

    def _watch_expiry(self, queue: Queue, now: int) -> None:
        if queue.spec.expires is not None:
            expires = queue.spec.expires
            timers = self._host.timers
            timers.cancel(self._expiries.get(queue))
            self._expiries[queue] = timers.at(now + expires, lambda at: self._expire(queue, expires, at))

    def _expire(self, queue: Queue, expires: int, now: int) -> None:
        """Deletes a queue that nobody has used for so long; otherwise looks again when that could be so."""
        if queue.is_deleted or queue.spec.expires != expires:
            return
        if not queue.consumers and queue.used_at + expires <= now:
            self.remove(queue)
        else:
            self._watch_expiry(queue, now if queue.consumers else queue.used_at)

    # --- going ------------------------------------------------------------------------------------------------------

    def remove(self, queue: Queue) -> int:
        """Deletes a queue; the number of messages that waited in it."""
        host = self._host
        count = queue.waiting_count()
        queue.is_deleted = True
        del (host.reply_queues if queue.spec.is_hidden else host.queues)[queue.name]
        if queue.spec.owner is not None:
            self._owned[queue.spec.owner].pop(queue, None)
        host.unbind_everything_from(queue)
        if queue.number:
            queue.forget()
            host.ledger.define(self._key(queue), None)
        for consumer in queue.dismiss():
            consumer.cancelled()
        self._release(queue)
        host.past_counts.add(queue.counted())
        if not queue.spec.is_hidden:
            telling.deleted(queue, count)
        return count

    def _release(self, queue: Queue) -> None:
        """Nothing keeps a deleted queue: no route of a publisher that rests, no timer; and its messages go at once."""
        host = self._host
        queue.alone.clear()
        host.release_routes()
        host.timers.cancel(queue.alarm)
        host.timers.cancel(self._expiries.pop(queue, None))
        queue.alarm = None
        host.leave(queue.empty())

    def remove_owned(self, owner: object, most: int) -> int:
        """A connection is gone: its queues go with it, so many of them at most. How many it were."""
        queues = list(islice(self._owned.get(owner, ()), most))
        for queue in queues:
            self.remove(queue)
        if len(queues) < most:
            self._owned.pop(owner, None)
        return len(queues)


def _check_is_plain(queue: Queue) -> None:
    """Raises PreconditionFailed with what keeps another kind of queue from taking the place of this one.

    Nothing is lost where there are no messages, nobody consumes, and whoever declared the queue asked for nothing but
    that it lasts.
    """
    obstacles = {
        "has another kind": type(queue) is not ClassicQueue,
        "is exclusive": queue.spec.owner is not None,
        "is not durable": not queue.durable,
        "is deleted with its last consumer": queue.spec.auto_delete,
        "was declared with arguments": bool(queue.declared.arguments),
        "has consumers": bool(queue.consumers),
        "has messages": queue.waiting_count() + queue.unacked_count > 0,
    }
    for obstacle, is_there in obstacles.items():
        if is_there:
            raise PreconditionFailed(obstacle)
