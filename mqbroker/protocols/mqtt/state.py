"""The state of one MQTT session (§4.1): subscriptions, what is in flight in both directions, and what waits.

A session outlives its connections if its expiry interval says so; then its queues are durable, and this object is made
again from the journal after a restart. It has up to two queues of its own in the vhost, made when first needed:

    mqtt-subscription-<client id>qos0    for filters of QoS 0: passed to the connection at once, never kept
    mqtt-subscription-<client id>qos1    for the rest: waits for the client, and for its acknowledgements

and it is a member of the queues of its shared subscriptions (sharing.py).

Packet identifiers of its own queue follow from the place in the queue. So a message that comes back from the journal
has the identifier under which the client may know it already, and nothing needs to be written per delivery. A message
of QoS 2 stays in the queue until PUBCOMP; that PUBREC has come is noted in it (`note_taken`), which the journal
keeps. Before a message of QoS 2 or its PUBREL leaves, what it relies on is durable: otherwise the client might see the
message again after a crash.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from mqbroker.core import definitions
from mqbroker.core.consumer import Gate, Window
from mqbroker.core.message import Entry, Message, is_taken, note_taken
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.queues.subscriber import LiveQueue, SubscriberQueue
from mqbroker.protocols.mqtt.backlog import Backlog
from mqbroker.protocols.mqtt.codec.constants import NEVER_EXPIRES, PACKET_ID_MAX
from mqbroker.protocols.mqtt.codec.reasons import protocol_error
from mqbroker.protocols.mqtt.consumers import LiveConsumer, SharedConsumer, StoredConsumer
from mqbroker.protocols.mqtt.kinds import INCOMING, SESSION
from mqbroker.protocols.mqtt.output import is_fresh, origin_of
from mqbroker.protocols.mqtt.properties import qos_of
from mqbroker.protocols.mqtt.subscriptions import Match, Subscription, Subscriptions

if TYPE_CHECKING:
    from mqbroker.core.timers import Timer
    from mqbroker.core.vhost import VHost
    from mqbroker.protocols.mqtt.parts import Client, SessionRegistry
    from mqbroker.protocols.mqtt.wills import PendingWill

FINAL = Match(2, (), True, False)
"""For what is sent for one subscription only: the message says everything itself."""


class MqttSession:
    """One client's session, connected or not."""

    __slots__ = (
        "access", "access_generation", "backlog", "client_id", "connection", "ends_at", "expiry_s", "held", "incoming",
        "incoming_prefix", "is_durable", "is_ended", "ledger", "live", "matches", "outgoing", "qos2", "registry",
        "shares", "stored", "stored_consumer", "subscriptions", "timer", "user", "vhost", "will", "window",
    )  # fmt: skip

    def __init__(self, registry: "SessionRegistry", vhost: "VHost", client_id: str, is_durable: bool) -> None:
        self.registry = registry
        self.ledger = registry.ledger
        self.access = registry.broker.access
        self.vhost = vhost
        self.client_id = client_id
        self.is_durable = is_durable
        self.is_ended = False
        self.user = ""
        self.expiry_s = 0
        self.ends_at = 0
        """When it ends, in milliseconds, if nobody connects before; 0 while somebody is connected, and for never."""
        self.timer: Timer | None = None
        """For its end and its will, once there was one."""
        self.connection: Client | None = None
        self.subscriptions = Subscriptions(registry.counters)
        self.matches = self.subscriptions.matches
        self.window = Window()
        self.live: LiveQueue | None = None
        self.stored: SubscriberQueue | None = None
        self.stored_consumer: StoredConsumer | None = None
        self.shares: dict[str, SharedConsumer] = {}
        """Memberships by filter text."""
        self.outgoing: dict[int, Entry] = {}
        """What was sent and is not acknowledged, by packet identifier, in the order of sending."""
        self.qos2: set[int] = set()
        """Which of them went out at QoS 2."""
        self.held: list[Entry] = []
        """What is sent once the journal has it, or once its packet identifier is free."""
        self.backlog: Backlog | None = None
        """What is retained and still to be sent for its subscriptions; mostly there is nothing."""
        self.incoming: set[int] = set()
        """Packet identifiers of QoS 2 messages that were received and not released yet."""
        self.incoming_prefix = ""
        """How their keys in the journal begin; empty until there is one."""
        self.will: PendingWill | None = None
        self.access_generation = registry.broker.access.generation

    # --- queues -----------------------------------------------------------------------------------------------------

    def queue_name(self, qos: int) -> str:
        """The name of one of its queues, as RabbitMQ's plugin has them."""
        return f"mqtt-subscription-{self.client_id}qos{min(qos, 1)}"

    def live_queue(self, now: int) -> LiveQueue:
        """The queue of its QoS 0 filters."""
        if self.live is None:
            queue = self.vhost.declare(QueueSpec(self.queue_name(0), LiveQueue.role, self.is_durable), now)
            assert isinstance(queue, LiveQueue)
            self.use_live(queue)
        assert self.live is not None
        return self.live

    def use_live(self, queue: LiveQueue) -> None:
        """Takes the queue over, new or from the journal."""
        self.live = queue
        queue.forerunner = self.backlog
        if self.connection is not None:
            queue.subscriber = self._live_consumer(queue, self.connection)

    def _live_consumer(self, queue: LiveQueue, connection: "Client") -> LiveConsumer:
        consumer = LiveConsumer(queue, connection.gate, self.window)
        consumer.session = self
        consumer.connection = connection
        consumer.matches = self.subscriptions.matches
        consumer.access = self.access
        return consumer

    def stored_queue(self, now: int) -> SubscriberQueue:
        """The queue of its other filters, and of what was retained for it."""
        if self.stored is None:
            spec = self.registry.spec_of_queue(self.queue_name(1), SubscriberQueue.role, self.is_durable)
            queue = self.vhost.declare(spec, now)
            assert isinstance(queue, SubscriberQueue)
            self.use_stored(queue, now)
        assert self.stored is not None
        return self.stored

    def use_stored(self, queue: SubscriberQueue, now: int) -> None:
        """Takes the queue over, new or from the journal."""
        self.stored = queue
        queue.forerunner = self.backlog
        queue.keeps_transient = self.registry.settings.queue_qos0
        queue.losses = self.registry.losses
        if self.connection is not None:
            self._consume(queue, self.connection.gate, now)

    def _consume(self, queue: SubscriberQueue, gate: Gate, now: int) -> None:
        consumer = self.stored_consumer
        if consumer is None:
            consumer = self.stored_consumer = StoredConsumer(queue, gate, self.window)
            consumer.session = self
        consumer.gate = gate
        queue.add_consumer(consumer, now)
        queue.offer(consumer, now)

    def queue_for(self, subscription: Subscription, now: int) -> "LiveQueue | SubscriberQueue":
        """The queue that a subscription is bound to."""
        return self.stored_queue(now) if subscription.qos else self.live_queue(now)

    def queues(self) -> "list[LiveQueue | SubscriberQueue]":
        """Those of its own queues that are there."""
        return [queue for queue in (self.live, self.stored) if queue is not None]

    def gate(self) -> Gate:
        """Whether its client takes deliveries."""
        return Gate() if self.connection is None else self.connection.gate

    # --- connections come and go ------------------------------------------------------------------------------------

    def attach(self, connection: "Client", now: int) -> None:
        """A client has connected: what was in flight goes out again, then what waits (§4.4)."""
        self.connection = connection
        counters = self.registry.counters
        counters.clients_connected += 1
        counters.clients_connected_max = max(counters.clients_connected_max, counters.clients_connected)
        self.ends_at = 0
        for packet_id, entry in list(self.outgoing.items()):
            if is_taken(entry):
                connection.send_release(packet_id)
            elif not self._send_again(entry, packet_id):
                self._forget(packet_id)
                self._spend(entry)
        self.flush_held()
        if self.live is not None:
            self.live.subscriber = self._live_consumer(self.live, connection)
        if self.stored is not None:
            self._consume(self.stored, connection.gate, now)
        for consumer in self.shares.values():
            consumer.gate = connection.gate
            consumer.queue.add_consumer(consumer, now)
            consumer.queue.offer(consumer, now)
        self.send_backlog(now)

    def detach(self, now: int) -> None:
        """The client is gone: nothing is delivered; what others may have instead goes back to them."""
        self.connection = None
        self.registry.counters.clients_connected -= 1
        if self.live is not None:
            self.live.subscriber = None
        if self.stored is not None and self.stored_consumer is not None and not self.stored.is_deleted:
            self.stored.remove_consumer(self.stored_consumer, now)
        for consumer in self.shares.values():
            self.leave(consumer, now)

    def leave(self, consumer: SharedConsumer, now: int) -> None:
        """Takes no more of a shared subscription; unacknowledged QoS 1 messages go to others (§4.8.2)."""
        queue = consumer.queue
        if not queue.is_deleted and consumer in queue.consumers:
            queue.remove_consumer(consumer, now)
        mine = [packet_id for packet_id, entry in self.outgoing.items() if entry.consumer is consumer]
        entries = [self.outgoing.pop(packet_id) for packet_id in mine]
        consumer.returned = {entry.sequence for entry in entries}
        queue.begin_return()
        queue.give_back(entries, now, False)
        queue.end_return(now)

    def offer(self, now: int) -> None:
        """A window has opened: takes what waits."""
        if self.stored is not None and self.stored_consumer is not None:
            self.stored.offer(self.stored_consumer, now)
        for consumer in self.shares.values():
            consumer.queue.offer(consumer, now)
        self.send_backlog(now)

    # --- what is retained -------------------------------------------------------------------------------------------

    def send_retained(self, subscription: Subscription, now: int) -> None:
        """Sends what is retained for a subscription, as far as the client reads; the rest when it has."""
        if self.backlog is None:
            self._set_backlog(Backlog(self))
        assert self.backlog is not None
        self.backlog.add(subscription)
        self.send_backlog(now)
        if self.backlog is not None:
            self.backlog.is_kept = True
            self.keep()

    def send_backlog(self, now: int) -> None:
        """The client may take more of what is retained for it."""
        backlog = self.backlog
        if backlog is not None and not backlog.send(now):
            self._set_backlog(None)
            if backlog.is_kept:
                self.keep()

    def _set_backlog(self, backlog: Backlog | None) -> None:
        self.backlog = backlog
        if self.live is not None:
            self.live.forerunner = backlog
        if self.stored is not None:
            self.stored.forerunner = backlog

    @property
    def has_waiting(self) -> bool:
        """Whether anything in its own queue has still to be sent for the first time."""
        return bool(self.held) or (self.stored is not None and self.stored.waiting_count() > 0)

    # --- deliveries -------------------------------------------------------------------------------------------------

    def match(self, message: Message) -> Match:
        """What the message means to this session."""
        if self.access_generation != self.access.generation:
            self.registry.rights.recheck(self)
        key = message.routing_key
        match = self.matches.get(key)
        if match is None or match.has_no_local:
            return self.subscriptions.match(key, origin_of(message) == self.client_id)
        return match

    def pass_on(self, message: Message) -> None:
        """A message for the QoS 0 filters. One that a filter of a higher QoS matches too comes by the other queue."""
        connection = self.connection
        if connection is None:
            return
        match = self.match(message)
        if match.qos == 0:
            connection.send_message(message, 0, 0, match.identifiers, match.retain_as_published)

    def take(self, entry: Entry) -> None:
        """A message of its own queue."""
        if is_taken(entry):
            packet_id = packet_id_of(entry)
            self.outgoing[packet_id] = entry
            self.qos2.add(packet_id)
            if self.connection is not None:
                self.connection.send_release(packet_id)
        elif self.held:
            self.held.append(entry)
        else:
            self._start(entry)

    def _start(self, entry: Entry) -> None:
        message = entry.message
        match = FINAL if is_fresh(message) else self.match(message)
        qos = qos_of(message.properties)
        if match.qos < qos:
            qos = match.qos
        if qos <= 0:
            # A match at QoS 0 on a $ topic came by `pass_on`: it is here for a wildcard that does not match it.
            if qos == 0 and (match is FINAL or match.qos > 0 or message.routing_key[:1] != "$"):
                self._send(entry, 0, 0, match)
            self._spend(entry)
            return
        packet_id = (entry.sequence - 1) % PACKET_ID_MAX + 1
        if packet_id in self.outgoing or (qos == 2 and entry.lsn > self.ledger.committed):
            self.held.append(entry)
            if entry.lsn > self.ledger.committed:
                self.ledger.promise(entry.lsn, self.flush_held)
            return
        self.outgoing[packet_id] = entry
        if qos == 2:
            self.qos2.add(packet_id)
        flags = qos << 1 | 8 if entry.is_redelivered else qos << 1
        if not self._send(entry, packet_id, flags, match):
            self._forget(packet_id)
            self._spend(entry)

    def _spend(self, entry: Entry) -> None:
        """Nobody will acknowledge it. The queue may be told while it hands the entry over: that is its last act."""
        assert entry.consumer is not None
        entry.consumer.queue.settle(entry)

    def _send(self, entry: Entry, packet_id: int, flags: int, match: Match) -> bool:
        connection = self.connection
        if connection is None:
            return True
        entry.is_redelivered = True
        if flags & 0x02:
            self.registry.counters.publishes_sent_qos1 += 1
        elif flags & 0x04:
            self.registry.counters.publishes_sent_qos2 += 1
        return connection.send_message(entry.message, flags, packet_id, match.identifiers, match.retain_as_published)

    def _send_again(self, entry: Entry, packet_id: int) -> bool:
        flags = 0x0C if packet_id in self.qos2 else 0x0A
        match = FINAL if is_fresh(entry.message) else self._sharing(entry) or self.match(entry.message)
        return self._send(entry, packet_id, flags, match)

    def _sharing(self, entry: Entry) -> Match | None:
        """What a shared subscription says of its messages."""
        consumer = entry.consumer
        if not isinstance(consumer, SharedConsumer):
            return None
        subscription = consumer.subscription
        return Match(subscription.qos, subscription.identifiers, subscription.retain_as_published, False)

    def take_shared(self, entry: Entry, qos: int) -> None:
        """A message of a shared subscription at QoS 0 or 1."""
        match = self._sharing(entry)
        assert match is not None
        if qos <= 0:
            if qos == 0:
                self._send(entry, 0, 0, match)
            self._spend(entry)
            return
        packet_id = self._free_packet_id()
        self.outgoing[packet_id] = entry
        assert isinstance(entry.consumer, SharedConsumer)
        # [MQTT-3.3.1-3]: what another member of the group was sent is new to this one
        is_known = entry.sequence in entry.consumer.returned
        if not self._send(entry, packet_id, 0x0A if is_known else 0x02, match):
            self._forget(packet_id)
            self._spend(entry)

    def _free_packet_id(self) -> int:
        """From the top, because those of the own queue come from below."""
        packet_id = PACKET_ID_MAX
        while packet_id in self.outgoing:
            packet_id -= 1
        return packet_id

    def flush_held(self) -> None:
        """The journal has moved on, or an identifier is free: sends what was held back for it, in order."""
        if self.connection is None:
            return
        held, self.held = self.held, []
        for entry in held:
            if self.held:
                self.held.append(entry)
            else:
                self._start(entry)

    # --- acknowledgements: any but the one that is due is a protocol error and settles nothing [MQTT-4.3.3-3] --------

    def acknowledge(self, packet_id: int, is_accepted: bool, now: int) -> None:
        """PUBACK. Raises ProtocolViolation."""
        if packet_id in self.qos2:
            raise protocol_error(f"PUBACK for packet identifier {packet_id}, which was sent at QoS 2")
        self.settle(packet_id, is_accepted, now)

    def refuse(self, packet_id: int, now: int) -> None:
        """PUBREC with a failure. Raises ProtocolViolation."""
        self._check_received(packet_id)
        entry = self.outgoing.get(packet_id)
        if entry is not None and is_taken(entry):
            raise protocol_error(f"PUBREC refuses packet identifier {packet_id}, which was taken before")
        self.settle(packet_id, False, now)

    def release(self, packet_id: int) -> bool:
        """PUBREC: the client has it; the body is kept only for the sake of its identifier. False if it is unknown.

        Raises ProtocolViolation.
        """
        self._check_received(packet_id)
        entry = self.outgoing.get(packet_id)
        if entry is None:
            return False
        if not is_taken(entry):
            note_taken(entry)
            if entry.lsn:
                self.ledger.attempt(entry)
        return True

    def _check_received(self, packet_id: int) -> None:
        if packet_id not in self.qos2 and (packet_id in self.outgoing or not packet_id):
            raise protocol_error(f"PUBREC for packet identifier {packet_id}, which was not sent at QoS 2")

    def complete(self, packet_id: int, now: int) -> None:
        """PUBCOMP: the delivery is complete. Raises ProtocolViolation."""
        entry = self.outgoing.get(packet_id)
        if entry is not None and not is_taken(entry):
            raise protocol_error(f"PUBCOMP for packet identifier {packet_id}, for which no PUBREL was sent")
        self.settle(packet_id, True, now)

    def settle(self, packet_id: int, is_accepted: bool, now: int) -> None:
        """The client has taken a message or refused it. An identifier that nothing was sent with is passed over."""
        entry = self.outgoing.get(packet_id)
        if entry is None:
            _check_identifier(packet_id)
            return
        self._forget(packet_id)
        assert entry.consumer is not None
        queue = entry.consumer.queue
        if is_accepted:
            queue.settle(entry)
        else:
            queue.give_up(entry, now)
        if self.held:
            self.flush_held()  # before anything new, so the queue was told only that the entry is settled
        if self.shares or self.backlog is not None:
            self.offer(now)
        elif self.stored is not None and self.stored_consumer is not None:
            self.stored.offer(self.stored_consumer, now)

    def _forget(self, packet_id: int) -> None:
        del self.outgoing[packet_id]
        self.qos2.discard(packet_id)

    # --- receiving at QoS 2 -----------------------------------------------------------------------------------------

    def note_incoming(self, packet_id: int) -> None:
        """A QoS 2 message was received: the same identifier means the same message until it is released (§4.3.3)."""
        self.incoming.add(packet_id)
        if self.is_durable:
            self.ledger.define(self._incoming_key(packet_id), b"{}")

    def release_incoming(self, packet_id: int) -> bool:
        """PUBREL. False for an identifier that is not open. Raises ProtocolViolation for one that no packet has."""
        if packet_id not in self.incoming:
            _check_identifier(packet_id)
            return False
        self.incoming.discard(packet_id)
        if self.is_durable:
            self.ledger.define(self._incoming_key(packet_id), None)
        return True

    def _incoming_key(self, packet_id: int) -> str:
        if not self.incoming_prefix:
            self.incoming_prefix = definitions.key(INCOMING, self.vhost.name, self.client_id)[:-1]
        return f'{self.incoming_prefix},"{packet_id}"]'

    # --- the end ----------------------------------------------------------------------------------------------------

    def note_sent(self) -> None:
        """Tells the journal what was sent and is not acknowledged: it will be a repetition [MQTT-3.3.1-1]."""
        for entry in self.outgoing.values():
            if entry.lsn and entry.is_redelivered:
                self.ledger.attempt(entry)

    def end(self, now: int, leave_share: Callable[["MqttSession", Subscription, int], None]) -> None:
        """Deletes everything that it has in the vhost and in the journal."""
        self.is_ended = True
        for subscription in list(self.subscriptions.by_text.values()):
            if subscription.group:
                leave_share(self, subscription, now)
        for queue in self.queues():
            if not queue.is_deleted:
                queue.dismiss()
                self.vhost.delete_queue(queue.name)
        for packet_id in list(self.incoming):
            self.release_incoming(packet_id)
        self.subscriptions.end()
        self.outgoing.clear()
        self.held.clear()
        self._set_backlog(None)

    def keep(self) -> None:
        """Tells the journal what has changed of a durable session."""
        if self.is_durable:
            value: dict[str, object] = {"expiry": self.expiry_s, "user": self.user, "ends_at": self.ends_at}
            if self.will is not None:
                value["will"] = self.will.packed()
            if self.backlog is not None:
                value["retained"] = self.backlog.texts
            self.ledger.define(self._key(), definitions.pack(value))

    def forget(self) -> None:
        """Tells the journal that the session has ended."""
        if self.is_durable:
            self.ledger.define(self._key(), None)

    def _key(self) -> str:
        return definitions.key(SESSION, self.vhost.name, self.client_id)

    @property
    def never_expires(self) -> bool:
        """Whether it stays for ever."""
        return self.expiry_s == NEVER_EXPIRES


def _check_identifier(packet_id: int) -> None:
    if not packet_id:
        raise protocol_error("an acknowledgement has packet identifier 0")  # [MQTT-2.2.1-3]


def packet_id_of(entry: Entry) -> int:
    """The packet identifier of an entry of a session's own queue: it follows from the place, from 1 to 65,535."""
    return (entry.sequence - 1) % PACKET_ID_MAX + 1
