"""Sessions of HTTP: requests whole, byte by byte, in a pipeline, cut short; answers in the order of the requests."""

import gc
import logging
from collections.abc import Iterable

import pytest

from mqbroker.aws.front.call import Call
from mqbroker.limits import OUTPUT_HIGH_WATER_BYTES
from mqbroker.protocols.http.limits import (
    HTTP_BODIES_BYTES_MAX,
    HTTP_BODY_BYTES_MAX,
    HTTP_HEAD_BYTES_MAX,
    HTTP_HEAD_TIMEOUT_S,
    HTTP_IDLE_TIMEOUT_S,
    HTTP_PIPELINE_MAX,
    HTTP_REQUEST_TIMEOUT_S,
    HTTP_SLICE_BYTES,
)
from mqbroker.protocols.http.messages import HttpRequest, HttpResponse
from mqbroker.protocols.http.session import HttpSession
from tests.aws.house import Shop, empty, wait
from tests.aws.http_talk import Answer, answers, get, post
from tests.support.output import all_output

NOW = 1_000_000

EXPECTED: list[tuple[str, bytes, str, dict[str, str]]] = [
    ("get", get("MessageBody=a%20b"), "GET", {"MessageBody": "a b"}),
    ("head", get("MessageBody=a", method="HEAD"), "HEAD", {"MessageBody": "a"}),
    ("form", post(b"Action=SendMessage&MessageBody=a"), "POST", {"MessageBody": "a"}),
    ("empty lines before", b"\r\n\r\n" + get("MessageBody=a"), "GET", {"MessageBody": "a"}),
    (
        "chunked",
        b"POST /1/q HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"10;x=y\r\nAction=SendMessa\r\n1\r\ng\r\n00F\r\ne&MessageBody=a\r\n0\r\nX-Trailer: y\r\n\r\n",
        "POST",
        {"MessageBody": "a"},
    ),
    (
        "absolute",
        b"GET http://other:80/1/q?Action=SendMessage&MessageBody=a HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET",
        {"MessageBody": "a"},
    ),
    (
        "upgrade that is ignored",
        get("MessageBody=a", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"),
        "GET",
        {"MessageBody": "a"},
    ),
]
requests = pytest.mark.parametrize(("data", "method", "parameters"), [each[1:] for each in EXPECTED], ids=lambda _: "")
ALL_REQUESTS = b"".join(each[1] for each in EXPECTED)


def fed(session: HttpSession, *pieces: bytes) -> list[Answer]:
    """The answers to what comes in pieces."""
    for piece in pieces:
        session.receive_data(piece, NOW)
    return taken(session)


def taken(session: HttpSession, methods: Iterable[str] = ()) -> list[Answer]:
    data = all_output(session)
    session.output_written(NOW)
    return answers(data, methods)


def split(data: bytes) -> list[bytes]:
    return [data[place : place + 1] for place in range(len(data))]


# --- requests -------------------------------------------------------------------------------------------------------


@requests
def test_a_request_is_read_whole(data: bytes, method: str, parameters: dict[str, str]) -> None:
    shop = Shop(empty)
    session = shop.session()
    session.receive_data(data, NOW)
    (answer,) = taken(session, [method])
    (call,) = shop.calls
    assert (call.base_url, call.path, call.wire, call.now) == ("http://h", "/1/q", "query", NOW)
    assert call.parameters.items() >= parameters.items()
    assert (answer.status, answer.headers["x-amzn-requestid"]) == (200, call.request_id)
    assert not session.is_closing


@requests
def test_a_request_is_read_byte_by_byte(data: bytes, method: str, parameters: dict[str, str]) -> None:
    shop = Shop(empty)
    session = shop.session()
    for piece in split(data)[:-1]:
        session.receive_data(piece, NOW)
        assert not session.out
        assert not shop.calls
    session.receive_data(data[-1:], NOW)
    assert [answer.status for answer in taken(session, [method])] == [200]
    assert shop.calls[0].parameters.items() >= parameters.items()


@requests
def test_a_request_is_read_in_two_pieces(data: bytes, method: str, parameters: dict[str, str]) -> None:
    for place in range(1, len(data)):
        session = Shop(empty).session()
        session.receive_data(data[:place], NOW)
        session.receive_data(data[place:], NOW)
        assert [answer.status for answer in taken(session, [method])] == [200]


def test_requests_in_a_pipeline_are_answered_in_their_order() -> None:
    shop = Shop(empty)
    session = shop.session()
    session.receive_data(ALL_REQUESTS * 2, NOW)
    methods = [each[2] for each in EXPECTED] * 2
    found = [answer.headers["x-amzn-requestid"] for answer in taken(session, methods)]
    assert found == [call.request_id for call in shop.calls]
    assert len(found) == 2 * len(EXPECTED)


def test_a_pipeline_is_read_byte_by_byte() -> None:
    shop = Shop(empty)
    session = shop.session()
    for piece in split(ALL_REQUESTS):
        session.receive_data(piece, NOW)
    assert len(taken(session, [each[2] for each in EXPECTED])) == len(shop.calls) == len(EXPECTED)


def test_headers_of_one_name_are_joined() -> None:
    seen: list[HttpRequest] = []

    def page(request: HttpRequest, parameters: dict[str, str]) -> HttpResponse:
        seen.append(request)
        return HttpResponse(200, b"text/plain", f"{parameters}".encode())

    session = Shop(empty, {("GET", "/_mqbroker/x"): page}).session()
    data = b"GET /_mqbroker/x?a=%C3%A9 HTTP/1.1\r\nhost: h\r\nX-A:\t1 \r\nx-a:2\r\nX-B: \xe9\r\nX-C:\r\n\r\n"
    assert fed(session, data)[0].body == "{'a': 'é'}".encode()
    assert seen[0].headers == {"host": "h", "x-a": "1,2", "x-b": "\xe9", "x-c": ""}
    assert not session.is_authenticated


def test_an_old_client_is_told_whether_the_connection_stays() -> None:
    shop = Shop(empty)
    session = shop.session()
    (answer,) = fed(session, b"GET /1/q?Action=PurgeQueue HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert answer.headers["connection"] == "keep-alive"
    assert shop.calls[0].base_url == "http://127.0.0.1:9324"
    (answer,) = fed(session, b"GET /1/q?Action=PurgeQueue HTTP/1.0\r\n\r\n")
    assert answer.headers["connection"] == "close"
    assert session.is_closing


def test_the_connection_closes_when_the_client_says_so() -> None:
    shop = Shop(empty)
    session = shop.session()
    closing = get("MessageBody=a", "Connection: close\r\n")
    found = fed(session, get("MessageBody=b") + closing + get("MessageBody=c"))
    assert [answer.headers.get("connection") for answer in found] == [None, "close"]
    assert (session.is_closing, len(shop.calls)) == (True, 2)


def test_the_head_of_an_answer_has_the_length_of_its_body() -> None:
    session = Shop(empty).session()
    full = fed(session, get("MessageBody=a"))[0]
    session.receive_data(get("MessageBody=a", method="HEAD"), NOW)
    (head,) = taken(session, ["HEAD"])
    assert (head.body, head.headers["content-length"]) == (b"", full.headers["content-length"])


# --- Expect: 100-continue -------------------------------------------------------------------------------------------


def expecting(body: bytes) -> bytes:
    head = b"POST /1/q HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    return head % len(body)


BODY = b"Action=SendMessage&MessageBody=a"


def test_a_client_that_waits_is_told_to_go_on() -> None:
    session = Shop(empty).session()
    session.receive_data(expecting(BODY), NOW)
    assert session.take_output() == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert [answer.status for answer in fed(session, BODY)] == [200]


def test_a_client_that_does_not_wait_is_not_told() -> None:
    session = Shop(empty).session()
    assert [answer.status for answer in fed(session, expecting(BODY) + BODY)] == [200]


def test_a_client_is_told_to_go_on_after_the_answers_before() -> None:
    shop = Shop(wait)
    session = shop.session()
    assert fed(session, get("MessageBody=a") + expecting(BODY)) == []
    shop.calls[0].answer(None)
    assert session.take_output().endswith(b"</SendMessageResponse>HTTP/1.1 100 Continue\r\n\r\n")
    shop.calls.clear()
    session.receive_data(BODY, NOW)
    shop.calls[0].answer(None)
    assert [answer.status for answer in taken(session)] == [200]


def test_a_client_is_not_told_to_send_what_is_too_long() -> None:
    session = Shop(empty).session()
    head = b"POST /1/q HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    assert [answer.status for answer in fed(session, head % (HTTP_BODY_BYTES_MAX + 1))] == [413]
    assert session.is_closing


# --- answers --------------------------------------------------------------------------------------------------------


def test_answers_that_come_out_of_order_leave_in_order() -> None:
    shop = Shop(wait)
    session = shop.session()
    session.receive_data(get("MessageBody=a") * 3, NOW)
    first, second, third = shop.calls
    third.answer(None)
    second.answer(None)
    assert not session.out
    first.answer(None)
    found = [answer.headers["x-amzn-requestid"] for answer in taken(session)]
    assert found == [first.request_id, second.request_id, third.request_id]


def test_an_answer_marks_the_session() -> None:
    shop = Shop(wait)
    session = shop.session()
    session.receive_data(get("MessageBody=a"), NOW)
    assert shop.outbox.marked == []
    shop.calls[0].answer(None)
    assert shop.outbox.marked == [session]


def test_a_pipeline_that_is_too_long_is_held_back() -> None:
    shop = Shop(wait)
    session = shop.session()
    total = 10 * HTTP_PIPELINE_MAX + HTTP_SLICE_BYTES // 10
    session.receive_data(get("MessageBody=a") * (total - 1), NOW)
    assert len(shop.calls) == HTTP_PIPELINE_MAX
    assert (session.is_reading, session.deadline) == (False, 0)
    session.receive_data(get("MessageBody=b"), NOW)  # was on its way
    assert len(shop.calls) == HTTP_PIPELINE_MAX
    answered = 0
    while answered < total:
        for call in shop.calls[answered:]:
            call.answer(None)
        answered += len(taken(session))
        assert len(shop.calls) - answered <= HTTP_PIPELINE_MAX
    assert shop.calls[-1].parameters["MessageBody"] == "b"
    assert session.is_reading


def test_requests_wait_until_long_answers_have_left() -> None:
    shop = Shop(lambda call: call.answer({"MessageId": "x" * (OUTPUT_HIGH_WATER_BYTES // 4)}))
    session = shop.session()
    session.receive_data(get("MessageBody=a") * 10 + b"nonsense\r\n\r\n", NOW)
    found = []
    while not session.is_closing:
        assert len(session.out) + session.lent_bytes < 2 * OUTPUT_HIGH_WATER_BYTES
        found += taken(session)
    found += taken(session)
    assert [answer.status for answer in found] == [200] * 10 + [400]


def test_a_client_that_does_not_read_is_read_no_more_and_then_cut() -> None:
    shop = Shop(empty)
    session = shop.session()
    session.receive_data(get("MessageBody=a"), NOW)
    session.pause_output()
    session.receive_data(get("MessageBody=b"), NOW)
    assert (session.is_reading, len(shop.calls)) == (False, 1)
    assert session.deadline == NOW + HTTP_REQUEST_TIMEOUT_S * 1000
    session.resume_output(NOW)
    assert (session.is_reading, len(shop.calls)) == (True, 2)
    session.pause_output()
    session.tick(session.deadline)
    assert session.is_closing


# --- the end --------------------------------------------------------------------------------------------------------


def test_open_calls_are_abandoned_when_the_connection_is_lost() -> None:
    gone: list[str] = []

    def leave(call: Call) -> None:
        call.on_abandoned = lambda: gone.append(call.parameters["MessageBody"])

    shop = Shop(leave)
    session = shop.session()
    session.receive_data(get("MessageBody=a") + get("MessageBody=b"), NOW)
    shop.calls[1].answer(None)
    session.connection_lost(NOW)
    assert gone == ["a"]
    shop.calls[0].answer(None)
    assert not session.out


def test_calls_after_the_last_answer_are_abandoned() -> None:
    gone: list[str] = []

    def leave(call: Call) -> None:
        call.on_abandoned = lambda: gone.append(call.parameters["MessageBody"])

    shop = Shop(leave)
    session = shop.session()
    session.receive_data(get("MessageBody=a") + get("MessageBody=b"), NOW)
    session.shut_down(NOW)
    session.tick(NOW)
    assert (gone, session.is_closing) == (["a", "b"], True)


def test_calls_are_hurried_when_the_broker_stops() -> None:
    def poll(call: Call) -> None:
        call.on_hurry = lambda: call.answer({})

    shop = Shop(poll)
    session = shop.session()
    session.receive_data(get("MessageBody=a") + get("MessageBody=b"), NOW)
    session.shut_down(NOW)
    found = taken(session)
    assert [answer.headers.get("connection") for answer in found] == [None, "close"]
    assert session.is_closing


def test_an_open_answer_is_waited_for_when_the_broker_stops() -> None:
    shop = Shop(wait)
    session = shop.session()
    session.receive_data(get("MessageBody=a") + b"GET", NOW)
    session.shut_down(NOW)
    session.receive_data(b" / HTTP/1.1\r\n", NOW)
    assert not session.is_closing
    shop.calls[0].answer(None)
    assert [each.status for each in taken(session)] == [200, 503]
    assert session.is_closing


def test_an_idle_connection_closes_when_the_broker_stops() -> None:
    session = Shop(empty).session()
    session.shut_down(NOW)
    assert (session.is_closing, bytes(session.out)) == (True, b"")


# --- time -----------------------------------------------------------------------------------------------------------


def test_a_stranger_has_little_time() -> None:
    session = Shop(empty).session()
    opened_at = session.deadline - HTTP_HEAD_TIMEOUT_S * 1000
    assert opened_at > 0
    session.tick(session.deadline)
    assert (session.is_closing, bytes(session.out)) == (True, b"")


def test_a_known_client_may_be_idle_for_longer() -> None:
    session = Shop(empty).session()
    fed(session, get("MessageBody=a"))
    assert session.is_authenticated
    assert session.deadline == NOW + HTTP_IDLE_TIMEOUT_S * 1000
    session.tick(session.deadline)
    assert (session.is_closing, bytes(session.out)) == (True, b"")


@pytest.mark.parametrize("length", range(1, len(get("MessageBody=a"))))
def test_a_head_that_does_not_end_in_time_is_refused(length: int) -> None:
    session = Shop(empty).session()
    session.receive_data(get("MessageBody=a")[:length], NOW)
    assert session.deadline == NOW + HTTP_HEAD_TIMEOUT_S * 1000
    session.receive_data(b"", NOW + 1)
    assert session.deadline == NOW + HTTP_HEAD_TIMEOUT_S * 1000
    session.tick(session.deadline)
    assert [answer.status for answer in taken(session)] == [408]
    assert session.is_closing


def test_a_body_that_does_not_end_in_time_is_refused() -> None:
    session = Shop(empty).session()
    data = post(BODY)
    session.receive_data(data[:10], NOW)
    session.receive_data(data[10:-1], NOW + 5)
    assert session.deadline == NOW + HTTP_REQUEST_TIMEOUT_S * 1000
    session.tick(session.deadline)
    assert [answer.status for answer in taken(session)] == [408]


def test_a_call_that_waits_has_no_deadline() -> None:
    shop = Shop(wait)
    session = shop.session()
    session.receive_data(get("MessageBody=a"), NOW)
    assert session.deadline == 0
    shop.calls[0].answer(None)
    taken(session)
    assert session.deadline == NOW + HTTP_IDLE_TIMEOUT_S * 1000


# --- limits ---------------------------------------------------------------------------------------------------------


def padded(size: int) -> bytes:
    """A request whose headers and target have a size, as the limit counts it."""
    request = get("MessageBody=a", "X: %s\r\n")
    counted = len(request) - len(b"GET  HTTP/1.1\r\n\r\n%s")
    return request.replace(b"%s", b"x" * (size - counted))


@pytest.mark.parametrize("piece", [1000, HTTP_HEAD_BYTES_MAX * 2])
def test_headers_are_bounded(piece: int) -> None:
    for size, status in ((HTTP_HEAD_BYTES_MAX, 200), (HTTP_HEAD_BYTES_MAX + 1, 431)):
        session = Shop(empty).session()
        data = padded(size)
        found = fed(session, *(data[place : place + piece] for place in range(0, len(data), piece)))
        assert [answer.status for answer in found] == [status]
        assert session.is_closing == (status != 200)


@pytest.mark.parametrize(
    "start",
    [
        b"GET /",
        b"GET / HTTP/1.1\r\nHost: h\r\nX: ",
        b"GET / HTTP/1.1\r\nHost: h\r\nX",
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;x=",
    ],
)
def test_what_does_not_end_is_refused_before_it_costs_memory(start: bytes) -> None:
    session = Shop(empty).session()
    session.receive_data(start, NOW)
    received = 0
    while not session.is_closing and received < 3 * HTTP_HEAD_BYTES_MAX:
        session.receive_data(b"x" * 1000, NOW)
        received += 1000
    assert [answer.status for answer in taken(session)] == [431]


def test_many_small_trailers_are_refused() -> None:
    session = Shop(empty).session()
    session.receive_data(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", NOW)
    for _ in range(HTTP_HEAD_BYTES_MAX):
        session.receive_data(b"X: y\r\n", NOW)
    assert [answer.status for answer in taken(session)] == [431]


def test_bodies_are_bounded() -> None:
    longest = BODY + b"x" * (HTTP_BODY_BYTES_MAX - len(BODY))
    assert [answer.status for answer in fed(Shop(empty).session(), post(longest))] == [200]
    session = Shop(empty).session()
    session.receive_data(post(longest + b"x")[:200], NOW)
    assert [answer.status for answer in taken(session)] == [413]
    session = Shop(empty).session()
    session.receive_data(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", NOW)
    chunk = b"10000\r\n%b\r\n" % (b"x" * 0x10000)
    for _ in range(HTTP_BODY_BYTES_MAX // 0x10000):
        session.receive_data(chunk, NOW)
        assert not session.out
    session.receive_data(chunk, NOW)
    assert [answer.status for answer in taken(session)] == [413]


def test_bodies_of_all_connections_are_bounded_together() -> None:
    shop = Shop(empty)
    ready = shop.session()
    ready.receive_data(post(BODY)[:-1], NOW)
    shop.endpoint.bodies_bytes = HTTP_BODIES_BYTES_MAX
    session = shop.session()
    session.receive_data(post(BODY)[:-1], NOW)
    assert [answer.status for answer in taken(session)] == [503]
    assert session.is_closing
    assert shop.endpoint.bodies_bytes == HTTP_BODIES_BYTES_MAX
    shop.endpoint.bodies_bytes = len(BODY) - 1
    assert [answer.status for answer in fed(ready, post(BODY)[-1:])] == [200]
    ready.receive_data(post(BODY)[:-1], NOW)
    assert shop.endpoint.bodies_bytes == len(BODY) - 1
    ready.connection_lost(NOW)
    assert shop.endpoint.bodies_bytes == 0


# --- what is no HTTP ------------------------------------------------------------------------------------------------

POST = b"POST / HTTP/1.1\r\nHost: h\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

REFUSED = {
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "two equal lengths": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": POST + b"Content-Length: 3, 3\r\n\r\nabc",
    "length and chunks": POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "a signed length": POST + b"Content-Length: +3\r\n\r\nabc",
    "a negative length": POST + b"Content-Length: -3\r\n\r\nabc",
    "an empty length": POST + b"Content-Length:\r\n\r\nabc",
    "a hexadecimal length": POST + b"Content-Length: 0x3\r\n\r\nabc",
    "a huge length": POST + b"Content-Length: 99999999999999999999999\r\n\r\nabc",
    "chunks that are not the last coding": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunks twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no coding": POST + b"Transfer-Encoding: identity\r\n\r\nabc",
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks of an old client": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a vertical tab": POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "a folded header": POST + b"X: a\r\n b\r\n\r\n",
    "a folded coding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: h\n\n",
    "a bare line feed": b"GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n",
    "a bare line feed at the end": b"GET / HTTP/1.1\r\nHost: h\r\n\n",
    "a bare carriage return": b"GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n",
    "a zero byte": b"GET / HTTP/1.1\r\nHost: h\x00\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nHost\r\n\r\n",
    "no name": b"GET / HTTP/1.1\r\n: h\r\n\r\n",
    "a header that begins with a space": b"GET / HTTP/1.1\r\n Host: h\r\n\r\n",
    "a signed chunk": CHUNKED + b"+3\r\nabc\r\n0\r\n\r\n",
    "a negative chunk": CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n",
    "a chunk with a prefix": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "a chunk with a space": CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n",
    "a huge chunk": CHUNKED + b"fffffffffffffffff\r\nabc",
    "a chunk without a size": CHUNKED + b"\r\nabc\r\n0\r\n\r\n",
    "a chunk with a line feed": CHUNKED + b"3\nabc\r\n0\r\n\r\n",
    "a chunk that ends with a line feed": CHUNKED + b"3\r\nabc\n0\r\n\r\n",
    "a chunk that is longer": CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n",
    "an extension with a line feed": CHUNKED + b"3;x\nabc\r\n0\r\n\r\n",
    "a length after the body": CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "a version to come": b"GET / HTTP/1.2\r\nHost: h\r\n\r\n",
    "another protocol": b"DESCRIBE / RTSP/1.0\r\nHost: h\r\n\r\n",
    "no method": b"get / HTTP/1.1\r\nHost: h\r\n\r\n",
    "a tunnel": b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
    "a byte in the target": b"GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
    "a host with a path": b"GET / HTTP/1.1\r\nHost: h/x\r\n\r\n",
    "a host with a name of a user": b"GET / HTTP/1.1\r\nHost: a@h\r\n\r\n",
    "a body that upgrades": POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc",
    "an unknown expectation": POST + b"Expect: 200-ok\r\nContent-Length: 3\r\n\r\nabc",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "AMQP": b"AMQP\x00\x00\x09\x01",
}
STATUSES = {
    "no coding": {400, 501},
    "an unknown coding": {400, 501},
    "no version": {505},
    "another protocol": {405},
    "a tunnel": {405},
    "an unknown expectation": {417},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_request_is_refused_and_the_connection_closed(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    for pieces in ([REFUSED[name]], split(REFUSED[name])):
        shop = Shop(empty)
        session = shop.session()
        found = fed(session, get("MessageBody=a"), *pieces, get("MessageBody=b"))
        assert [found[0].status, len(found), len(shop.calls)] == [200, 2, 1]
        assert found[1].status in STATUSES.get(name, {400})
        assert found[1].headers["connection"] == "close"
        assert session.is_closing
    assert "HTTP request of 127.0.0.1:40000 refused: " in caplog.text


def test_what_is_no_request_is_refused_after_the_answers_before() -> None:
    shop = Shop(wait)
    session = shop.session()
    assert fed(session, get("MessageBody=a") + b"nonsense\r\n\r\n") == []
    shop.calls[0].answer(None)
    assert [answer.status for answer in taken(session)] == [200, 400]
    assert session.is_closing


def test_an_error_of_ours_is_not_taken_for_the_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mqbroker.protocols.http.session._ABSOLUTE", None)
    with pytest.raises(AttributeError):
        Shop(empty).session().receive_data(b"GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", NOW)


def test_an_answered_request_leaves_nothing_to_the_garbage_collector() -> None:
    """A collection holds up everybody; requests by the thousand must not lead to one."""
    shop = Shop(wait)
    session = shop.session()
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            fed(session, get("MessageBody=a"))
            shop.calls.pop().answer(None)
            assert [answer.status for answer in taken(session)] == [200]
        assert gc.collect() == 0
    finally:
        gc.enable()
