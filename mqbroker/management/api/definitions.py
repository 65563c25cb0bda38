"""Definitions: everything that was declared, out as one file of RabbitMQ's format, and in again.

An import is tried on a broker that nobody uses before anything is changed, and so is done as a whole or not at all.
What is there and can change is overwritten; a queue or exchange that is there with other arguments stays as it is.
"""

from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any

import mqbroker
from mqbroker.core.queues.base import Queue
from mqbroker.core.vhost import VHost
from mqbroker.management.answers import NO_CONTENT, Answer
from mqbroker.management.api import bindings, exchanges, overview, parameters, permissions, policies, queues, users
from mqbroker.management.api.limits import limits_of_user, limits_of_vhost
from mqbroker.management.bodies import parsed_body
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import ADMINISTRATOR
from mqbroker.management.ground import Ground
from mqbroker.management.import_preview import changes
from mqbroker.management.importing import Plan, import_definitions
from mqbroker.management.limits import SLICE_ITEMS
from mqbroker.management.pages import in_slices
from mqbroker.management.refusals import Refusal, bad_request, not_found


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    for path in ("definitions", "all-configuration"):
        routes.add(path, ADMINISTRATOR, GET=export, POST=put_all)
    routes.add("definitions/:vhost", ADMINISTRATOR, GET=export_vhost, POST=put_vhost)


# --- out ------------------------------------------------------------------------------------------------------------


async def export(call: Call) -> Answer:
    """GET definitions."""
    return _downloaded(call, await exported(call.ground))


async def exported(ground: Ground) -> dict[str, Any]:
    """The whole of a broker."""
    vhosts = list(ground.broker.vhosts.values())
    found: dict[str, Any] = {
        "rabbit_version": overview.RABBITMQ_VERSION,
        "rabbitmq_version": overview.RABBITMQ_VERSION,
        "product_name": overview.PRODUCT,
        "product_version": mqbroker.__version__,
        "users": [_user(ground, each.name) for each in ground.broker.access.users.values()],
        "vhosts": [_vhost(ground, each) for each in vhosts],
        "permissions": [
            permissions.Shown(user.name, vhost, rights).describe()
            for user in ground.broker.access.users.values()
            for vhost, rights in user.permissions.items()
        ],
        "topic_permissions": [
            permissions.Shown(user.name, vhost, rights, exchange).describe()
            for user in ground.broker.access.users.values()
            for (vhost, exchange), rights in user.topic_permissions.items()
        ],
        "global_parameters": [{"name": name, "value": value} for name, value in parameters.all_global(ground).items()],
    }
    return {**found, **await _objects(ground, vhosts)}


def _user(ground: Ground, name: str) -> dict[str, Any]:
    return {**users.describe(ground.broker.access.user(name)), "limits": limits_of_user(ground, name)}


def _vhost(ground: Ground, vhost: VHost) -> dict[str, Any]:
    metadata = ground.store.metadata(vhost.name)
    shown = {name: metadata[name] for name in ("description", "tags", "default_queue_type")}
    return {"name": vhost.name, **shown, "metadata": shown}


async def _objects(ground: Ground, vhosts: list[VHost]) -> dict[str, Any]:
    names = {vhost.name for vhost in vhosts}
    kept_queues = [queue for vhost in vhosts for queue in vhost.queues.values() if _is_kept(queue)]
    kept_exchanges = [each for vhost in vhosts for each in _exchanges(vhost)]
    kept_bindings = [each for vhost in vhosts for each in _bindings(vhost)]
    return {
        "parameters": list(_parameters(ground, names)),
        "policies": [policies.describe(each) for each in ground.broker.policies.all() if each.vhost in names],
        "queues": await in_slices(kept_queues, _queue, SLICE_ITEMS),
        "exchanges": await in_slices(kept_exchanges, _exchange, SLICE_ITEMS),
        "bindings": await in_slices(kept_bindings, bindings.Shown.facts, SLICE_ITEMS),
    }


def _parameters(ground: Ground, names: set[str]) -> Iterator[dict[str, Any]]:
    for (component, vhost, name), value in ground.store.parameters.items():
        if vhost in names:
            yield {"value": value, "vhost": vhost, "component": component, "name": name}
    for each in ground.broker.policies.all(operator=True):
        if each.vhost in names:
            shown = policies.describe(each)
            value = {part: shown[part] for part in ("pattern", "definition", "priority", "apply-to")}
            yield {"value": value, "vhost": each.vhost, "component": "operator_policy", "name": each.name}
    for vhost in names:
        limits = limits_of_vhost(ground, vhost)
        if limits:
            yield {"value": limits, "vhost": vhost, "component": "vhost-limits", "name": "limits"}


