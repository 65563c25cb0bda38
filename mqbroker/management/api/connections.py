"""Connections and channels: what sessions of any protocol say of themselves, in RabbitMQ's fields; and their end.

A connection is called by its ends, a channel by its connection and its number.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mqbroker.management.answers import NO_CONTENT, Answer, Listing
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import ADMINISTRATOR, MANAGEMENT, MONITORING
from mqbroker.management.ground import Ground
from mqbroker.management.ranges import OCTETS, add_samples, range_of
from mqbroker.management.refusals import missing, unauthorised
from mqbroker.management.stats import with_rate
from mqbroker.management.tls_suites import suite_of
from mqbroker.protocols.session import Session

_REASON = "Closed via management plugin"
_PROTOCOLS = {"MQTT 5.0": "MQTT 5-0"}
"""RabbitMQ's spellings."""


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("connections", MANAGEMENT, GET=connections)
    routes.add("connections/:connection", MANAGEMENT, GET=connection, DELETE=close)
    routes.add("connections/:connection/channels", MANAGEMENT, GET=channels_of_connection)
    routes.add("connections/username/:user", MANAGEMENT, GET=connections_of_user, DELETE=close_all)
    routes.add("vhosts/:vhost/connections", MANAGEMENT, GET=connections_of_vhost)
    routes.add("channels", MANAGEMENT, GET=channels)
    routes.add("channels/:channel", MANAGEMENT, GET=channel)
    routes.add("vhosts/:vhost/channels", MANAGEMENT, GET=channels_of_vhost)


# --- connections ----------------------------------------------------------------------------------------------------


def _may_see(call: Call, session: Session) -> bool:
    return call.caller.has(MONITORING) or call.ground.registry.is_of_user(session, call.caller.name)


def _visible(call: Call) -> list[Session]:
    registry = call.ground.registry
    found = registry.all() if call.caller.has(MONITORING) else registry.of_user(call.caller.name)
    wanted = call.headers.get("X-Vhost")
    if wanted in call.ground.broker.vhosts:
        inside = set(registry.of_vhost(str(wanted)))
        found = [session for session in found if session in inside]
    return found


def _listing(call: Call, found: Iterable[Session]) -> Listing:
    return Listing(list(found), lambda session: describe(call.ground, session), lambda session: (session.label(),))


def connections(call: Call) -> Listing:
    """GET connections."""
    return _listing(call, _visible(call))


def connections_of_vhost(call: Call) -> Listing:
    """GET vhosts/V/connections."""
    return _listing(call, _visible_in(call, call.vhost().name))


def _visible_in(call: Call, vhost: str) -> list[Session]:
    return [session for session in call.ground.registry.of_vhost(vhost) if _may_see(call, session)]


def connections_of_user(call: Call) -> Listing:
    """GET connections/username/U."""
    found = call.ground.registry.of_user(call.name("user"))
    return _listing(call, (session for session in found if _may_see(call, session)))


def describe(ground: Ground, session: Session) -> dict[str, Any]:
    """A connection."""
    facts = session.describe()
    properties = facts.get("client_properties") or {}
    protocol = str(facts.get("protocol", session.protocol))
    name, rates = session.label(), ground.trends.rates(session)
    found: dict[str, Any] = {
        "name": name,
        "node": ground.name,
        "vhost": facts.get("vhost", ""),
        "user": facts.get("user", ""),
        "user_who_performed_action": facts.get("user", ""),
        "protocol": _PROTOCOLS.get(protocol, protocol),
        "state": "blocked" if facts.get("is_blocked") else facts.get("state", "running"),
        "type": "network",
        "host": facts.get("host", ""),
        "port": facts.get("port", 0),
        "peer_host": facts.get("peer_host", ""),
        "peer_port": facts.get("peer_port", 0),
        "channels": session.channel_count(),
        "channel_max": facts.get("channel_max", 0),
        "frame_max": facts.get("frame_max", 0),
        "timeout": facts.get("heartbeat_s", _seconds(facts.get("keep_alive_ms"))),
        "auth_mechanism": "PLAIN",
        "connected_at": ground.observations.opened_at.get(name, ground.node.started_at),
        "client_properties": properties,
        **_tls(facts),
        **with_rate("recv_oct", session.octets_in, rates.get("octets_in", 0.0)),
        **with_rate("send_oct", session.octets_out, rates.get("octets_out", 0.0)),
        "recv_cnt": session.reads,
        "send_cnt": session.writes,
        "send_pend": len(session.out),
        **with_rate("reductions", 0, 0.0),
        "garbage_collection": {},
    }
    if isinstance(properties, Mapping) and isinstance(properties.get("connection_name"), str):
        found["user_provided_name"] = properties["connection_name"]
    if "client_id" in facts:
        found["variable_map"] = {"client_id": facts["client_id"]}
        found["client_properties"] = {"client_id": facts["client_id"]}
        found["state"] = "blocked" if facts.get("is_blocked") else "running"
    return found


def _seconds(milliseconds: object) -> int:
    return milliseconds // 1000 if isinstance(milliseconds, int) else 0


