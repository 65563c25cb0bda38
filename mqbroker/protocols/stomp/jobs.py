"""What waits for its time, browsed and removed as in ActiveMQ: by SENDs to the topic ActiveMQ.Scheduler.Management.

    AMQ_SCHEDULER_ACTION    BROWSE       each job that waits is sent to `reply-to`, with its `scheduledJobId`
                            REMOVE       the job with this `scheduledJobId` is removed
                            REMOVEALL    every job is
    AMQ_SCHEDULER_ACTION_START_TIME, _END_TIME    of the jobs that are due between these, in milliseconds

A client sees and removes what it may read where it goes to.
"""

from typing import TYPE_CHECKING

from mqbroker.core.message import GONE, Entry, new_message
from mqbroker.core.routing.route import Route
from mqbroker.core.scheduler import Task
from mqbroker.core.scheduling.schedule import JOB_ID
from mqbroker.core.scheduling.scheduled import ScheduledMessages
from mqbroker.errors import AccessPending, AccessRefused, ProtocolViolation
from mqbroker.limits import COUNT_MAX
from mqbroker.protocols.stomp import sending
from mqbroker.protocols.stomp.codec.heads import Head
from mqbroker.protocols.stomp.codec.numbers import is_number
from mqbroker.protocols.stomp.jms_addresses import parse_jms_address
from mqbroker.protocols.stomp.limits import STOMP_JOBS_SHOWN_MAX
from mqbroker.protocols.stomp.state import RUNNING

if TYPE_CHECKING:
    from mqbroker.protocols.stomp.state import StompState

DESTINATION = "/topic/ActiveMQ.Scheduler.Management"
_ACTION = "AMQ_SCHEDULER_ACTION"
_START, _END = f"{_ACTION}_START_TIME", f"{_ACTION}_END_TIME"


def send(connection: "StompState", head: Head, body: bytes) -> None:
    """SEND. Raises ProtocolViolation, RequestRefused."""
    if not connection.is_jms or head.get("destination") != DESTINATION:
        sending.send(connection, head, body)
        return
    action = head.get(_ACTION)
    if action == "BROWSE":
        _browse(connection, head)
    elif action in ("REMOVE", "REMOVEALL"):
        _remove(connection, head, None if action == "REMOVEALL" else head.get(JOB_ID) or "")
    else:
        raise ProtocolViolation("Processing error", f"'{action}' is no value of '{_ACTION}'\n")


def _jobs(connection: "StompState", head: Head) -> dict[str, Entry]:
    """What a frame is about. Raises ProtocolViolation."""
    scheduled = connection.place.scheduled
    start, end = _time(head, _START, 0), _time(head, _END, COUNT_MAX)
    if scheduled is None:
        return {}
    found = {name: entry for name, entry in scheduled.jobs().items() if start <= entry.expires_at <= end}
    places = {(entry.message.exchange, entry.message.routing_key) for entry in found.values()}
    seen = {place for place in places if _may_see(connection, *place)}
    return {name: job for name, job in found.items() if (job.message.exchange, job.message.routing_key) in seen}


def _time(head: Head, name: str, default: int) -> int:
    text = head.get(name)
    if text is None:
        return default
    if not is_number(text):
        raise ProtocolViolation("Processing error", f"'{text}' is no value of '{name}'\n")
    return int(text)


def _may_see(connection: "StompState", exchange: str, routing_key: str) -> bool:
    access = connection.services.broker.access
    kind, name = ("exchange", exchange) if exchange else ("queue", routing_key)
    try:
        access.check_read(connection.user, connection.place.name, kind, name)
    except AccessPending:
        raise
    except AccessRefused:
        return False
    return True


def _browse(connection: "StompState", head: Head) -> None:
    destination = head.get("reply-to")
    if destination is None:
        raise ProtocolViolation("Missing header", "\"SEND\" must include a 'reply-to' header to browse jobs\n")
    route = sending.route_of(connection, head, parse_jms_address(destination)[0])
    jobs, scheduled = _jobs(connection, head), connection.place.scheduled
    if scheduled is None or not jobs:
        connection.owe()
        return
    connection.settling = _Showing(connection, head, route, scheduled, list(jobs.items())[:STOMP_JOBS_SHOWN_MAX])
    connection.services.broker.scheduler.add(connection.settling)


class _Showing(Task):
    """The jobs that one frame wants to see, which may be many. The frames after it wait: they may remove some."""

    __slots__ = ("_connection", "_head", "_jobs", "_route", "_scheduled")

    def __init__(
        self,
        connection: "StompState",
        head: Head,
        route: Route,
        scheduled: ScheduledMessages,
        jobs: list[tuple[str, Entry]],
    ) -> None:
        Task.__init__(self)
        self._connection = connection
        self._head = head
        self._route = route
        self._scheduled = scheduled
        self._jobs = jobs[::-1]

    def run(self, now: int, portion: int) -> bool:
        """Task: sends a portion. What has become due meanwhile is no job any more."""
        connection = self._connection
        connection.now = now
        if connection.stage == RUNNING:
            part = self._jobs[: -portion - 1 : -1]
            del self._jobs[-portion:]
            for name, entry in part:
                if entry.held_until != GONE:
                    self._show(name, entry, now)
            if self._jobs:
                return True
        connection.settled(self._head)
        return False

    def _show(self, name: str, entry: Entry, now: int) -> None:
        self._scheduled.read_body(entry)
        message, route = entry.message, self._route
        properties = message.properties.with_headers({**message.properties.headers(), JOB_ID: name})
        shown = new_message(route.exchange_name, route.routing_key, properties, message.content(), now)
        self._connection.place.publish(route, shown, now)


def _remove(connection: "StompState", head: Head, name: str | None) -> None:
    jobs = _jobs(connection, head)
    entries = list(jobs.values()) if name is None else [jobs[each] for each in jobs if each == name]
    scheduled = connection.place.scheduled
    if scheduled is not None:
        scheduled.release(entries)
    connection.owe_recorded()
