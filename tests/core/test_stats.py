"""What passes a queue and an exchange is counted, each message in each place once."""

from collections.abc import Callable

from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Entry
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.spec import DROP_HEAD, REJECT_PUBLISH, QueueSpec
from mqbroker.core.rabbitmq.declaring import declare_exchange
from mqbroker.core.totals import flow_numbers, queue_stats, snapshot
from mqbroker.core.vhost import VHost
from tests.core.messages import PlainProperties, Taker, message, nothing


def made() -> tuple[Broker, VHost]:
    broker = Broker(Ledger(), lambda: "name")
    return broker, broker.add_vhost("/")


def publish(vhost: VHost, key: str, count: int = 1, exchange: str = "", ttl_ms: int = -1) -> None:
    for _ in range(count):
        vhost.publish(vhost.route(exchange, key), message(b"12", key, exchange, PlainProperties(ttl_ms=ttl_ms)), 0)


def counted(queue: Queue) -> dict[str, int]:
    """What is not 0."""
    return {name: number for name, number in queue_stats(queue).items() if number}


def consumer(queue: Queue, no_ack: bool = False, prefetch: int = 0) -> Taker:
    taker = Taker(queue, prefetch)
    taker.no_ack = no_ack
    queue.add_consumer(taker, 0)
    queue.offer(taker, 0)
    return taker


def test_what_is_handed_through_to_a_consumer_that_does_not_acknowledge_counts() -> None:
    """It never has a place in the queue, so nothing else tells of it."""
    _, vhost = made()
    queue = vhost.declare(QueueSpec("q"), 0)
    publish(vhost, "q", 2)
    consumer(queue, no_ack=True)
    publish(vhost, "q", 3)
    assert counted(queue) == {"published": 5, "no_ack": 5, "consumers": 1}


def test_acknowledging_consumers_and_clients_that_poll_count() -> None:
    _, vhost = made()
    queue = vhost.declare(QueueSpec("q"), 0)
    publish(vhost, "q", 5)
    taker = consumer(queue, prefetch=3)
    first, second, third = taker.taken
    queue.acknowledge(first, 0)
    queue.requeue([second], 0)
    queue.reject(third, 0)
    assert counted(queue) == {
        "published": 5, "delivered": 6, "redelivered": 1, "acked": 1, "returned": 1, "rejected": 1, "unacked": 3,
        "consumers": 1,
    }  # fmt: skip
    queue.remove_consumer(taker, 0)
    publish(vhost, "q")
    entry = queue.get(Taker(queue), 0)
    assert isinstance(entry, Entry)
    assert counted(queue)["got"] == 1


def test_what_leaves_a_queue_in_another_way_counts_by_its_reason() -> None:
    _, vhost = made()
    dead = vhost.declare(QueueSpec("dead"), 0)
    full = vhost.declare(QueueSpec("full", max_length=1, overflow=DROP_HEAD, dead_letter_exchange="",
                                   dead_letter_routing_key="dead"), 0)  # fmt: skip
    shut = vhost.declare(QueueSpec("shut", max_length=1, overflow=REJECT_PUBLISH), 0)
    short = vhost.declare(QueueSpec("short"), 0)
    for queue in (full, shut):
        publish(vhost, queue.name, 3)
    publish(vhost, "short", 2, ttl_ms=5)
    short.expire(10)
    assert counted(full) == {"published": 3, "dropped": 2, "dead_lettered": 2, "ready": 1, "ready_bytes": 2}
    assert counted(dead) == {"published": 2, "ready": 2, "ready_bytes": 4}
    assert counted(shut) == {"published": 1, "refused": 2, "ready": 1, "ready_bytes": 2}
    assert counted(short) == {"published": 2, "expired": 2}
    dead.purge(0, nothing)
    assert counted(dead) == {"published": 2, "purged": 2}


def test_exchanges_count_what_comes_and_where_it_goes() -> None:
    _, vhost = made()
    exchange = declare_exchange(vhost, "e", "topic", False, False, False, {})
    for name in ("a", "b"):
        vhost.bind(exchange, vhost.declare(QueueSpec(name), 0), "k", {})
    publish(vhost, "k", 3, "e")
    publish(vhost, "nobody", 2, "e")
    assert flow_numbers(exchange.flow) == {"received": 5, "routed": 6, "unrouted": 2}
    headers = declare_exchange(vhost, "h", "headers", False, False, False, {})
    publish(vhost, "k", 2, "h")
    assert flow_numbers(headers.flow) == {"received": 2, "routed": 0, "unrouted": 2}


def test_totals_do_not_go_down_when_something_is_deleted() -> None:
    """A rate would have been negative."""
    broker, vhost = made()
    exchange = declare_exchange(vhost, "e", "fanout", False, False, False, {})
    vhost.bind(exchange, vhost.declare(QueueSpec("q"), 0), "", {})
    publish(vhost, "k", 3, "e")
    before = snapshot(broker)
    assert (before["/"]["published"], before["/"]["received"], before[""]["routed"]) == (3, 3, 3)

    def holds(name: str, delete: Callable[[], object]) -> None:
        delete()
        broker.scheduler.finish(0)
        found = snapshot(broker)[name]
        assert (found["published"], found["received"], found["routed"]) == (3, 3, 3)

    holds("/", lambda: vhost.delete_queue("q"))
    holds("/", lambda: vhost.delete_exchange("e"))
    holds("", lambda: broker.delete_vhost("/"))


def test_a_restart_counts_from_nothing() -> None:
    """The places of what was there before are not what was published since."""
    _, vhost = made()
    queue = vhost.declare(QueueSpec("q"), 0)
    publish(vhost, "q", 3)
    again = vhost.declare(QueueSpec("again"), 0)
    again.restore(queue.waiting())
    assert counted(again) == {"ready": 3, "ready_bytes": 6}
    publish(vhost, "again")
    assert counted(again)["published"] == 1
