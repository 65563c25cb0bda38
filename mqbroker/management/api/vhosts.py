"""Vhosts: what each has, and what it is described with."""

from collections.abc import Mapping
from typing import Any

from mqbroker.core.access.access import Permissions
from mqbroker.core.rabbitmq.arguments import is_queue_type
from mqbroker.core.totals import Totals, flow_of
from mqbroker.core.vhost import VHost
from mqbroker.management.answers import NO_CONTENT, Answer, Listing, put_answer
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import ADMINISTRATOR, MANAGEMENT
from mqbroker.management.ground import Ground
from mqbroker.management.limits import VHOST_NAME_CHARS_MAX
from mqbroker.management.refusals import Refusal, bad_request, missing
from mqbroker.management.stats import lengths, total_stats

PROTECTED = "protected_from_deletion"
_EVERYTHING = Permissions(".*", ".*", ".*")


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("vhosts", MANAGEMENT, GET=vhosts)
    routes.add("vhosts/:vhost", ADMINISTRATOR, PUT=put_vhost, DELETE=delete_vhost)
    routes.add("vhosts/:vhost", MANAGEMENT, GET=vhost)
    routes.add("vhosts/:vhost/start/:node", ADMINISTRATOR, POST=start_vhost)
    routes.add("vhosts/:vhost/deletion/protection", ADMINISTRATOR, POST=protect, DELETE=unprotect)


def vhosts(call: Call) -> Listing:
    """GET vhosts."""
    return Listing(call.caller.visible(), lambda each: describe(call.ground, each), lambda each: (each.name,))


def vhost(call: Call) -> Answer:
    """GET vhosts/V."""
    return Answer(body=describe(call.ground, call.vhost()))


def describe(ground: Ground, each: VHost) -> dict[str, Any]:
    """A vhost."""
    metadata, rates = ground.store.metadata(each.name), ground.node.samples.rates(each.name)
    totals = Totals()
    for queue in each.queues.values():
        totals.add_queue(queue)
    totals.counts.add(each.past_counts)
    totals.flow.add(flow_of(each))
    shown = {name: metadata[name] for name in ("description", "tags")}
    return {
        "name": each.name,
        **shown,
        "default_queue_type": metadata["default_queue_type"],
        PROTECTED: bool(metadata.get(PROTECTED)),
        "metadata": shown,
        "tracing": metadata["tracing"],
        "cluster_state": {ground.name: "running"},
        **lengths(totals.ready, totals.unacked, rates),
        "recv_oct": 0,
        "recv_oct_details": {"rate": 0.0},
        "send_oct": 0,
        "send_oct_details": {"rate": 0.0},
        "message_stats": total_stats(totals.numbers(), rates),
    }


def put_vhost(call: Call) -> Answer:
    """PUT vhosts/V. Who creates one may do everything in it."""
    name, broker = call.name("vhost"), call.ground.broker
    if len(name) > VHOST_NAME_CHARS_MAX or not name:
        raise bad_request("vhost name must have 1 to 1024 characters")
    metadata = vhost_metadata(call.body, call.ground.store.metadata(name))
    is_new = name not in broker.vhosts
    broker.add_vhost(name)
    if call.body:
        call.ground.store.describe_vhost(name, metadata)
    if is_new and not call.caller.is_owner:
        broker.set_permissions(call.caller.name, name, _EVERYTHING)
    return put_answer(is_new)


def vhost_metadata(body: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """What a vhost is described with after a change. Raises Refusal."""
    nested = body.get("metadata")
    given = {**(nested if isinstance(nested, Mapping) else {}), **body}
    description = given.get("description", before["description"])
    tags = tag_list(given.get("tags", before["tags"]))
    kind = given.get("default_queue_type") or before["default_queue_type"]
    if not isinstance(description, str):
        raise bad_request("description should be a string")
    if kind != "undefined" and not is_queue_type(kind):
        raise bad_request(f"Unsupported default queue type: {kind}")
    is_traced = given.get("tracing", before["tracing"]) in (True, "true")
    return {
        **before, "description": description, "tags": tags, "default_queue_type": kind, "tracing": is_traced,
    }  # fmt: skip


def tag_list(value: object) -> list[str]:
    """Tags as they are written, `a,b` or a list. Raises Refusal."""
    if isinstance(value, str):
        return [tag.strip() for tag in value.split(",") if tag.strip()]
    if isinstance(value, list) and all(isinstance(tag, str) for tag in value):
        return list(dict.fromkeys(value))
    raise bad_request("tags should be a list of strings, or a string with commas")


def delete_vhost(call: Call) -> Answer:
    """DELETE vhosts/V, with everything in it."""
    name, ground = call.name("vhost"), call.ground
    if name not in ground.broker.vhosts:
        raise missing()
    if ground.store.metadata(name).get(PROTECTED):
        text = f"Refusing to delete virtual host '{name}' because it is protected from deletion"
        raise Refusal(412, "precondition_failed", text)
    ground.broker.delete_vhost(name)
    ground.store.forget_vhost(name)
    return NO_CONTENT


def start_vhost(call: Call) -> Answer:
    """POST vhosts/V/start/N: it runs already."""
    call.vhost()
    return NO_CONTENT


def protect(call: Call) -> Answer:
    """POST vhosts/V/deletion/protection."""
    return _protect(call, True)


def unprotect(call: Call) -> Answer:
    """DELETE vhosts/V/deletion/protection."""
    return _protect(call, False)


def _protect(call: Call, is_protected: bool) -> Answer:
    name, store = call.vhost().name, call.ground.store
    store.describe_vhost(name, {**store.metadata(name), PROTECTED: is_protected})
    return NO_CONTENT
