"""A small blocking SNS client: makes topics and subscriptions, and deletes topics, one call at a time.

Owns the slow part, of which nothing is measured.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from bench.driver import sns_calls
from bench.driver.amqp import connect
from bench.driver.http_answers import AnswerReader
from bench.driver.jobs import Endpoint
from bench.errors import ProtocolError


class SnsClient:
    """One connection. Raises ProtocolError with the server's own words."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._encoder = sns_calls.encoder(endpoint)
        self._socket = connect(endpoint)
        self._reader = AnswerReader()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def call(self, action: str, parameters: Mapping[str, str]) -> dict[str, str]:
        """One call of an action; its answer."""
        self._socket.sendall(self._encoder.encode(sns_calls.form(action, parameters)))
        while (body := self._reader.feed(self._received())) is None:
            pass
        status = self._reader.status
        if self._reader.closes:
            self._socket.close()
            self._socket = connect(self._endpoint)
            self._reader = AnswerReader()
        return sns_calls.decoded(status, body)

    def _received(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise ProtocolError("the broker closed the connection")
        return data

    def create_topic(self, name: str) -> str:
        """Make a topic; its ARN."""
        return self.call("CreateTopic", {"Name": name})["TopicArn"]

    def delete_topic(self, topic: str) -> None:
        """Delete a topic with its subscriptions."""
        self.call("DeleteTopic", {"TopicArn": topic})

    def subscribe(self, topic: str, queue: str, attributes: Mapping[str, str]) -> None:
        """Subscribe a queue, told by its ARN."""
        parameters = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": queue}
        for number, (name, value) in enumerate(attributes.items(), 1):
            parameters |= {f"Attributes.entry.{number}.key": name, f"Attributes.entry.{number}.value": value}
        self.call("Subscribe", parameters)
