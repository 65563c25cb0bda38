"""Health checks: 200 when all is well, else 503 with what is not."""

from typing import Any

from mqbroker.management.answers import Answer
from mqbroker.management.api.overview import listeners
from mqbroker.management.bodies import whole_number
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import MANAGEMENT
from mqbroker.management.refusals import bad_request, missing

_DAYS = {"days": 1, "weeks": 7, "months": 30, "years": 365}
_UNITS_MAX = 1_000_000  # longer than any certificate is valid
_ALIASES = {
    "amqp091": "amqp", "amqp0.9.1": "amqp", "amqp10": "amqp", "amqp1.0": "amqp", "amqps": "amqp/ssl",
    "amqp/tls": "amqp/ssl", "mqtts": "mqtt/ssl", "mqtt3.1": "mqtt", "mqtt311": "mqtt", "mqtt3.1.1": "mqtt",
    "web-mqtt": "http/web-mqtt", "ws": "http/web-mqtt", "wss": "https/web-mqtt", "web-mqtt/tls": "https/web-mqtt",
    "management": "http", "prometheus": "http/prometheus", "http/ssl": "https",
}  # fmt: skip
_OK = {"status": "ok"}


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    checks = "health/checks"
    routes.add(f"{checks}/alarms", MANAGEMENT, GET=alarms)
    routes.add(f"{checks}/local-alarms", MANAGEMENT, GET=local_alarms)
    routes.add(f"{checks}/port-listener/:port", MANAGEMENT, GET=port_listener)
    routes.add(f"{checks}/protocol-listener/:protocol", MANAGEMENT, GET=protocol_listener)
    routes.add(f"{checks}/certificate-expiration/:within/:unit", MANAGEMENT, GET=certificate_expiration)
    for name in ("virtual-hosts", "below-node-connection-limit", "metadata-store/initialized",
                 "reached-target-cluster-size"):  # fmt: skip
        routes.add(f"{checks}/{name}", MANAGEMENT, GET=fine)
    for name in ("is-in-service", "ready-to-serve-clients"):
        routes.add(f"{checks}/{name}", MANAGEMENT, GET=ready)
    for name in ("node-is-quorum-critical", "node-is-mirror-sync-critical"):
        routes.add(f"{checks}/{name}", MANAGEMENT, GET=single_node)
    routes.add("healthchecks/node", MANAGEMENT, GET=local_alarms)
    routes.add("healthchecks/node/:node", MANAGEMENT, GET=node_health)
    routes.add("aliveness-test/:vhost", MANAGEMENT, GET=aliveness)


def fine(_call: Call) -> Answer:
    """What cannot be otherwise while anybody is answered."""
    return Answer(body=_OK)


def ready(call: Call) -> Answer:
    """GET health/checks/ready-to-serve-clients, is-in-service."""
    if call.ground.node.doors.is_suspended:
        return _failed("listeners are suspended")
    return Answer(body=_OK)


def single_node(_call: Call) -> Answer:
    """What only clusters can fail."""
    return Answer(body={**_OK, "reason": "single node cluster"})


def alarms(call: Call) -> Answer:
    """GET health/checks/alarms."""
    return _alarms(call, "There are alarms in effect in the cluster")


def local_alarms(call: Call) -> Answer:
    """GET health/checks/local-alarms."""
    return _alarms(call, "There are alarms in effect on the node")


def _alarms(call: Call, reason: str) -> Answer:
    low = call.ground.services.alarms.reason
    found = [
        {"node": call.ground.name, "resource": resource}
        for word, resource in (("memory", "memory"), ("disk", "disk space"))
        if word in low
    ]
    return _failed(reason, alarms=found) if found else Answer(body=_OK)


def _failed(reason: str, **more: Any) -> Answer:
    return Answer(503, {"status": "failed", "reason": reason, **more})


def port_listener(call: Call) -> Answer:
    """GET health/checks/port-listener/P."""
    port = whole_number(call.name("port"))
    if port is None:
        raise bad_request("Invalid port")
    ports = sorted({int(each["port"]) for each in listeners(call.ground)})
    if port in ports:
        return Answer(body={**_OK, "port": port})
    return _failed("No active listener", missing=port, ports=ports)


def protocol_listener(call: Call) -> Answer:
    """GET health/checks/protocol-listener/a,b: one of them will do."""
    wanted = [each.strip() for each in call.name("protocol").split(",")]
    there = sorted({str(each["protocol"]) for each in listeners(call.ground)})
    for each in wanted:
        if _ALIASES.get(each.lower(), each.lower()) in there:
            return Answer(body={**_OK, "protocol": each, "protocols": [each]})
    return _failed("No active listener", missing=",".join(wanted), protocols=there)


def certificate_expiration(call: Call) -> Answer:
    """GET health/checks/certificate-expiration/N/unit."""
    within, unit = whole_number(call.name("within")), call.name("unit")
    if within is None:
        raise bad_request("Invalid expiration value.")
    if unit not in _DAYS:
        raise bad_request("Time unit not recognised. Supported units: days, weeks, months, years.")
    deadline_s = call.ground.clock.wall() // 1000 + min(within, _UNITS_MAX) * _DAYS[unit] * 86_400
    expires_s = call.ground.node.certificate_expires_at()
    found = [
        {
            "node": call.ground.name, "protocol": each["protocol"], "interface": each["ip_address"],
            "port": each["port"], "certfile_expires_on": [expires_s],
        }
        for each in listeners(call.ground)
        if each["tls"] and expires_s and expires_s <= deadline_s
    ]  # fmt: skip
    return _failed("Certificates expiring", expired=found) if found else Answer(body=_OK)


def node_health(call: Call) -> Answer:
    """GET healthchecks/node/N."""
    if call.name("node") != call.ground.name:
        raise missing()
    return local_alarms(call)


def aliveness(call: Call) -> Answer:
    """GET aliveness-test/V: no queue is left behind."""
    call.vhost()
    call.caller.require_use(call.name("vhost"))
    return Answer(body=_OK)
