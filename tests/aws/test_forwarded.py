"""Requests that come through proxies of the operator's: who sent them, how, and to which host."""

import ipaddress
from typing import Any

import pytest

from mqbroker.aws.auth.credentials import make_identify
from mqbroker.aws.config import AwsConfig
from mqbroker.aws.front.forwarded import through_proxies
from mqbroker.core.access.access import Access
from mqbroker.protocols.http.messages import Answer, HttpRequest, Pending
from mqbroker.protocols.session import Peer
from tests.aws.signed import ACCOUNT, KEY_ID, NOW, SECRET, call, sign

PROXIES = (ipaddress.ip_network("10.0.0.0/24"), ipaddress.ip_network("127.0.0.1/32"), ipaddress.ip_network("::1/128"))
PROXY = Peer("10.0.0.5", 50_000, False, "10.0.0.9", 9324)


def seen(peer: Peer = PROXY, proxied: bool = True, host: str = "broker:9324", **headers: str) -> HttpRequest:
    """A request as whoever handles it sees it."""
    found: list[HttpRequest] = []

    def handle(request: HttpRequest, answer: Answer, now: int) -> Pending | None:
        found.append(request)
        return None

    named = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    request = HttpRequest("POST", "/", named, b"", peer, f"http://{host}")
    through_proxies(handle, PROXIES if proxied else ())(request, lambda response: None, 0)
    return found[0]


def test_a_proxy_says_who_asks_for_which_host_and_how() -> None:
    """The bug: behind a proxy that ends TLS, queue URLs began with http and named the broker's own host."""
    request = seen(x_forwarded_for="192.0.2.7", x_forwarded_proto="https", x_forwarded_host="sqs.shop.example")
    assert request.base_url == "https://sqs.shop.example"
    assert request.headers["host"] == "sqs.shop.example", "which the client has signed"
    assert (request.peer.host, request.peer.is_tls, request.peer.is_loopback) == ("192.0.2.7", True, False)


def test_from_anybody_else_that_means_nothing() -> None:
    headers: dict[str, Any] = {"x_forwarded_for": "192.0.2.7", "x_forwarded_proto": "https"}
    headers["x_forwarded_host"] = "sqs.shop.example"
    stranger = Peer("10.0.1.5", 50_000, False)
    for request in (seen(stranger, **headers), seen(PROXY, proxied=False, **headers)):
        assert request.base_url == "http://broker:9324"
        assert not request.peer.is_tls
        assert request.peer.host != "192.0.2.7"


@pytest.mark.parametrize(
    ("addresses", "host", "is_loopback"),
    [
        ("192.0.2.7", "192.0.2.7", False), ("203.0.113.9, 192.0.2.7", "192.0.2.7", False),
        ("192.0.2.7, 10.0.0.6", "192.0.2.7", False), ("2001:db8::7", "2001:db8::7", False), ("", "10.0.0.5", False),
        ("nonsense", "10.0.0.5", False), ("192.0.2.7, unknown", "10.0.0.5", False), ("10.0.0.6", "10.0.0.5", False),
        ("127.0.0.2", "127.0.0.2", True),
    ],
)  # fmt: skip
def test_the_client_is_whom_the_outermost_proxy_saw(addresses: str, host: str, is_loopback: bool) -> None:
    peer = seen(x_forwarded_for=addresses).peer
    assert (peer.host, peer.is_loopback) == (host, is_loopback)


def test_a_proxy_on_this_machine_makes_nobody_local() -> None:
    here = Peer("127.0.0.1", 50_000, True, "127.0.0.1", 9324)
    assert not seen(here).peer.is_loopback
    assert not seen(here, x_forwarded_for="192.0.2.7").peer.is_loopback


@pytest.mark.parametrize(
    ("headers", "base_url"),
    [
        ({"x_forwarded_host": "a b"}, "http://broker:9324"), ({"x_forwarded_host": ""}, "http://broker:9324"),
        ({"x_forwarded_proto": "gopher"}, "http://broker:9324"), ({"x_forwarded_proto": "HTTPS"}, "https://broker:9324"),
        ({"x_forwarded_host": "evil.example, shop.example:8443"}, "http://shop.example:8443"),
        ({"x_forwarded_proto": "https, http"}, "http://broker:9324"),
    ],
)  # fmt: skip
def test_the_last_value_counts_and_nonsense_does_not(headers: dict[str, Any], base_url: str) -> None:
    assert seen(**headers).base_url == base_url


def test_a_client_of_old_http_may_name_no_host() -> None:
    request = HttpRequest("GET", "/", {"x-forwarded-proto": "https"}, b"", PROXY, "http://10.0.0.9:9324")
    found: list[HttpRequest] = []
    through_proxies(lambda each, *_: found.append(each), PROXIES)(request, lambda response: None, 0)
    assert found[0].base_url == "https://10.0.0.9:9324"


def test_a_signature_is_that_of_the_host_that_the_client_asked_for() -> None:
    access = Access()
    access.put_user("ann", "")
    access.put_access_key("ann", KEY_ID, SECRET, ACCOUNT)
    identify = make_identify(access, AwsConfig())
    signed = sign(call())
    headers = {**signed.headers, "x-forwarded-host": signed.headers["host"], "host": "broker:9324"}
    headers |= {"x-forwarded-proto": "https", "x-forwarded-for": "192.0.2.9"}
    found: list[HttpRequest] = []
    handle = through_proxies(lambda each, *_: found.append(each), PROXIES)
    handle(HttpRequest("POST", signed.target, headers, signed.body, PROXY), lambda response: None, 0)
    caller = identify(found[0], "sqs", NOW)
    assert (caller.user, caller.source_ip, caller.is_secure) == ("ann", "192.0.2.9", True)
