"""A small blocking SQS client: makes queues, looks at them and deletes them, one call at a time.

Owns the slow part, of which nothing is measured.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import orjson

from bench.driver.amqp import connect
from bench.driver.http_answers import AnswerReader
from bench.driver.jobs import Endpoint
from bench.driver.sqs_calls import decoded, sqs_encoder
from bench.errors import ProtocolError

_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class SqsClient:
    """One connection. Raises ProtocolError with the server's own words."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._socket = connect(endpoint)
        self._reader = AnswerReader()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def call(self, action: str, parameters: Mapping[str, object]) -> dict[str, Any]:
        """One call of an action; its answer."""
        self._socket.sendall(sqs_encoder(self._endpoint, action).encode(orjson.dumps(parameters)))
        while (body := self._reader.feed(self._received())) is None:
            pass
        status = self._reader.status
        if self._reader.closes:
            self._socket.close()
            self._socket = connect(self._endpoint)
            self._reader = AnswerReader()
        return decoded(status, body)

    def _received(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise ProtocolError("the broker closed the connection")
        return data

    def create_queue(self, name: str, attributes: Mapping[str, str]) -> str:
        """Make a queue; its URL."""
        return str(self.call("CreateQueue", {"QueueName": name, "Attributes": attributes})["QueueUrl"])

    def delete_queue(self, url: str) -> None:
        """Delete a queue with everything in it."""
        self.call("DeleteQueue", {"QueueUrl": url})

    def message_count(self, url: str) -> int:
        """How many messages a queue has: visible, in flight and delayed."""
        found = self.call("GetQueueAttributes", {"QueueUrl": url, "AttributeNames": list(_COUNTS)})
        return sum(int(found["Attributes"][name]) for name in _COUNTS)
