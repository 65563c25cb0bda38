"""A real HTTP server that takes notifications, and does with them what a test says."""

import json
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from types import TracebackType
from typing import Any, NamedTuple, Self

WAIT_S = 20


class Arrival(NamedTuple):
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as JSON."""
        return dict(json.loads(self.body))


Answer = Callable[[Arrival], int]
"""Says with which status a request is answered."""


def ok(_arrival: Arrival) -> int:
    return 200


class Receiver:
    """Serves on a free port until its `with` block ends. `arrivals` has every request."""

    def __init__(self, answer: Answer = ok, tls: ssl.SSLContext | None = None) -> None:
        self.arrivals: Queue[Arrival] = Queue()
        self.answer = answer
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                arrival = Arrival(self.path, dict(self.headers), body)
                status = receiver.answer(arrival)
                receiver.arrivals.put(arrival)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.scheme = "http" if tls is None else "https"

    @property
    def url(self) -> str:
        """Its URL."""
        return f"{self.scheme}://127.0.0.1:{self.server.server_address[1]}"

    def take(self, kind: str = "Notification") -> Arrival:
        """The next request of a kind."""
        while True:
            arrival = self.arrivals.get(timeout=WAIT_S)
            if arrival.headers.get("x-amz-sns-message-type") == kind:
                return arrival

    def is_quiet(self, seconds: float) -> bool:
        """Whether nothing comes for so long."""
        try:
            self.arrivals.get(timeout=seconds)
        except Empty:
            return True
        return False

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(WAIT_S)
