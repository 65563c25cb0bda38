"""Single histories that once went wrong: what a restart or a deadline made of them."""

from collections.abc import Iterator

import pytest

from mqbroker.core.access.access import Permissions, TopicPermissions
from mqbroker.core.access.credentials import access_key
from mqbroker.core.message import Message, new_message
from mqbroker.core.queues.polled.kinds import polled_spec
from mqbroker.core.queues.polled.settings import PollSettings
from mqbroker.core.rabbitmq.declaring import declare_exchange, declare_queue
from mqbroker.core.rabbitmq.policy import Policy
from mqbroker.limits import PORTION
from mqbroker.protocols.amqp.properties import build
from tests.model.house import House, ident_of
from tests.model.model import Letter, Observed
from tests.storage.simdisk import SimDisk

NOW = 1_700_000_000_000


class Lives:
    """A broker that can be killed and started again."""

    def __init__(self) -> None:
        self.count = 0
        self._open(SimDisk(), NOW)

    def _open(self, disk: SimDisk, now: int) -> None:
        self.count += 1
        self.house = House(disk, True, now, Observed(), self.count << 32)
        self.house.start()
        self.vhost = self.house.vhost

    def restart(self, down_ms: int = 0) -> None:
        """A kill with everything durable, and a start `down_ms` later."""
        self.house.finish()
        self.house.end()
        self._open(self.house.disk.after_kill(), self.house.now + down_ms)

    def pass_time(self, ms: int) -> None:
        """Lets time pass."""
        for _ in self.house.steps(self.house.now + ms):
            pass

    def declare(self, name: str, **arguments: object) -> None:
        """A durable queue; underscores in the names of arguments stand for dashes."""
        named = {f"x-{argument.replace('_', '-')}": value for argument, value in arguments.items()}
        declare_queue(self.vhost, name, True, False, False, named, self.house.now)

    def publish(self, ident: int, key: str, ttl_ms: int | None = None, exchange: str = "") -> None:
        """Publishes a persistent message."""
        self.house.publish(Letter(ident, 8, exchange, key, True, 0, ttl_ms))

    def idents(self, queue: str) -> list[int]:
        """The messages that wait in a queue."""
        return [ident_of(entry.message) for entry in self.vhost.queues[queue].waiting()]


@pytest.fixture
def lives() -> Iterator[Lives]:
    """A broker that can be killed."""
    made = Lives()
    yield made
    made.house.end()


def test_what_expires_while_the_broker_is_down_is_dead_lettered_after_what_was_there(lives: Lives) -> None:
    """Queues discarded what had expired before the bindings were back, so it was lost, and before later queues were."""
    declare_exchange(lives.vhost, "graves", "fanout", True, False, False, {})
    lives.declare("short", message_ttl=100, dead_letter_exchange="graves")
    lives.declare("dead")
    lives.vhost.bind(lives.vhost.exchanges["graves"], lives.vhost.queues["dead"], "", {})
    lives.publish(1, "dead")
    lives.publish(2, "short")
    lives.restart(down_ms=1000)
    assert (lives.idents("short"), lives.idents("dead")) == ([], [1, 2])
    lives.publish(3, "dead")
    lives.restart()
    assert (lives.idents("short"), lives.idents("dead")) == ([], [1, 2, 3])


def test_a_ttl_goes_on_over_a_restart(lives: Lives) -> None:
    lives.declare("q")
    lives.publish(1, "q", ttl_ms=1000)
    lives.restart(down_ms=600)
    lives.pass_time(399)
    assert lives.idents("q") == [1]
    lives.pass_time(1)
    assert lives.idents("q") == []


def test_a_message_that_comes_to_the_head_expires_on_time(lives: Lives) -> None:
    """The timer was armed for a head that expires, and not for the message after a head that does not."""
    lives.declare("q")
    lives.publish(1, "q")
    lives.publish(2, "q", ttl_ms=100)
    assert lives.house.get(lives.house.holder("q", 1)) is not None
    lives.pass_time(100)
    assert lives.idents("q") == []
    lives.publish(3, "q")
    lives.publish(4, "q", ttl_ms=100)
    lives.house.consume("q", 2, prefetch=1, no_ack=False)
    lives.pass_time(100)
    assert lives.idents("q") == []


def test_a_message_that_a_length_limit_brings_to_the_head_expires_on_time(lives: Lives) -> None:
    """Dropping the head armed no timer for the next one."""
    lives.declare("q", max_length=2)
    lives.publish(1, "q")
    lives.publish(2, "q", ttl_ms=100)
    lives.publish(3, "q")
    assert lives.idents("q") == [2, 3]
    lives.pass_time(100)
    assert lives.idents("q") == [3]


