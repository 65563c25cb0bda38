"""What waits for its time, browsed and removed as in ActiveMQ: by SENDs to the topic ActiveMQ.Scheduler.Management.

    AMQ_SCHEDULER_ACTION    BROWSE       each job that waits is sent to `reply-to`, with its `scheduledJobId`
                            REMOVE       the job with this `scheduledJobId` is removed
                            REMOVEALL    every job is
    AMQ_SCHEDULER_ACTION_START_TIME, _END_TIME    of the jobs that are due between these, in milliseconds

A client sees and removes what it may read where it goes to.
"""

from typing import TYPE_CHECKING

from mqbroker.core.message import Entry, new_message
from mqbroker.core.scheduling.schedule import JOB_ID
from mqbroker.errors import AccessRefused, ProtocolViolation
from mqbroker.limits import COUNT_MAX
from mqbroker.protocols.stomp import sending
from mqbroker.protocols.stomp.codec.heads import Head
from mqbroker.protocols.stomp.codec.numbers import is_number
from mqbroker.protocols.stomp.jms_addresses import parse_jms_address
from mqbroker.protocols.stomp.limits import STOMP_JOBS_SHOWN_MAX

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
    if scheduled is None:
        return {}
    start, end = _time(head, _START, 0), _time(head, _END, COUNT_MAX)
    found = {name: entry for name, entry in scheduled.jobs().items() if start <= entry.expires_at <= end}
    return {name: entry for name, entry in found.items() if _may_see(connection, entry)}


def _time(head: Head, name: str, default: int) -> int:
    text = head.get(name)
    if text is None:
        return default
    if not is_number(text):
        raise ProtocolViolation("Processing error", f"'{text}' is no value of '{name}'\n")
    return int(text)


def _may_see(connection: "StompState", entry: Entry) -> bool:
    access, message = connection.services.broker.access, entry.message
    kind, name = ("exchange", message.exchange) if message.exchange else ("queue", message.routing_key)
    try:
        access.check_read(connection.user, connection.place.name, kind, name)
    except AccessRefused:
        return False
    return True


def _browse(connection: "StompState", head: Head) -> None:
    destination = head.get("reply-to")
    if destination is None:
        raise ProtocolViolation("Missing header", "\"SEND\" must include a 'reply-to' header to browse jobs\n")
    route = sending.route_of(connection, head, parse_jms_address(destination)[0])
    jobs, scheduled = _jobs(connection, head), connection.place.scheduled
    for name in list(jobs)[:STOMP_JOBS_SHOWN_MAX]:
        assert scheduled is not None  # whose they are
        scheduled.read_body(jobs[name])
        message = jobs[name].message
        properties = message.properties.with_headers({**message.properties.headers(), JOB_ID: name})
        shown = new_message(route.exchange_name, route.routing_key, properties, message.content(), connection.now)
        connection.place.publish(route, shown, connection.now)
    connection.owe_recorded()


def _remove(connection: "StompState", head: Head, name: str | None) -> None:
    jobs = _jobs(connection, head)
    entries = list(jobs.values()) if name is None else [jobs[each] for each in jobs if each == name]
    scheduled = connection.place.scheduled
    if scheduled is not None:
        scheduled.release(entries)
    connection.owe_recorded()
