"""Makes ActiveMQ's advisories of what happens in the broker, while somebody has asked for them.

    events  --take-->  [ first | ... | last ]  --run, a portion-->  amq.topic, ActiveMQ.Advisory.Queue ...
    taps    ----------------^   of messages, in vhosts where somebody wants advisories of single ones

What happens in the midst of other work is noted at once, and told when that is done. Whether a queue is a destination
is seen then only: that of a subscription is bound after it is made. Whoever subscribes is told first of what there is
already, as by ActiveMQ.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from mqbroker.core.broker import Broker
from mqbroker.core.events import Event
from mqbroker.core.message import Entry, Message, new_message
from mqbroker.core.properties import Properties
from mqbroker.core.queues.base import Queue
from mqbroker.core.scheduler import Task
from mqbroker.core.tap import Tap
from mqbroker.limits import NAME_BYTES_MAX
from mqbroker.protocols.registry import Registry
from mqbroker.runtime.advisories import shapes
from mqbroker.runtime.advisories.place import EXCHANGE, PREFIX, Place, kind_of_topic, matches
from mqbroker.runtime.advisories.shapes import ADD, QUEUE, REMOVE, TOPIC

Compose = Callable[[Mapping[str, object]], Properties]
Step = Callable[[int], None]

_WAITING_MAX = 10_000  # what happens meanwhile is told to nobody
_DELIVERED, _NO_CONSUMER = "MessageDelivered", "NoConsumer"
_EMPTY: Mapping[str, object] = {}
_KINDS = {"": QUEUE, EXCHANGE: TOPIC}
"""What kind of destination a key of these exchanges is."""


class Advisories(Task):
    """Those of one broker."""

    __slots__ = ("_broker", "_compose", "_name", "_places", "_registry", "_replays", "_waiting", "dropped")

    def __init__(self, broker: Broker, registry: Registry, compose: Compose, name: str) -> None:
        """`name` is the broker's. What is there already is known from now on."""
        Task.__init__(self)
        self._broker = broker
        self._registry = registry
        self._compose = compose
        self._name = name
        self._places: dict[str, Place] = {}
        self._waiting: deque[Step] = deque()
        self._replays: deque[Iterator[None]] = deque()
        """What those who have just subscribed are told of, step by step."""
        self.dropped = 0
        """What nobody was told of, because too much waited."""
        for vhost in broker.vhosts.values():
            self._look_around(self._place(vhost.name))
        broker.events.subscribe(self.take)

    def _look_around(self, place: Place | None) -> None:
        if place is None:
            return
        for exchange, binding in place.vhost.bindings():
            if exchange.name == EXCHANGE and isinstance(binding.destination, Queue):
                place.bound(binding.destination.name, binding.key)
        for queue in place.vhost.queues.values():
            place.queue_found(queue)
            place.consumers_changed(queue.name, len(queue.consumers))
        self._tap(place)

    def _place(self, vhost: str) -> Place | None:
        found = self._broker.vhosts.get(vhost)
        if found is None:
            self._places.pop(vhost, None)
            return None
        if vhost not in self._places or self._places[vhost].vhost is not found:
            self._places[vhost] = Place(found)
        return self._places[vhost]

    # --- what happens -----------------------------------------------------------------------------------------------

    def take(self, event: Event) -> None:
        """A subscriber of the broker's events."""
        handler = _HANDLERS.get(event.name)
        place = self._place(str(event.fields["vhost"])) if handler is not None and "vhost" in event.fields else None
        if handler is not None and place is not None:
            handler(self, place, event.fields)

    def later(self, step: Step) -> None:
        """Has something done when the work is done in whose midst it came up."""
        if len(self._waiting) >= _WAITING_MAX:
            self.dropped += 1
            return
        self._waiting.append(step)
        self._broker.scheduler.add(self)

    def run(self, now: int, portion: int) -> bool:
        """Overrides Task's."""
        left = portion
        while left > 0 and self._waiting:
            left -= 1
            self._waiting.popleft()(now)
        while left > 0 and self._replays:
            done = sum(1 for _ in islice(self._replays[0], left))
            if done < left:
                self._replays.popleft()
            left -= max(1, done)
        return bool(self._waiting or self._replays)

    # --- telling ----------------------------------------------------------------------------------------------------

    def tell(
        self, place: Place, topic: str, command: Mapping[str, object], more: Mapping[str, object] = _EMPTY
    ) -> None:
        """Publishes an advisory, soon, if anybody has asked for one like it."""
        if place.asked and place.wants(topic.partition(".")[0]):
            self.later(lambda now: self._publish(place, topic, command, more, now))

    def _publish(
        self, place: Place, topic: str, command: Mapping[str, object], more: Mapping[str, object], now: int
    ) -> None:
        message = self._message(topic, command, now, more)
        if message is not None:
            place.vhost.publish_by_content(EXCHANGE, [message.routing_key], message, now)

    def _message(
        self, topic: str, command: Mapping[str, object], now: int, more: Mapping[str, object]
    ) -> Message | None:
        key = PREFIX + topic.replace(",", "&sbquo;")
        if len(key.encode(errors="surrogateescape")) > NAME_BYTES_MAX:
            return None
        headers = {
            "originBrokerId": self._name,
            "originBrokerName": self._name,
            "originBrokerURL": f"tcp://{self._name}",
            "transformation": "jms-advisory-json",
            **more,
        }
        properties = self._compose({"headers": headers, "type": "Advisory", "priority": 0, "delivery_mode": 1})
        return new_message(EXCHANGE, key, properties, shapes.encoded(command), now)

    # --- connections, destinations, consumers -----------------------------------------------------------------------

    def session_opened(self, place: Place, fields: Mapping[str, object]) -> None:
        """Somebody has logged in."""
        self.tell(place, "Connection", shapes.connection_info(str(fields["session"]), str(fields["user"])))

    def session_closed(self, place: Place, fields: Mapping[str, object]) -> None:
        """A connection is gone."""
        self.tell(place, "Connection", shapes.remove_info("ConnectionId", str(fields["session"])))

    def queue_created(self, place: Place, fields: Mapping[str, object]) -> None:
        """There is one more queue, which may be bound in a moment."""
        name = str(fields["queue"])
        self.later(lambda now: self._queue_found(place, name, now))

    def _queue_found(self, place: Place, name: str, now: int) -> None:
        queue = place.vhost.queues.get(name)
        kind = place.queue_found(queue) if queue is not None else None
        if kind is not None and place.asked and place.wants(kind):
            self._publish(place, kind, shapes.destination_info(kind, name, ADD), _EMPTY, now)

    def queue_deleted(self, place: Place, fields: Mapping[str, object]) -> None:
        """A queue is gone."""
        name = str(fields["queue"])
        had_asked = name in place.asked
        kind, topics = place.queue_gone(name)
        if kind is not None:
            self.tell(place, kind, shapes.destination_info(kind, name, REMOVE))
        for topic in topics:
            self._tell_of_topic(place, topic, REMOVE)
        if had_asked:
            self.later(lambda _now: self._tap(place))

    def binding_created(self, place: Place, fields: Mapping[str, object]) -> None:
        """Somebody subscribes to a topic, which may be one of advisories."""
        if not _is_of_topics(fields):
            return
        name, key = str(fields["destination"]), str(fields["key"])
        topic = place.bound(name, key)
        if topic is not None:
            self._tell_of_topic(place, topic, ADD)
        if key in place.asked.get(name, ()):
            self.later(lambda now: self._begin_replay(place, name, key, now))

    def _begin_replay(self, place: Place, name: str, key: str, now: int) -> None:
        self._tap(place)
        queue = place.vhost.queues.get(name)
        if queue is not None:
            self._replays.append(self._replay(place, queue, key, now))

    def binding_deleted(self, place: Place, fields: Mapping[str, object]) -> None:
        """Somebody subscribes to a topic no more."""
        if _is_of_topics(fields):
            topic = place.unbound(str(fields["destination"]), str(fields["key"]))
            if topic is not None:
                self._tell_of_topic(place, topic, REMOVE)
            self.later(lambda _now: self._tap(place))

    def _tell_of_topic(self, place: Place, topic: str, operation: int) -> None:
        kind = kind_of_topic(topic)
        self.tell(place, kind, shapes.destination_info(kind, topic, operation))

    def consumer_created(self, place: Place, fields: Mapping[str, object]) -> None:
        """Somebody consumes."""
        name, consumer = str(fields["queue"]), str(fields["consumer"])
        place.consumers_changed(name, 1)
        if place.asked:
            for kind, shown, count in place.destinations_of(name):
                command = shapes.consumer_info(kind, shown, consumer, _details(fields))
                self.tell(place, f"Consumer.{kind}.{shown}", command, {"consumerCount": count})

    def consumer_deleted(self, place: Place, fields: Mapping[str, object]) -> None:
        """Somebody consumes no more."""
        name = str(fields["queue"])
        place.consumers_changed(name, -1)
        if place.asked:
            command = shapes.remove_info("ConsumerId", str(fields["consumer"]))
            for kind, shown, count in place.destinations_of(name):
                self.tell(place, f"Consumer.{kind}.{shown}", command, {"consumerCount": count})

    def producer_created(self, place: Place, fields: Mapping[str, object]) -> None:
        """Somebody is about to send to a destination."""
        kind = _KINDS.get(str(fields["exchange"]))
        if kind is not None:
            name, producer = str(fields["key"]), str(fields["producer"])
            place.producer_found(producer, kind, name)
            self._tell_of_producer(place, kind, name, shapes.producer_info(kind, name, producer))

    def producer_deleted(self, place: Place, fields: Mapping[str, object]) -> None:
        """Somebody sends to a destination no more."""
        producer = str(fields["producer"])
        found = place.producer_gone(producer)
        if found is not None:
            self._tell_of_producer(place, *found, shapes.remove_info("ProducerId", producer))

    def _tell_of_producer(self, place: Place, kind: str, name: str, command: Mapping[str, object]) -> None:
        self.tell(place, f"Producer.{kind}.{name}", command, {"producerCount": place.producer_count(kind, name)})

    # --- many messages ----------------------------------------------------------------------------------------------

    def overflowed(self, place: Place, fields: Mapping[str, object]) -> None:
        """A queue was full: messages were dropped, or refused."""
        if fields["dropped"]:
            self._tell_of_messages(place, "MessageDiscarded", fields, {"discardedCount": fields["dropped"]})
        if fields["refused"]:
            self._tell_of_messages(
                place, "FULL", fields, {"usageName": fields["queue"], "usageCount": fields["refused"]}
            )

    def dead_lettered(self, place: Place, fields: Mapping[str, object]) -> None:
        """Messages of a queue have become dead letters."""
        self._tell_of_messages(place, "MessageDLQd", fields, {"messageCount": fields["messages"]})

    def expired(self, place: Place, fields: Mapping[str, object]) -> None:
        """Messages of a queue have expired."""
        self._tell_of_messages(place, "Expired", fields, {"messageCount": fields["messages"]})

    def _tell_of_messages(
        self, place: Place, word: str, fields: Mapping[str, object], more: Mapping[str, object]
    ) -> None:
        for kind, shown, _ in place.destinations_of(str(fields["queue"])):
            said = {"orignalDestination": f"{kind.lower()}://{shown}", **more}
            self.tell(place, f"{word}.{kind}.{shown}", shapes.destination_info(kind, shown, ADD), said)

    # --- single messages --------------------------------------------------------------------------------------------

    def _tap(self, place: Place) -> None:
        """Looks on at messages if somebody wants to know of single ones."""
        vhost = place.vhost
        own = next((tap for tap in vhost.taps() if isinstance(tap, MessageTap)), None)
        is_wanted = place.names(_DELIVERED, _NO_CONSUMER)
        if own is None and is_wanted:
            vhost.add_tap(MessageTap(self, place))
        elif own is not None and not is_wanted:
            vhost.remove_tap(own)

    def delivered(self, place: Place, queue: str, message: Message, now: int) -> None:
        """A queue has handed a message to a consumer."""
        if not place.names(_DELIVERED):
            return
        for kind, shown, _ in place.destinations_of(queue):
            identifier = message.properties.text("message_id") or ""
            more = {"orignalMessageId": identifier, "orignalDestination": f"{kind.lower()}://{shown}"}
            command = shapes.message_info(kind, shown, identifier)
            self._publish(place, f"{_DELIVERED}.{kind}.{shown}", command, more, now)

    def unconsumed(self, place: Place, message: Message, now: int) -> None:
        """A transient message has come to where nobody consumes: it is the advisory itself."""
        kind = TOPIC if message.exchange else QUEUE
        key = f"{PREFIX}{_NO_CONSUMER}.{kind}.{message.routing_key}"
        if place.names(_NO_CONSUMER) and len(key.encode(errors="surrogateescape")) <= NAME_BYTES_MAX:
            copy = new_message(EXCHANGE, key, message.properties, message.content(), now)
            place.vhost.publish_by_content(EXCHANGE, [key], copy, now)

    # --- what is there already --------------------------------------------------------------------------------------

    def _replay(self, place: Place, queue: Queue, key: str, now: int) -> Iterator[None]:
        """Tells one subscriber of what there is, an advisory a step."""
        for topic, command, more in self._present(place, queue):
            if queue.is_deleted:
                return
            message = self._message(topic, command, now, more) if matches(key, PREFIX + topic) else None
            if message is not None:
                queue.publish(message, now)
            yield

    def _present(self, place: Place, asking: Queue) -> Iterator[tuple[str, Mapping[str, object], Mapping[str, object]]]:
        """The advisories of what is there."""
        user_of = self._registry.user_of
        for session in self._registry.of_vhost(place.vhost.name):
            yield "Connection", shapes.connection_info(session.label(), user_of(session)), _EMPTY
        for name, kind in place.queues():
            yield kind, shapes.destination_info(kind, name, ADD), _EMPTY
        for topic in place.topics():
            kind = kind_of_topic(topic)
            yield kind, shapes.destination_info(kind, topic, ADD), _EMPTY
        for producer, (kind, name) in list(place.producers.items()):
            command = shapes.producer_info(kind, name, producer)
            yield f"Producer.{kind}.{name}", command, {"producerCount": place.producer_count(kind, name)}
        for queue in list(place.vhost.queues.values()):
            if queue is asking:
                continue
            for consumer in list(queue.consumers):
                for kind, shown, count in place.destinations_of(queue.name):
                    command = shapes.consumer_info(kind, shown, consumer.label(), _EMPTY)
                    yield f"Consumer.{kind}.{shown}", command, {"consumerCount": count}


