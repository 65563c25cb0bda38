"""What the requests of the management node do: paths and methods, bodies and statuses, as RabbitMQ 4 has them.

    PUT GET DELETE  /queues/Q                         DELETE  /queues/Q/messages
    PUT DELETE      /exchanges/X
    POST GET        /bindings[?src=S&dstq=Q&key=K]    DELETE  /bindings/src=S;dstq=Q;key=K;args=H
    PUT             /auth/tokens

Permissions are checked before existence. H is empty for a binding without arguments, else as `location` tells it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote

from mqbroker.core import definitions
from mqbroker.core.queues.base import Queue
from mqbroker.core.rabbitmq.arguments import queue_type_of
from mqbroker.core.rabbitmq.declaring import declare_exchange, declare_queue
from mqbroker.core.routing.binding_index import Binding
from mqbroker.core.routing.exchange import Exchange
from mqbroker.core.values import UInt32, UInt64
from mqbroker.errors import (
    AccessPending,
    AccessRefused,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    RequestRefused,
    ResourceLocked,
)
from mqbroker.protocols.amqp1.addresses import check_name
from mqbroker.protocols.amqp1.codec.types import Array
from mqbroker.protocols.amqp1.values import MISSING, neutral, wire

if TYPE_CHECKING:
    from mqbroker.core.access.access import Access
    from mqbroker.core.vhost import VHost
    from mqbroker.protocols.amqp1.session import LinkSession

_NODE_NAME = "mqbroker"


@dataclass(slots=True)
class Request:
    """One request."""

    method: str
    path: str
    body: Any


@dataclass(slots=True)
class Answer:
    """What it is answered. One that `is_recorded` waits for the journal."""

    status: int
    body: object = None
    is_recorded: bool = False


class BadRequest(RequestRefused):
    """A request that means nothing."""


Reply = Callable[[Answer], None]


class Caller:
    """Who asks, and where."""

    __slots__ = ("access", "now", "owner", "reply", "user", "vhost")

    def __init__(self, session: "LinkSession", reply: Reply) -> None:
        connection = session.connection
        self.access: Access = connection.services.broker.access
        self.owner = connection
        self.user = connection.user
        self.vhost: VHost = session.vhost
        self.now = connection.now
        self.reply = reply

    def check(self, action: str, kind: str, name: str) -> None:
        """Raises AccessRefused unless the user may `configure`, `write` or `read` it."""
        getattr(self.access, f"check_{action}")(self.user, self.vhost.name, kind, name)


def carry_out(session: "LinkSession", request: Request, reply: Reply) -> None:
    """Does what a request says, and answers it, now or later. Raises AccessPending."""
    path, _, query = request.path.partition("?")
    parts = [unquote(part) for part in path.split("/")[1:]]
    caller = Caller(session, reply)
    try:
        handler = _HANDLERS.get((request.method, parts[0] if parts else "", len(parts)))
        if handler is None:
            raise BadRequest(f"{request.method} {request.path} is not known")
        handler(caller, parts, query if request.method == "GET" else request.body)
    except AccessPending:  # handlers ask for everything before they do anything
        raise
    except RequestRefused as error:
        reply(Answer(_status_of(error), str(error)))


def _status_of(error: RequestRefused) -> int:
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, AccessRefused | NotAllowed):
        return 403
    if isinstance(error, ResourceLocked):
        return 409
    if isinstance(error, PreconditionFailed):
        text = str(error)
        if text.startswith("inequivalent arg"):
            return 409
        return 403 if "limit" in text else 400
    return 400


# --- bodies -----------------------------------------------------------------------------------------------------------


def _map(body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise BadRequest("the body is no map")
    return {str(key): value for key, value in body.items()}


def _arguments(fields: Mapping[str, Any]) -> dict[str, object]:
    found = fields.get("arguments") or {}
    if not isinstance(found, dict):
        raise BadRequest("arguments is no map")
    made = {str(key): neutral(value) for key, value in found.items()}
    return {key: value for key, value in made.items() if value is not MISSING}


def _flag(fields: Mapping[str, Any], name: str, default: bool) -> bool:
    value = fields.get(name, default)
    if not isinstance(value, bool):
        raise BadRequest(f"{name} is no boolean")
    return value


def _text(fields: Mapping[str, Any], name: str, default: str = "") -> str:
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise BadRequest(f"{name} is no string")
    return str(value)


def _shown(arguments: Mapping[str, object]) -> dict[object, object]:
    made = {key: wire(value) for key, value in arguments.items()}
    return {key: value for key, value in made.items() if value is not MISSING}


# --- queues -----------------------------------------------------------------------------------------------------------


def _queue_info(vhost: "VHost", queue: Queue) -> dict[str, object]:
    declared = queue.declared
    return {
        "name": queue.name,
        "vhost": vhost.name,
        "durable": declared.durable,
        "auto_delete": declared.auto_delete,
        "exclusive": declared.owner is not None,
        "type": queue_type_of(declared.arguments),
        "arguments": _shown(declared.arguments),
        "leader": _NODE_NAME,
        "replicas": Array(0xB1, [_NODE_NAME]),
        "message_count": UInt64(queue.waiting_count()),
        "consumer_count": UInt32(len(queue.consumers)),
    }


def _put_queue(caller: Caller, parts: list[str], body: object) -> None:
    name, fields = parts[1], _map(body)
    if not name:
        raise BadRequest("a queue has no name")
    check_name(name)
    arguments = _arguments(fields)
    caller.check("configure", "queue", name)
    exchange = arguments.get("x-dead-letter-exchange")
    if isinstance(exchange, str):
        caller.check("read", "queue", name)
        caller.check("write", "exchange", exchange)
    is_new = name not in caller.vhost.queues
    queue = declare_queue(
        caller.vhost,
        name,
        _flag(fields, "durable", True),
        _flag(fields, "exclusive", False),
        _flag(fields, "auto_delete", False),
        arguments,
        caller.now,
        caller.owner,
    )
    caller.reply(Answer(201 if is_new else 200, _queue_info(caller.vhost, queue), queue.number > 0))


def _get_queue(caller: Caller, parts: list[str], _query: object) -> None:
    caller.check("any", "queue", parts[1])
    queue = caller.vhost.queue(parts[1], caller.owner)
    caller.reply(Answer(200, _queue_info(caller.vhost, queue)))


def _delete_queue(caller: Caller, parts: list[str], _body: object) -> None:
    caller.check("configure", "queue", parts[1])
    count = caller.vhost.delete_queue(parts[1], caller.owner)
    caller.reply(Answer(200, {"message_count": UInt64(count)}, is_recorded=True))


def _purge_queue(caller: Caller, parts: list[str], _body: object) -> None:
    if parts[2] != "messages":
        raise BadRequest(f"/queues/{parts[1]}/{parts[2]} is not known")
    caller.check("read", "queue", parts[1])
    queue = caller.vhost.queue(parts[1], caller.owner)
    count = [0]

    def done(_now: int) -> None:
        caller.reply(Answer(200, {"message_count": UInt64(count[0])}, is_recorded=True))

    count[0] = queue.purge(caller.now, done)


# --- exchanges --------------------------------------------------------------------------------------------------------


def _refuse_default(*names: str) -> None:
    if "" in names or "amq.default" in names:
        raise AccessRefused("operation not permitted on the default exchange")


def _put_exchange(caller: Caller, parts: list[str], body: object) -> None:
    name, fields = parts[1], _map(body)
    _refuse_default(name)
    check_name(name)
    arguments = _arguments(fields)
    caller.check("configure", "exchange", name)
    alternate = arguments.get("alternate-exchange")
    if isinstance(alternate, str):
        caller.check("read", "exchange", name)
        caller.check("write", "exchange", alternate)
    exchange = declare_exchange(
        caller.vhost,
        name,
        _text(fields, "type", "direct"),
        _flag(fields, "durable", True),
        _flag(fields, "auto_delete", False),
        _flag(fields, "internal", False),
        arguments,
    )
    caller.reply(Answer(204, None, exchange.durable))


def _delete_exchange(caller: Caller, parts: list[str], _body: object) -> None:
    _refuse_default(parts[1])
    caller.check("configure", "exchange", parts[1])
    caller.vhost.delete_exchange(parts[1])
    caller.reply(Answer(204, None, is_recorded=True))


# --- bindings ---------------------------------------------------------------------------------------------------------


def _ends(caller: Caller, source: str, queue: str, exchange: str) -> tuple[Exchange, Queue | Exchange]:
    """What is bound to what. Raises RequestRefused."""
    vhost = caller.vhost
    _refuse_default(source, exchange or queue)
    kind, name = ("queue", queue) if queue else ("exchange", exchange)
    caller.check("write", kind, name)
    caller.check("read", "exchange", source)
    return vhost.exchange(source), vhost.queue(name, caller.owner) if queue else vhost.exchange(name)


def _post_binding(caller: Caller, _parts: list[str], body: object) -> None:
    fields = _map(body)
    key = _text(fields, "binding_key")
    check_name(key)
    source, destination = _ends(
        caller, _text(fields, "source"), _text(fields, "destination_queue"), _text(fields, "destination_exchange")
    )
    if source.kind == "topic":
        caller.access.check_topic_read(caller.user, caller.vhost.name, source.name, key)
    caller.vhost.bind(source, destination, key, _arguments(fields))
    caller.reply(Answer(204, None, is_recorded=True))


def _get_bindings(caller: Caller, _parts: list[str], query: object) -> None:
    found = {key: values[0] for key, values in parse_qs(str(query), keep_blank_values=True).items()}
    queue, exchange, key = found.get("dstq", ""), found.get("dste", ""), found.get("key", "")
    source, destination = _ends(caller, found.get("src", ""), queue, exchange)
    bindings = [each for each in source.bindings_of(destination) if each.key == key]
    kind = "destination_queue" if queue else "destination_exchange"
    shown = [
        {
            "source": source.name,
            kind: destination.name,
            "binding_key": each.key,
            "arguments": _shown(each.arguments),
            "location": _location(source, destination, each),
        }
        for each in bindings
    ]
    caller.reply(Answer(200, shown))


def _delete_binding(caller: Caller, parts: list[str], _body: object) -> None:
    pairs = (part.partition("=") for part in parts[1].split(";"))
    found = {name: unquote(value) for name, _, value in pairs}
    key, wanted = found.get("key", ""), found.get("args", "")
    try:
        source, destination = _ends(caller, found.get("src", ""), found.get("dstq", ""), found.get("dste", ""))
    except NotFound:
        caller.reply(Answer(204))  # what is not bound is unbound already
        return
    for each in source.bindings_of(destination):
        if each.key == key and _hash(each.arguments) == wanted:
            caller.vhost.unbind(source, destination, each.key, each.arguments)
    caller.reply(Answer(204, None, is_recorded=True))


def _location(source: Exchange, destination: Queue | Exchange, binding: Binding) -> str:
    kind = "dste" if isinstance(destination, Exchange) else "dstq"
    parts = {"src": source.name, kind: destination.name, "key": binding.key, "args": _hash(binding.arguments)}
    return "/bindings/" + ";".join(f"{name}={quote(value, safe='')}" for name, value in parts.items())


def _hash(arguments: Mapping[str, object]) -> str:
    """What tells bindings with the same key apart; empty for one without arguments."""
    return sha256(definitions.canonical(arguments).encode()).hexdigest()[:16] if arguments else ""


def _put_tokens(caller: Caller, parts: list[str], _body: object) -> None:
    """A token is renewed. Who has logged in with a password has none that could end."""
    if parts[1] != "tokens":
        raise BadRequest(f"/auth/{parts[1]} is not known")
    caller.reply(Answer(204))


_HANDLERS: dict[tuple[str, str, int], Callable[[Caller, list[str], object], None]] = {
    ("PUT", "queues", 2): _put_queue,
    ("GET", "queues", 2): _get_queue,
    ("DELETE", "queues", 2): _delete_queue,
    ("DELETE", "queues", 3): _purge_queue,
    ("PUT", "exchanges", 2): _put_exchange,
    ("DELETE", "exchanges", 2): _delete_exchange,
    ("POST", "bindings", 1): _post_binding,
    ("GET", "bindings", 1): _get_bindings,
    ("DELETE", "bindings", 2): _delete_binding,
    ("PUT", "auth", 2): _put_tokens,
}
"""By method, first part of the path, and how many parts it has."""
