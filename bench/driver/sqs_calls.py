"""Calls of SQS actions as bytes, and what their answers say: AWS JSON 1.0 over HTTP/1.1, each call signed.

Owns the request's head and its renewal once a second. Reads and writes no socket.
"""

import time
from typing import Any

import orjson

from bench.driver.jobs import Endpoint
from bench.driver.sigv4 import Signer
from bench.errors import ProtocolError

SERVICE = "sqs"
CONTENT_TYPE = "application/x-amz-json-1.0"


class CallEncoder:
    """Encodes calls of one action to one endpoint."""

    def __init__(self, endpoint: Endpoint, action: str) -> None:
        host = f"{endpoint.host}:{endpoint.port}"
        target = f"AmazonSQS.{action}"
        headers = {"content-type": CONTENT_TYPE, "host": host, "x-amz-target": target}
        self._signer = Signer(endpoint.user, endpoint.password, SERVICE, headers)
        self._constant_head = (
            f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: {CONTENT_TYPE}\r\nX-Amz-Target: {target}\r\n"
        ).encode()
        self._second = 0
        self._head = b""

    def encode(self, body: bytes) -> bytes:
        """The whole request with this body, signed as of now."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._head = self._constant_head + self._signer.at(second)
        return b"%b%b\r\nContent-Length: %d\r\n\r\n%b" % (self._head, self._signer.sign(body), len(body), body)


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
