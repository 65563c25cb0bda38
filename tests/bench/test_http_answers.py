"""HTTP responses are recognised whatever their pieces; what is none ends the run."""

import pytest

from bench.driver.http_answers import HEAD_BYTES_MAX, AnswerReader
from bench.errors import ProtocolError

BODY = b'{"MessageId":"1"}'
NODE = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 17\r\nkeep-alive: timeout=72\r\n\r\n"
PYTHON = b"HTTP/1.1 400 BAD REQUEST\r\nServer: Werkzeug\r\nContent-Length: 17\r\nConnection: close\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKS = b"8;x=y\r\n" + BODY[:8] + b"\r\n9\r\n" + BODY[8:] + b"\r\n0\r\n\r\n"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

CASES = [
    pytest.param(NODE + BODY, BODY, 200, False, id="node"),
    pytest.param(PYTHON + BODY, BODY, 400, True, id="werkzeug"),
    pytest.param(CHUNKED + CHUNKS, BODY, 200, False, id="chunked"),
    pytest.param(EMPTY, b"", 200, False, id="empty"),
]


@pytest.mark.parametrize(("data", "body", "status", "closes"), CASES)
def test_a_response_is_complete_at_its_last_byte(data: bytes, body: bytes, status: int, closes: bool) -> None:
    for at in range(1, len(data)):
        reader = AnswerReader()
        assert reader.feed(data[:at]) is None
        assert reader.feed(data[at:]) == body
        assert (reader.status, reader.closes) == (status, closes)


@pytest.mark.parametrize(("data", "body", "status", "closes"), CASES)
def test_a_response_may_come_byte_by_byte(data: bytes, body: bytes, status: int, closes: bool) -> None:
    reader = AnswerReader()
    # The second time the spelling of its headers is known.
    for _ in range(2):
        found = [reader.feed(data[at : at + 1]) for at in range(len(data))]
        assert found == [None] * (len(data) - 1) + [body]


def test_responses_may_come_together_and_differ_in_their_heads() -> None:
    reader = AnswerReader()
    assert reader.feed(NODE + BODY + PYTHON + BODY + CHUNKED + b"1\r\nx\r\n0\r\n\r\n" + NODE) == BODY
    assert not reader.closes
    assert reader.feed(b"") == BODY
    assert (reader.status, reader.closes) == (400, True)
    assert reader.feed(b"") == b"x"
    assert reader.feed(BODY) == BODY
    assert (reader.status, reader.closes) == (200, False)


@pytest.mark.parametrize(
    "data",
    [
        b"AMQP\x00\x00\x09\x01",
        b"HTTP/1.1 ok\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n",
        CHUNKED + b"zz\r\n",
        NODE[:-4] + b"\r\nx: " + bytes(HEAD_BYTES_MAX),
    ],
)
def test_what_is_no_response_ends_the_run(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        AnswerReader().feed(data)
