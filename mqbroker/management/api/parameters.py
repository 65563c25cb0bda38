"""Parameters by component, vhost and name, and global ones. Components that do something check their values; limits of
vhosts and operator policies are parameters too, in RabbitMQ's files."""

from typing import Any

from mqbroker.management.answers import NO_CONTENT, Answer, Listing, put_answer
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import ADMINISTRATOR, MANAGEMENT, POLICYMAKER
from mqbroker.management.ground import Ground
from mqbroker.management.parameter_checks import faults
from mqbroker.management.refusals import bad_request, missing
from mqbroker.protocols.auditing import redacted

COMPONENTS = ("shovel", "federation-upstream", "federation-upstream-set")
"""Whose parameters are kept. Nothing acts on them."""


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("cluster-name", MANAGEMENT, GET=cluster_name)
    routes.add("cluster-name", ADMINISTRATOR, PUT=set_cluster_name)
    routes.add("parameters", POLICYMAKER, GET=parameters)
    routes.add("parameters/:component", POLICYMAKER, GET=parameters)
    routes.add("parameters/:component/:vhost", POLICYMAKER, GET=parameters)
    routes.add(
        "parameters/:component/:vhost/:name", POLICYMAKER, GET=parameter, PUT=put_parameter, DELETE=delete_parameter
    )
    routes.add("global-parameters", POLICYMAKER, GET=global_parameters)
    routes.add("global-parameters/:name", POLICYMAKER, GET=global_parameter, PUT=put_global, DELETE=delete_global)


def cluster_name(call: Call) -> Answer:
    """GET cluster-name."""
    return Answer(body={"name": call.ground.cluster_name})


def set_cluster_name(call: Call) -> Answer:
    """PUT cluster-name."""
    (name,) = call.require("name")
    if not isinstance(name, str) or not name:
        raise bad_request("name should be a string that is not empty")
    call.ground.store.set_global("cluster_name", name)
    return NO_CONTENT


# --- of vhosts ------------------------------------------------------------------------------------------------------


def describe(key: tuple[str, str, str], value: object) -> dict[str, Any]:
    """A parameter."""
    component, vhost, name = key
    return {"value": redacted(value), "vhost": vhost, "component": component, "name": name}


def parameters(call: Call) -> Listing:
    """GET parameters, and those of a component, and in a vhost."""
    component = call.names.get("component")
    names = {vhost.name for vhost in call.vhosts()}
    found = [
        (key, value)
        for key, value in call.ground.store.parameters.items()
        if component in (None, key[0]) and key[1] in names
    ]
    return Listing(found, lambda each: describe(*each), lambda each: each[0])


def _key(call: Call) -> tuple[str, str, str]:
    return call.name("component"), call.name("vhost"), call.name("name")


def parameter(call: Call) -> Answer:
    """GET parameters/C/V/N."""
    call.vhost()
    found = call.ground.store.parameters
    if _key(call) not in found:
        raise missing()
    return Answer(body=describe(_key(call), found[_key(call)]))


def put_parameter(call: Call) -> Answer:
    """PUT parameters/C/V/N."""
    call.vhost_to_use()
    (value,) = call.require("value")
    is_new = _key(call) not in call.ground.store.parameters
    set_parameter(call.ground, _key(call), value)
    return put_answer(is_new)


def set_parameter(ground: Ground, key: tuple[str, str, str], value: object) -> None:
    """Sets a parameter of a component that there is. Raises Refusal."""
    if key[0] not in COMPONENTS:
        raise bad_request(f"Validation failed\n\ncomponent {key[0]} not found\n")
    check_parameter(key[0], key[2], value)
    ground.store.set_parameter(*key, value)


def check_parameter(component: str, name: str, value: object) -> None:
    """Raises Refusal for what RabbitMQ would refuse."""
    found = faults(component, name, value)
    if found:
        raise bad_request("Validation failed\n\n" + "".join(f"{sentence}\n" for sentence in found))


def delete_parameter(call: Call) -> Answer:
    """DELETE parameters/C/V/N."""
    call.vhost_to_use()
    if not call.ground.store.clear_parameter(*_key(call)):
        raise missing()
    return NO_CONTENT


# --- global ---------------------------------------------------------------------------------------------------------


def all_global(ground: Ground) -> dict[str, Any]:
    """Every global parameter, also those that have only their default."""
    return {"cluster_name": ground.cluster_name, **ground.store.global_parameters}


def global_parameters(call: Call) -> Listing:
    """GET global-parameters."""
    found = list(all_global(call.ground).items())
    return Listing(found, lambda each: {"name": each[0], "value": each[1]}, lambda each: (each[0],))


def global_parameter(call: Call) -> Answer:
    """GET global-parameters/N."""
    name, found = call.name("name"), all_global(call.ground)
    if name not in found:
        raise missing()
    return Answer(body={"name": name, "value": found[name]})


def put_global(call: Call) -> Answer:
    """PUT global-parameters/N."""
    (value,) = call.require("value")
    is_new = call.name("name") not in all_global(call.ground)
    call.ground.store.set_global(call.name("name"), value)
    return put_answer(is_new)


def delete_global(call: Call) -> Answer:
    """DELETE global-parameters/N."""
    if not call.ground.store.clear_global(call.name("name")):
        raise missing()
    return NO_CONTENT
