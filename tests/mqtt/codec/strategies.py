"""Any packet that the specification allows, for hypothesis."""

from typing import Any

from hypothesis import strategies as st

from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.property_table import (
    BINARY,
    FLAG,
    LONG,
    PAIR,
    REPEATABLE,
    SHORT,
    TABLE,
    TEXT,
    VARINT,
    WILL,
    Property,
)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
octets = st.binary(max_size=30)
packet_ids = st.integers(1, 0xFFFF)

_VALUES: dict[Any, st.SearchStrategy[Any]] = {
    FLAG: st.booleans(),
    SHORT: st.integers(0, 0xFFFF),
    LONG: st.integers(0, 0xFFFF_FFFF),
    VARINT: st.integers(0, c.REMAINING_LENGTH_MAX),
    TEXT: texts,
    BINARY: octets,
    PAIR: st.tuples(texts, texts),
}


def _value(row: Property, place: int) -> st.SearchStrategy[Any]:
    value = _VALUES[row.kind]
    if row.minimum:
        value = value.filter(lambda number: number >= row.minimum)
    if row.name not in REPEATABLE:
        return value
    is_single = row.name == "subscription_identifier" and place != c.PUBLISH
    return st.lists(value, min_size=1, max_size=1 if is_single else 3)


def properties(place: int, version: int) -> st.SearchStrategy[dict[str, Any]]:
    """Properties of a packet; none below version 5."""
    if version < c.V5:
        return st.just({})
    rows = {row.name: _value(row, place) for row in TABLE if place in row.places}
    found = st.fixed_dictionaries({}, optional=rows)
    if place in (c.CONNECT, c.AUTH):
        found = found.filter(lambda each: "authentication_data" not in each or "authentication_method" in each)
    return found.filter(lambda each: "authentication_method" in each) if place == c.AUTH else found


def _wills(version: int) -> st.SearchStrategy[p.Will]:
    return st.builds(p.Will, texts, octets, st.integers(0, 2), st.booleans(), properties(WILL, version))


@st.composite
def _connects(draw: st.DrawFn, version: int) -> p.Connect:
    user_name = draw(st.none() | texts)
    password = draw(st.none() | octets) if user_name is not None or version == c.V5 else None
    will = draw(st.none() | _wills(version))
    keep_alive_s = draw(st.integers(0, 0xFFFF))
    values = draw(properties(c.CONNECT, version))
    clean_start = draw(st.booleans())
    is_bridge = version < c.V5 and draw(st.booleans())
    return p.Connect(draw(texts), version, clean_start, keep_alive_s, user_name, password, will, values, is_bridge)


@st.composite
def _publishes(draw: st.DrawFn, version: int) -> p.Publish:
    qos = draw(st.integers(0, 2))
    dup = draw(st.booleans()) if qos else False
    packet_id = draw(packet_ids) if qos else 0
    values = draw(properties(c.PUBLISH, version))
    return p.Publish(draw(texts), draw(octets), qos, draw(st.booleans()), dup, packet_id, values)


def _acks(version: int) -> st.SearchStrategy[p.Ack]:
    def of(kind: int) -> st.SearchStrategy[p.Ack]:
        failures = [0x80, 0x97] if kind in (c.PUBACK, c.PUBREC) else [0x92]
        reasons = st.sampled_from([0, *failures]) if version == c.V5 else st.just(0)
        return st.builds(p.Ack, st.just(kind), packet_ids, reasons, properties(kind, version))

    return st.one_of(*map(of, (c.PUBACK, c.PUBREC, c.PUBREL, c.PUBCOMP)))


def _filters(version: int) -> st.SearchStrategy[p.TopicFilter]:
    if version < c.V5:
        return st.builds(p.TopicFilter, texts, st.integers(0, 2))
    return st.builds(p.TopicFilter, texts, st.integers(0, 2), st.booleans(), st.booleans(), st.integers(0, 2))


def packets(version: int) -> st.SearchStrategy[p.Packet]:
    """Every packet of a version."""
    subscribes = st.builds(
        p.Subscribe, packet_ids, st.lists(_filters(version), min_size=1, max_size=3), properties(c.SUBSCRIBE, version)
    )
    unsubscribes = st.builds(
        p.Unsubscribe, packet_ids, st.lists(texts, min_size=1, max_size=3), properties(c.UNSUBSCRIBE, version)
    )
    reasons = st.lists(st.sampled_from([0, 1, 2, 0x80]), min_size=1, max_size=3)
    gone = st.lists(st.sampled_from([0, 0x11]), min_size=1, max_size=3) if version == c.V5 else st.just([])
    kinds = [
        _connects(version),
        st.builds(p.ConnAck, st.integers(0, 5), st.booleans(), properties(c.CONNACK, version)),
        _publishes(version),
        _acks(version),
        subscribes,
        st.builds(p.SubAck, packet_ids, reasons, properties(c.SUBACK, version)),
        unsubscribes,
        st.builds(p.UnsubAck, packet_ids, gone, properties(c.UNSUBACK, version)),
        st.just(p.PingReq()),
        st.just(p.PingResp()),
        _disconnects(version),
    ]
    if version == c.V5:
        kinds.append(st.builds(p.Auth, st.sampled_from([0, 0x18, 0x19]), properties(c.AUTH, version)))
    return st.one_of(*kinds)


def _disconnects(version: int) -> st.SearchStrategy[p.Disconnect]:
    if version < c.V5:
        return st.just(p.Disconnect())
    return st.builds(p.Disconnect, st.sampled_from([0, 4, 0x81, 0x8E]), properties(c.DISCONNECT, version))
