"""Requests of web pages where nobody has to sign, and what browsers are told of those that may call."""

import pytest

from mqbroker.aws.front.call import Call
from mqbroker.aws.front.web_pages import WebPages
from mqbroker.errors import AwsError
from mqbroker.net.origins import Origins
from mqbroker.protocols.http.messages import HttpRequest, HttpResponse
from tests.aws.house import PEER, Shop, empty

SHOP = "https://shop.example"
FORM = {"content-type": "application/x-www-form-urlencoded"}
SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=test, x"}
OPEN = WebPages(Origins(("loopback", SHOP)), is_open=True)


def request(method: str = "POST", host: str = "localhost:9324", target: str = "/", **headers: str) -> HttpRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpRequest(method, target, {"host": host, **named}, b"", PEER, f"http://{host}")


def may(made: HttpRequest, only_reads: bool = False) -> bool:
    try:
        OPEN.check(made, only_reads)
    except AwsError as error:
        return (error.code, error.status) != ("AccessDenied", 403)
    return True


@pytest.mark.parametrize("header", [{"authorization": "x"}, {"x_amz_target": "x"}, {"x_requested_by": "curl"}])
def test_a_program_has_a_header_that_no_page_sends_unasked(header: dict[str, str]) -> None:
    assert may(request(**header))
    assert may(request("GET", **header))
    assert not may(request())


@pytest.mark.parametrize(
    ("content_type", "is_own"),
    [
        ("application/x-amz-json-1.0", True), ("application/json", True), ("application/x-www-form-urlencoded", False),
        ("application/x-www-form-urlencoded; charset=utf-8", False), ("Text/Plain", False),
        ("multipart/form-data; boundary=x", False), ("", False),
    ],
)  # fmt: skip
def test_so_is_a_type_that_a_form_cannot_have(content_type: str, is_own: bool) -> None:
    assert may(request(content_type=content_type)) is is_own


def test_what_only_reads_needs_no_header_as_the_checks_of_containers_have_none() -> None:
    assert may(request("GET"), only_reads=True)
    assert may(request("GET", "mqbroker:9324"), only_reads=True)


def test_a_client_of_http_1_0_names_no_host_and_is_no_page() -> None:
    """A health check of HTTP/1.0 was refused as a page that calls by a name of its own."""
    assert may(HttpRequest("GET", "/", {}, b"", PEER, "http://localhost:9324"), only_reads=True)


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [(SHOP, True), ("http://localhost:3000", True), ("https://evil.example", False), ("null", False)],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_origin_says_which_pages_may(origin: str, is_allowed: bool, method: str) -> None:
    made = request(method, origin=origin, **FORM_HEADER, authorization="x")
    assert may(made) is is_allowed
    assert may(made, only_reads=True) is is_allowed


FORM_HEADER = {"content_type": FORM["content-type"]}


@pytest.mark.parametrize(
    ("site", "is_allowed"), [("none", True), ("same-origin", True), ("same-site", False), ("cross-site", False)]
)
def test_a_browser_says_which_site_a_request_without_an_origin_is_from(site: str, is_allowed: bool) -> None:
    assert may(request("GET", sec_fetch_site=site), only_reads=True) is is_allowed


def test_a_page_whose_name_was_made_to_stand_for_this_machine_reads_nothing() -> None:
    assert not may(request("GET", "evil.example:9324", authorization="x"), only_reads=True)
    assert not may(request("HEAD", "evil.example", authorization="x"))
    assert may(request("POST", "sqs.us-east-1.amazonaws.com", authorization="x")), "a POST of a page has an origin"


# --- the front ------------------------------------------------------------------------------------------------------


def ask(shop: Shop, made: HttpRequest) -> HttpResponse:
    answers: list[HttpResponse] = []
    shop.front.handle(made, answers.append, 0)
    return answers[0]


def headers_of(response: HttpResponse) -> dict[str, str]:
    lines = response.headers.decode().split("\r\n")[:-1]
    return dict(line.split(": ", 1) for line in lines)


def answer_url(call: Call) -> None:
    call.answer({"QueueUrl": "q"})


GET_URL = "/?Action=GetQueueUrl&QueueName=q"
DELETE = "/1/q?Action=DeleteQueue"


@pytest.mark.parametrize(("target", "origin", "status"), [
    (GET_URL, "", 200), (GET_URL, "https://evil.example", 403), (GET_URL, SHOP, 200), (DELETE, "", 403),
    (DELETE, SHOP, 200), (DELETE, "https://evil.example", 403),
])  # fmt: skip
def test_the_front_asks_before_anything_is_done(target: str, origin: str, status: int) -> None:
    shop = Shop(answer_url, web=OPEN)
    made = request("GET", target=target, **({"origin": origin} if origin else {}))
    assert ask(shop, made).status == status
    assert len(shop.calls) == (status == 200)


def test_who_has_to_sign_is_not_asked_for_more() -> None:
    shop = Shop(empty, web=WebPages(Origins(()), is_open=False))
    response = ask(shop, request("GET", "evil.example", target=DELETE, origin="https://evil.example"))
    assert response.status == 200
    assert "Access-Control-Allow-Origin" not in headers_of(response)


PREFLIGHT = {
    "access_control_request_method": "POST", "access_control_request_headers": "authorization,x-amz-target",
    "access_control_request_private_network": "true",
}  # fmt: skip


@pytest.mark.parametrize("is_open", [False, True])
def test_a_browser_is_told_that_pages_of_listed_origins_may_call(is_open: bool) -> None:
    """The bug: a preflight was answered 404, so no SDK worked in a page."""
    shop = Shop(answer_url, web=WebPages(Origins((SHOP,)), is_open))
    response = ask(shop, request("OPTIONS", origin=SHOP, **PREFLIGHT))
    assert response.status == 200
    assert headers_of(response) == {
        "Access-Control-Allow-Origin": SHOP, "Vary": "Origin", "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": "authorization,x-amz-target", "Access-Control-Max-Age": "600",
        "Access-Control-Allow-Private-Network": "true",
    }  # fmt: skip
    for target, status in ((GET_URL, 200), ("/?Action=None", 400)):
        answered = ask(shop, request("GET", target=target, origin=SHOP))
        assert answered.status == status
        found = headers_of(answered)
        assert found["Access-Control-Allow-Origin"] == SHOP
        assert found["Access-Control-Expose-Headers"] == "x-amzn-RequestId, x-amzn-query-error, Date"
        assert "x-amzn-RequestId" in found


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_browser_is_told_nothing_of_others(origin: str) -> None:
    shop = Shop(answer_url, web=WebPages(Origins((SHOP,)), is_open=True))
    response = ask(shop, request("OPTIONS", origin=origin, **PREFLIGHT))
    assert response.status == 404
    assert b"Access-Control" not in response.headers
    assert b"Access-Control" not in ask(shop, request("GET", target=GET_URL, origin=origin)).headers


def test_options_without_a_question_are_an_unknown_operation() -> None:
    assert ask(Shop(answer_url, web=OPEN), request("OPTIONS", origin=SHOP)).status == 404
