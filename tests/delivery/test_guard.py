"""Which addresses the broker connects to of itself: only public ones, in whatever disguise, unless they are allowed."""

import asyncio
import ipaddress

import pytest

from mqbroker.config.addresses import parse_network
from mqbroker.delivery import guard
from mqbroker.delivery.errors import DeliveryFailed
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
    some = AddressGuard((parse_network("10.0.0.0/8"), parse_network("::1/128")))
    assert some.allows(ipaddress.ip_address("10.1.2.3"))
    assert some.allows(ipaddress.ip_address("::ffff:10.1.2.3"))
    assert some.allows(ipaddress.ip_address("::1"))
    assert not some.allows(ipaddress.ip_address("192.168.0.1"))


class Names(AddressGuard):
    """A guard whose resolver answers at once, or not at all."""

    def __init__(self) -> None:
        AddressGuard.__init__(self, ())
        self.lookups = 0
        self.answers = True

    async def _looked_up(self, host: str, port: int) -> list[str]:
        self.lookups += 1
        if not self.answers:
            await asyncio.sleep(3600)
        return [f"8.8.8.{self.lookups}"]


async def test_what_was_found_is_good_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few lookups are under way at once: names that lead nowhere held up everybody's next connection."""
    monkeypatch.setattr(guard, "LOOKUP_TIMEOUT_S", 0.05)
    names = Names()
    assert await names.addresses("a.example", 80) == await names.addresses("a.example", 443) == ["8.8.8.1"]
    names.forget("a.example")
    assert await names.addresses("a.example", 80) == ["8.8.8.2"]
    monkeypatch.setattr(guard, "ADDRESSES_S", 0.0)
    names.forget("a.example")
    assert await names.addresses("a.example", 80) == ["8.8.8.3"]
    names.answers = False
    assert await names.addresses("a.example", 80) == ["8.8.8.3"], "it was good, and nothing else is known"
    with pytest.raises(DeliveryFailed, match=r"b\.example is not found within") as failed:
        await names.addresses("b.example", 80)
    assert not failed.value.is_permanent
    assert names.lookups == 5


async def test_hosts_that_were_looked_up_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "ADDRESSES_MAX", 10)
    names = Names()
    for number in range(100):
        await names.addresses(f"{number}.example", 80)
    await names.addresses("99.example", 80)
    assert names.lookups == 100
    await names.addresses("0.example", 80)
    assert names.lookups == 101
