"""Responses of the SASL mechanisms; which are refused was measured on RabbitMQ 3.10.8."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp.sasl import Credentials, parse_response
from mqbroker.protocols.amqp.tables import write_table
from tests.amqp.codec.strategies import flawed

AMQPLAIN = b"\x05LOGINS\x00\x00\x00\x04user\x08PASSWORDS\x00\x00\x00\x04pass"


@pytest.mark.parametrize(
    ("mechanism", "response", "username", "password"),
    [
        ("PLAIN", b"\0user\0pass", "user", b"pass"),
        ("PLAIN", "\0üser\0pässword".encode(), "üser", "pässword".encode()),
        ("PLAIN", b"\0user\0\xff", "user", b"\xff"),
        ("PLAIN", b"\0user\0", "user", b""),
        ("PLAIN", b"\0\0", "", b""),
        ("AMQPLAIN", AMQPLAIN, "user", b"pass"),
        ("AMQPLAIN", AMQPLAIN.replace(b"pass", b"\xff\xfe\xfd\xfc"), "user", b"\xff\xfe\xfd\xfc"),
        ("AMQPLAIN", b"\x08PASSWORDS\x00\x00\x00\x00\x05LOGINx\x00\x00\x00\x01u", "u", b""),
        ("EXTERNAL", b"", "", None),
        ("EXTERNAL", b"name", "name", None),
    ],
)
def test_a_response_becomes_credentials(mechanism: str, response: bytes, username: str, password: bytes | None) -> None:
    assert parse_response(mechanism, response) == Credentials(mechanism, username, password)


@pytest.mark.parametrize(
    ("mechanism", "response"),
    [
        ("PLAIN", b""),
        ("PLAIN", b"user"),
        ("PLAIN", b"\0user"),
        ("PLAIN", b"user\0pass"),
        ("PLAIN", b"someone\0user\0pass"),
        ("PLAIN", b"\0user\0pass\0more"),
        ("AMQPLAIN", b""),
        ("AMQPLAIN", b"zz"),
        ("AMQPLAIN", AMQPLAIN[:-1]),
        ("AMQPLAIN", AMQPLAIN + b"\x00"),
        ("AMQPLAIN", len(AMQPLAIN).to_bytes(4, "big") + AMQPLAIN),
        ("AMQPLAIN", b"\x05LOGINS\x00\x00\x00\x04user"),
        ("AMQPLAIN", b"\x05LOGINS\x00\x00\x00\x04user\x08PASSWORDV"),
        ("AMQPLAIN", b"\x05LOGINI\x00\x00\x00\x04\x08PASSWORDS\x00\x00\x00\x00"),
    ],
)
def test_a_malformed_response_is_refused(mechanism: str, response: bytes) -> None:
    with pytest.raises(ProtocolViolation) as caught:
        parse_response(mechanism, response)
    assert caught.value.reason == "syntax"


def test_an_unknown_mechanism_is_refused_by_name() -> None:
    with pytest.raises(ProtocolViolation) as caught:
        parse_response("FOO", b"")
    assert (caught.value.reason, caught.value.text) == ("command", "unknown authentication mechanism 'FOO'")


def test_credentials_do_not_show_their_password() -> None:
    assert "pass" not in repr(parse_response("PLAIN", b"\0user\0passphrase")).replace("password", "")


@pytest.mark.parametrize("response", [b"secret", b"\x05LOGINS\x00\x00\x00\x04user\x08PASSWORDI\x00\x00\x00\x04secret"])
def test_the_error_repeats_nothing_of_the_response(response: bytes) -> None:
    for mechanism in ("PLAIN", "AMQPLAIN"):
        with pytest.raises(ProtocolViolation) as caught:
            parse_response(mechanism, response)
        assert "secret" not in caught.value.text


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_amqplain_survives_a_round_trip(username: str, password: str) -> None:
    response = write_table({"LOGIN": username, "PASSWORD": password})[4:]
    assert parse_response("AMQPLAIN", response) == Credentials("AMQPLAIN", username, password.encode())


@given(st.sampled_from(["PLAIN", "AMQPLAIN", "EXTERNAL"]), st.one_of(st.binary(max_size=60), flawed(AMQPLAIN)))
def test_any_octets_are_credentials_or_a_documented_violation(mechanism: str, response: bytes) -> None:
    reason = "none"
    try:
        parse_response(mechanism, response)
    except ProtocolViolation as violation:
        reason = violation.reason
    assert reason in {"none", "syntax"}