def _tls(facts: Mapping[str, Any]) -> dict[str, Any]:
    names, tls = facts.get("certificate_names") or {}, facts.get("tls") or {}
    exchange, cipher, digest = suite_of(tls["cipher"]) if tls else (None, None, None)
    return {
        "ssl": bool(facts.get("is_tls")),
        "ssl_protocol": tls["protocol"].lower() if tls else None,
        "ssl_cipher": cipher,
        "ssl_hash": digest,
        "ssl_key_exchange": exchange,
        "peer_cert_subject": names.get("dn"),
        "peer_cert_issuer": tls.get("issuer"),
        "peer_cert_validity": tls.get("validity"),
    }


def _found(call: Call) -> Session:
    name = call.name("connection")
    for session in call.ground.registry.all():
        if session.label() == name:
            if not _may_see(call, session):
                raise unauthorised("User not authorised to access object")
            return session
    raise missing()


def connection(call: Call) -> Answer:
    """GET connections/C: what is not there is an empty text, where lists have null."""
    session = _found(call)
    found = describe(call.ground, session)
    wanted = range_of(call.query, "data_rates")
    if wanted is not None:
        add_samples(found, OCTETS, wanted, call.ground.trends.history(session, lambda: _octets(session)))
    return Answer(body={name: "" if value is None else value for name, value in found.items()})


def _octets(session: Session) -> dict[str, int]:
    return {"octets_in": session.octets_in, "octets_out": session.octets_out}


def close(call: Call) -> Answer:
    """DELETE connections/C, with a reason that its client reads."""
    _end(call, _found(call))
    return NO_CONTENT


def _end(call: Call, session: Session) -> None:
    is_own = call.ground.registry.is_of_user(session, call.caller.name)
    if not is_own and not call.caller.has(ADMINISTRATOR):
        raise unauthorised("User not authorised to access object")
    session.end(call.headers.get("X-Reason", _REASON), call.now)


def close_all(call: Call) -> Answer:
    """DELETE connections/username/U."""
    for session in call.ground.registry.of_user(call.name("user")):
        _end(call, session)
    return NO_CONTENT


# --- channels -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """A channel, as its connection describes it."""

    session: Session
    facts: Mapping[str, Any]
    channel: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What the channel is called."""
        return f"{self.session.label()} ({self.channel['number']})"


def _channels(sessions: Iterable[Session]) -> list[Shown]:
    found = []
    for session in sessions:
        facts = session.describe()
        channels = facts.get("channels", ())
        assert isinstance(channels, list | tuple)
        found += [Shown(session, facts, each) for each in channels]
    return found


def _channel_listing(call: Call, sessions: Iterable[Session]) -> Listing:
    show: Callable[[Shown], dict[str, Any]] = lambda each: describe_channel(call.ground, each)  # noqa: E731
    return Listing(_channels(sessions), show, lambda each: (each.session.label(), each.name))


def channels(call: Call) -> Listing:
    """GET channels."""
    return _channel_listing(call, _visible(call))


def channels_of_vhost(call: Call) -> Listing:
    """GET vhosts/V/channels."""
    return _channel_listing(call, _visible_in(call, call.vhost().name))


def channels_of_connection(call: Call) -> Listing:
    """GET connections/C/channels."""
    return _channel_listing(call, [_found(call)])


def channel(call: Call) -> Answer:
    """GET channels/CH."""
    name = call.name("channel")
    session_name, _, _ = name.rpartition(" (")
    for session in call.ground.registry.all():
        if session.label() == session_name and _may_see(call, session):
            for each in _channels([session]):
                if each.name == name:
                    more: dict[str, Any] = {"consumer_details": [], "publishes": [], "deliveries": []}
                    return Answer(body={**describe_channel(call.ground, each), **more})
    raise missing()


def describe_channel(ground: Ground, shown: Shown) -> dict[str, Any]:
    """A channel."""
    facts, each = shown.facts, shown.channel
    stats: dict[str, Any] = {}
    rates = ground.trends.rates((shown.session, each["number"]))
    for name, known in (("publish", "publishes"), ("deliver_get", "deliveries"), ("confirm", "confirms"),
                        ("return_unroutable", "returns")):  # fmt: skip
        if each[known]:
            stats |= with_rate(name, each[known], rates.get(known, 0.0))
    return {
        "name": shown.name,
        "number": each["number"],
        "node": ground.name,
        "vhost": facts.get("vhost", ""),
        "user": facts.get("user", ""),
        "user_who_performed_action": facts.get("user", ""),
        "connection_details": {
            "name": shown.session.label(), "peer_host": facts.get("peer_host", ""),
            "peer_port": facts.get("peer_port", 0),
        },
        "state": "running",
        "consumer_count": each["consumers"],
        "confirm": each["is_confirming"],
        "transactional": each["is_transactional"],
        "prefetch_count": each["prefetch"],
        "global_prefetch_count": each["global_prefetch"],
        "messages_unacknowledged": each["unacknowledged"],
        "messages_unconfirmed": 0,
        "messages_uncommitted": 0,
        "acks_uncommitted": 0,
        "pending_raft_commands": 0,
        "message_stats": stats,
        "reductions": 0,
        "garbage_collection": {},
    }  # fmt: skip
