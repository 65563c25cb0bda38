"""Listening and admission, over real sockets."""

import asyncio
import errno
import ipaddress
import socket

import pytest

from mqbroker.config.listener import Listener
from mqbroker.config.sections import LimitsConfig
from mqbroker.errors import ConfigError
from mqbroker.net.listener import Door
from tests.net.house import ask, is_refused, open_house, parse_listener, say_goodbye, until

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
ELSEWHERE = (ipaddress.ip_network("192.0.2.0/24"),)
HEADER = b"PROXY TCP4 203.0.113.9 203.0.113.1 4711 5672\r\n"


async def test_a_port_in_use_is_one_sentence_that_names_the_url() -> None:
    async with open_house() as house:
        url = f"amqp://127.0.0.1:{house.port}"
        with pytest.raises(ConfigError, match=f"^cannot listen on {url}: Address already in use$"):
            house.listeners.open(parse_listener(url))


async def test_an_address_of_another_machine_is_one_sentence() -> None:
    async with open_house() as house:
        url = "amqp://192.0.2.1:0"
        with pytest.raises(ConfigError, match=rf"^cannot listen on {url}: Cannot assign requested address$"):
            house.listeners.open(parse_listener(url))


async def test_an_optional_address_that_is_missing_is_left_out() -> None:
    async with open_house() as house:
        house.listeners.open(Listener("amqp://192.0.2.1:0", "amqp", "192.0.2.1", 0, False, is_optional=True))
        assert len(house.listeners.addresses) == 1


async def test_a_name_that_does_not_exist_is_one_sentence() -> None:
    async with open_house() as house:
        with pytest.raises(ConfigError, match=r"^cannot listen on amqp://no-such-host.invalid:0: "):
            house.listeners.open(parse_listener("amqp://no-such-host.invalid:0"))


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
async def test_ipv4_and_ipv6_take_the_same_port_side_by_side() -> None:
    async with open_house("amqp://0.0.0.0:0") as house:
        house.listeners.open(parse_listener(f"amqp://[::]:{house.port}"))
        client = await asyncio.open_connection("::1", house.port)
        await ask(client, b"SAY hello")
        assert house.sessions[0].peer.host == "::1"
        assert house.sessions[0].peer.is_loopback
        await say_goodbye(client)


async def test_after_closing_nobody_gets_in_and_those_inside_stay() -> None:
    async with open_house() as house:
        client, port = await house.connect(), house.port
        await ask(client, b"SAY hello")
        house.listeners.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        assert await ask(client, b"SAY still here") == b"still here\n"
        await say_goodbye(client)


async def test_over_the_connection_limit_the_newest_is_turned_away(caplog: pytest.LogCaptureFixture) -> None:
    async with open_house(limits=LimitsConfig(connections_max=2)) as house:
        first, second = await house.connect(), await house.connect()
        assert await ask(first, b"HELLO") == b"hello\n"
        assert await ask(second, b"HELLO") == b"hello\n"
        third, fourth = await house.connect(), await house.connect()
        assert await third[0].read() == b""
        assert await fourth[0].read() == b""
        assert await ask(first, b"SAY here") == b"here\n"
        await say_goodbye(first)
        await until(lambda: len(house.connections) < 2)
        fifth = await house.connect()
        assert await ask(fifth, b"SAY here") == b"here\n"
        await say_goodbye(second, third, fourth, fifth)
    assert caplog.text.count("limits.connections_max = 2 is reached") == 1


async def test_those_without_a_name_have_a_budget_of_their_own(caplog: pytest.LogCaptureFixture) -> None:
    async with open_house(limits=LimitsConfig(preauth_connections_max=2)) as house:
        named = [await house.connect() for _ in range(2)]
        for client in named:
            assert await ask(client, b"HELLO") == b"hello\n"
        nameless = [await house.connect() for _ in range(2)]
        for client in nameless:
            assert await ask(client, b"SAY here") == b"here\n"
        refused = await house.connect()
        assert await refused[0].read() == b""
        assert await ask(nameless[0], b"HELLO") == b"hello\n"
        another = await house.connect()
        assert await ask(another, b"SAY here") == b"here\n"
        await say_goodbye(*named, *nameless, refused, another)
    assert caplog.text.count("limits.preauth_connections_max = 2 is reached") == 1


async def test_a_flood_of_connections_leaves_those_inside_undisturbed() -> None:
    async with open_house(limits=LimitsConfig(preauth_connections_max=10)) as house:
        named = await house.connect()
        assert await ask(named, b"HELLO") == b"hello\n"
        flood = [await house.connect() for _ in range(200)]
        assert await ask(named, b"SAY still here") == b"still here\n"
        assert len(house.connections) <= 11
        await say_goodbye(named, *flood)