class MessageTap(Tap):
    """Sees the messages of one vhost, of which advisories are made later."""

    def __init__(self, advisories: Advisories, place: Place) -> None:
        self._advisories = advisories
        self._place = place

    def published(self, message: Message, queues: Sequence[str]) -> None:
        """Overrides Tap's."""
        if message.properties.persistent or message.routing_key.startswith(PREFIX):
            return
        if message.exchange not in ("", EXCHANGE) or self._is_consumed(queues):
            return
        self._advisories.later(lambda now: self._advisories.unconsumed(self._place, message, now))

    def _is_consumed(self, queues: Sequence[str]) -> bool:
        known = self._place.vhost.queues
        return any(name in known and known[name].consumers for name in queues)

    def delivered(self, queue: str, entry: Entry, *_taker: object) -> None:
        """Overrides Tap's."""
        message = entry.message
        if not message.routing_key.startswith(PREFIX):
            self._advisories.later(lambda now: self._advisories.delivered(self._place, queue, message, now))


def _is_of_topics(fields: Mapping[str, object]) -> bool:
    return fields["source"] == EXCHANGE and fields["destination_kind"] == "queue"


def _details(fields: Mapping[str, object]) -> dict[str, object]:
    names = {"prefetch": "prefetchSize", "exclusive": "exclusive", "priority": "priority"}
    return {shown: fields[name] for name, shown in names.items()}


_HANDLERS: Mapping[str, Callable[[Advisories, Place, Mapping[str, object]], None]] = {
    "session.opened": Advisories.session_opened,
    "session.closed": Advisories.session_closed,
    "queue.created": Advisories.queue_created,
    "queue.deleted": Advisories.queue_deleted,
    "binding.created": Advisories.binding_created,
    "binding.deleted": Advisories.binding_deleted,
    "consumer.created": Advisories.consumer_created,
    "consumer.deleted": Advisories.consumer_deleted,
    "queue.overflowed": Advisories.overflowed,
    "queue.dead.lettered": Advisories.dead_lettered,
    "queue.expired": Advisories.expired,
    "producer.created": Advisories.producer_created,
    "producer.deleted": Advisories.producer_deleted,
}
