"""The shell around a session, over real sockets: input, output, back pressure, errors, and the end."""

import asyncio
import logging
import socket

import pytest

from tests.net.house import ask, is_refused, open_house, say_goodbye, until


async def test_what_a_session_answers_arrives() -> None:
    async with open_house() as house:
        client = await house.connect()
        assert await ask(client, b"SAY one") == b"one\n"
        assert await ask(client, b"SAY two") == b"two\n"
        await say_goodbye(client)
        await until(lambda: not house.connections)
        assert house.sessions[0].losses == 1


async def test_large_last_words_arrive_too() -> None:
    """Output of 32 KiB and more was lost when the session closed in the turn in which it had said it."""
    async with open_house() as house:
        reader, writer = await house.connect()
        writer.write(b"FLOOD 100000\nCLOSE\n")
        assert len(await reader.read()) == 100_000
        await say_goodbye((reader, writer))


async def test_who_sends_no_more_may_still_be_answered() -> None:
    """Whatever took longer than the turn in which the end of the stream was seen was never said."""
    async with open_house() as house:
        reader, writer = await house.connect()
        writer.write(b"WAIT\n")
        writer.write_eof()
        await until(lambda: bool(house.sessions) and house.sessions[0].has_ended)
        session = house.sessions[0]
        session.receive_line(b"BYE")
        assert await reader.read() == b"bye\n"
        await say_goodbye((reader, writer))
        await until(lambda: not house.connections)
        assert session.losses == 1


async def test_input_is_put_where_the_session_wants_it() -> None:
    async with open_house() as house:
        client = await house.connect()
        assert await ask(client, b"PUT 300000") == b"go on\n"
        body = bytes(range(250)) * 1200
        client[1].write(body + b"SAY1\nSAY 2\n")  # of what follows, no more than five bytes are handed over at once
        assert await client[0].readline() == b"full\n"
        session = house.sessions[0]
        assert bytes(session.memory) == body
        assert sum(session.chunks) == len(body)
        await until(lambda: b"SAY1" in session.lines)
        session.appetite = 0
        await say_goodbye(client)


async def test_the_session_learns_who_its_peer_is() -> None:
    async with open_house() as house:
        client = await house.connect()
        await ask(client, b"SAY hello")
        peer = house.sessions[0].peer
        assert (peer.host, peer.port) == client[1].get_extra_info("sockname")
        assert (peer.server_host, peer.server_port) == ("127.0.0.1", house.port)
        assert peer.is_loopback
        assert not peer.is_tls
        assert peer.certificate_names == {}
        await say_goodbye(client)


async def test_sockets_send_at_once_and_notice_a_dead_peer() -> None:
    async with open_house() as house:
        client = await house.connect()
        await ask(client, b"SAY hello")
        connected = next(iter(house.connections._all)).transport.get_extra_info("socket")
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        await say_goodbye(client)


async def test_everything_said_in_one_turn_is_one_write() -> None:
    async with open_house() as house:
        reader, writer = await house.connect()
        await ask((reader, writer), b"SAY first")
        writes: list[bytes] = []
        connection = next(iter(house.connections._all))
        real = connection.transport

        class Spy:
            def write(self, data: bytes) -> None:
                writes.append(data)
                real.write(data)

            def __getattr__(self, name: str) -> object:
                return getattr(real, name)

        connection.transport = Spy()  # type: ignore[assignment]
        writer.write(b"SAY a\nSAY b\nSAY c\n")
        assert await reader.readexactly(6) == b"a\nb\nc\n"
        assert writes == [b"a\nb\nc\n"]
        await say_goodbye((reader, writer))


@pytest.mark.parametrize("call", ["data", "sink", "tick", "eof", "resumed", "shut down", "lost", "failed"])
async def test_every_call_into_a_session_is_followed_by_a_turn(call: str) -> None:
    """The bug: what a session had nothing to send for was done with the next event, which on a quiet broker never
    came: deadlines were not armed, facts not sealed."""
    async with open_house() as house:
        client = await house.connect()
        assert await ask(client, b"PUT 9" if call == "sink" else b"SAY hello")
        session, connection = house.sessions[0], next(iter(house.connections._all))
        before = house.turns
        if call == "data":
            client[1].write(b"NOTHING TO SAY\n")
        elif call == "sink":
            client[1].write(b"not all")
        elif call == "tick":
            session.deadline = 1
            house.connections.tick(2)
        elif call == "eof":
            connection.eof_received()
        elif call == "resumed":
            connection.resume_writing()
        elif call == "shut down":
            connection.shut_down(2)
        elif call == "lost":
            client[1].close()
        else:
            client[1].write(b"RAISE\n")
        await until(lambda: house.turns > before)
        await say_goodbye(client)


async def test_a_closing_session_has_its_last_words_and_the_peer_sees_the_end() -> None:
    async with open_house() as house:
        reader, writer = await house.connect()
        writer.write(b"BYE\n")
        assert await reader.read() == b"bye\n"
        assert house.sessions[0].losses == 1
        await say_goodbye((reader, writer))
        await until(lambda: not house.connections)


async def test_a_session_may_close_without_a_word() -> None:
    async with open_house() as house:
        reader, writer = await house.connect()
        writer.write(b"CLOSE\n")
        assert await reader.read() == b""
        await say_goodbye((reader, writer))


