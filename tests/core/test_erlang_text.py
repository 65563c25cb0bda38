"""Erlang's notation, as it appears in RabbitMQ's error texts."""

import pytest

from mqbroker.core.rabbitmq.erlang_text import json_text, pairs_text, plain_text, term_text
from mqbroker.core.values import Decimal, Int32, RawString, Timestamp


@pytest.mark.parametrize(
    ("value", "term", "plain"),
    [
        ("abc", '<<"abc">>', "abc"),
        ("", "<<>>", ""),
        ('a"b\\', '<<"a\\"b\\\\">>', 'a"b\\'),
        ("a\nb", '<<"a\\nb">>', "a\nb"),
        ("é", '<<"é">>', "é"),
        (b"abc", '<<"abc">>', "abc"),
        (RawString(b"\xff\x01abc"), "<<255,1,97,98,99>>", "\udcff\x01abc"),
        (b"\x00\x01", "<<0,1>>", "\x00\x01"),
        (5, "5", "5"),
        (Timestamp(5), "5", "5"),
        (True, "true", "true"),
        (False, "false", "false"),
        (None, "undefined", "undefined"),
        (1.5, "1.5", "1.5"),
        (5.0, "5.0", "5.0"),
        (1e22, "1.0e22", "1.0e22"),
        (1.5e-10, "1.5e-10", "1.5e-10"),
        (Decimal(1, 5), "{1,5}", "{1,5}"),
        ([Int32(1), "a"], '[{signedint,1},{longstr,<<"a">>}]', '[{signedint,1},{longstr,<<"a">>}]'),
        ({"a": Int32(1)}, '[{<<"a">>,signedint,1}]', '[{<<"a">>,signedint,1}]'),
    ],
)
def test_a_value_is_written_as_erlang_prints_it(value: object, term: str, plain: str) -> None:
    assert term_text(value) == term
    assert plain_text(value) == plain


def test_json_is_written_without_types() -> None:
    document = {"a": 1, "b": "x", "c": [1], "d": {"e": 1}, "f": True, "g": None}
    expected = '[{<<"a">>,1},{<<"b">>,<<"x">>},{<<"c">>,[1]},{<<"d">>,#{<<"e">> => 1}},{<<"f">>,true},{<<"g">>,null}]'
    assert pairs_text(document) == expected
    assert json_text([]) == "[]"
