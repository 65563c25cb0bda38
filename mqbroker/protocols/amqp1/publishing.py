"""The link of a publisher: where its messages go, and what it is told became of them.

target                                  each message goes to
/queues/Q, /exchanges/X/K, queue://Q    that queue, or that exchange with that key
/exchanges/X, /exchange/X, /queue       the exchange; the key is empty for the first, the subject for the others
none (anonymous relay)                  what its `to` says

accepted    every queue has it, and where it is durable so has the journal
released    there is no queue for it
rejected    a queue is full; or an anonymous message says no place that there is
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mqbroker import octets
from mqbroker.core.message import Message, new_message
from mqbroker.core.queues.base import REJECTED, ROUTED, UNROUTED
from mqbroker.core.queues.picking import start_groups
from mqbroker.core.rabbitmq.x_death import carbon_copies
from mqbroker.core.recent import remember
from mqbroker.core.routing.route import Route
from mqbroker.core.scheduling.schedule import PREFIX, Schedule, schedule_of
from mqbroker.errors import AccessRefused, MqbrokerError, PreconditionFailed, ProtocolViolation
from mqbroker.limits import ROUTE_CACHE_ENTRIES_MAX
from mqbroker.protocols.amqp1 import addresses, conditions, sections, termini, transactions
from mqbroker.protocols.amqp1.addresses import Address
from mqbroker.protocols.amqp1.codec.composites import encode_composite
from mqbroker.protocols.amqp1.codec.frames import start_of
from mqbroker.protocols.amqp1.codec.messaging import Rejected, TransactionalState
from mqbroker.protocols.amqp1.codec.performatives import TRANSFER
from mqbroker.protocols.amqp1.codec.quick import Quick
from mqbroker.protocols.amqp1.conditions import Fault
from mqbroker.protocols.amqp1.links import Delivery, IncomingLink
from mqbroker.protocols.amqp1.properties import DELIVERY_PREFIX, Amqp1Properties
from mqbroker.protocols.amqp1.session import ACCEPTED, RELEASED

if TYPE_CHECKING:
    from mqbroker.protocols.amqp1.session import LinkSession

_TO = 2
_SUBJECT = 3
_USER_ID = 1
_GROUP_ID = 10
_JMS_QUEUE = "queue://"
_KIND = "x-opt-jms-dest"
_KIND_MARK = _KIND.encode()
_TOPICS = (1, 3)  # topic, temporary topic; 0 and 2 are queues
_DELIVERY_MARK, _SCHEDULE_MARK = DELIVERY_PREFIX.encode(), PREFIX.encode()


def route_to(session: "LinkSession", exchange_name: str, key: str) -> Route:
    """The route to an exchange with a key, if the user may publish there. Raises RequestRefused, ProtocolViolation."""
    connection, vhost = session.connection, session.vhost
    access = connection.services.broker.access
    access.check_write(connection.user, vhost.name, "exchange", exchange_name)
    if exchange_name:
        exchange = vhost.exchange(exchange_name)
        if exchange.internal:
            text = f"forbidden to publish to internal exchange '{exchange_name}' in vhost '{vhost.name}'"
            raise ProtocolViolation("user_id", text)
        if exchange.kind == "topic":
            access.check_topic_write(connection.user, vhost.name, exchange_name, key)
    return vhost.route(exchange_name, key)


class Publisher(IncomingLink):
    """A link to an address, or to none."""

    __slots__ = (
        "access_generation", "address", "also", "ended_hook", "is_grouped", "is_plain", "may_wait", "prefix",
        "properties", "route", "routes", "start",
    )  # fmt: skip

    def __init__(
        self,
        session: "LinkSession",
        name: str,
        handle: int,
        is_settled: bool | None,
        count: int,
        address: Address | None,
        also: Sequence[Address] = (),
    ) -> None:
        """Raises RequestRefused for an address that there is not, or that the user may not write to."""
        IncomingLink.__init__(self, session, name, handle, is_settled, count)
        self.address = address
        self.also = also
        """Where what it sends goes besides: all of it, or without an address the message at hand."""
        self.properties: Amqp1Properties | None = None
        self.is_plain = True
        """Whether its messages go to one key, and at once."""
        self.may_wait = False
        """Whether they may say that they are to be delivered later."""
        self.is_grouped = False
        """Whether the last message was of a group."""
        self.access_generation = session.connection.services.broker.access.generation
        self.routes: dict[str, tuple[Route, Sequence[Address]]] = {}
        """By subject, or without an address by what messages have in `to`; and where such a message goes besides."""
        self.route: Route | None = None
        self.prefix = b""
        """What the last message had before the size of its body, if that means the same in the next one."""
        self.start = start_of(session.channel, TRANSFER)
        """What the transfer frames of its session have after their size."""
        self.ended_hook: Callable[[], None] | None = None
        """Called when the link is gone."""
        if address is not None:
            if address.routing_key is not None:
                self.route = route_to(session, address.exchange, address.routing_key)
            else:
                route_to(session, address.exchange, "")
        self.other_routes()

    def begun(self) -> None:
        """The link is there."""
        self._tell("producer.created")

    def _tell(self, event: str) -> None:
        route, session = self.route, self.session
        if route is not None:
            session.connection.services.broker.events.tell(
                event,
                vhost=session.vhost.name,
                exchange=route.exchange_name,
                key=route.routing_key,
                producer=f"{session.connection.name}:{session.channel}:{self.handle}",
            )

    def ended(self) -> None:
        """Overrides IncomingLink's."""
        IncomingLink.ended(self)
        self._tell("producer.deleted")
        if self.ended_hook is not None:
            self.ended_hook()

    # --- messages ---------------------------------------------------------------------------------------------------

    def take(self, delivery: Delivery, payload: bytes) -> None:
        """Publishes a message. Raises RequestRefused, ProtocolViolation."""
        message = self.message_of(delivery, payload)
        if message is None:
            return
        schedule = None
        if self.may_wait:
            try:
                schedule = schedule_of(message)
            except PreconditionFailed as error:
                self._refuse(delivery, error)
                return
        if isinstance(delivery.state, TransactionalState):
            transactions.publish(self, delivery, message, schedule)
        elif schedule is not None:
            self._publish_later(delivery, message, schedule)
        else:
            self.publish(delivery, message)

    def take_run(self, data: bytes, position: int, quick: Quick) -> int:
        """Publishes messages from `position` on for as long as they differ from the last one by their body alone.

        Where that ends: what comes then is looked at by `take`, or by whoever knows other frames.
        """
        session, prefix, route = self.session, self.prefix, self.route
        connection = session.connection
        access = connection.services.broker.access
        if not prefix or self.partial is not None or self.access_generation != access.generation:
            return position
        assert route is not None
        vhost, now, length, limit = session.vhost, connection.now, len(data), connection.size_limit
        size_max = self.message_size_max or limit
        start, properties = self.start, self.properties
        assert properties is not None
        while length - position > 16:
            size = octets.long_at(data, position)
            end = position + size
            if size > limit or size < 16 or end > length or not octets.starts_at(data, start, position + 4):
                break
            at = quick.read_transfer(data, position + 8, end)
            if not at or quick.handle != self.handle or quick.has_more or end - at > size_max or self.credit <= 0:
                break
            is_settled = quick.settled == 1
            if self.is_settled is not None and self.is_settled is not is_settled:
                break
            body_at = _body_at(data, prefix, at, end)
            if not body_at:
                break
            connection.position = end
            position = end
            session.count_transfer()
            self.credit -= 1
            self.delivery_count = (self.delivery_count + 1) & 0xFFFF_FFFF
            body = octets.cut(data, body_at, end)
            message = new_message(route.exchange_name, route.routing_key, properties, body, now)
            outcome = vhost.publish(route, message, now)
            if not is_settled:
                text, batch = self.outcome(message, outcome)
                session.note(self, quick.delivery_id, text, batch)
        return position

    def message_of(self, delivery: Delivery, payload: bytes) -> Message | None:
        """The message, and where it goes; None for one that was refused by itself. Raises ProtocolViolation."""
        connection = self.session.connection
        try:
            found = sections.take_apart(payload)
            properties = connection.services.recent_properties.of(payload, found)
            if properties is not self.properties:
                self._look_at(properties)
        except ProtocolViolation as error:
            raise (sections.violation_of_message(error) if error.reason == "decode" else error) from None
        start, end = (found.body_at, found.body_end) if found.is_coded else found.body
        is_common = not found.is_coded and not found.is_wide and found.footer_at == len(payload) and self.is_plain
        self.prefix = payload[: found.body_at + 3] if is_common and self.route is not None else b""
        body = b"".join([payload[at:stop] for at, stop in found.parts]) if found.parts else payload[start:end]
        try:
            route = self.route_of(properties)
        except MqbrokerError as error:
            if self.address is not None:
                raise
            self._refuse(delivery, error)
            return None
        if self.is_grouped:
            self._start_groups(route, properties)
        return new_message(route.exchange_name, route.routing_key, properties, body, connection.now)

    def _start_groups(self, route: Route, properties: Amqp1Properties) -> None:
        """A message of a group is about to take a route: in queues by ActiveMQ's addresses groups mean something from
        now on."""
        address = self.address
        is_jms = (
            str(properties.field(_TO)).startswith(_JMS_QUEUE) if address is None else address.style == addresses.JMS
        )
        if is_jms:
            for each in (route, *self.other_routes()):
                for queue in each.queues:
                    start_groups(queue)

    def _look_at(self, properties: Amqp1Properties) -> None:
        """Properties differ from the last ones: is the user id right, are there copies? Raises ProtocolViolation."""
        self.properties = None
        connection = self.session.connection
        fields = properties.section(sections.PROPERTIES) or ()
        user_id = fields[_USER_ID] if len(fields) > _USER_ID else None
        self.is_grouped = len(fields) > _GROUP_ID and fields[_GROUP_ID] is not None
        is_other = isinstance(user_id, bytes) and user_id != connection.user.encode(errors="surrogateescape")
        if is_other and not connection.services.broker.access.user(connection.user).is_impersonator:
            text = f"user_id property set to {user_id!r} but authenticated user was '{connection.user}'"
            raise ProtocolViolation("user_id", text)
        raw = properties.raw
        self.may_wait = _DELIVERY_MARK in raw or _SCHEDULE_MARK in raw
        self.is_plain = b"x-cc" not in raw and not self.may_wait and (self.address is None or not self.also)
        self.properties = properties

    def route_of(self, properties: Amqp1Properties) -> Route:
        """Where a message with these properties goes. Raises RequestRefused, ProtocolViolation."""
        access = self.session.connection.services.broker.access
        if self.access_generation != access.generation:
            self.access_generation = access.generation
            self.routes.clear()
            if self.route is not None:
                self.route = route_to(self.session, self.route.exchange_name, self.route.routing_key)
        if self.route is not None:
            return self.route
        address = self.address
        text = properties.field(_TO if address is None else _SUBJECT)
        text = str(text) if isinstance(text, str) else ""
        if address is None and _KIND_MARK in properties.raw:
            text = _with_kind(text, properties)
        found = self.routes.get(text)
        if found is None:
            found = remember(self.routes, text, self._find(text), ROUTE_CACHE_ENTRIES_MAX)
        route, self.also = found
        self.is_plain = self.is_plain and not self.also
        return route

    def _find(self, text: str) -> tuple[Route, Sequence[Address]]:
        """The route for a subject, or to the first place that a `to` says, and the places besides. Raises
        RequestRefused, ProtocolViolation."""
        address, session = self.address, self.session
        if address is not None:
            return route_to(session, address.exchange, text), self.also
        if not text:
            raise ProtocolViolation("precondition", "anonymous terminus requires 'to' address to be set")
        connection = session.connection
        try:
            first, *also = addresses.places_of(addresses.parse(text, []), connection.services.naming)
        except ProtocolViolation:
            raise ProtocolViolation("precondition", f"bad 'to' address string: {text}") from None
        for each in (first, *also):
            if each.declares and each.style == addresses.JMS:
                termini.declared(connection, session, each, is_durable=True)
            route_to(session, each.exchange, each.routing_key or "")
        return route_to(session, first.exchange, first.routing_key or ""), also

    def _refuse(self, delivery: Delivery, error: MqbrokerError) -> None:
        """A message that says no place that there is. Raises the error where the client awaits no outcome."""
        fault = conditions.fault_of(error)
        if delivery.is_settled or isinstance(error, AccessRefused):
            raise error
        self.session.note(self, delivery.id, rejected(fault), 0)

    def publish(self, delivery: Delivery, message: Message) -> None:
        """Publishes it, and notes what the client will be told."""
        outcome = self.put(message)
        if not delivery.is_settled:
            text, position = self.outcome(message, outcome)
            self.session.note(self, delivery.id, text, position)

    def _publish_later(self, delivery: Delivery, message: Message, schedule: Schedule) -> None:
        """Has it published when it is due: it is accepted when the journal has it (ActiveMQ)."""
        for each in self.copies_of(message):
            self.session.vhost.schedule_message(each, schedule, self.session.connection.now)
        if not delivery.is_settled:
            text, position = self.outcome(message, ROUTED)
            self.session.note(self, delivery.id, text, position)

    def other_routes(self) -> list[Route]:
        """The routes to where its messages go besides. Raises RequestRefused, ProtocolViolation."""
        return [route_to(self.session, each.exchange, each.routing_key or "") for each in self.also]

    def copies_of(self, message: Message) -> list[Message]:
        """The message as it goes to its destination, and to each of those besides. Raises RequestRefused."""
        copies = [message]
        for route in self.other_routes():
            body = message.content()
            copies.append(
                new_message(route.exchange_name, route.routing_key, message.properties, body, message.received_at)
            )
        return copies

    def put(self, message: Message) -> int:
        """Publishes it: what became of it. Of several destinations one suffices, unless another one is full."""
        if not self.also:
            return self._put(message)
        outcomes = {self._put(each) for each in self.copies_of(message)}
        for outcome in (REJECTED, ROUTED):
            if outcome in outcomes:
                return outcome
        return UNROUTED

    def _put(self, message: Message) -> int:
        session = self.session
        now = session.connection.now
        if not self.is_plain:
            return session.vhost.publish_by_content(message.exchange, self.keys_of(message), message, now)
        route = self.route
        if route is None or route.routing_key is not message.routing_key:
            route = session.vhost.route(message.exchange, message.routing_key)
        return session.vhost.publish(route, message, now)

    def keys_of(self, message: Message) -> list[str]:
        """The routing keys of the message at hand: its own and those of its copies."""
        if self.is_plain:
            return [message.routing_key]
        return [message.routing_key, *carbon_copies(message.properties.headers(), "CC")]

    def outcome(self, message: Message, outcome: int) -> tuple[bytes, int]:
        """The outcome as it is told, and the batch of the journal that it waits for; 0 for none."""
        if outcome == UNROUTED:
            return RELEASED, 0
        if outcome == REJECTED:
            return rejected(self._full(message)), 0
        ledger = self.session.connection.ledger
        return ACCEPTED, ledger.position if message.properties.persistent and ledger.is_journalling else 0

    def _full(self, message: Message) -> Fault:
        name = message.routing_key if not message.exchange else ""
        text = f"queue '{name}' exceeded maximum length" if name else "a queue exceeded maximum length"
        info: dict[str, object] = {"queue": name, "reason": "maxlen"} if name else {"reason": "maxlen"}
        return Fault(conditions.LINK, conditions.RESOURCE_LIMIT, text, info)


def _body_at(data: bytes, prefix: bytes, at: int, end: int) -> int:
    """Where the octets of the one data section begin, if the message from `at` to `end` has this before its size and
    ends with it; else 0."""
    if not octets.starts_at(data, prefix, at):
        return 0
    at += len(prefix)
    if end - at >= 2 and data[at] == 0xA0:
        return at + 2 if at + 2 + data[at + 1] == end else 0
    if end - at >= 5 and data[at] == 0xB0:
        size = octets.long_at(data, at + 1)
        return at + 5 if at + 5 + size == end and size > 255 else 0
    return 0


def _with_kind(text: str, properties: Amqp1Properties) -> str:
    """A bare name in `to` with what clients of JMS say beside it: whether it is a queue's or a topic's."""
    kind = properties.headers().get(_KIND)
    if not text or text.startswith("/") or "://" in text or not isinstance(kind, int):
        return text
    return f"topic://{text}" if kind in _TOPICS else f"queue://{text}"


def rejected(fault: Fault) -> bytes:
    """The outcome rejected, encoded."""
    outcome: Any = Rejected(fault.error())
    return encode_composite(outcome)