async def test_input_that_comes_after_the_close_does_not_reset_the_last_words() -> None:
    """Closing a socket with unread input sends a reset, and the peer's kernel then drops what it had not read yet."""
    async with open_house() as house:
        reader, writer = await house.connect()
        writer.write(b"BYE\n" + b"SAY too late\n" * 200_000)
        assert await reader.read() == b"bye\n"
        await writer.drain()
        assert house.sessions[0].lines.count(b"SAY too late") < 200_000
        await say_goodbye((reader, writer))


async def test_a_peer_that_never_closes_is_cut_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mqbroker.net.connection.CLOSE_TIMEOUT_S", 0.05)
    async with open_house() as house:
        reader, writer = await house.connect()
        writer.write(b"BYE\n")
        assert await reader.read() == b"bye\n"
        await until(lambda: not house.connections)
        await say_goodbye((reader, writer))


async def test_a_peer_that_ends_its_side_still_gets_its_answer() -> None:
    async with open_house() as house:
        reader, writer = await house.connect()
        writer.write(b"SAY last\n")
        writer.write_eof()
        assert await reader.read() == b"last\n"
        await say_goodbye((reader, writer))


async def test_a_session_that_stops_reading_holds_its_peer_back_and_goes_on_later() -> None:
    async with open_house() as house:
        client = await house.connect()
        await ask(client, b"SAY here")
        client[1].write(b"STOP\n")
        session = house.sessions[0]
        await until(lambda: not session.is_reading)
        connection = next(iter(house.connections._all))
        assert not connection.transport.is_reading()
        client[1].write(b"SAY later\n")
        await asyncio.sleep(0)
        assert session.lines[-1] == b"STOP"
        session.set_reading(True)
        assert await client[0].readline() == b"later\n"
        await say_goodbye(client)


async def test_a_connection_that_has_had_its_share_of_a_turn_is_read_on_in_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mqbroker.net.connections.share_ns", lambda others: 0)
    async with open_house() as house:
        first, second = await house.connect(), await house.connect()
        await ask(first, b"SAY here")
        await ask(second, b"SAY here")
        lines = 1_000_000
        first[1].write(b"\n" * lines)
        assert await ask(second, b"SAY still here") == b"still here\n"
        assert len(house.sessions[0].lines) < lines
        await until(lambda: len(house.sessions[0].lines) > lines)
        await say_goodbye(first, second)


async def test_a_publisher_in_haste_is_offered_more_when_it_fills_what_it_is_offered() -> None:
    """The tenth of a slice, ten times, is less than the slice: it stayed as small as it ever was, a few messages."""
    async with open_house() as house:
        client = await house.connect()
        assert await ask(client, b"SAY hello")
        connection = next(iter(house.connections._all))
        offered = []
        for _ in range(100):
            connection.is_hasty = True
            room = connection.get_buffer(-1)
            room[:] = b"\n".rjust(len(room))
            offered.append(len(room))
            connection.buffer_updated(len(room))
        assert max(offered) > 4 * offered[0]
        await say_goodbye(client)


async def test_large_last_words_are_written_before_the_close() -> None:
    """The fault: what was lent and not copied did not count as output, and was lost with the close."""
    async with open_house() as house:
        reader, writer = await house.connect()
        writer.write(b"FLOOD 50000\nCLOSE\n")
        assert await reader.read() == bytes(50_000)
        await say_goodbye((reader, writer))


async def test_a_peer_that_does_not_read_pauses_the_session_until_it_does() -> None:
    async with open_house() as house:
        reader, writer = await house.connect()
        size = 64 << 20
        writer.write(b"FLOOD %d\n" % size)
        await until(lambda: house.sessions and house.sessions[0].pauses)
        session = house.sessions[0]
        assert not session.gate.is_open
        await reader.readexactly(size)
        await until(lambda: session.gate.is_open)
        assert not session.is_paused
        await say_goodbye((reader, writer))


async def test_an_error_nobody_foresaw_is_logged_once_and_costs_only_its_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with open_house() as house:
        good, bad = await house.connect(), await house.connect()
        await ask(good, b"SAY here")
        await ask(bad, b"SAY here")
        bad[1].write(b"RAISE\n")
        assert await is_refused(bad)
        assert await ask(good, b"SAY still here") == b"still here\n"
        await say_goodbye(good, bad)
    records = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(records) == 1
    assert records[0].exc_info is not None


async def test_a_session_is_called_once_its_deadline_has_passed() -> None:
    async with open_house() as house:
        client = await house.connect()
        await ask(client, b"SAY here")
        session = house.sessions[0]
        session.deadline = 1000
        house.connections.tick(999)
        assert session.ticks == []
        house.connections.tick(1000)
        house.connections.tick(1001)
        assert session.ticks == [1000]
        await say_goodbye(client)


async def test_a_shutdown_tells_every_peer_and_waits_for_them() -> None:
    async with open_house() as house:
        clients = [await house.connect() for _ in range(5)]
        for client in clients:
            await ask(client, b"SAY here")
        house.listeners.close()
        house.connections.shut_down(house.clock.now())
        assert not await house.connections.wait_closed(0.01)
        for reader, _ in clients:
            assert await reader.read() == b"shutting down\n"
        await say_goodbye(*clients)
        assert await house.connections.wait_closed(10)


async def test_a_session_that_cannot_be_made_costs_only_its_connection(caplog: pytest.LogCaptureFixture) -> None:
    async with open_house() as house:
        house.sessions = None  # type: ignore[assignment]
        client = await house.connect()
        assert await is_refused(client)
        await say_goodbye(client)
    assert "closed before it began: internal error" in caplog.text
