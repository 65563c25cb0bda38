"""Which origins and hosts are whose."""

import pytest

from mqbroker.net.origins import Origins, is_safe_host


@pytest.mark.parametrize(
    ("origin", "is_local"),
    [
        ("http://localhost", True), ("http://localhost:3000", True), ("https://localhost:8443", True),
        ("http://127.0.0.1:8000", True), ("http://127.1.2.3", True), ("http://[::1]:8000", True),
        ("http://shop.localhost:8000", True), ("null", False), ("", False), ("http://localhost.example", False),
        ("http://127.0.0.1.example", False), ("http://evil.example", False), ("http://10.0.0.1", False),
        ("file://localhost", False), ("http://evil.example#localhost", False), ("http://[::2]", False),
        ("http://localhost:1@evil.example", False),
    ],
)  # fmt: skip
def test_loopback_stands_for_pages_of_this_machine(origin: str, is_local: bool) -> None:
    assert Origins(("loopback",)).allow(origin) is is_local
    assert Origins(("loopback", "https://shop.example")).allow(origin) is is_local
    assert not Origins(()).allow(origin)


def test_what_is_listed_is_allowed_as_it_is() -> None:
    origins = Origins(("https://shop.example:8443",))
    assert origins.allow("https://shop.example:8443")
    for other in ("https://shop.example", "http://shop.example:8443", "https://www.shop.example:8443", "loopback"):
        assert not origins.allow(other)


@pytest.mark.parametrize(
    ("host", "is_safe"),
    [
        ("localhost:9324", True), ("127.0.0.1", True), ("[::1]:9324", True), ("192.0.2.7:9324", True),
        ("[2001:db8::1]", True), ("mqbroker:9324", True), ("MQBROKER", True), ("sqs.us-east-1.localhost:9324", True),
        ("evil.example:9324", False), ("evil.example", False), ("", False), ("localhost.example", False),
        ("a.b:9324", False),
    ],
)  # fmt: skip
def test_a_name_with_a_domain_may_be_a_strangers(host: str, is_safe: bool) -> None:
    assert is_safe_host(host) is is_safe
