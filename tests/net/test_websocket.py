"""WebSocket under a session, over real sockets, with the client of the websockets library and with frames by hand."""

import asyncio
import contextlib
import gc
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from websockets.frames import CloseCode, Frame, Opcode
from websockets.typing import Subprotocol

from mqbroker.config.sections import LimitsConfig, TlsConfig, WebSocketConfig
from mqbroker.limits import PREAUTH_BYTES_MAX, WEBSOCKET_OUTPUT_BYTES_MAX, WEBSOCKET_PREAUTH_BYTES_MAX
from mqbroker.net.connection import Connection
from mqbroker.net.devcerts import generate
from mqbroker.net.tls import ServerTls
from mqbroker.net.upgrade import Frames
from mqbroker.net.websocket import WebSocket
from tests.net.house import House, Streams, is_refused, open_house, say_goodbye, until
from tests.net.test_listener import HEADER, LOOPBACK
from tests.net.test_upgrade import request

URL = "ws://127.0.0.1:0"


def client_of(house: House, scheme: str = "ws", **options: Any) -> AbstractAsyncContextManager[ClientConnection]:
    return connect(f"{scheme}://127.0.0.1:{house.port}/ws/amqp", proxy=None, **options)


async def ask(client: ClientConnection, line: bytes) -> str | bytes:
    """Sends a line in a message and returns the message that comes back."""
    await client.send(line + b"\n")
    return await client.recv()


async def code_of(client: ClientConnection) -> int | None:
    """Waits for the end and returns the code that the broker closed with."""
    await client.wait_closed()
    return client.close_code


async def upgraded(house: House) -> Streams:
    """A client that makes its frames by hand, its opening handshake done."""
    reader, writer = await house.connect()
    writer.write(request())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    return reader, writer


def frame(data: bytes, opcode: Opcode = Opcode.BINARY, is_last: bool = True) -> bytes:
    return Frame(opcode, data, is_last).serialize(mask=True)


# --- messages -------------------------------------------------------------------------------------------------------


async def test_what_a_session_answers_arrives_in_binary_messages() -> None:
    async with open_house(URL) as house, client_of(house) as client:
        assert await ask(client, b"SAY one") == b"one\n"
        assert await ask(client, b"SAY two") == b"two\n"
        assert (house.sessions[0].peer.host, house.sessions[0].peer.port) == client.local_address
        assert house.sessions[0].peer.is_loopback


async def test_the_subprotocol_that_was_chosen_is_named_and_compression_is_declined() -> None:
    subprotocols = [Subprotocol("mqttv3.1"), Subprotocol("mqtt")]
    async with open_house(URL) as house, client_of(house, subprotocols=subprotocols) as client:
        assert client.subprotocol == "mqttv3.1"
        assert client.response is not None
        assert "Sec-WebSocket-Extensions" not in client.response.headers
        assert await ask(client, b"SAY hello") == b"hello\n"


async def test_everything_said_in_one_turn_is_one_message() -> None:
    async with open_house(URL) as house, client_of(house) as client:
        assert await ask(client, b"SAY a\nSAY b\nSAY c") == b"a\nb\nc\n"


async def test_long_output_is_cut_into_messages_that_clients_take() -> None:
    async with open_house(URL) as house, client_of(house) as client:
        await client.send(b"FLOOD 200000\n")
        sizes: list[int] = []
        while sum(sizes) < 200_000:
            sizes.append(len(await client.recv()))
        assert max(sizes) == WEBSOCKET_OUTPUT_BYTES_MAX
        assert (sum(sizes), len(sizes)) == (200_000, 4)


async def test_a_fragment_is_understood_before_its_message_is_complete() -> None:
    async with open_house(URL) as house, client_of(house) as client:

        async def fragments() -> AsyncIterator[bytes]:
            yield b"SAY one\n"
            assert await client.recv() == b"one\n"
            yield b""
            yield b"SAY two\n"

        await client.send(fragments())
        assert await client.recv() == b"two\n"


async def test_frames_may_arrive_in_any_pieces() -> None:
    async with open_house(URL) as house:
        reader, writer = await upgraded(house)
        for byte in frame(b"SAY one\n", is_last=False) + frame(b"SAY two\n", Opcode.CONT) + frame(b"SAY three\n"):
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        expected = b"\x82\x04one\n\x82\x04two\n\x82\x06three\n"
        assert await reader.readexactly(len(expected)) == expected
        await say_goodbye((reader, writer))


