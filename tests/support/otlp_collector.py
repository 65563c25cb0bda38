"""A collector of OpenTelemetry: takes spans by OTLP over HTTP, in protobuf, and decodes them."""

import gzip
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Span:
    """What a span says."""

    name: str
    kind: int
    trace_id: str
    parent_id: str
    span_id: str
    start_ns: int
    end_ns: int
    attributes: dict[str, Any]
    resource: dict[str, Any]


class Collector:
    """Listens on a free port of this machine. `headers` are those of the last request."""

    def __init__(self) -> None:
        self._spans: queue.Queue[Span] = queue.Queue()
        self._seen: list[Span] = []
        self.headers: dict[str, str] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.headers = dict(self.headers.items())
                outer.take(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
                assert self.path == "/v1/traces"
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, body: bytes) -> None:
        """One export."""
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = _values(of_resource.resource.attributes)
            for of_scope in of_resource.scope_spans:
                for span in of_scope.spans:
                    self._spans.put(
                        Span(
                            span.name, span.kind, span.trace_id.hex(), span.parent_span_id.hex(), span.span_id.hex(),
                            span.start_time_unix_nano, span.end_time_unix_nano, _values(span.attributes), resource,
                        )
                    )  # fmt: skip

    def wait(self, is_wanted: Callable[[Span], bool], timeout_s: float = 20) -> Span:
        """The first span that is wanted. AssertionError with all that came if there is none in time."""
        until = time.monotonic() + timeout_s
        while True:
            for span in self._seen:
                if is_wanted(span):
                    self._seen.remove(span)
                    return span
            try:
                self._seen.append(self._spans.get(timeout=max(0.01, until - time.monotonic())))
            except queue.Empty:
                raise AssertionError(f"no such span among {self._seen}") from None


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
