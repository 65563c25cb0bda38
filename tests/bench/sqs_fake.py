"""A small SQS in this process, sound unless it is told to do damage, for the driver to be tested against.

Owns threads, one for each connection. It knows the actions that the driver uses, on standard queues and FIFO queues of
any number of groups alike: first in, first out, and nothing is locked.
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

from bench.driver.jobs import Endpoint

Answer = dict[str, Any]
Tamper = Callable[[str, Answer], Answer]
"""Changes the answer of an action."""


class FakeSqs:
    """The state of the only queue, whatever its name. lost: this sent message, counted from 1, is dropped."""

    def __init__(self, tamper: Tamper, lost: int = 0, status: int = 200) -> None:
        self._tamper = tamper
        self._lost = lost
        self._numbers = count(1)
        self._visible: deque[Answer] = deque()
        self._in_flight: set[str] = set()
        self._changed = threading.Condition()
        self.status = status

    def call(self, action: str, request: Answer) -> Answer:
        """One call."""
        entries = request.get("Entries", [request])
        with self._changed:
            answer: Answer = {}
            if action == "CreateQueue":
                answer = {"QueueUrl": "http://fake/queue"}
            elif action == "GetQueueAttributes":
                counts = dict.fromkeys(request["AttributeNames"], "0")
                waiting = str(len(self._visible) + len(self._in_flight))
                answer = {"Attributes": {**counts, "ApproximateNumberOfMessages": waiting}}
            elif action == "ReceiveMessage":
                answer = {"Messages": self._receive(request)}
            elif action.startswith("Send"):
                answer = self._batched([self._send(entry) for entry in entries], request)
            elif action.startswith("DeleteMessage"):
                answer = self._batched([self._delete(entry) for entry in entries], request)
            return self._tamper(action, answer)

    def _batched(self, answers: list[Answer], request: Answer) -> Answer:
        return {"Successful": answers, "Failed": []} if "Entries" in request else answers[0]

    def _send(self, entry: Answer) -> Answer:
        number, text = next(self._numbers), entry["MessageBody"]
        digest = md5(text.encode()).hexdigest()
        if number != self._lost:
            message = {"MessageId": str(number), "ReceiptHandle": f"r{number}", "Body": text, "MD5OfBody": digest}
            self._visible.append(message)
            self._changed.notify()
        return {"Id": entry.get("Id"), "MessageId": str(number), "MD5OfMessageBody": digest}

    def _receive(self, request: Answer) -> list[Answer]:
        self._changed.wait_for(lambda: bool(self._visible), request["WaitTimeSeconds"])
        messages = [self._visible.popleft() for _ in range(min(len(self._visible), request["MaxNumberOfMessages"]))]
        self._in_flight |= {message["ReceiptHandle"] for message in messages}
        return messages

    def _delete(self, entry: Answer) -> Answer:
        self._in_flight.discard(entry["ReceiptHandle"])
        return {"Id": entry.get("Id")}


@contextmanager
def fake_sqs(fake: FakeSqs) -> Iterator[Endpoint]:
    """Serve it as long as the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        """One connection."""

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            """Answer a call."""
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(fake.call(self.headers["X-Amz-Target"].partition(".")[2], request)).encode()
            self.send_response(fake.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Endpoint("sqs", "127.0.0.1", server.server_address[1])
        finally:
            server.shutdown()
            thread.join()
