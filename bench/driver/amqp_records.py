"""AMQP 0-9-1 publish and deliver as records of constant size, acknowledgements, and the parsing of confirms.

Owns the byte layout of the fast part of the protocol. Reads and writes no socket.

A delivery on the wire, as one record (big bodies take several body frames):

    method frame                                                       header frame           body frame(s)
    01 ch size 003C 003C | tag "c00000" | delivery-tag u64 | redelivered | exchange | key | CE | 02 ... | 03 ... CE
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pamqp import body as pamqp_body
from pamqp import commands, frame
from pamqp import header as pamqp_header

from bench.driver import stamp
from bench.driver.amqp import CHANNEL, complete_frame_size, described
from bench.driver.jobs import ConsumeJob, PublishJob, Subscription, Variant
from bench.driver.records import RecordLayout
from bench.errors import ProtocolError

METHOD_FRAME, HEADER_FRAME, BODY_FRAME = 1, 2, 3
FRAME_OVERHEAD = 8
DELIVER = b"\x00\x3c\x00\x3c"
ACK_FRAME_SIZE = 21
_ACK_HEAD = b"\x01" + CHANNEL.to_bytes(2, "big") + b"\x00\x00\x00\x0d" + b"\x00\x3c\x00\x50"


def consumer_tag(queue_index: int) -> str:
    """Consumer tags of one length, so that deliveries are too."""
    return f"c{queue_index:05d}"


def ack_frame(delivery_tag: int) -> bytes:
    """Acknowledge everything up to and including a delivery."""
    return _ACK_HEAD + delivery_tag.to_bytes(8, "big") + b"\x01\xce"


def _properties(job: PublishJob, variant: Variant) -> commands.Basic.Properties:
    return commands.Basic.Properties(
        delivery_mode=2 if job.persistent else 1,
        priority=variant.priority,
        headers=dict(variant.headers) or None,
        expiration=job.expiration,
        reply_to=job.reply_to,
    )


def header_frame(job: PublishJob, variant: Variant) -> bytes:
    """The content header of a variant, as a whole frame."""
    header = pamqp_header.ContentHeader(body_size=job.body_size_bytes, properties=_properties(job, variant))
    return frame.marshal(header, CHANNEL)


def _body_frames(body: bytes, frame_size_bytes_max: int) -> bytes:
    room = frame_size_bytes_max - FRAME_OVERHEAD
    parts = [body[at : at + room] for at in range(0, len(body), room)]
    return b"".join(frame.marshal(pamqp_body.ContentBody(part), CHANNEL) for part in parts)


def publish_layout(job: PublishJob, frame_size_bytes_max: int) -> RecordLayout:
    """Records that publish the job's variants."""
    body = stamp.body(0, 0, job.body_size_bytes)
    frames = _body_frames(body, frame_size_bytes_max)
    heads = [
        frame.marshal(commands.Basic.Publish(exchange=job.exchange, routing_key=variant.routing_key), CHANNEL)
        + header_frame(job, variant)
        for variant in job.variants
    ]
    return RecordLayout(tuple(head + frames for head in heads), len(heads[0]) + 7, job.body_size_bytes)


@dataclass(frozen=True)
class Delivery:
    """Where the parts of one received delivery are: (start, stop) offsets into its record."""

    size: int
    consumer_tag: tuple[int, int]
    number_at: int
    exchange: tuple[int, int]
    routing_key: tuple[int, int]
    header: tuple[int, int]
    bodies: tuple[tuple[int, int], ...]


def _short_string(data: bytes, at: int) -> tuple[int, int]:
    return at + 1, at + 1 + data[at]


def _refuse(data: bytes) -> ProtocolError:
    return ProtocolError(f"expected a delivery, the broker sent {described(frame.unmarshal(data)[2])}")


def parse_delivery(data: bytes) -> Delivery | None:
    """The layout of the delivery at the start of these bytes; None while it is incomplete."""
    method_size = complete_frame_size(data)
    if method_size is None:
        return None
    if data[0] != METHOD_FRAME or data[7:11] != DELIVER:
        raise _refuse(data[:method_size])
    tag = _short_string(data, 11)
    exchange = _short_string(data, tag[1] + 9)
    key = _short_string(data, exchange[1])
    header_size = complete_frame_size(data, method_size)
    if header_size is None:
        return None
    header = (method_size, method_size + header_size)
    bodies = _body_spans(data, header)
    if bodies is None:
        return None
    return Delivery(bodies[-1][1] + 1, tag, tag[1], exchange, key, header, tuple(bodies))


def _body_spans(data: bytes, header: tuple[int, int]) -> list[tuple[int, int]] | None:
    left = int.from_bytes(data[header[0] + 11 : header[0] + 19], "big")
    spans: list[tuple[int, int]] = []
    at = header[1]
    while left > 0:
        size = complete_frame_size(data, at)
        if size is None:
            return None
        spans.append((at + 7, at + size - 1))
        left -= size - FRAME_OVERHEAD
        at += size
    return spans


def learn_layout(data: bytes, job: ConsumeJob, subscription: Subscription) -> RecordLayout | None:
    """The layout of a stream of deliveries, from its first message; None while that is incomplete.

    Everything that is known in advance (consumer tag, exchange, key, properties, body) is put into the templates from
    what was published, not from what was received, so the first message is checked like all the others.
    """
    delivery = parse_delivery(data)
    if delivery is None:
        return None
    record = data[: delivery.size]
    templates = [
        _template(record, delivery, job, variant, max(0, subscription.queue_of_variant[index]))
        for index, variant in enumerate(job.published.variants)
    ]
    return RecordLayout(
        tuple(templates),
        delivery.bodies[0][0],
        job.published.body_size_bytes,
        delivery.number_at,
        opaque=(delivery.header,) if job.through_exchange is not None else (),
    )


def _template(record: bytes, delivery: Delivery, job: ConsumeJob, variant: Variant, queue_index: int) -> bytes:
    moved = job.through_exchange is not None
    template = bytearray(record)
    template[delivery.number_at + 8] = 0  # redelivered: nothing is, unless the broker repeats itself
    exchange = job.published.exchange if job.through_exchange is None else job.through_exchange
    key = variant.routing_key if job.through_key is None else job.through_key
    _put(template, delivery.consumer_tag, consumer_tag(queue_index).encode(), "consumer tag")
    _put(template, delivery.exchange, exchange.encode(), "exchange")
    _put(template, delivery.routing_key, key.encode(), "routing key")
    if not moved:
        _put(template, delivery.header, header_frame(job.published, variant), "content header")
    _put_body(template, delivery.bodies, stamp.body(0, 0, job.published.body_size_bytes))
    return bytes(template)


def _put(template: bytearray, span: tuple[int, int], value: bytes, what: str) -> None:
    if span[1] - span[0] != len(value):
        raise ProtocolError(f"a delivery carries the {what} {bytes(template[slice(*span)])!r}, not {value!r}")
    template[slice(*span)] = value


def _put_body(template: bytearray, spans: Sequence[tuple[int, int]], body: bytes) -> None:
    at = 0
    for start, stop in spans:
        template[start:stop] = body[at : at + stop - start]
        at += stop - start
    if at != len(body):
        raise ProtocolError(f"a delivery carries a body of {at} bytes, not {len(body)}")
