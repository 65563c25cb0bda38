"""Which addresses the broker connects to of itself: only public ones, in whatever disguise, unless they are allowed."""

import ipaddress

import pytest

from mqbroker.config.addresses import parse_network
from mqbroker.delivery.guard import AddressGuard

PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
    "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("text", PRIVATE)
def test_what_is_not_public_is_refused(text: str) -> None:
    """An address of IPv6 that stands for one of IPv4 was taken for a public one."""
    assert not AddressGuard(()).allows(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_what_is_public_is_allowed(text: str) -> None:
    assert AddressGuard(()).allows(ipaddress.ip_address(text))


def test_a_network_that_is_named_is_allowed_and_no_other() -> None:
    guard = AddressGuard((parse_network("10.0.0.0/8"), parse_network("::1/128")))
    assert guard.allows(ipaddress.ip_address("10.1.2.3"))
    assert guard.allows(ipaddress.ip_address("::ffff:10.1.2.3"))
    assert guard.allows(ipaddress.ip_address("::1"))
    assert not guard.allows(ipaddress.ip_address("192.168.0.1"))
