"""Policies and operator policies: in force at once for what is there."""

from typing import Any

from mqbroker.core.broker import Broker
from mqbroker.core.rabbitmq.erlang_text import json_text
from mqbroker.core.rabbitmq.policy import Policy
from mqbroker.errors import PreconditionFailed
from mqbroker.management.answers import NO_CONTENT, Answer, Listing, put_answer
from mqbroker.management.call import Call, Handler, Routes
from mqbroker.management.caller import ADMINISTRATOR, MANAGEMENT, POLICYMAKER
from mqbroker.management.ground import Ground
from mqbroker.management.refusals import bad_request, missing

VALIDATION_FAILED = "Validation failed\n\n"


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    for path, is_operator, tag in (("policies", False, POLICYMAKER), ("operator-policies", True, ADMINISTRATOR)):
        routes.add(path, MANAGEMENT, GET=_bound(policies, is_operator))
        routes.add(f"{path}/:vhost", MANAGEMENT, GET=_bound(policies, is_operator))
        routes.add(f"{path}/:vhost/:policy", POLICYMAKER, GET=_bound(policy, is_operator))
        routes.add(
            f"{path}/:vhost/:policy",
            tag,
            PUT=_bound(put_policy, is_operator),
            DELETE=_bound(delete_policy, is_operator),
        )


def _bound(handler: Any, is_operator: bool) -> Handler:
    return lambda call: handler(call, is_operator)


def policies(call: Call, is_operator: bool) -> Listing:
    """GET policies, and those of a vhost."""
    names = {vhost.name for vhost in call.vhosts()}
    found = [each for each in call.ground.broker.policies.all(is_operator) if each.vhost in names]
    return Listing(found, describe, lambda each: (each.vhost, each.name))


def describe(each: Policy) -> dict[str, Any]:
    """A policy."""
    return {
        "vhost": each.vhost,
        "name": each.name,
        "pattern": each.pattern,
        "apply-to": each.apply_to,
        "definition": each.definition,
        "priority": each.priority,
    }


def _found(ground: Ground, vhost: str, name: str, is_operator: bool) -> Policy | None:
    found = ground.broker.policies.all(is_operator)
    return next((each for each in found if (each.vhost, each.name) == (vhost, name)), None)


def policy(call: Call, is_operator: bool) -> Answer:
    """GET policies/V/P."""
    found = _found(call.ground, call.vhost().name, call.name("policy"), is_operator)
    if found is None:
        raise missing()
    return Answer(body=describe(found))


def put_policy(call: Call, is_operator: bool) -> Answer:
    """PUT policies/V/P."""
    vhost, name = call.vhost_to_use().name, call.name("policy")
    call.require("pattern", "definition")
    is_new = _found(call.ground, vhost, name, is_operator) is None
    set_in(call.ground.broker, parsed(vhost, name, call.body), is_operator, call.now)
    return put_answer(is_new)


def parsed(vhost: str, name: str, body: dict[str, Any]) -> Policy:
    """A policy as it is written. Raises Refusal with RabbitMQ's texts."""
    pattern, definition = body.get("pattern"), body.get("definition")
    priority = body.get("priority", 0)
    apply_to = body.get("apply-to", body.get("apply_to", "all"))
    if not isinstance(pattern, str):
        raise _invalid(f"pattern should be a binary string, actually was {json_text(pattern)}")
    if isinstance(priority, bool) or not isinstance(priority, int):
        raise _invalid(f"priority should be a number, actually was {json_text(priority)}")
    if not isinstance(definition, dict):
        raise _invalid("definition should be a map" if definition not in (None, [], "") else "no policy provided")
    if not isinstance(apply_to, str):
        raise _invalid(f"apply-to {json_text(apply_to)} unrecognised; should be 'queues', 'exchanges' or 'all'")
    return Policy(vhost, name, pattern, definition, priority, apply_to)


def _invalid(reason: str) -> Exception:
    return bad_request(f"{VALIDATION_FAILED}{reason}\n")


def set_in(broker: Broker, each: Policy, is_operator: bool, now: int) -> None:
    """Puts a policy in force. Raises Refusal."""
    try:
        broker.set_policy(each, now, is_operator)
    except PreconditionFailed as error:
        raise _invalid(str(error)) from None


def delete_policy(call: Call, is_operator: bool) -> Answer:
    """DELETE policies/V/P."""
    vhost, name = call.vhost_to_use().name, call.name("policy")
    if _found(call.ground, vhost, name, is_operator) is None:
        raise missing()
    call.ground.broker.delete_policy(vhost, name, call.now, is_operator)
    return NO_CONTENT
