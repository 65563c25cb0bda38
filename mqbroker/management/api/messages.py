"""Publishing one message, and taking or looking at some, over HTTP. Permissions are those of AMQP."""

import asyncio
import binascii
from base64 import b64decode, b64encode
from typing import Any

from mqbroker.core.consumer import Consumer, Gate, Window
from mqbroker.core.message import Entry, Message, new_message
from mqbroker.core.properties import Properties
from mqbroker.core.queues.base import REJECTED, UNROUTED, Queue
from mqbroker.core.rabbitmq.checks import check_pollable
from mqbroker.core.rabbitmq.x_death import carbon_copies
from mqbroker.core.vhost import VHost
from mqbroker.errors import AccessRefused, PreconditionFailed
from mqbroker.limits import NAME_BYTES_MAX
from mqbroker.management.answers import Answer
from mqbroker.management.api.queues import check_name
from mqbroker.management.bodies import whole_number
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import MANAGEMENT
from mqbroker.management.limits import GET_BYTES_MAX, GET_MESSAGES_MAX
from mqbroker.management.properties import NUMBERS, TEXTS, shown_properties
from mqbroker.management.refusals import bad_request, not_found

_MODES = ("ack_requeue_true", "ack_requeue_false", "reject_requeue_true", "reject_requeue_false")
_SLICE = 100


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("exchanges/:vhost/:exchange/publish", MANAGEMENT, POST=publish)
    routes.add("queues/:vhost/:queue/get", MANAGEMENT, POST=get)


# --- publishing -----------------------------------------------------------------------------------------------------


def publish(call: Call) -> Answer:
    """POST exchanges/V/X/publish."""
    vhost, name = call.vhost_to_use(), call.name("exchange")
    given, key, payload, encoding = call.require("properties", "routing_key", "payload", "payload_encoding")
    body = _decoded(payload, encoding)
    if not isinstance(key, str):
        raise bad_request("routing_key should be a string")
    check_name("routing_key", key)
    _may_publish(call, vhost, name, key)
    properties = _composed(call, given)
    reason = call.ground.services.alarms.reason
    if reason:
        raise bad_request(f"blocked: {reason}")
    message = new_message(name, key, properties, body, call.now)
    outcome = _route(vhost, message, call.now)
    if outcome == REJECTED:
        raise bad_request("rejected Unable to publish message. Check queue limits.")
    return Answer(body={"routed": outcome != UNROUTED})


def _route(vhost: VHost, message: Message, now: int) -> int:
    properties = message.properties
    headers = properties.headers()
    named = [name for name in ("CC", "BCC") if isinstance(headers.get(name), list)]
    copies = [key for name in named for key in carbon_copies(headers, name)]
    if "BCC" in named:
        properties = properties.with_blind_copies()
        message = new_message(message.exchange, message.routing_key, properties, message.content(), now)
    return vhost.publish_by_content(message.exchange, [message.routing_key, *copies], message, now)


def _may_publish(call: Call, vhost: VHost, name: str, key: str) -> None:
    call.caller.check("write", vhost.name, "exchange", name)
    if not name:
        return
    exchange = vhost.exchanges.get(name)
    if exchange is None:
        raise bad_request(f"404 NOT_FOUND - no exchange '{name}' in vhost '{vhost.name}'")
    if exchange.internal:
        raise AccessRefused(f"cannot publish to internal exchange '{name}' in vhost '{vhost.name}'")
    if exchange.kind == "topic":
        call.caller.check_topic("write", vhost.name, name, key)


def _decoded(payload: object, encoding: object) -> bytes:
    if not isinstance(payload, str):
        raise bad_request("payload_not_string")
    if encoding == "string":
        return payload.encode()
    if encoding != "base64":
        raise bad_request(f"unsupported_encoding: {encoding}")
    try:
        return b64decode(payload, validate=True)
    except (ValueError, binascii.Error):
        raise bad_request("payload is not base64") from None


def _composed(call: Call, given: object) -> Properties:
    """Properties as they are written; names that nobody knows are passed over. Raises Refusal."""
    if given == []:
        given = {}
    if not isinstance(given, dict):
        raise bad_request("properties should be an object")
    fields = {name: _text(name, given[name]) for name in TEXTS if name in given}
    fields |= {name: _number(name, given[name], most) for name, most in NUMBERS.items() if name in given}
    if "headers" in given:
        fields["headers"] = _headers(given["headers"])
    claimed = fields.get("user_id")
    if claimed is not None and claimed != call.caller.name and "impersonator" not in call.caller.tags:
        text = f"user_id property set to '{claimed}' but authenticated user was '{call.caller.name}'"
        raise bad_request(f"406 PRECONDITION_FAILED - {text}")
    try:
        return call.ground.node.compose(fields)
    except PreconditionFailed as error:
        raise bad_request(f"406 PRECONDITION_FAILED - {error}") from None
    except (ValueError, KeyError, OverflowError, TypeError) as error:
        raise bad_request(f"properties cannot be encoded: {error}") from None


