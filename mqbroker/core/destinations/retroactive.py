"""Retroactive subscriptions: one that is new begins with what was last published to its topics, where that is kept."""

from typing import TYPE_CHECKING

from mqbroker.core.destinations.recent import RecentQueue
from mqbroker.core.message import new_message
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.routing.exchange import Exchange
from mqbroker.core.routing.topics import TopicTrie
from mqbroker.limits import RECENT_MESSAGES_AT_ONCE

if TYPE_CHECKING:
    from mqbroker.core.vhost import VHost


def keep_recent(vhost: "VHost", exchange_name: str, each_max: int, now: int) -> None:
    """From now on so many messages of each topic are kept, if the exchange is there."""
    exchange = vhost.exchanges.get(exchange_name)
    if exchange is not None and _recent_of(vhost, exchange_name) is None:
        recent = vhost.declare(QueueSpec(_name(exchange_name), RecentQueue.role, is_hidden=True), now)
        assert isinstance(recent, RecentQueue)
        recent.each_max = each_max
        vhost.bind(exchange, recent, "#", {})


def catch_up(vhost: "VHost", exchange: Exchange, queue: Queue, patterns: tuple[str, ...], now: int) -> None:
    """The queue of a new subscription gets what is kept of its topics."""
    recent = _recent_of(vhost, exchange.name)
    if recent is None:
        return
    wanted: TopicTrie[Queue] = TopicTrie()
    for pattern in patterns:
        wanted.add(pattern, queue)
    found = recent.messages([topic for topic in recent.topics() if wanted.match(topic)])
    for each in found[-RECENT_MESSAGES_AT_ONCE:]:
        left_ms = each.received_at + each.properties.ttl_ms - now
        if each.properties.ttl_ms < 0 or left_ms > 0:
            # A message of its own: the one that was published may be gone from the journal.
            copy = new_message(each.exchange, each.routing_key, each.properties, each.content(), each.received_at)
            queue.publish(copy, now)


def _name(exchange_name: str) -> str:
    return f"recent-{exchange_name}"


def _recent_of(vhost: "VHost", exchange_name: str) -> RecentQueue | None:
    found = vhost.reply_queues.get(_name(exchange_name))
    return found if isinstance(found, RecentQueue) else None
