"""Maps as text: what ActiveMQ's clients of STOMP send and are shown."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.core.message import new_message
from mqbroker.core.properties import Properties
from mqbroker.core.values import Float32, Int8, Int16, Int32, RawString, Timestamp
from mqbroker.protocols.stomp.limits import STOMP_MAP_BYTES_MAX, STOMP_MAP_DEPTH_MAX
from mqbroker.protocols.stomp.maps import NotAMap, from_json, from_xml, to_json, to_xml, tree_of
from tests.stomp.house import House

XML = b"""<map>
  <entry>
    <string>name</string>
    <string>Dejan</string>
  </entry>
  <entry>
    <string>age</string>
    <int>5</int>
  </entry>
</map>"""
JSON = b'{"map":{"entry":[{"string":["name","Dejan"]},{"string":"age","int":5}]}}'
BOMB = b"""<!DOCTYPE map [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<map><entry><string>a</string><string>&b;</string></entry></map>"""


@pytest.fixture
def house() -> House:
    return House(dialect="activemq")


def subscribed(house: House, form: str | None, **headers: Any) -> Any:
    client = house.connect()
    client.send(
        "SUBSCRIBE", id=1, destination="/queue/a", **({} if form is None else {"transformation": form}), **headers
    )
    return client


@pytest.mark.parametrize(
    ("sent", "body", "wanted", "shown", "expected"),
    [
        ("jms-map-json", JSON, "jms-xml", "jms-map-xml", XML),
        ("jms-map-json", JSON, "jms-map-xml", "jms-map-xml", XML),
        ("jms-map-xml", XML, "jms-json", "jms-map-json", JSON),
        ("jms-map-xml", XML + b"\n", "jms-map-json", "jms-map-json", JSON),
        ("jms-map-xml", XML, None, "jms-map-xml", XML),
        ("jms-map-xml", XML, "unknown", "jms-map-xml", XML),
    ],
)
def test_a_map_is_shown_as_the_subscriber_wants(
    house: House, sent: str, body: bytes, wanted: str | None, shown: str, expected: bytes
) -> None:
    client = subscribed(house, wanted)
    for _ in range(2):
        client.send("SEND", body, destination="/queue/a", transformation=sent, own="header", priority=7)
        message = client.take("MESSAGE")
        assert (message.headers["transformation"], message.body) == (shown, expected)
        assert (message.headers["own"], message.headers["priority"]) == ("header", "7")
        assert "transformation-error" not in message.headers


@pytest.mark.parametrize(
    ("sent", "body", "problem"),
    [
        ("jms-map-json", b"Hello World", "unexpected character"),
        ("jms-map-json", b'{"map":{"entry":1}}', "it is no map"),
        ("jms-map-json", b"[]", "it is no map"),
        ("jms-map-json", b'{"map":{"entry":{"string":["a",[]],"<":1}}}', "it has a"),
        ("jms-map-xml", b"Hello World", "syntax error"),
        ("jms-map-xml", b"<pojo/>", "it is no map"),
        ("jms-map-xml", BOMB, "it has a document type"),
        ("jms-map-xml", b"<?xml version='1.0' encoding='x'?><map/>", "unknown encoding"),
        ("jms-map-xml", b"<map>" + b"<a>" * 1000, "nested too deeply"),
        ("jms-map-xml", b"<map>" + b" " * STOMP_MAP_BYTES_MAX + b"</map>", "octets"),
        ("jms-object-xml", b"<pojo/>", "Unkown transformation\\c jms-object-xml"),
        ("jms-xml", b"<map/>", "Unkown transformation\\c jms-xml"),
    ],
)
def test_what_is_no_map_goes_as_it_is_with_the_reason(house: House, sent: str, body: bytes, problem: str) -> None:
    """ActiveMQ tells the receiver, who could not understand the body either."""
    client = subscribed(house, "jms-json")
    client.send("SEND", body, destination="/queue/a", transformation=sent)
    message = client.take("MESSAGE")
    assert message.body == body
    assert message.headers["transformation"] == sent
    assert problem in message.headers["transformation-error"]


def test_with_a_length_a_body_is_octets(house: House) -> None:
    client = subscribed(house, None)
    client.send("SEND", b"Hello", destination="/queue/a", transformation="jms-map-json", content_length=5)
    assert "transformation-error" not in client.take("MESSAGE").headers
    client.send("SEND", b"Hello", destination="/queue/a", transformation="test")
    assert "transformation-error" not in client.take("MESSAGE").headers


class Mapped(Properties):
    """Those of a message whose protocol has maps."""

    def __init__(self, value: dict[str, object]) -> None:
        Properties.__init__(self, 1, b"")
        self.value = value

    def body_map(self, _body: bytes) -> dict[str, object]:
        return self.value


VALUE = {
    "t": "a<b>&\"\x01", "raw": RawString(b"\x00\xff"), "yes": True, "none": None, "byte": Int8(-1), "short": Int16(2),
    "int": Int32(3), "long": 4, "float": Float32(0.5), "double": 0.25, "time": Timestamp(7), "list": ["x", 1],
    "map": {"in": "it"}, "nan": float("nan"),
}  # fmt: skip


def test_every_type_has_its_name_of_java(house: House) -> None:
    for form, expected in (
        ("jms-map-xml", b"<string>t</string>\n    <string>a&lt;b&gt;&amp;&quot;&#x1;</string>"),
        ("jms-map-json", b'{"string":["t","a<b>&\\"\\u0001"]}'),
    ):
        client = subscribed(house, form)
        message = new_message("", "a", Mapped(VALUE), b"?", house.now)
        house.vhost.publish(house.vhost.route("", "a"), message, house.now)
        house.turn()
        found = client.take("MESSAGE")
        assert found.headers["transformation"] == form
        assert expected in found.body
        client.lose()
    entries = orjson.loads(found.body)["map"]["entry"]
    assert {next(iter(each)) for each in entries} == {"string"}
    rest = [each for each in entries if len(each) == 2]
    assert rest[:9] == [
        {"string": "raw", "byte-array": "AP8="}, {"string": "yes", "boolean": True}, {"string": "none", "null": ""},
        {"string": "byte", "byte": -1}, {"string": "short", "short": 2}, {"string": "int", "int": 3},
        {"string": "long", "long": 4}, {"string": "float", "float": 0.5}, {"string": "double", "double": 0.25},
    ]  # fmt: skip
    assert rest[9:] == [
        {"string": "time", "long": 7000}, {"string": "list", "list": {"string": "x", "long": 1}},
        {"string": "map", "map": {"entry": {"string": ["in", "it"]}}}, {"string": "nan", "double": "nan"},
    ]  # fmt: skip


def test_what_is_too_deep_stays_as_it_is(house: House) -> None:
    value: dict[str, object] = {}
    for _ in range(STOMP_MAP_DEPTH_MAX + 2):
        value = {"in": value}
    with pytest.raises(NotAMap):
        tree_of(value)
    client = subscribed(house, "jms-map-xml")
    house.vhost.publish(house.vhost.route("", "a"), new_message("", "a", Mapped(value), b"?", 0), house.now)
    house.turn()
    assert client.messages() == [b"?"]


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r", exclude_categories=("Cc", "Cs")), min_size=1)
VALUES = st.recursive(
    st.one_of(TEXTS, st.booleans(), st.integers(-(1 << 63), (1 << 63) - 1), st.none()),
    lambda inner: st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_both_forms_say_the_same(value: dict[str, object]) -> None:
    tree = tree_of(value)
    assert to_xml(from_xml(to_xml(tree).encode())) == to_xml(tree)
    assert to_json(from_json(to_json(tree))) == to_json(tree)
    assert to_json(from_xml(to_xml(tree).encode())) == to_json(tree)


@given(st.binary(max_size=200))
def test_octets_are_a_map_or_none(body: bytes) -> None:
    for parse in (from_xml, from_json):
        try:
            parse(body)
        except NotAMap:
            continue
