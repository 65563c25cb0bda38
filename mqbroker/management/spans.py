"""Spans of OpenTelemetry for messages that bring a trace context: what the broker did with them, and for how long.

    publish <exchange:key>   from the arrival until it is in its queues       messaging.operation.type send
    receive <queue>          from the arrival until a client is given it      messaging.operation.type receive

Who begins a trace decides whether it is sampled: without a context that says so there are no spans. Messages stay as
they are, so both spans are children of what the sender's context names. Names are those of the semantic conventions for
messaging. What a tap sees waits here until the work is done in whose midst it was seen; a thread of the SDK sends it.
"""

import asyncio
import logging
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
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
from mqbroker.core.tap import Taker, Tap
from mqbroker.core.vhost import VHost
from mqbroker.management.limits import SPANS_EXPORT_MS, SPANS_STOP_S, SPANS_WAITING_MAX
from mqbroker.protocols.takers import publisher_in, whose

log = logging.getLogger(__name__)

_CONTEXT = ("traceparent", "tracestate")
_XRAY_HEADER = "AWSTraceHeader"
_XRAY = re.compile(r"Root=1-([0-9a-f]{8})-([0-9a-f]{24});Parent=([0-9a-f]{16});Sampled=1")
_CONTEXT_CHARS_MAX = 1024  # of a trace context, which has 55, and 512 of `tracestate`
_TEXT_CHARS_MAX = 1024  # of a name or an id
_COST = 20  # of a span, in messages

Described = tuple[str, SpanKind, Mapping[str, str | int | bool]]
"""The name, kind and attributes of a span."""


class _Seen(NamedTuple):
    """What a tap saw: all that a span needs, and nothing that holds the message in memory."""

    name: str
    kind: SpanKind
    attributes: Mapping[str, str | int | bool]
    carrier: dict[str, str]
    """What the message says of its trace."""
    start_ns: int
    end_ns: int


class SpanTap(Tap):
    """Of one vhost."""

    def __init__(self, spans: "Spans", vhost: VHost) -> None:
        self._spans = spans
        self._vhost = vhost

    def published(self, message: Message, queues: Sequence[str]) -> None:
        """Overrides Tap's."""
        if message.properties.has_headers:
            client, _, _ = publisher_in(self._vhost)
            self._spans.see(message, partial(_published, self._vhost.name, message, client, len(queues)))

    def delivered(self, queue: str, entry: Entry, taker: Taker | None) -> None:
        """Overrides Tap's."""
        message = entry.message
        if message.properties.has_headers:
            client, _, _ = whose(taker, self._vhost)
            see = partial(_received, self._vhost.name, message, client, queue, entry.is_redelivered)
            self._spans.see(message, see)


class Spans(Task):
    """As a task it makes spans of what the taps of all vhosts have seen."""

    __slots__ = ("_dropped", "_last", "_propagator", "_provider", "_scheduler", "_tracer", "_waiting")

    def __init__(self, config: OtelConfig, scheduler: Scheduler, node: str) -> None:
        Task.__init__(self)
        self._scheduler = scheduler
        self._waiting: deque[_Seen] = deque()
        self._dropped = 0
        self._last: threading.Thread | None = None
        """Sends what there is at the end."""
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
        vhost.add_tap(SpanTap(self, vhost))

    def see(self, message: Message, describe: Callable[[], Described]) -> None:
        """Makes a span of what happens to a message, soon, if that brings a trace context."""
        carrier = _carrier_of(message.properties.headers())
        if carrier is None:
            return
        if len(self._waiting) >= SPANS_WAITING_MAX:
            self._dropped += 1
            return
        end = time.time_ns()
        self._waiting.append(_Seen(*describe(), carrier, min(message.received_at * 1_000_000, end), end))
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
        context = self._propagator.extract(seen.carrier, Context())
        made = self._tracer.start_span(seen.name, context, seen.kind, seen.attributes, start_time=seen.start_ns)
        made.end(seen.end_ns)

    def stop(self) -> None:
        """Begins to send what there is."""
        self._last = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        self._last.start()

    async def close(self) -> None:
        """Waits for that a short while: a collector that is silent must not hold up the end."""
        if self._last is not None:
            await asyncio.to_thread(self._last.join, SPANS_STOP_S)


def _carrier_of(headers: Mapping[str, object]) -> dict[str, str] | None:
    """What a message says of its trace; None where it says nothing."""
    found = {name: str(headers[name]) for name in _CONTEXT if name in headers}
    carrier = {name: text for name, text in found.items() if len(text) <= _CONTEXT_CHARS_MAX}
    if "traceparent" in carrier:
        return carrier
    xray = _XRAY.match(str(headers.get(_XRAY_HEADER, "")))
    return None if xray is None else {"traceparent": f"00-{xray[1]}{xray[2]}-{xray[3]}-01"}


def _published(vhost: str, message: Message, client: str, queue_count: int) -> Described:
    parts = [part for part in (message.exchange, message.routing_key) if part]
    destination = _clean(":".join(parts) or "amq.default")
    attributes = _common("publish", "send", destination, vhost, message, client)
    return f"publish {destination}", SpanKind.PRODUCER, {**attributes, "mqbroker.routed_queues": queue_count}


def _received(vhost: str, message: Message, client: str, queue: str, is_redelivered: bool) -> Described:
    destination = _clean(queue)
    attributes = _common("receive", "receive", destination, vhost, message, client)
    return f"receive {destination}", SpanKind.CONSUMER, {**attributes, "mqbroker.redelivered": is_redelivered}


def _common(
    name: str, kind: str, destination: str, vhost: str, message: Message, client: str
) -> dict[str, str | int | bool]:
    properties = message.properties
    texts = {
        "messaging.rabbitmq.destination.routing_key": message.routing_key,
        "messaging.message.id": properties.text("message_id"),
        "messaging.message.conversation_id": properties.text("correlation_id"),
        "messaging.client.id": client,
    }
    return {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": name,
        "messaging.operation.type": kind,
        "messaging.destination.name": destination,
        "messaging.message.body.size": message.size,
        "mqbroker.vhost": _clean(vhost),
        **{each: _clean(text) for each, text in texts.items() if text},
    }


def _clean(text: str) -> str:
    """A text of a bounded length that can be sent: one with surrogates would be the end of its whole batch."""
    return text[:_TEXT_CHARS_MAX].encode(errors="replace").decode()
