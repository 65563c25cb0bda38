"""Rates and totals that are read now and then, and the events of what happens to many messages."""

from mqbroker.core.broker import Broker
from mqbroker.core.events import Event
from mqbroker.core.ledger import Ledger
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.vhost import VHost
from mqbroker.limits import PORTION, SAMPLE_INTERVAL_MS, SAMPLES_KEPT
from mqbroker.runtime.sampler import Sampler
from tests.core.messages import message


def made() -> tuple[Broker, VHost, Sampler]:
    broker = Broker(Ledger(), lambda: "name")
    return broker, broker.add_vhost("/"), Sampler(broker, lambda: {"connections": 7})


def look(broker: Broker, times: int = 1, now: int = 0) -> int:
    """Lets the time of so many looks pass."""
    for _ in range(times):
        now += SAMPLE_INTERVAL_MS
        broker.advance(now)
        broker.scheduler.finish(now)
    return now


def test_rates_are_known_of_queues_vhosts_and_the_node() -> None:
    """Nothing could be observed: neither what there is nor how fast it goes."""
    broker, vhost, sampler = made()
    queue = vhost.declare(QueueSpec("q"), 0)
    assert sampler.rates() == {}
    sampler.start(0)
    broker.scheduler.finish(0)
    for _ in range(20):
        vhost.publish(vhost.route("", "q"), message(b"x", "q"), 0)
    look(broker)
    assert (sampler.latest.node["ready"], sampler.latest.node["connections"]) == (20, 7)
    assert sampler.latest.vhosts["/"]["published"] == 20
    for found in (sampler.rates(), sampler.rates("/"), sampler.queue_rates(queue)):
        assert (found["published"], found["acked"]) == (4.0, 0.0)
    assert sampler.rates("/")["received"] == 4.0
    assert sampler.queue_rates(vhost.declare(QueueSpec("new"), 0)) == {}


def test_many_queues_are_looked_at_in_portions_and_deleted_ones_are_not_lost() -> None:
    """A hundred thousand queues at once would hold everybody up."""
    broker, vhost, sampler = made()
    for number in range(PORTION):
        vhost.declare(QueueSpec(f"q{number}"), 0)
        vhost.publish(vhost.route("", f"q{number}"), message(), 0)
    sampler.start(0)
    assert broker.scheduler.step(0)
    assert not sampler.latest.node
    vhost.delete_queue("q0")
    vhost.delete_queue(f"q{PORTION - 1}")
    broker.scheduler.finish(0)
    assert sampler.latest.node["published"] == PORTION
    look(broker)
    assert (sampler.latest.node["published"], sampler.latest.node["queues"]) == (PORTION, PORTION - 2)


def test_the_history_is_bounded() -> None:
    broker, _, sampler = made()
    sampler.start(0)
    look(broker, SAMPLES_KEPT + 5)
    assert len(sampler.history) == SAMPLES_KEPT
    assert sampler.history[-1][0] == (SAMPLES_KEPT + 5) * SAMPLE_INTERVAL_MS


def test_overflow_and_dead_letters_are_told_once_a_look() -> None:
    broker, vhost, sampler = made()
    vhost.declare(QueueSpec("dead"), 0)
    spec = QueueSpec("full", max_length=1, dead_letter_exchange="", dead_letter_routing_key="dead")
    vhost.declare(spec, 0)
    events: list[Event] = []
    sampler.start(0)
    broker.scheduler.finish(0)
    broker.events.subscribe(events.append)
    now = 0
    for _ in range(2):
        for _ in range(5):
            vhost.publish(vhost.route("", "full"), message(), now)
        now = look(broker, now=now)
    look(broker, now=now)
    assert [(each.name, each.fields.get("dropped", each.fields.get("messages"))) for each in events] == [
        ("queue.overflowed", 4), ("queue.dead.lettered", 4), ("queue.overflowed", 5), ("queue.dead.lettered", 5),
    ]  # fmt: skip