def _is_kept(queue: Queue) -> bool:
    return queue.durable and queue.spec.owner is None and queues.is_declarable(queue)


def _queue(queue: Queue) -> dict[str, Any]:
    return {
        "name": queue.name,
        "vhost": queue.host.name,
        "durable": queue.durable,
        "auto_delete": queue.declared.auto_delete,
        "arguments": queue.declared.arguments,
        "type": queues.type_of(queue),
    }


def _exchanges(vhost: VHost) -> Iterator[exchanges.Shown]:
    for exchange in vhost.exchanges.values():
        if exchange.durable and not exchanges.is_predeclared(exchange.name):
            yield exchanges.Shown(vhost, exchange)


def _exchange(shown: exchanges.Shown) -> dict[str, Any]:
    exchange = shown.exchange
    assert exchange is not None
    return {
        "name": exchange.name,
        "vhost": shown.vhost.name,
        "type": exchange.kind,
        "durable": exchange.durable,
        "auto_delete": exchange.auto_delete,
        "internal": exchange.internal,
        "arguments": exchange.arguments,
    }


def _bindings(vhost: VHost) -> Iterator[bindings.Shown]:
    for source, each in vhost.bindings():
        destination = each.destination
        is_kept = _is_kept(destination) if isinstance(destination, Queue) else destination.durable
        if source.durable and is_kept:
            yield bindings.shown(vhost, source, destination, each.key, each.arguments)


async def export_vhost(call: Call) -> Answer:
    """GET definitions/V."""
    vhost = call.ground.broker.vhosts.get(call.name("vhost"))
    if vhost is None:
        raise bad_request("vhost_not_found")
    found = await _objects(call.ground, [vhost])
    for each in (part for parts in found.values() for part in parts):
        del each["vhost"]
    versions = {"rabbit_version": overview.RABBITMQ_VERSION, "rabbitmq_version": overview.RABBITMQ_VERSION}
    return _downloaded(call, {**versions, **found})


def _downloaded(call: Call, body: dict[str, Any]) -> Answer:
    name = call.query.get("download")
    if not name:
        return Answer(body=body)
    safe = "".join(letter for letter in name if letter.isascii() and (letter.isalnum() or letter in "._- "))
    return Answer(body=body, headers={"content-disposition": f'attachment; filename="{safe}"'})


# --- in -------------------------------------------------------------------------------------------------------------


async def put_all(call: Call) -> Answer:
    """POST definitions."""
    return await _put(call, Plan(_given(call)))


async def put_vhost(call: Call) -> Answer:
    """POST definitions/V: everything in it is for this vhost."""
    name = call.name("vhost")
    if name not in call.ground.broker.vhosts:
        raise not_found("vhost_not_found")
    return await _put(call, Plan(_given(call), name))


async def _put(call: Call, plan: Plan) -> Answer:
    """With `dry-run=true` nothing is changed, and the answer says what would be."""
    is_dry_run = call.flag("dry-run")
    await import_definitions(call.ground, plan, call.now, is_dry_run)
    return Answer(body=changes(plan, await exported(call.ground))) if is_dry_run else NO_CONTENT


def _given(call: Call) -> dict[str, Any]:
    """What is to be imported: the body, or the field `file` of a form. Raises Refusal."""
    kind = call.headers.get("content-type", "application/json")
    if kind.startswith("multipart/form-data"):
        return _parsed(_file_of(kind, call.raw))
    if not kind.startswith(("application/json", "application/octet-stream", "text/", "application/x-www-form")):
        raise Refusal(415, "bad_request", "Unsupported Media Type")
    return _parsed(call.raw)


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        return parsed_body(raw, "") if raw else {}
    except Refusal:
        raise bad_request("failed_to_parse_json") from None


def _file_of(content_type: str, raw: bytes) -> bytes:
    """The file of a form (RFC 7578), which is a message of MIME parts."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("utf-8", "surrogateescape")
    form = message_from_bytes(head + raw, policy=policy.HTTP)
    for part in form.iter_parts() if form.is_multipart() else ():
        if part.get_param("name", header="content-disposition") == "file":
            payload = part.get_payload(decode=True)
            return payload if isinstance(payload, bytes) else b""
    raise bad_request("failed_to_parse_json")