def _text(name: str, value: object) -> object:
    if not isinstance(value, str):
        raise bad_request(f"not_string: {name}")
    if len(value.encode("utf-8", "surrogateescape")) > NAME_BYTES_MAX:
        raise bad_request(f"{name} should be less than {NAME_BYTES_MAX} bytes")
    return value


def _number(name: str, value: object, most: int) -> object:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise bad_request(f"not_int: {name}")
    return value


def _headers(value: object) -> object:
    if not isinstance(value, dict):
        raise bad_request("headers should be an object")
    if None in value.values():
        raise bad_request("null_not_allowed")
    return value or None


# --- getting --------------------------------------------------------------------------------------------------------


class Puller(Consumer):
    """Who holds messages while they are shown."""

    __slots__ = ()

    def can_take(self) -> bool:
        """Never: nothing is delivered to it unasked."""
        return False


async def get(call: Call) -> Answer:
    """POST queues/V/Q/get."""
    vhost, name = call.vhost_to_use(), call.name("queue")
    count, mode, encoding = call.require("count", "ackmode", "encoding")
    truncate = call.body.get("truncate", 1 << 62)
    if isinstance(count, str):
        number = whole_number(count.removeprefix("-"))
        count = -number if number is not None and count.startswith("-") else number
    for what, value in (("count", count), ("truncate", truncate)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise bad_request(f"not_int: {what}")
    if mode not in _MODES:
        raise bad_request(f"unknown ackmode: {mode}")
    if encoding not in ("auto", "base64"):
        raise bad_request(f"unsupported_encoding: {encoding}")
    call.caller.check("read", vhost.name, "queue", name)
    if name not in vhost.queues:
        raise not_found(f"NOT_FOUND - no queue '{name}' in vhost '{vhost.name}'")
    queue = vhost.queue(name)
    check_pollable(queue, vhost.name)
    most = GET_MESSAGES_MAX if count < 0 else min(count, GET_MESSAGES_MAX)
    held = await _taken(call, queue, most)
    try:
        found = [shown(entry, left, str(encoding), truncate) for entry, left in held]
    finally:
        _settle(queue, [entry for entry, _ in held], str(mode), call.ground.clock.now())
        call.ground.services.outbox.wake()
    return Answer(body=found)


async def _taken(call: Call, queue: Queue, most: int) -> list[tuple[Entry, int]]:
    """Up to so many messages, each with how many were left after it."""
    holder = Puller(queue, Gate(), Window())
    held: list[tuple[Entry, int]] = []
    size = 0
    while len(held) < most and size < GET_BYTES_MAX and not queue.is_deleted:
        now = call.ground.clock.now()
        if not queue.make_ready(now):
            call.ground.services.outbox.wake()
            await asyncio.sleep(0)
            continue
        entry = queue.get(holder, now)
        if entry is None:
            break
        held.append((entry, queue.waiting_count()))
        size += entry.message.size
        if len(held) % _SLICE == 0:
            await asyncio.sleep(0)
    return held


def _settle(queue: Queue, entries: list[Entry], mode: str, now: int) -> None:
    if mode.endswith("requeue_true"):
        queue.requeue(entries, now)
    elif mode == "ack_requeue_false":
        for entry in entries:
            queue.settle(entry)
    else:
        for entry in entries:
            queue.give_up(entry, now)


def shown(entry: Entry, left: int, encoding: str, truncate: int) -> dict[str, Any]:
    """A message that was taken."""
    message = entry.message
    body = message.content()
    payload, used = _payload(body[: max(0, truncate)], encoding)
    return {
        "payload_bytes": len(body),
        "redelivered": entry.is_redelivered,
        "exchange": message.exchange,
        "routing_key": message.routing_key,
        "message_count": left,
        "properties": shown_properties(message.properties) or [],
        "payload": payload,
        "payload_encoding": used,
    }


def _payload(body: bytes, encoding: str) -> tuple[str, str]:
    if encoding == "auto":
        try:
            return body.decode(), "string"
        except UnicodeDecodeError:
            pass
    return b64encode(body).decode(), "base64"
