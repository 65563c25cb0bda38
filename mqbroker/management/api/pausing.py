"""Pausing the consumers of a queue, while it goes on to take messages: below /api/mqbroker.

Who may declare and delete the queue may. It lasts until it is resumed, or the broker starts anew.
"""

import logging

from mqbroker.core.queues.base import Queue
from mqbroker.management.answers import NO_CONTENT, Answer
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import MANAGEMENT
from mqbroker.management.refusals import bad_request, not_found

log = logging.getLogger(__name__)


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("mqbroker/queues/:vhost/:queue/pause", MANAGEMENT, POST=pause)
    routes.add("mqbroker/queues/:vhost/:queue/resume", MANAGEMENT, POST=resume)


def _found(call: Call) -> Queue:
    vhost, name = call.vhost_to_use(), call.name("queue")
    call.caller.check("configure", vhost.name, "queue", name)
    if name not in vhost.queues:
        raise not_found(f"no queue '{name}' in vhost '{vhost.name}'")
    found = vhost.queue(name)  # raises ResourceLocked if it is somebody's own
    if not found.can_pause:
        raise bad_request("consumers of this type of queue cannot be paused")
    return found


def pause(call: Call) -> Answer:
    """POST mqbroker/queues/V/Q/pause."""
    queue = _found(call)
    queue.pause()
    log.warning("queue %r of vhost %r is paused by user %r", queue.name, queue.host.name, call.caller.name)
    return NO_CONTENT


def resume(call: Call) -> Answer:
    """POST mqbroker/queues/V/Q/resume."""
    queue = _found(call)
    queue.resume(call.now)
    log.warning("queue %r of vhost %r is resumed by user %r", queue.name, queue.host.name, call.caller.name)
    return NO_CONTENT
