"""Request and reply by direct reply-to (RabbitMQ's extension `amq.rabbitmq.reply-to`) under the load loops.

Owns both ends. To the loops, a requester is a publisher whose confirms are the replies, and a responder is a consumer
whose acknowledgements are the replies it sends: each reply carries the body of its request.
"""

import numpy as np
import numpy.typing as npt
from pamqp import body, commands, frame, header

from bench.driver import amqp_records, stamp
from bench.driver.amqp import CALL_TIMEOUT_SECONDS, CHANNEL, AmqpConnection
from bench.driver.amqp_sides import AmqpConsumeSide
from bench.driver.dialect import Ledger
from bench.driver.jobs import ConsumeJob, PublishJob, Subscription
from bench.driver.records import RecordLayout
from bench.driver.verify import Faults, Verifier
from bench.errors import ProtocolError

REPLY_QUEUE = "amq.rabbitmq.reply-to"
VERIFY_SIZE_BYTES = 64 * 1024


class ReplyLedger:
    """Counts and verifies replies: they must carry the bodies of the requests, in order."""

    def __init__(self, body_size_bytes: int) -> None:
        self.confirmed = 0
        self._body_size_bytes = body_size_bytes
        self._pending = bytearray()
        self._size = 0
        self._verifier: Verifier | None = None

    @property
    def faults(self) -> Faults:
        """What is wrong with all replies that were received."""
        if self._verifier is None:
            return Faults()
        self._verify(self._verifier)
        return self._verifier.faults

    def receive(self, data: bytes, published: int) -> None:
        """Take deliveries of replies. They are counted at once and verified in big steps."""
        self._pending += data
        if self._verifier is None and not self._learn():
            return
        assert self._verifier is not None
        self.confirmed = self._verifier.count + len(self._pending) // self._size
        if len(self._pending) >= VERIFY_SIZE_BYTES:
            self._verify(self._verifier)

    def _verify(self, verifier: Verifier) -> None:
        whole = len(self._pending) // self._size * self._size
        verifier.check(memoryview(bytes(self._pending[:whole])))
        del self._pending[:whole]

    def _learn(self) -> bool:
        delivery = amqp_records.parse_delivery(bytes(self._pending))
        if delivery is None:
            return False
        record = self._pending[: delivery.size]
        (start, stop), *more = delivery.bodies
        if more or stop - start != self._body_size_bytes:
            raise ProtocolError("a reply does not have the size of its request")
        record[start:stop] = stamp.body(0, 0, self._body_size_bytes)
        layout = RecordLayout((bytes(record),), start, self._body_size_bytes, delivery.number_at)
        self._size = layout.size
        # RabbitMQ gives every reply the delivery tag 1: there is nothing to acknowledge.
        self._verifier = Verifier(layout, publishers=1, numbered=False)
        return True


class AmqpRequestSide:
    """A connection that publishes requests and consumes their replies."""

    def __init__(self, job: PublishJob) -> None:
        self._connection = AmqpConnection(job.endpoint)
        self.socket = self._connection.socket
        self.layout = amqp_records.publish_layout(job, self._connection.frame_size_bytes_max)
        self.ledger: Ledger | None = ReplyLedger(job.body_size_bytes)
        self._connection.call(commands.Basic.Consume(queue=REPLY_QUEUE, consumer_tag="reply", no_ack=True))

    def finish(self) -> None:
        """Close the connection and wait for the answer."""
        self.socket.settimeout(CALL_TIMEOUT_SECONDS)
        self._connection.close()


class AmqpAnswerSide(AmqpConsumeSide):
    """A connection that consumes requests and publishes their replies."""

    settles_by_content = True

    def __init__(self, job: ConsumeJob, subscription: Subscription) -> None:
        super().__init__(job, subscription, automatic=True)
        self._body_size_bytes = job.published.body_size_bytes
        self._body_at = 0
        self._request_size = 0
        self._reply: npt.NDArray[np.uint8] = np.empty(0, np.uint8)

    def learn(self, data: bytes) -> RecordLayout | None:
        """The layout of the requests; also learns where the requester wants its replies."""
        layout = super().learn(data)
        delivery = amqp_records.parse_delivery(data)
        if layout is None or delivery is None:
            return None
        request = frame.unmarshal(data[slice(*delivery.header)])[2]
        assert isinstance(request, header.ContentHeader)
        self._body_at, self._request_size = layout.stamp_at, layout.size
        self._reply = np.frombuffer(self._reply_record(str(request.properties.reply_to)), np.uint8)
        return layout

    def _reply_record(self, address: str) -> bytes:
        size = self._body_size_bytes
        head = header.ContentHeader(body_size=size, properties=commands.Basic.Properties(delivery_mode=1))
        parts = (commands.Basic.Publish(exchange="", routing_key=address), head, body.ContentBody(bytes(size)))
        return b"".join(frame.marshal(part, CHANNEL) for part in parts)

    def acknowledge(self, records: memoryview, upto: int) -> bytes:
        """The replies to these requests."""
        requests = np.frombuffer(records, np.uint8).reshape(-1, self._request_size)
        replies = np.tile(self._reply, (len(requests), 1))
        # The body ends right before the last frame-end octet.
        replies[:, -1 - self._body_size_bytes : -1] = requests[:, self._body_at : self._body_at + self._body_size_bytes]
        return replies.tobytes()