async def test_idle_sockets_on_one_listener_keep_nobody_out_on_another(caplog: pytest.LogCaptureFixture) -> None:
    """1,100 idle sockets from one address, on any listener: 0 of 120 right clients got in on any other."""
    async with open_house(limits=LimitsConfig(preauth_connections_max=20)) as house:
        house.listeners.open(parse_listener("mqtt://127.0.0.1:0"))
        other_port = house.listeners.addresses[1][2]
        idle = [await house.connect() for _ in range(20)]
        await until(lambda: len(house.sessions) == 20)
        clients = [await asyncio.open_connection("127.0.0.1", other_port) for _ in range(5)]
        assert [await ask(client, b"HELLO") for client in clients] == [b"hello\n"] * 5
        assert [await is_refused(client) for client in idle[:5]] == [True] * 5
        assert await ask(idle[5], b"SAY here") == b"here\n"
        await say_goodbye(*idle, *clients)
    assert "made room before it had logged in" in caplog.text


async def test_without_descriptors_accepting_rests_and_then_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("mqbroker.limits.ACCEPT_PAUSE_S", 0.05)
    async with open_house() as house:
        door = house.listeners._doors[0]
        exhausted = ExhaustedSocket(door.socket)
        asyncio.get_running_loop().remove_reader(door.socket)
        house.listeners._doors[0] = Door(door.listener, exhausted, door.new_session, door.url)  # type: ignore[arg-type]
        house.listeners._attend(house.listeners._doors[0])
        client = await house.connect()
        assert await ask(client, b"SAY at last") == b"at last\n"
        assert exhausted.failures == 2
        await say_goodbye(client)
    assert "cannot accept connections: Too many open files" in caplog.text


class ExhaustedSocket:
    """A listening socket whose first two accepts fail as they do without file descriptors."""

    def __init__(self, real: socket.socket) -> None:
        self._real = real
        self.failures = 0

    def accept(self) -> object:
        if self.failures < 2:
            self.failures += 1
            raise OSError(errno.EMFILE, "Too many open files")
        return self._real.accept()

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


async def test_behind_a_listed_proxy_the_header_says_who_connects() -> None:
    async with open_house(proxies=LOOPBACK) as house:
        client = await house.connect()
        assert await ask(client, HEADER + b"SAY hello") == b"hello\n"
        peer = house.sessions[0].peer
        assert (peer.host, peer.port, peer.server_host, peer.server_port) == ("203.0.113.9", 4711, "203.0.113.1", 5672)
        assert not peer.is_loopback
        await say_goodbye(client)


async def test_a_header_may_come_byte_by_byte() -> None:
    async with open_house(proxies=LOOPBACK) as house:
        client = await house.connect()
        client[1].get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in HEADER:
            client[1].write(bytes([byte]))
            await asyncio.sleep(0)
        assert await ask(client, b"SAY hello") == b"hello\n"
        await say_goodbye(client)


async def test_a_proxy_that_does_not_know_its_client_does_not_make_it_local() -> None:
    async with open_house(proxies=LOOPBACK) as house:
        client = await house.connect()
        assert await ask(client, b"PROXY UNKNOWN\r\nSAY hello") == b"hello\n"
        assert not house.sessions[0].peer.is_loopback
        await say_goodbye(client)


async def test_a_listed_proxy_must_send_a_header(caplog: pytest.LogCaptureFixture) -> None:
    async with open_house(proxies=LOOPBACK) as house:
        client = await house.connect()
        client[1].write(b"SAY hello, this is not a header\n")
        assert await is_refused(client)
        assert house.sessions == []
        await say_goodbye(client)
    assert "does not open with a PROXY header" in caplog.text


async def test_a_listed_proxy_that_says_nothing_is_turned_away_in_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("mqbroker.limits.PROXY_HEADER_TIMEOUT_S", 0.05)
    async with open_house(proxies=LOOPBACK) as house:
        client = await house.connect()
        assert await client[0].read() == b""
        await say_goodbye(client)
    assert "it took too long" in caplog.text


async def test_a_header_from_elsewhere_is_nothing_special() -> None:
    async with open_house(proxies=ELSEWHERE) as house:
        client = await house.connect()
        assert await ask(client, HEADER + b"SAY hello") == b"hello\n"
        assert house.sessions[0].lines[0] == HEADER.strip()
        assert house.sessions[0].peer.is_loopback
        await say_goodbye(client)


async def test_what_was_suspended_is_listened_on_again_at_the_same_places() -> None:
    """A name with two addresses was listened on at neither again, since each stood for both."""
    async with open_house("amqp://localhost:0") as house:
        listeners = house.listeners
        before = listeners.addresses
        listeners.suspend(lambda scheme: scheme == "amqp")
        assert listeners.addresses == before
        listeners.suspend(lambda scheme: scheme == "mqtt")
        assert (listeners.is_suspended, listeners.addresses) == (True, [])
        _, host, port = before[0]
        with (
            socket.create_server((host, port)),
            pytest.raises(ConfigError, match="cannot listen on amqp://localhost:0"),
        ):
            listeners.resume()
        assert listeners.is_suspended
        listeners.resume()
        assert not listeners.is_suspended
        assert sorted(each[1:] for each in listeners.addresses) == sorted(each[1:] for each in before)
        client = await asyncio.open_connection(host, port)
        await ask(client, b"SAY hello")
        await say_goodbye(client)
