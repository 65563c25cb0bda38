"""Jobs of ActiveMQ's scheduler: what waits for its time, browsed and removed."""

from typing import Any

import pytest

from mqbroker.core.access.access import Permissions
from mqbroker.limits import PORTION
from mqbroker.server import formats_of
from mqbroker.spoken import PROTOCOLS
from mqbroker.storage.journal import assemble
from mqbroker.storage.log.executors import InlineExecutor
from tests.stomp.house import Client, House, frame
from tests.storage.house import Fatal
from tests.storage.simdisk import SimDisk
from tests.support.session_house import START


@pytest.fixture
def house() -> House:
    return House(dialect="activemq")


MANAGEMENT = "/topic/ActiveMQ.Scheduler.Management"


def jobs(client: Client, **headers: Any) -> dict[str, bytes]:
    """What waits for its time, by id."""
    client.send("SEND", destination=MANAGEMENT, AMQ_SCHEDULER_ACTION="BROWSE", reply_to="/temp-queue/jobs", **headers)
    found = client.frames()
    assert {each.command for each in found} <= {"MESSAGE"}, found
    return {each.headers["scheduledJobId"]: each.body for each in found}


def remove(client: Client, **headers: Any) -> None:
    client.send("SEND", destination=MANAGEMENT, receipt="done", **headers)
    client.take("RECEIPT")


def test_jobs_are_browsed_and_removed(house: House) -> None:
    """What was to come later could not be taken back."""
    client, receiver = house.connect(), house.connect()
    receiver.send("SUBSCRIBE", id=1, destination="/queue/q")
    client.send("SUBSCRIBE", id=1, destination="/temp-queue/jobs")
    assert jobs(client) == {}
    for delay in (300, 100, 200, 400):
        client.send("SEND", b"%d" % delay, destination="/queue/q", AMQ_SCHEDULED_DELAY=delay)
    found = jobs(client)
    assert list(found.values()) == [b"100", b"200", b"300", b"400"]
    within = {"AMQ_SCHEDULER_ACTION_START_TIME": START + 150, "AMQ_SCHEDULER_ACTION_END_TIME": START + 300}
    assert list(jobs(client, **within).values()) == [b"200", b"300"]
    remove(client, AMQ_SCHEDULER_ACTION="REMOVE", scheduledJobId=next(iter(found)))
    remove(client, AMQ_SCHEDULER_ACTION="REMOVE", scheduledJobId="unknown")
    remove(client, AMQ_SCHEDULER_ACTION="REMOVEALL", **within)
    assert list(jobs(client).values()) == [b"400"]
    house.pass_time(1000)
    assert receiver.messages() == [b"400"]


def test_jobs_are_browsed_whose_bodies_are_on_the_disk() -> None:
    """The connection was closed for an internal error."""
    disk, fatal = InlineExecutor(), Fatal()
    ledger, _ = assemble(SimDisk(), formats_of(PROTOCOLS), True, disk, disk, fatal, 1 << 20, window=1)
    client = House(ledger, dialect="activemq").connect()
    client.send("SUBSCRIBE", id=1, destination="/temp-queue/jobs")
    bodies = [(b"%d" % number).ljust(100, b".") for number in range(50)]
    for delay, body in enumerate(bodies, 1000):
        client.send("SEND", body, destination="/queue/q", persistent="true", AMQ_SCHEDULED_DELAY=delay)
        ledger.seal()
    assert ledger.pager.paged_out
    assert list(jobs(client).values()) == bodies
    assert not fatal.errors