async def test_frames_that_come_with_the_request_are_not_lost() -> None:
    async with open_house(URL) as house:
        reader, writer = await house.connect()
        writer.write(request() + frame(b"SAY early\n"))
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(8) == b"\x82\x06early\n"
        await say_goodbye((reader, writer))


async def test_many_small_frames_in_one_chunk_leave_others_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk of 256 KiB holds 40,000 empty frames, for which the library takes a good part of a second."""
    monkeypatch.setattr("mqbroker.limits.WEBSOCKET_FRAMES_PER_WAKE", 4)
    monkeypatch.setattr("mqbroker.limits.WEBSOCKET_SLICE_BYTES", 64)
    async with open_house(URL) as house:
        reader, writer = await upgraded(house)
        turns: list[int] = []

        def count() -> None:
            turns.append(len(house.sessions[0].lines))
            if turns[-1] < 100:
                asyncio.get_running_loop().call_soon(count)

        writer.write(b"".join(frame(b"SAY %03d\n" % number) for number in range(100)))
        await until(lambda: house.sessions[0].lines)
        count()
        await until(lambda: turns[-1] == 100)
        assert len(set(turns)) > 10
        assert house.sessions[0].lines == [b"SAY %03d" % number for number in range(100)]
        await say_goodbye((reader, writer))


# --- control frames and the end ---------------------------------------------------------------------------------------


async def test_a_ping_is_answered_with_its_own_words() -> None:
    async with open_house(URL) as house, client_of(house) as client:
        await (await client.ping(b"are you there"))
        reader, writer = await upgraded(house)
        writer.write(frame(b"SA", is_last=False) + frame(b"hello", Opcode.PING) + frame(b"Y x\n", Opcode.CONT))
        assert await reader.readexactly(7) == b"\x8a\x05hello"
        await say_goodbye((reader, writer))


async def test_pings_of_a_peer_that_does_not_read_cost_one_pong() -> None:
    """RFC 6455 §5.5.3: only the last of several Pings needs an answer."""
    async with open_house(URL) as house:
        reader, writer = await upgraded(house)
        size = 16 << 20
        writer.write(frame(b"HELLO\n"))
        assert await reader.readexactly(8) == b"\x82\x06hello\n"
        writer.write(frame(b"FLOOD %d\n" % size))
        await until(lambda: house.sessions and house.sessions[0].pauses)
        writer.write(b"".join(frame(b"%05d" % number, Opcode.PING) for number in range(20_000)))
        writer.write(frame(b"SAY behind\n"))
        await until(lambda: house.sessions[0].lines[-1:] == [b"SAY behind"])
        transport = next(iter(house.connections._all)).transport
        assert transport._pong == b"\x8a\x0519999"  # type: ignore[attr-defined]
        pieces = -(-size // WEBSOCKET_OUTPUT_BYTES_MAX)
        await reader.readexactly(size + (pieces - 1) * 4 + 4)
        rest = await reader.readexactly(9 + 7)
        assert sorted([rest.find(b"\x82\x07behind\n"), rest.find(b"\x8a\x0519999")]) in ([0, 7], [0, 9])
        assert house.sessions[0].gate.is_open
        await say_goodbye((reader, writer))


async def test_a_peer_that_closes_gets_its_code_back_and_its_session_ends() -> None:
    async with open_house(URL) as house:
        async with client_of(house) as client:
            assert await ask(client, b"SAY here") == b"here\n"
            await client.close(4321, "I have what I wanted")
            assert client.close_code == 4321
        await until(lambda: not house.connections)
        assert house.sessions[0].losses == 1


async def test_a_peer_that_vanishes_ends_its_session() -> None:
    async with open_house(URL) as house:
        reader, writer = await upgraded(house)
        writer.transport.abort()
        await until(lambda: not house.connections)
        assert house.sessions[0].losses == 1
        await say_goodbye((reader, writer))


async def test_a_peer_that_ends_its_side_still_gets_its_answer() -> None:
    async with open_house(URL) as house:
        reader, writer = await upgraded(house)
        writer.write(frame(b"SAY last\n"))
        writer.write_eof()
        assert await reader.read() == b"\x82\x05last\n"
        await say_goodbye((reader, writer))


async def test_a_closing_session_has_its_last_words_before_the_close() -> None:
    async with open_house(URL) as house, client_of(house) as client:
        assert await ask(client, b"BYE") == b"bye\n"
        with pytest.raises(ConnectionClosedOK):
            await client.recv()
        assert client.close_code == CloseCode.NORMAL_CLOSURE
        assert house.sessions[0].losses == 1
        await until(lambda: not house.connections)


async def test_a_peer_that_never_answers_the_close_is_cut_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mqbroker.net.connection.CLOSE_TIMEOUT_S", 0.05)
    async with open_house(URL) as house:
        reader, writer = await upgraded(house)
        writer.write(frame(b"CLOSE\n"))
        assert await reader.readexactly(4) == b"\x88\x02\x03\xe8"
        writer.write(frame(b"SAY too late\n"))
        assert await is_refused((reader, writer))
        await until(lambda: not house.connections)
        assert house.sessions[0].lines == [b"CLOSE"]
        await say_goodbye((reader, writer))


async def test_a_shutdown_tells_every_peer_and_waits_for_them() -> None:
    async with open_house(URL) as house, client_of(house) as client, client_of(house) as other:
        assert await ask(client, b"SAY here") == b"here\n"
        assert await ask(other, b"SAY here") == b"here\n"
        house.listeners.close()
        house.connections.shut_down(house.clock.now())
        assert await client.recv() == await other.recv() == b"shutting down\n"
        assert await code_of(client) == await code_of(other) == CloseCode.NORMAL_CLOSURE
        assert await house.connections.wait_closed(10)


# --- what peers do wrong --------------------------------------------------------------------------------------------


async def test_a_text_message_closes_the_connection() -> None:
    """[MQTT-6.0.0-1] What came before the text has been understood."""
    async with open_house(URL) as house, client_of(house) as client, client_of(house) as other:
        assert await ask(client, b"SAY one") == b"one\n"
        await client.send("SAY two\n")
        assert await code_of(client) == CloseCode.UNSUPPORTED_DATA
        assert house.sessions[0].lines == [b"SAY one"]
        assert house.sessions[0].losses == 1
        assert await ask(other, b"SAY undisturbed") == b"undisturbed\n"


async def test_what_stands_before_a_text_in_the_same_chunk_is_understood_and_nothing_after_it() -> None:
    async with open_house(URL) as house:
        reader, writer = await upgraded(house)
        writer.write(frame(b"SAY one\n") + frame(b"two", Opcode.TEXT) + frame(b"SAY three\n"))
        assert (await reader.read())[2:4] == CloseCode.UNSUPPORTED_DATA.to_bytes(2, "big")
        assert house.sessions[0].lines == [b"SAY one"]
        await say_goodbye((reader, writer))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x82\x02hi", CloseCode.PROTOCOL_ERROR),
        (b"\xc2\x80\x00\x00\x00\x00", CloseCode.PROTOCOL_ERROR),
        (b"\x83\x80\x00\x00\x00\x00", CloseCode.PROTOCOL_ERROR),
        (b"\x80\x80\x00\x00\x00\x00", CloseCode.PROTOCOL_ERROR),
        (b"\x09\x80\x00\x00\x00\x00", CloseCode.PROTOCOL_ERROR),
        (b"\x89\xfe\x00\x7e\x00\x00\x00\x00" + bytes(126), CloseCode.PROTOCOL_ERROR),
        (b"\x88\x81\x00\x00\x00\x00\x03", CloseCode.PROTOCOL_ERROR),
        (b"\x82\xff" + b"\xff" * 8 + bytes(4), CloseCode.MESSAGE_TOO_BIG),
        (b"\x02\x80\x00\x00\x00\x00\x82\x80\x00\x00\x00\x00", CloseCode.PROTOCOL_ERROR),
    ],
    ids=["unmasked", "rsv1", "opcode", "continuation", "cut ping", "long ping", "short close", "huge", "interleaved"],
)
async def test_malformed_frames_close_the_connection_with_their_code(data: bytes, code: CloseCode) -> None:
    async with open_house(URL) as house:
        reader, writer = await upgraded(house)
        writer.write(data)
        close = await reader.read()
        assert close[0] == 0x88
        assert int.from_bytes(close[2:4], "big") == code
        await say_goodbye((reader, writer))
        await until(lambda: not house.connections)
        assert house.sessions[0].losses == 1


@pytest.mark.parametrize("fragments", [1, 3])
async def test_a_message_over_the_limit_closes_the_connection(fragments: int) -> None:
    config = WebSocketConfig(message_size_max=PREAUTH_BYTES_MAX)
    async with open_house(URL, websocket=config) as house, client_of(house) as client:
        assert await ask(client, b"HELLO") == b"hello\n"
        await client.send(bytes(PREAUTH_BYTES_MAX))
        size = (PREAUTH_BYTES_MAX + fragments) // fragments
        await client.send([bytes(size)] * fragments if fragments > 1 else bytes(size))
        assert await code_of(client) == CloseCode.MESSAGE_TOO_BIG


async def test_a_stranger_may_send_no_more_than_its_log_in_needs() -> None:
    """CVE-2023-0809 of Mosquitto: memory that is spent before anybody has a name.

    What is inside of the frames was counted too, although a CONNECT may be larger: its session bounds that.
    """
    async with open_house(URL) as house, client_of(house) as named, client_of(house) as stranger:
        assert await ask(named, b"HELLO") == b"hello\n"
        await named.send(bytes(10 * PREAUTH_BYTES_MAX) + b"\n")
        assert await ask(named, b"SAY here") == b"here\n"
        await stranger.send(bytes(2 * PREAUTH_BYTES_MAX) + b"\n")
        assert await ask(stranger, b"SAY still here") == b"still here\n"
        with contextlib.suppress(ConnectionClosed):
            for number in range(WEBSOCKET_PREAUTH_BYTES_MAX // 100):
                await stranger.ping(number.to_bytes(100))
        assert await code_of(stranger) == CloseCode.POLICY_VIOLATION
        assert await ask(named, b"SAY undisturbed") == b"undisturbed\n"


async def test_input_after_a_mistake_does_not_reset_the_close_frame() -> None:
    async with open_house(URL) as house, client_of(house) as client:
        assert await ask(client, b"HELLO") == b"hello\n"
        with pytest.raises(ConnectionClosedError):
            await client.send([bytes(1 << 20)] * 80)  # more than all buffers on the way hold
        assert await code_of(client) == CloseCode.MESSAGE_TOO_BIG


async def test_an_error_nobody_foresaw_costs_only_its_connection(caplog: pytest.LogCaptureFixture) -> None:
    async with open_house(URL) as house, client_of(house) as good, client_of(house) as bad:
        assert await ask(good, b"SAY here") == b"here\n"
        await bad.send(b"RAISE\n")
        assert await code_of(bad) == CloseCode.ABNORMAL_CLOSURE
        assert await ask(good, b"SAY still here") == b"still here\n"
    assert caplog.text.count("Traceback") == 1


async def test_a_session_that_cannot_be_made_costs_only_its_connection(caplog: pytest.LogCaptureFixture) -> None:
    async with open_house(URL) as house:
        house.sessions = None  # type: ignore[assignment]
        reader, writer = await house.connect()
        writer.write(request())
        assert not (await reader.read()).partition(b"\r\n\r\n")[2]
        await say_goodbye((reader, writer))
    assert "closed before it began: internal error" in caplog.text


# --- back pressure --------------------------------------------------------------------------------------------------


async def test_a_session_that_stops_reading_holds_its_peer_back_and_goes_on_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mqbroker.limits.WEBSOCKET_SLICE_BYTES", 8)
    async with open_house(URL) as house, client_of(house) as client:
        assert await ask(client, b"SAY here") == b"here\n"
        await client.send(b"STOP\n")
        session = house.sessions[0]
        await until(lambda: not session.is_reading)
        connected = next(iter(house.connections._all)).transport
        assert not connected._socket.is_reading()  # type: ignore[attr-defined]
        await client.send(b"SAY later\n")
        await asyncio.sleep(0)
        assert session.lines[-1] == b"STOP"
        session.set_reading(True)
        assert await client.recv() == b"later\n"


async def test_input_that_had_arrived_when_the_session_stopped_reading_is_kept_for_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mqbroker.limits.WEBSOCKET_SLICE_BYTES", 11)
    async with open_house(URL) as house:
        reader, writer = await upgraded(house)
        writer.write(frame(b"STOP\n") + frame(b"SAY 1\n") + frame(b"SAY 2\n"))
        await until(lambda: not house.sessions[0].is_reading)
        assert house.sessions[0].lines == [b"STOP"]
        house.sessions[0].set_reading(True)
        assert await reader.readexactly(6) == b"\x82\x041\n2\n"
        await say_goodbye((reader, writer))


async def test_a_peer_that_does_not_read_pauses_the_session_until_it_does() -> None:
    async with open_house(URL) as house, client_of(house) as client:
        size = 16 << 20
        await client.send(b"FLOOD %d\n" % size)
        await until(lambda: house.sessions and house.sessions[0].pauses)
        assert not house.sessions[0].gate.is_open
        received = 0
        while received < size:
            received += len(await client.recv())
        await until(lambda: house.sessions[0].gate.is_open)
        assert not house.sessions[0].is_paused


# --- before the upgrade ---------------------------------------------------------------------------------------------


async def test_what_is_no_websocket_is_told_so_and_closed(caplog: pytest.LogCaptureFixture) -> None:
    async with open_house(URL) as house:
        reader, writer = await house.connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 426 ")
        await say_goodbye((reader, writer))
        await until(lambda: not house.connections)
        assert house.sessions == []
    assert "failed: HTTP 426 Upgrade Required" in caplog.text


async def test_an_amqp_client_at_the_wrong_door_is_turned_away_at_once() -> None:
    async with open_house(URL) as house:
        reader, writer = await house.connect()
        writer.write(b"AMQP\x00\x00\x09\x01")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        await say_goodbye((reader, writer))


async def test_a_page_of_another_origin_is_refused() -> None:
    config = WebSocketConfig(origins=("https://shop.example",))
    async with open_house(URL, websocket=config) as house:
        with pytest.raises(InvalidStatus, match="HTTP 403"):
            await client_of(house, origin="https://evil.example").__aenter__()
        async with client_of(house, origin="https://shop.example") as client:
            assert await ask(client, b"SAY hello") == b"hello\n"


async def test_a_long_refused_request_gets_its_answer_and_not_a_reset() -> None:
    async with open_house(URL) as house:
        reader, writer = await house.connect()
        writer.write(b"POST / HTTP/1.1\r\n\r\n" + bytes(5 << 20))
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        await writer.drain()
        await say_goodbye((reader, writer))


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n", b"POST / HTTP/1.1\r\n"])
async def test_a_handshake_that_takes_too_long_is_given_up(sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with open_house(URL, limits=LimitsConfig(preauth_timeout_s=0)) as house:
        reader, writer = await house.connect()
        writer.write(sent)
        await until(lambda: "it took too long" in caplog.text)
        assert await is_refused((reader, writer)) or sent.startswith(b"POST")
        assert not house.connections
        await say_goodbye((reader, writer))


async def test_a_connection_that_ends_before_its_handshake_is_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    async with open_house(URL) as house:
        client = await house.connect()
        await until(lambda: house.connections)
        await say_goodbye(client)
        await until(lambda: not house.connections)
    assert "the connection ended before its WebSocket handshake" in caplog.text


async def test_closing_the_listeners_gives_up_on_handshakes() -> None:
    async with open_house(URL) as house:
        client = await house.connect()
        client[1].write(b"GET / HTTP/1.1\r\n")
        await until(lambda: house.connections)
        house.listeners.close()
        assert await is_refused(client)
        await until(lambda: not house.connections)
        await say_goodbye(client)


async def test_a_health_check_leaves_nothing_behind_and_no_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """GET /health on the WebSocket listener was answered with an error, and logged as a failed connection."""
    async with open_house(URL) as house:
        client = await house.connect()
        client[1].write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await client[0].read()).startswith(b"HTTP/1.1 200 OK\r\n")
        await say_goodbye(client)
        await until(lambda: not house.connections)
    assert caplog.text == ""


async def test_those_who_have_not_upgraded_count_as_nameless(caplog: pytest.LogCaptureFixture) -> None:
    async with open_house(URL, limits=LimitsConfig(preauth_connections_max=2)) as house:
        clients = [await house.connect() for _ in range(2)]
        await until(lambda: len(house.connections) == 2)
        refused = await house.connect()
        assert await is_refused(refused)
        await say_goodbye(*clients, refused)
    assert "limits.preauth_connections_max = 2 is reached" in caplog.text


# --- proxies and TLS ------------------------------------------------------------------------------------------------


async def test_behind_a_listed_proxy_the_header_comes_before_the_request() -> None:
    async with open_house(URL, proxies=LOOPBACK) as house:
        reader, writer = await house.connect()
        writer.write(HEADER + request() + frame(b"SAY hello\n"))
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(8) == b"\x82\x06hello\n"
        peer = house.sessions[0].peer
        assert (peer.host, peer.port, peer.is_loopback) == ("203.0.113.9", 4711, False)
        await say_goodbye((reader, writer))


async def test_over_tls_the_session_learns_the_names_of_the_client(tmp_path: Path) -> None:
    certificates = generate(tmp_path / "certs", client_name="shop")
    tls = ServerTls(certificates.tls_config(TlsConfig(verify="required")))
    context = ssl.create_default_context(cafile=str(certificates.ca))
    context.load_cert_chain(certificates.client, certificates.client_key)
    size = 3 << 20
    async with open_house("wss://127.0.0.1:0", tls=tls) as house:
        async with client_of(house, "wss", ssl=context) as client:
            assert await ask(client, b"HELLO") == b"hello\n"
            assert house.sessions[0].peer.certificate_names["cn"] == "shop"
            assert house.sessions[0].peer.is_tls
            await client.send(bytes(size) + b"\n")
            await client.send(b"FLOOD %d\n" % size)
            received = 0
            while received < size:
                received += len(await client.recv())
            assert await ask(client, b"BYE") == b"bye\n"
            assert await code_of(client) == CloseCode.NORMAL_CLOSURE
        await until(lambda: not house.connections)


async def test_over_tls_a_mistake_is_answered_with_its_code(tmp_path: Path) -> None:
    certificates = generate(tmp_path / "certs")
    context = ssl.create_default_context(cafile=str(certificates.ca))
    async with open_house("wss://127.0.0.1:0", tls=ServerTls(certificates.tls_config(TlsConfig()))) as house:
        async with client_of(house, "wss", ssl=context) as client:
            await client.send("text")
            assert await code_of(client) == CloseCode.UNSUPPORTED_DATA
        await until(lambda: not house.connections)


async def test_sockets_under_websockets_send_at_once() -> None:
    async with open_house(URL) as house, client_of(house) as client:
        assert await ask(client, b"SAY hello") == b"hello\n"
        connected = next(iter(house.connections._all)).transport.get_extra_info("socket")
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (request(), b"HTTP/1.1 101 "),
        (request() + frame(b"text", Opcode.TEXT), b"HTTP/1.1 101 "),
        (request() + b"\xff\xff\xff", b"HTTP/1.1 101 "),
        (request(Upgrade="h2c"), b"HTTP/1.1 426 "),
        (request(Sec_WebSocket_Key="short"), b"HTTP/1.1 400 "),
        (request(Content_Length="5"), b"HTTP/1.1 400 "),
        (request(Sec_WebSocket_Protocol="chat"), b"HTTP/1.1 400 "),
    ],
)
async def test_a_connection_that_is_gone_leaves_nothing_to_the_collector(sent: bytes, received: bytes) -> None:
    """The broker's collector hardly ever looks at what is old, so cycles of references would be a leak."""
    async with open_house(URL) as house:
        gc.collect()
        gc.disable()
        try:
            reader, writer = await house.connect()
            writer.write(sent)
            assert (await reader.read(len(received))) == received
            await say_goodbye((reader, writer))
            await until(lambda: not house.connections)
            house.sessions.clear()
            await asyncio.sleep(0)
            left = [each for each in gc.get_objects() if isinstance(each, WebSocket | Frames | Connection)]
        finally:
            gc.enable()
        assert left == []
