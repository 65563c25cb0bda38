"""Paths of RabbitMQ that tools ask for and that have little to say here: what is not there is an empty list."""

from mqbroker.errors import ConfigError
from mqbroker.management.answers import NO_CONTENT, Answer
from mqbroker.management.call import ANYBODY, Call, Routes
from mqbroker.management.caller import ADMINISTRATOR, MANAGEMENT, MONITORING
from mqbroker.management.refusals import bad_request

_FLAGS = (
    "classic_mirrored_queue_version", "classic_queue_type_delivery_support", "detailed_queues_endpoint",
    "direct_exchange_routing_v2", "feature_flags_v2", "implicit_default_bindings", "listener_records_in_ets",
    "maintenance_mode_status", "message_containers", "quorum_queue", "restart_streams", "stream_queue",
    "stream_single_active_consumer", "stream_sac_coordinator_unblock_group", "tracking_records_in_ets", "user_limits",
    "virtual_host_metadata",
)  # fmt: skip
"""All of RabbitMQ 3.13's that clients look for: NServiceBus wants stream_queue."""
_EMPTY_FOR_MANAGEMENT = (
    "extensions", "deprecated-features", "deprecated-features/used", "federation-links", "federation-links/:vhost",
    "federation-links/state/down", "stream/connections", "stream/publishers", "stream/consumers",
)  # fmt: skip


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    for path in _EMPTY_FOR_MANAGEMENT:
        routes.add(path, MANAGEMENT, GET=nothing)
    for path in ("shovels", "shovels/:vhost"):
        routes.add(path, MONITORING, GET=nothing)
    for path in ("traces", "trace-files"):
        routes.add(path, ADMINISTRATOR, GET=nothing)
    routes.add("feature-flags", MANAGEMENT, GET=flags)
    routes.add("feature-flags/:flag/enable", ADMINISTRATOR, PUT=enable)
    routes.add("rebalance/queues", ADMINISTRATOR, POST=done)
    routes.add("reset", ADMINISTRATOR, DELETE=done)
    routes.add("reset/:node", ADMINISTRATOR, DELETE=done)
    routes.add("auth", ANYBODY, GET=ways_in)
    routes.add("mqbroker/reload", ADMINISTRATOR, POST=reload)
    routes.add("mqbroker/listeners/suspend", ADMINISTRATOR, POST=suspend)
    routes.add("mqbroker/listeners/resume", ADMINISTRATOR, POST=resume)


def nothing(_call: Call) -> Answer:
    """There are none."""
    return Answer(body=[])


def done(_call: Call) -> Answer:
    """Nothing has to be done for that."""
    return NO_CONTENT


def reload(call: Call) -> Answer:
    """POST mqbroker/reload: the configuration is read again."""
    reason = call.ground.node.reload()
    if reason:
        raise bad_request(reason)
    return NO_CONTENT


_STAYING = frozenset(("management", "managements", "prometheus"))
"""Schemes of those who look after the broker."""


def suspend(call: Call) -> Answer:
    """POST mqbroker/listeners/suspend: new clients are turned away, and readyz says so."""
    call.ground.node.doors.suspend(_STAYING.__contains__)
    return NO_CONTENT


def resume(call: Call) -> Answer:
    """POST mqbroker/listeners/resume."""
    try:
        call.ground.node.doors.resume()
    except ConfigError as error:
        raise bad_request(str(error)) from None
    return NO_CONTENT


def flags(_call: Call) -> Answer:
    """GET feature-flags."""
    return Answer(
        body=[
            {
                "name": name,
                "desc": "",
                "doc_url": "",
                "state": "enabled",
                "stability": "stable",
                "provided_by": "rabbit",
            }
            for name in _FLAGS
        ]
    )


def enable(call: Call) -> Answer:
    """PUT feature-flags/F/enable: all that are known are."""
    if call.name("flag") not in _FLAGS:
        raise bad_request("unsupported")
    return NO_CONTENT


def ways_in(_call: Call) -> Answer:
    """GET auth: which log-ins are offered."""
    return Answer(body={"oauth_enabled": False})
