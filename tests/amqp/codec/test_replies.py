"""Reply codes and texts."""

import pytest

from mqbroker import errors
from mqbroker.protocols.amqp.constants import CODE_NAMES, HARD_CODES
from mqbroker.protocols.amqp.replies import close_text, reply_of


@pytest.mark.parametrize(
    ("error", "code", "name", "is_hard"),
    [
        (errors.NotFound("x"), 404, "NOT_FOUND", False),
        (errors.PreconditionFailed("x"), 406, "PRECONDITION_FAILED", False),
        (errors.AccessRefused("x"), 403, "ACCESS_REFUSED", False),
        (errors.ResourceLocked("x"), 405, "RESOURCE_LOCKED", False),
        (errors.ContentTooLarge("x"), 311, "CONTENT_TOO_LARGE", False),
        (errors.NotAllowed("x"), 530, "NOT_ALLOWED", True),
        (errors.NotImplementedByPeer("x"), 540, "NOT_IMPLEMENTED", True),
        (errors.ProtocolViolation("frame", "x"), 501, "FRAME_ERROR", True),
        (errors.ProtocolViolation("syntax", "x"), 502, "SYNTAX_ERROR", True),
        (errors.ProtocolViolation("command", "x"), 503, "COMMAND_INVALID", True),
        (errors.ProtocolViolation("channel", "x"), 504, "CHANNEL_ERROR", True),
        (errors.ProtocolViolation("unexpected", "x"), 505, "UNEXPECTED_FRAME", True),
        (errors.ProtocolViolation("resource", "x"), 506, "RESOURCE_ERROR", True),
        (errors.ProtocolViolation("not_allowed", "x"), 530, "NOT_ALLOWED", True),
        (errors.ProtocolViolation("not_implemented", "x"), 540, "NOT_IMPLEMENTED", True),
        (errors.StorageError("x"), 541, "INTERNAL_ERROR", True),
        (RuntimeError("x"), 541, "INTERNAL_ERROR", True),
    ],
)
def test_every_error_has_its_code(error: Exception, code: int, name: str, is_hard: bool) -> None:
    reply = reply_of(error)
    assert (reply.code, reply.name, reply.is_hard) == (code, name, is_hard)


def test_a_refusal_answers_as_its_nearest_ancestor() -> None:
    class OfItsOwn(errors.NotFound):
        pass

    assert reply_of(OfItsOwn("x")).code == 404


def test_every_refusal_of_the_tree_has_a_row() -> None:
    # A class added to errors.py without a row would silently answer as its ancestor, or 541.
    assert {kind.__name__ for kind in errors.RequestRefused.__subclasses__() if kind.__module__ == errors.__name__} == {
        "NotFound", "PreconditionFailed", "AccessRefused", "ResourceLocked", "NotAllowed", "NotImplementedByPeer",
        "ContentTooLarge",
    }  # fmt: skip


def test_the_codes_are_those_of_rabbitmq() -> None:
    assert CODE_NAMES[320] == "CONNECTION_FORCED"
    assert sorted(HARD_CODES) == [320, 402, 501, 502, 503, 504, 505, 506, 530, 540, 541]


def test_a_close_text_names_the_code() -> None:
    assert close_text(404, "no queue 'q' in vhost '/'") == "NOT_FOUND - no queue 'q' in vhost '/'"


def test_a_close_text_without_a_reason_is_the_name() -> None:
    assert close_text(541, "") == "INTERNAL_ERROR"


def test_a_close_text_of_255_bytes_is_left_alone_and_a_longer_one_ends_in_dots() -> None:
    assert close_text(404, "x" * 243) == "NOT_FOUND - " + "x" * 243
    assert close_text(404, "x" * 244) == "NOT_FOUND - " + "x" * 240 + "..."


def test_a_close_text_is_cut_at_a_characters_boundary() -> None:
    assert close_text(404, "x" + "é" * 200) == "NOT_FOUND - x" + "é" * 119 + "..."


def test_a_close_text_is_utf8_whatever_a_name_holds() -> None:
    assert close_text(404, b"q\xff".decode(errors="surrogateescape")) == "NOT_FOUND - q?"
