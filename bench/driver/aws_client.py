"""One blocking connection to the AWS gateway, for calls of which nothing is measured: one at a time.

Owns the connection. What a call says, and its answer, is the service's.
"""

from types import TracebackType
from typing import Self

from bench.driver.amqp import connect
from bench.driver.http_answers import AnswerReader
from bench.driver.jobs import Endpoint
from bench.errors import ProtocolError


class AwsClient:
    """One connection. Subclassed for each service."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._socket = connect(endpoint)
        self._reader = AnswerReader()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to one request."""
        self._socket.sendall(request)
        while (body := self._reader.feed(self._received())) is None:
            pass
        status = self._reader.status
        if self._reader.closes:
            self._socket.close()
            self._socket = connect(self.endpoint)
            self._reader = AnswerReader()
        return status, body

    def _received(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise ProtocolError("the broker closed the connection")
        return data