def test_many_jobs_are_shown_in_portions(house: House) -> None:
    """Ten thousand jobs held up everybody else; and what came after the BROWSE has to see it done."""
    client, other = house.connect(), house.connect()
    for number in range(3 * PORTION):
        client.send("SEND", b"%d" % number, destination="/queue/q", AMQ_SCHEDULED_DELAY=1000 + number)
    browse = {"AMQ_SCHEDULER_ACTION": "BROWSE", "reply_to": "/queue/jobs"}
    octets = frame("SEND", b"", destination=MANAGEMENT, receipt="shown", **browse)
    octets += frame("SEND", destination=MANAGEMENT, receipt="removed", AMQ_SCHEDULER_ACTION="REMOVEALL")
    client.session.receive_data(octets, house.now)
    house.broker.scheduler.step(house.now)
    assert house.vhost.queues["jobs"].waiting_count() == PORTION
    other.session.receive_data(frame("SEND", b"x", destination="/queue/meanwhile"), house.now)
    assert house.vhost.queues["meanwhile"].waiting_count() == 1
    house.turn()
    assert [each.headers["receipt-id"] for each in client.frames()] == ["shown", "removed"]
    client.send("SUBSCRIBE", id=1, destination="/queue/jobs")
    assert client.messages() == [b"%d" % each for each in range(3 * PORTION)]
    house.pass_time(5000)
    assert house.vhost.queues["q"].waiting_count() == 0


def test_a_client_that_leaves_is_shown_no_more_jobs(house: House) -> None:
    client = house.connect()
    for number in range(3 * PORTION):
        client.send("SEND", b"%d" % number, destination="/queue/q", AMQ_SCHEDULED_DELAY=1000 + number)
    browse = frame("SEND", destination=MANAGEMENT, AMQ_SCHEDULER_ACTION="BROWSE", reply_to="/queue/jobs")
    client.session.receive_data(browse, house.now)
    house.broker.scheduler.step(house.now)
    client.lose()
    assert house.vhost.queues["jobs"].waiting_count() == PORTION


def test_a_delivered_copy_says_which_job_it_is_of(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/q")
    client.send("SEND", b"x", destination="/queue/q", AMQ_SCHEDULED_PERIOD=100, AMQ_SCHEDULED_REPEAT=-1)
    house.pass_time(350)
    (job,) = {each.headers["scheduledJobId"] for each in client.frames()}
    remove(client, AMQ_SCHEDULER_ACTION="REMOVE", scheduledJobId=job)
    house.pass_time(1000)
    assert client.frames() == []


def test_a_job_keeps_its_name(house: House) -> None:
    """What was to be removed had another name after its next time."""
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/temp-queue/jobs")
    again = {"AMQ_SCHEDULED_PERIOD": 100, "AMQ_SCHEDULED_REPEAT": -1, "scheduledJobId": "mine", "own": "header"}
    client.send("SEND", b"x", destination="/queue/q", **again)
    (name,) = jobs(client)
    assert name != "mine"
    house.pass_time(350)
    assert list(jobs(client)) == [name]
    client.send("SUBSCRIBE", id=2, destination="/queue/q")
    for message in client.frames():
        assert (message.headers["scheduledJobId"], message.headers["own"]) == (name, "header")
        assert "AMQ_SCHEDULED_PERIOD" not in message.headers
    remove(client, AMQ_SCHEDULER_ACTION="REMOVE", scheduledJobId=name)
    assert jobs(client) == {}


@pytest.mark.parametrize("headers", [{}, {"AMQ_SCHEDULER_ACTION": "SHOUT"}, {"AMQ_SCHEDULER_ACTION": "BROWSE"}])
def test_a_wrong_action_is_refused(house: House, headers: dict[str, str]) -> None:
    client = house.connect()
    client.send("SEND", destination=MANAGEMENT, **headers)
    client.take("ERROR")


def test_nobody_sees_jobs_of_others(house: House) -> None:
    house.broker.put_user("other", "other")
    house.broker.set_permissions("other", "/", Permissions("^(amq\\.gen|own).*", ".*", "^(amq\\.gen|own).*"))
    client, other = house.connect(), house.connect(user="other")
    other.send("SUBSCRIBE", id=1, destination="/temp-queue/jobs")
    for name in ("secret", "own"):
        client.send("SEND", name.encode(), destination=f"/queue/{name}", AMQ_SCHEDULED_DELAY=50)
    assert list(jobs(other).values()) == [b"own"]
    remove(other, AMQ_SCHEDULER_ACTION="REMOVEALL")
    house.pass_time(100)
    assert house.vhost.queues["secret"].waiting_count() == 1
    assert house.vhost.queues["own"].waiting_count() == 0