def test_a_binding_stays_unbound_whatever_the_order_of_its_arguments(lives: Lives) -> None:
    """The journal knew the binding by its arguments in the order of the declaration, so it came back."""
    lives.declare("q")
    headers, queue = lives.vhost.exchanges["amq.headers"], lives.vhost.queues["q"]
    lives.vhost.bind(headers, queue, "", {"x-match": "any", "a": 1, "b": {"c": 2, "d": 3}})
    lives.vhost.unbind(headers, queue, "", {"b": {"d": 3, "c": 2}, "a": 1, "x-match": "any"})
    lives.restart()
    assert list(lives.vhost.bindings()) == []


def test_changing_policies_leaves_one_timer_for_the_expiry_of_a_queue(lives: Lives) -> None:
    """Each change of any policy left another timer, which renewed itself as long as the queue lived."""
    lives.declare("q", expires=1000)
    broker, now = lives.house.broker, lives.house.now
    for priority in range(20):
        broker.set_policy(Policy("/", "other", "nothing", {"max-length": 5}, priority, "all"), now)
    assert len(broker.timers) == 1
    for expires in (700, 800, 500):
        broker.set_policy(Policy("/", "own", "q", {"expires": expires}, 0, "queues"), now)
    lives.house.get(lives.house.holder("q", 1))
    lives.pass_time(499)
    assert "q" in lives.vhost.queues
    lives.pass_time(1)
    assert "q" not in lives.vhost.queues


def test_users_permissions_limits_and_policies_survive_and_what_was_deleted_does_not_return(lives: Lives) -> None:
    broker, now = lives.house.broker, lives.house.now
    for name in ("ann", "bob"):
        broker.put_user(name, f"hash of {name}", ("monitoring", "management"))
    broker.set_permissions("ann", "/", Permissions("^a", "b$", ".*"))
    broker.set_topic_permissions("ann", "/", "amq.topic", TopicPermissions("^x", "^y"))
    broker.set_user_limits("ann", {"max-connections": 7})
    broker.set_vhost_limits("/", {"max-queues": 3})
    broker.add_vhost("gone")
    for operator in (False, True):
        broker.set_policy(Policy("/", "short", "^q", {"max-length": 5}, 2, "queues"), now, operator)
        broker.set_policy(Policy("/", "other", "^q", {"max-length": 1}, 3, "queues"), now, operator)
        broker.delete_policy("/", "other", now, operator)
    broker.delete_user("bob")
    broker.delete_vhost("gone")
    lives.restart()
    found = lives.house.broker
    assert list(found.vhosts) == ["/"]
    assert list(found.access.users) == ["ann"]
    ann = found.access.user("ann")
    assert (ann.password_hash, set(ann.tags)) == ("hash of ann", {"monitoring", "management"})
    assert ann.permissions == {"/": Permissions("^a", "b$", ".*")}
    assert ann.topic_permissions == {("/", "amq.topic"): TopicPermissions("^x", "^y")}
    assert ann.limits == broker.access.user("ann").limits
    assert found.limits_of("/") == broker.limits_of("/")
    for operator in (False, True):
        assert [policy.name for policy in found.policies.all(operator)] == ["short"]
    lives.declare("q")
    assert lives.vhost.queues["q"].spec.max_length == 5


def test_access_keys_survive_and_what_was_deleted_does_not_return(lives: Lives) -> None:
    broker = lives.house.broker
    for number, name in enumerate(("ann", "bob", "cyd")):
        broker.put_user(name, "")
        broker.put_access_key(name, f"AKIA{number:012}", f"secret of {name}", f"{number:012}")
    broker.put_access_key("ann", "AKIA000000000000", "another", "000000000007")
    broker.delete_user("bob")
    broker.delete_access_key("AKIA000000000002")
    lives.restart()
    key = access_key("AKIA000000000000", "ann", "another", "000000000007")
    assert lives.house.broker.access.access_keys == {key.id: key}
    lives.house.broker.put_user("bob", "")
    assert lives.house.broker.access.access_keys_of("bob") == []


def test_a_vhost_is_deleted_with_everything_in_it(lives: Lives) -> None:
    lives.declare("q")
    lives.vhost.bind(lives.vhost.exchanges["amq.fanout"], lives.vhost.queues["q"], "", {})
    lives.publish(1, "q")
    lives.house.finish()
    lives.house.broker.delete_vhost("/")
    lives.house.broker.add_vhost("/")
    lives.restart()
    assert not lives.house.strays()
    assert lives.house.live_entries() == 0
    assert (dict(lives.vhost.queues), list(lives.vhost.bindings())) == ({}, [])


def delayed(ident: int, delay_ms: int) -> Message:
    properties = build(delivery_mode=2, headers={"x-delay": delay_ms})
    return new_message("later", "q", properties, b"%d" % ident, NOW)


