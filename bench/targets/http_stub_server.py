"""The HTTP stub's process: answers sends of the driver's constant text on uvloop, and does next to nothing else.

Owns the answering. It counts, so that the driver finds as many messages as it sent, and numbers them, so that it finds
every identifier new. `python -m bench.targets.http_stub_server PORT`.
"""

import asyncio
import sys
from itertools import count
from typing import ClassVar, cast

import orjson
import uvloop

from bench.driver.sqs_ledger import md5_text

_END = b"\r\n\r\n"
_LENGTH = b"Content-Length: "
_BATCH = b"SendMessageBatch\r\n"
_SEND = b"SendMessage\r\n"


def _response(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


class HttpStub(asyncio.Protocol):
    """One connection. What the answers are made of is learnt from the first request of a kind, then only numbered."""

    sent: ClassVar[int] = 0
    numbers: ClassVar["count[int]"] = count()

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._template = b""
        self._messages = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for requests."""
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        self._buffer += data
        while (end := self._buffer.find(_END)) >= 0:
            at = self._buffer.find(_LENGTH)
            size = int(self._buffer[at + len(_LENGTH) : self._buffer.find(b"\r\n", at)])
            body = self._buffer[end + 4 : end + 4 + size]
            if len(body) < size:
                return
            head = self._buffer[:end]
            self._buffer = self._buffer[end + 4 + size :]
            assert self._transport is not None
            self._transport.write(_response(self._answer(head, body)))

    def _answer(self, head: bytes, body: bytes) -> bytes:
        if _SEND in head or _BATCH in head:
            return self._sent(body)
        if b"GetQueueAttributes" in head:
            zero = dict.fromkeys(orjson.loads(body)["AttributeNames"], "0")
            return orjson.dumps({"Attributes": {**zero, "ApproximateNumberOfMessages": str(HttpStub.sent)}})
        if b"CreateQueue" in head:
            HttpStub.sent = 0
            return b'{"QueueUrl":"http://stub/queue"}'
        return b"{}"

    def _sent(self, body: bytes) -> bytes:
        if not self._template:
            self._learn(orjson.loads(body))
        HttpStub.sent += self._messages
        numbers = tuple(next(HttpStub.numbers) for _ in range(self._messages))
        return self._template % numbers

    def _learn(self, request: dict[str, object]) -> None:
        """A template with a place for each identifier: a connection of the driver sends the same all the time."""
        entries = cast("list[dict[str, str]]", request.get("Entries", [request]))
        self._messages = len(entries)
        made = [b'"MessageId":"%%036d","MD5OfMessageBody":"%b"' % md5_text(e["MessageBody"]).encode() for e in entries]
        if "Entries" not in request:
            self._template = b"{%b}" % made[0]
            return
        parts = b",".join(b'{"Id":"%d",%b}' % (number, part) for number, part in enumerate(made))
        self._template = b'{"Successful":[%b],"Failed":[]}' % parts


async def serve(port: int) -> None:
    """Answer until the process is ended."""
    server = await asyncio.get_running_loop().create_server(HttpStub, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
