"""The node /management of RabbitMQ 4: queues, exchanges and bindings are managed by requests over a pair of links.

    request     to = path, subject = method, message-id, reply-to = $me, body = amqp-value: map, list, binary or null
    answer      correlation-id = message-id, subject = status, application property http:response, body = amqp-value

Here are the links; what the requests do is in requests.py. Answers leave once the journal has what they say.
"""

from typing import TYPE_CHECKING, Any

from mqbroker.core.message import new_message
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp1 import sections
from mqbroker.protocols.amqp1.codec.encode import NULL, encode, encode_list, encode_map, string
from mqbroker.protocols.amqp1.codec.types import decode, malformed
from mqbroker.protocols.amqp1.limits import MANAGEMENT_CREDIT, REQUEST_BYTES_MAX
from mqbroker.protocols.amqp1.links import Delivery, IncomingLink
from mqbroker.protocols.amqp1.outgoing import OutgoingLink
from mqbroker.protocols.amqp1.properties import CODED, Amqp1Properties
from mqbroker.protocols.amqp1.requests import Answer, Request, carry_out
from mqbroker.protocols.amqp1.session import ACCEPTED

if TYPE_CHECKING:
    from mqbroker.protocols.amqp1.session import LinkSession

NODE = "/management"

_MESSAGE_ID, _TO, _SUBJECT = 0, 2, 3
_VERSION = {"http:response": "1.1"}


class AnswerLink(OutgoingLink):
    """The link on which answers go."""

    __slots__ = ()


def answers_queue(session: "LinkSession", now: int) -> Queue:
    """What the answers of one link wait in while the client has granted no credit."""
    vhost = session.vhost
    return vhost.declare(QueueSpec(name=f"amq.management-{vhost.broker.unique_name()}", is_hidden=True), now)


class RequestLink(IncomingLink):
    """The link on which requests come."""

    __slots__ = ()

    def __init__(self, session: "LinkSession", name: str, handle: int, is_settled: bool | None, count: int) -> None:
        IncomingLink.__init__(self, session, name, handle, is_settled, count)
        self.credit_max = MANAGEMENT_CREDIT
        self.message_size_max = min(self.message_size_max or REQUEST_BYTES_MAX, REQUEST_BYTES_MAX)

    def take(self, delivery: Delivery, payload: bytes) -> None:
        """Carries a request out. Raises AccessPending, and ProtocolViolation for one that cannot be answered."""
        found = _sections_of(payload)
        fields = found.get(sections.PROPERTIES)
        fields = [*(fields if isinstance(fields, list) else []), None, None, None, None]
        if fields[_MESSAGE_ID] is None:
            raise ProtocolViolation("precondition", "a request has no message-id")
        answers = self._answers()
        if answers is None:
            raise ProtocolViolation("precondition", "there is no link for the answer of a request")
        request = Request(str(fields[_SUBJECT] or ""), str(fields[_TO] or ""), found.get(sections.VALUE))
        message_id = fields[_MESSAGE_ID]
        carry_out(self.session, request, lambda answer: self._answer(answers, message_id, answer))
        if not delivery.is_settled:
            self.session.note(self, delivery.id, ACCEPTED, 0)

    def _answers(self) -> AnswerLink | None:
        """The other link of the pair, which has the same name."""
        found = [link for link in self.session.outgoing.values() if isinstance(link, AnswerLink)]
        named = [link for link in found if link.name == self.name]
        return next(iter(named or found), None)

    def _answer(self, link: AnswerLink, message_id: object, answer: Answer) -> None:
        ledger = self.session.connection.ledger
        if answer.is_recorded and ledger.is_journalling:
            ledger.promise(ledger.position, lambda: _send(link, message_id, answer))
        else:
            _send(link, message_id, answer)


def _send(link: AnswerLink, message_id: object, answer: Answer) -> None:
    if link.queue.is_deleted:
        return
    fields = [NULL, NULL, NULL, string(str(answer.status)), NULL, encode(message_id)]
    raw = b"\x01\x00\x00\x53\x73" + encode_list(fields) + b"\x00\x53\x74" + encode_map(_VERSION)
    assert raw[0] == CODED
    now = link.session.connection.now
    body = b"\x00\x53\x77" + encode(answer.body)
    link.queue.publish(new_message("", link.queue.name, Amqp1Properties(raw), body, now), now)


def _sections_of(payload: bytes) -> dict[int, Any]:
    """The sections of a request, in any order: proton sends the body first. Raises ProtocolViolation."""
    found: dict[int, Any] = {}
    at, end = 0, len(payload)
    try:
        while at < end:
            code, at = sections.descriptor_at(payload, at, end)
            if code in found:
                raise malformed("a request has a section twice")
            found[code], at = decode(payload, at, end)
    except ProtocolViolation as error:
        raise sections.violation_of_message(error) from None
    return found
