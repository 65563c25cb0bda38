"""Spans of OpenTelemetry for messages that bring a trace context: what the broker did with them, and for how long.

    publish <exchange:key>   from the arrival until it is in its queues       messaging.operation.type send
    receive <queue>          from the arrival until a client is given it      messaging.operation.type receive

Who begins a trace decides whether it is sampled: without a context that says so there are no spans. Messages stay as
they are, so both spans are children of what the sender's context names. Names are those of the semantic conventions for
messaging. What a tap sees waits here until the work is done in whose midst it was seen; a thread of the SDK sends it.
"""

import logging
import re
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import mqbroker
from mqbroker.config.sections import OtelConfig
from mqbroker.core.broker import Broker
from mqbroker.core.events import Event
from mqbroker.core.message import Entry, Message
from mqbroker.core.scheduler import Scheduler, Task
from mqbroker.core.tap import Tap, joined, taps_of
from mqbroker.core.vhost import VHost
from mqbroker.management.limits import SPANS_EXPORT_MS, SPANS_STOP_S, SPANS_WAITING_MAX

log = logging.getLogger(__name__)

_CONTEXT = ("traceparent", "tracestate")
_XRAY_HEADER = "AWSTraceHeader"
_XRAY = re.compile(r"Root=1-([0-9a-f]{8})-([0-9a-f]{24});Parent=([0-9a-f]{16});Sampled=1")
_COST = 20  # of a span, in messages


class _Seen(NamedTuple):
    """What a tap saw."""

    operation: str
    vhost: str
    queues: Sequence[str]
    message: Message
    is_redelivered: bool
    at_ns: int


class SpanTap(Tap):
    """Of one vhost."""

    def __init__(self, spans: "Spans", vhost: str) -> None:
        self._spans = spans
        self._vhost = vhost

    def published(self, message: Message, queues: Sequence[str]) -> None:
        """Overrides Tap's."""
        if message.properties.has_headers:
            self._spans.put(_Seen("publish", self._vhost, queues, message, False, time.time_ns()))

    def delivered(self, queue: str, entry: Entry) -> None:
        """Overrides Tap's."""
        if entry.message.properties.has_headers:
            seen = _Seen("receive", self._vhost, (queue,), entry.message, entry.is_redelivered, time.time_ns())
            self._spans.put(seen)


class Spans(Task):
    """As a task it makes spans of what the taps of all vhosts have seen."""

    __slots__ = ("_dropped", "_propagator", "_provider", "_scheduler", "_tracer", "_waiting")

    def __init__(self, config: OtelConfig, scheduler: Scheduler, node: str) -> None:
        Task.__init__(self)
        self._scheduler = scheduler
        self._waiting: deque[_Seen] = deque()
        self._dropped = 0
        self._propagator = TraceContextTextMapPropagator()
        resource = Resource.create(
            {SERVICE_NAME: config.service_name, SERVICE_VERSION: mqbroker.__version__, "service.instance.id": node}
        )
        exporter = OTLPSpanExporter(f"{config.endpoint.rstrip('/')}/v1/traces", headers=dict(config.headers))
        self._provider = TracerProvider(ParentBased(ALWAYS_OFF), resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=SPANS_EXPORT_MS))
        self._tracer = self._provider.get_tracer("mqbroker", mqbroker.__version__)

    def follow_all(self, broker: Broker) -> None:
        """Looks on in all vhosts from now on, also in those that are made later."""
        for vhost in broker.vhosts.values():
            self._follow(vhost)

        def take(event: Event) -> None:
            if event.name == "vhost.created":
                self._follow(broker.vhosts[str(event.fields["vhost"])])

        broker.events.subscribe(take)

    def _follow(self, vhost: VHost) -> None:
        vhost.set_tap(joined([*taps_of(vhost.tap), SpanTap(self, vhost.name)]))

    def put(self, seen: _Seen) -> None:
        """Makes a span of it, soon."""
        if len(self._waiting) >= SPANS_WAITING_MAX:
            self._dropped += 1
            return
        self._waiting.append(seen)
        self._scheduler.add(self)

    def run(self, _now: int, portion: int) -> bool:
        """Overrides Task's."""
        for _ in range(min(len(self._waiting), max(1, portion // _COST))):
            self._make(self._waiting.popleft())
        if not self._waiting and self._dropped:
            log.warning("%d spans were left out: there were too many at once", self._dropped)
            self._dropped = 0
        return bool(self._waiting)

    def _make(self, seen: _Seen) -> None:
        context = self._context_of(seen.message)
        if context is None:
            return
        name, attributes = _described(seen)
        kind = SpanKind.PRODUCER if seen.operation == "publish" else SpanKind.CONSUMER
        start = min(seen.message.received_at * 1_000_000, seen.at_ns)
        self._tracer.start_span(name, context, kind, attributes, start_time=start).end(seen.at_ns)

    def _context_of(self, message: Message) -> Context | None:
        """What the message says of its trace; None where it says nothing."""
        headers = message.properties.headers()
        carrier = {name: str(headers[name]) for name in _CONTEXT if name in headers}
        if "traceparent" not in carrier:
            found = _XRAY.match(str(headers.get(_XRAY_HEADER, "")))
            if found is None:
                return None
            carrier = {"traceparent": f"00-{found[1]}{found[2]}-{found[3]}-01"}
        return self._propagator.extract(carrier, Context())

    def stop(self) -> None:
        """Sends what there is, for a short while: a collector that is silent must not hold up the end."""
        thread = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        thread.start()
        thread.join(SPANS_STOP_S)


def _described(seen: _Seen) -> tuple[str, dict[str, str | int | bool]]:
    """The name and attributes of a span."""
    message = seen.message
    is_publish = seen.operation == "publish"
    parts = [part for part in (message.exchange, message.routing_key) if part]
    destination = (":".join(parts) or "amq.default") if is_publish else seen.queues[0]
    attributes: dict[str, str | int | bool] = {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": seen.operation,
        "messaging.operation.type": "send" if is_publish else "receive",
        "messaging.destination.name": destination,
        "messaging.message.body.size": message.size,
        "mqbroker.vhost": seen.vhost,
    }
    if is_publish:
        attributes["mqbroker.routed_queues"] = len(seen.queues)
    else:
        attributes["mqbroker.redelivered"] = seen.is_redelivered
    for name, value in (
        ("messaging.rabbitmq.destination.routing_key", message.routing_key),
        ("messaging.message.id", message.properties.text("message_id")),
        ("messaging.message.conversation_id", message.properties.text("correlation_id")),
    ):
        if value:
            attributes[name] = value.encode(errors="replace").decode()
    return f"{seen.operation} {destination}", attributes
