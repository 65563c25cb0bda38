"""Calls of SQS actions as bytes, and what their answers say: AWS JSON 1.0 over HTTP/1.1, each call signed.

Owns the request's head and its renewal once a second. Reads and writes no socket.
"""

import time
from collections.abc import Mapping
from typing import Any

import orjson

from bench.driver.jobs import Endpoint
from bench.driver.sigv4 import Signer
from bench.errors import ProtocolError

SERVICE = "sqs"
CONTENT_TYPE = "application/x-amz-json-1.0"


class CallEncoder:
    """Encodes calls of one service to one endpoint. headers: those that all calls have, and that are signed."""

    def __init__(self, endpoint: Endpoint, service: str, headers: Mapping[str, str]) -> None:
        headers = {"Host": f"{endpoint.host}:{endpoint.port}", **headers}
        signed = {name.lower(): value for name, value in headers.items()}
        self._signer = Signer(endpoint.user, endpoint.password, service, signed)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._constant_head = f"POST / HTTP/1.1\r\n{lines}".encode()
        self._second = 0
        self._head = b""

    def encode(self, body: bytes) -> bytes:
        """The whole request with this body, signed as of now."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._head = self._constant_head + self._signer.at(second)
        return b"%b%b\r\nContent-Length: %d\r\n\r\n%b" % (self._head, self._signer.sign(body), len(body), body)


def sqs_encoder(endpoint: Endpoint, action: str) -> CallEncoder:
    """Encodes calls of one action of SQS."""
    return CallEncoder(endpoint, SERVICE, {"Content-Type": CONTENT_TYPE, "X-Amz-Target": f"AmazonSQS.{action}"})


class ConstantCall:
    """A call that is made over and over: its bytes are the same within a second."""

    def __init__(self, encoder: CallEncoder, body: bytes) -> None:
        self._encoder = encoder
        self._body = body
        self._second = 0
        self._encoded = b""

    def encode(self) -> bytes:
        """The whole request, signed as of now."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._encoded = self._encoder.encode(self._body)
        return self._encoded


def decoded(status: int, body: bytes) -> dict[str, Any]:
    """What a call was answered. Raises ProtocolError with the server's own words when it was refused."""
    if status != 200:
        raise ProtocolError(f"a call was answered {status}: {body[:300].decode(errors='replace')}")
    try:
        answer = orjson.loads(body) if body else {}
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ProtocolError(f"a call was answered {body[:300]!r}")
    return answer
