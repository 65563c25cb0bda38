"""Definitions of queues as they stand in journals: each kind reads what was written before, and writes the same."""

from dataclasses import replace

import pytest

from mqbroker.core import definitions
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.kinds import pack_queue
from mqbroker.core.queues.priority import PriorityQueue
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.restoration import restore

LIMITED = b'{"number":7,"auto_delete":false,"arguments":{"Table":{"x-max-length":1000,"x-overflow":"reject-publish"}},'
PLAIN = b'{"number":7,"auto_delete":false,"arguments":{"Table":{}},'
POLLING = (
    b'"polling":{"Table":{"visibility_ms":30000,"delay_ms":5,"retention_ms":345600000,"in_flight_max":120000,'
    b'"receive_max":3,"dead_letter_queue":"dead","deduplicates_by_content":true,"deduplicates_by_group":false}}'
)
DEFINITIONS = {  # as the versions wrote them that knew the kinds as roles
    "classic": b'{"number":7,"auto_delete":true,"arguments":{"Table":{"x-max-length":{"Int32":5},"x-message-ttl":9}}}',
    "quorum": b'{"number":7,"auto_delete":false,"arguments":{"Table":{"x-queue-type":"quorum"}}}',
    "subscriber": LIMITED + b'"role":"subscriber"}',
    "live": PLAIN + b'"role":"live"}',
    "shared": LIMITED + b'"role":"shared"}',
    "selected": PLAIN + b'"role":"selected","selector":"a = 1"}',
    "polled": PLAIN + b'"role":"polled",' + POLLING + b"}",
    "fifo": PLAIN + b'"role":"fifo",' + POLLING + b',"deduplication":8}',
}


def restored(definition: bytes) -> Queue:
    broker = Broker(Ledger(), lambda: "name")
    found = {definitions.key("vhost", "/"): b"{}", definitions.key("queue", "/", "q"): definition}
    restore(broker, found, {}, 1_000)
    return broker.vhost("/").queues["q"]


@pytest.mark.parametrize("kind", DEFINITIONS)
def test_what_was_written_before_is_read_and_written_again(kind: str) -> None:
    """A journal of the last version must make the same broker, and the next start must too."""
    queue = restored(DEFINITIONS[kind])
    assert (queue.name, queue.number, queue.durable) == ("q", 7, True)
    assert pack_queue(queue) == DEFINITIONS[kind]


def test_what_definitions_mean() -> None:
    classic, quorum, subscriber = (restored(DEFINITIONS[kind]).spec for kind in ("classic", "quorum", "subscriber"))
    assert (classic.auto_delete, classic.max_length, classic.message_ttl) == (True, 5, 9)
    assert (quorum.counts_failures, quorum.delivery_limit, quorum.max_priority) == (True, 20, 31)
    assert isinstance(restored(DEFINITIONS["quorum"]), PriorityQueue)
    assert (subscriber.max_length, subscriber.overflow) == (1000, "reject-publish")
    polling = restored(DEFINITIONS["fifo"]).spec.polling
    assert (polling.delay_ms, polling.receive_max, polling.dead_letter_queue) == (5, 3, "dead")


def test_a_queue_that_said_nothing_in_amqp_is_found_by_those_who_would() -> None:
    """What another protocol asked for was lost at a restart if it was more than a limit."""
    broker = Broker(Ledger(), lambda: "name")
    vhost = broker.add_vhost("/")
    spec = QueueSpec(
        "q", durable=True, message_ttl=1, expires=2, max_length=3, max_length_bytes=4, overflow="reject-publish",
        dead_letter_exchange="x", dead_letter_routing_key="k", max_priority=5, single_active_consumer=True,
        consumer_timeout=6,
    )  # fmt: skip
    definition = pack_queue(vhost.declare(spec, 0))
    again = restored(definition).declared
    assert replace(again, arguments={}) == spec
