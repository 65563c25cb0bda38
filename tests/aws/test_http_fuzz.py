"""Whatever bytes come in, in whatever pieces: answers of HTTP go out, and what is kept of the input is bounded."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from mqbroker.aws.front.call import Call
from mqbroker.protocols.http.limits import HTTP_PIPELINE_MAX
from mqbroker.protocols.http.messages import HttpRequest, HttpResponse, Pending
from tests.aws.house import Shop, empty, wait
from tests.aws.http_talk import Answer, answers, get, post
from tests.support.output import all_output

LINES = [
    b"GET /1/q?Action=SendMessage HTTP/1.1",
    b"POST / HTTP/1.1",
    b"HEAD / HTTP/1.0",
    b"Host: h",
    b"Content-Length: 3",
    b"Content-Length: 0",
    b"Transfer-Encoding: chunked",
    b"Connection: close",
    b"Connection: Upgrade\r\nUpgrade: h2c",
    b"Expect: 100-continue",
    b"Accept: application/json",
    b"X-Amz-Target: AmazonSQS.SendMessage",
    b"Content-Type: application/x-amz-json-1.0",
    b"abc",
    b"3",
    b"0",
    b"",
]
PIECES = [b"GET ", b"/", b" HTTP/1.1", b"\r", b"\n", b" ", b":", b"\x00", b"\xff", b"{}", b"abc"]
WORDS = [*PIECES, *(line + b"\r\n" for line in LINES), get("MessageBody=a"), post(b"Action=SendMessage&MessageBody=a")]
STREAMS = st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=4)), max_size=40).map(b"".join)
STATUSES = {200, 400, 404, 405, 408, 413, 417, 431, 501, 505}


def talk(shop: Shop, pieces: list[bytes]) -> list[Answer]:
    """What a session answers to input in pieces, until its time is up."""
    methods: list[str] = []
    handle = shop.endpoint.handle

    def watched(request: HttpRequest, answer: Callable[[HttpResponse], None], now: int) -> Pending | None:
        methods.append(request.method)
        return handle(request, answer, now)

    shop.endpoint.handle = watched
    session = shop.session()
    for piece in pieces:
        session.receive_data(piece, 5)
    if not session.is_closing:
        session.tick(session.deadline)
    assert session.is_closing
    data = all_output(session).replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")
    session.connection_lost(6)
    return answers(data, methods)


@settings(deadline=None)
@given(STREAMS, st.lists(st.integers(0, 400), max_size=6))
def test_any_input_is_answered_the_same_in_any_pieces(stream: bytes, places: list[int]) -> None:
    cuts = sorted(place for place in {0, *places} if place <= len(stream))
    pieces = [stream[start:end] for start, end in zip(cuts, [*cuts[1:], len(stream)], strict=True)]
    found = []
    for each in ([stream], pieces, [stream[place : place + 1] for place in range(len(stream))]):
        shop = Shop(empty)
        found.append(([answer.status for answer in talk(shop, each)], [call.parameters for call in shop.calls]))
    assert set(found[0][0]) <= STATUSES
    assert found[0] == found[1] == found[2]


@settings(deadline=None)
@given(st.data())
def test_answers_leave_in_order_whenever_they_come(data: st.DataObject) -> None:
    shop = Shop(wait)
    session = shop.session()
    total = data.draw(st.integers(1, 2 * HTTP_PIPELINE_MAX))
    for number in range(total):
        session.receive_data(get(f"MessageBody={number}"), 5)
    output = b""
    open_calls: list[Call] = list(shop.calls)
    while open_calls:
        open_calls.pop(data.draw(st.integers(0, len(open_calls) - 1))).answer(None)
        handled = len(shop.calls)
        output += all_output(session)
        session.output_written(5)
        open_calls += shop.calls[handled:]
        assert len(open_calls) <= HTTP_PIPELINE_MAX
    found = [answer.headers["x-amzn-requestid"] for answer in answers(output)]
    assert found == [call.request_id for call in shop.calls]
    assert [call.parameters["MessageBody"] for call in shop.calls] == [str(number) for number in range(total)]