def declare_delayed(lives: Lives, durable: bool) -> None:
    lives.declare("q")
    later = declare_exchange(
        lives.vhost, "later", "x-delayed-message", durable, False, False, {"x-delayed-type": "direct"}
    )
    lives.vhost.bind(later, lives.vhost.queues["q"], "q", {})


def hold(lives: Lives, ident: int, delay_ms: int) -> None:
    lives.vhost.publish(lives.vhost.route("later", "q"), delayed(ident, delay_ms), lives.house.now)


def test_delayed_messages_survive_and_come_out_when_they_are_due(lives: Lives) -> None:
    declare_delayed(lives, durable=True)
    for ident, delay_ms in ((1, 3000), (2, 1000), (3, 2000)):
        hold(lives, ident, delay_ms)
    lives.restart(down_ms=500)
    assert lives.idents("q") == []
    lives.pass_time(500)
    assert lives.idents("q") == [2]
    lives.restart(down_ms=1500)
    lives.pass_time(500)
    assert lives.idents("q") == [2, 3, 1]
    lives.restart()
    assert lives.idents("q") == [2, 3, 1]


@pytest.mark.parametrize("durable", [True, False])
def test_a_delayed_exchange_is_deleted_with_what_it_holds(lives: Lives, durable: bool) -> None:
    """The messages of a transient one stayed, and their timer stopped the broker: it published to what was gone."""
    declare_delayed(lives, durable)
    hold(lives, 1, 1000)
    lives.vhost.delete_exchange("later")
    lives.pass_time(2000)
    lives.restart()
    assert lives.idents("q") == []
    assert lives.house.live_entries() == 0


def test_a_purge_that_was_not_answered_may_be_half_done_after_a_kill_and_nothing_else_is_lost(lives: Lives) -> None:
    lives.declare("q")
    for number in range(3 * PORTION):
        lives.publish(number + 1, "q")
    answers: list[int] = []
    assert lives.vhost.queues["q"].purge(lives.house.now, answers.append) == 3 * PORTION
    lives.publish(7_000, "q")
    lives.house.broker.scheduler.step(lives.house.now)
    lives.restart()
    assert not answers
    assert lives.idents("q") == [*range(PORTION + 1, 3 * PORTION + 1), 7_000]


def test_a_purge_that_was_answered_stays_done(lives: Lives) -> None:
    lives.declare("q")
    for number in range(3 * PORTION):
        lives.publish(number + 1, "q")
    lives.house.purge("q")
    lives.publish(7_000, "q")
    lives.restart()
    assert lives.idents("q") == [7_000]
    assert lives.house.live_entries() == 1


@pytest.mark.parametrize("is_queue", [True, False])
@pytest.mark.parametrize("is_there_again", [True, False])
def test_bindings_of_what_was_deleted_do_not_come_back(lives: Lives, is_queue: bool, is_there_again: bool) -> None:
    """The broker is killed before it could say so of all of them, and somebody has made a namesake of what is gone."""

    def declare() -> None:
        lives.declare("q")
        declare_exchange(lives.vhost, "x", "topic", True, False, False, {})

    declare()
    for number in range(3 * PORTION):
        lives.vhost.bind(lives.vhost.exchanges["x"], lives.vhost.queues["q"], f"{number}", {})
    if is_queue:
        lives.vhost.delete_queue("q")
    else:
        lives.vhost.delete_exchange("x")
    expected = []
    if is_there_again:
        declare()
        expected = sorted(f"{number}" for number in (0, 3 * PORTION - 1, 3 * PORTION))
        for key in expected:
            lives.vhost.bind(lives.vhost.exchanges["x"], lives.vhost.queues["q"], key, {})
    for _ in range(2):
        lives.restart()
        assert sorted(binding.key for _, binding in lives.vhost.bindings()) == expected


def test_bindings_of_a_polled_queue_survive_its_purge(lives: Lives) -> None:
    queue = lives.vhost.take_over(polled_spec("q", PollSettings()), lives.house.now)
    lives.vhost.bind(lives.vhost.exchanges["amq.fanout"], queue, "", {})
    queue.publish(delayed(1, 0), lives.house.now)
    lives.house.purge("q")
    lives.restart()
    assert [binding.destination for _, binding in lives.vhost.bindings()] == [lives.vhost.queues["q"]]


def test_half_a_vhost_is_there_again_when_its_deletion_was_not_over(lives: Lives) -> None:
    broker = lives.house.broker
    other = broker.add_vhost("other")
    for number in range(3 * PORTION):
        declare_queue(other, f"q{number}", True, False, False, {}, lives.house.now)
    broker.delete_vhost("other")
    lives.restart()
    other = lives.house.broker.vhost("other")
    assert 0 < len(other.queues) < 3 * PORTION
    lives.house.broker.delete_vhost("other")
    lives.house.broker.scheduler.finish(lives.house.now)
    lives.restart()
    assert list(lives.house.broker.vhosts) == ["/"]
