"""SMPP: the codec by its octets; the client against smpp34, an implementation in Rust, and against hostile gateways."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import smpp34
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.delivery import smpp_client
from mqbroker.delivery.errors import DeliveryFailed
from mqbroker.delivery.limits import SMPP_PDU_BYTES_MAX, SMS_PARTS_MAX
from mqbroker.delivery.short_text import ALPHABET, UCS2, decoded, encoded
from mqbroker.delivery.smpp import Answer, Event, Heard, SmppFault, SmppSession
from mqbroker.delivery.smpp_client import SmppClient
from tests.delivery.serving import serving
from tests.support.ports import free_port

WAIT_S = 10
TEXTS = st.text(st.characters(codec="utf-8"), max_size=400)

# --- texts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "coding", "octets"),
    [
        ("Hello @ £1_Ä", ALPHABET, b"Hello \x00 \x011\x11["),
        ("{€}", ALPHABET, b"\x1b(\x1be\x1b)"),
        ("Привет", UCS2, "Привет".encode("utf-16-be")),
        ("a😀", UCS2, b"\x00a\xd8=\xde\x00"),
        ("", ALPHABET, b""),
    ],
)
def test_a_text_is_in_the_alphabet_of_telephones_if_it_can_be(text: str, coding: int, octets: bytes) -> None:
    assert encoded(text, 1) == (coding, [octets])


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("a" * 160, [160]),
        ("a" * 161, [6 + 153, 6 + 8]),
        ("a" * 152 + "€" + "a" * 10, [6 + 152, 6 + 12]),
        ("ж" * 70, [140]),
        ("ж" * 71, [140, 6 + 8]),
        ("ж" * 66 + "😀" + "ж" * 5, [6 + 132, 6 + 14]),
    ],
)
def test_a_long_text_is_in_parts_that_divide_no_character(text: str, lengths: list[int]) -> None:
    found = encoded(text, 0x1FF)
    assert [len(part) for part in found.parts] == lengths
    for number, part in enumerate(found.parts, 1):
        assert not found.has_headers or part[:6] == bytes((5, 0, 3, 0xFF, len(lengths), number))


@given(TEXTS)
def test_parts_have_the_whole_text(text: str) -> None:
    found = encoded(text, 7)
    assert len(found.parts) <= SMS_PARTS_MAX
    assert all(len(part) <= (160 if found.coding == ALPHABET else 140) for part in found.parts)
    whole = b"".join(part[6 * found.has_headers :] for part in found.parts)
    if found.coding == UCS2 and len(found.parts) < SMS_PARTS_MAX:
        assert decoded(whole, UCS2) == text


# --- the codec --------------------------------------------------------------------------------------------------------


def pdu(command: int, status: int, sequence: int, body: bytes = b"") -> bytes:
    return struct.pack(">IIII", 16 + len(body), command, status, sequence) + body


def deliver(text: bytes, coding: int = 0, esm_class: int = 0, source: bytes = b"15550001") -> bytes:
    return (
        b"\0\1\1" + source + b"\0\5\0shop\0" + bytes((esm_class,)) + b"\0\0\0\0\0\0" + bytes((coding, 0, len(text)))
        + text
    )  # fmt: skip


UNITS = (
    pdu(0x80000009, 0, 1, b"smsc\0")
    + pdu(0x80000004, 0x58, 2, b"\0")
    + pdu(5, 0, 9, deliver(b"Stop"))
    + pdu(5, 0, 10, deliver("Да".encode("utf-16-be"), 8))
    + pdu(5, 0, 11, deliver(b"id:1 stat:DELIVRD", esm_class=4))
    + pdu(0x15, 0, 12)
    + pdu(0x999, 0, 13)
)
EVENTS: list[Event] = [Answer(1, 0), Answer(2, 0x58), Heard("+15550001", "Stop"), Heard("+15550001", "Да")]
ANSWERS = (
    b"".join(pdu(0x80000005, 0, sequence, b"\0") for sequence in (9, 10, 11))
    + pdu(0x80000015, 0, 12)
    + pdu(0x80000000, 3, 13)
)


def test_units_are_understood_however_they_arrive() -> None:
    for at in range(len(UNITS) + 1):
        session = SmppSession()
        assert session.receive(UNITS[:at]) + session.receive(UNITS[at:]) == EVENTS
        assert bytes(session.output) == ANSWERS


def test_a_unit_that_is_not_whole_is_waited_for() -> None:
    for at in range(16 + 5):
        assert SmppSession().receive(UNITS[:at]) == []


@pytest.mark.parametrize("length", [0, 15, SMPP_PDU_BYTES_MAX + 1, 0xFFFFFFFF])
def test_a_length_that_cannot_be_is_the_end(length: int) -> None:
    with pytest.raises(SmppFault):
        SmppSession().receive(struct.pack(">IIII", length, 5, 0, 1))


def test_a_message_that_is_cut_short_is_a_fault() -> None:
    body = deliver(b"")
    for at in range(len(body)):
        with pytest.raises(SmppFault):
            SmppSession().receive(pdu(5, 0, 1, body[:at]))


@given(st.binary(max_size=200))
def test_any_octets_are_events_or_a_fault(data: bytes) -> None:
    session = SmppSession()
    try:
        session.receive(data)
        session.receive(pdu(5, 0, 1, data))
    except SmppFault:
        return


@given(TEXTS, st.sampled_from(["Shop", "12345", "+15550009"]))
def test_another_implementation_reads_what_is_submitted(text: str, sender: str) -> None:
    session, short = SmppSession(), encoded(text, 3)
    session.submit(sender, "+15550001", short)
    output = bytes(session.output)
    for part in short.parts:
        length = int.from_bytes(output[:4], "big")
        found = smpp34.decode(output[:length])
        output = output[length:]
        assert isinstance(found, smpp34.SubmitSm)
        assert (found.source_addr, found.destination_addr) == (sender.lstrip("+"), "15550001")
        assert (found.dest_addr_ton, found.dest_addr_npi, found.data_coding) == (1, 1, short.coding)
        assert bytes(found.short_message) == part
        assert found.esm_class == (0x40 if short.has_headers else 0)
    assert not output


# --- the client -------------------------------------------------------------------------------------------------------


class Gateway:
    """A server of smpp34 that accepts messages, unless it is told to answer with a status."""

    def __init__(self) -> None:
        self.port = free_port()
        self.server = smpp34.Server("127.0.0.1", self.port, system_id="gateway")
        self.statuses: list[int] = []
        self.messages: asyncio.Queue[smpp34.SubmitSmEvent] = asyncio.Queue()
        self.senders: list[smpp34.Esme] = []
        self.task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        while True:
            event = await self.server.next()
            if isinstance(event, smpp34.Esme):
                self.senders.append(event)
            elif isinstance(event, smpp34.SubmitSmEvent):
                if self.statuses:
                    event.reject(self.statuses.pop(0))
                else:
                    event.accept("id")
                self.messages.put_nowait(event)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    made = Gateway()
    await made.server.start()
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    await made.server.stop()


@asynccontextmanager
async def client_for(
    port: int, heard: Callable[[str, str], None] = lambda *_: None, timeout_s: float = 5
) -> AsyncIterator[SmppClient]:
    made = SmppClient(f"smpp://shop:secret@127.0.0.1:{port}?system_type=x", timeout_s, "", heard)
    yield made
    made.close()
    await asyncio.sleep(0)


async def test_a_text_is_submitted_in_parts_over_one_connection(gateway: Gateway) -> None:
    async with client_for(gateway.port) as client:
        assert await client.send("+15550001", "hello €", "Shop") == 200
        assert await client.send("+15550002", "ж" * 100, "Shop") == 200
        found = [await asyncio.wait_for(gateway.messages.get(), WAIT_S) for _ in range(3)]
        assert [event.destination_addr for event in found] == ["15550001", "15550002", "15550002"]
        assert bytes(found[0].short_message) == b"hello \x1be"
        assert "".join(decoded(bytes(event.short_message)[6:], UCS2) for event in found[1:]) == "ж" * 100
        assert [sender.system_id for sender in gateway.senders] == ["shop"]


async def test_what_users_write_back_is_heard(gateway: Gateway) -> None:
    heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    async with client_for(gateway.port, lambda *said: heard.put_nowait(said)) as client:
        await client.send("+15550001", "hello", "Shop")
        answer = await gateway.senders[0].deliver_sm("Shop", b"STOP", source_addr="15550001", source_addr_ton=1)
        assert answer.is_success
        assert await asyncio.wait_for(heard.get(), WAIT_S) == ("+15550001", "STOP")


@pytest.mark.parametrize(
    ("status", "is_permanent", "shown"), [(0x58, False, 0), (0x14, False, 0), (0x08, False, 503), (0x0B, True, 400)]
)
async def test_a_status_says_whether_to_try_again(
    gateway: Gateway, status: int, is_permanent: bool, shown: int
) -> None:
    gateway.statuses = [status]
    async with client_for(gateway.port) as client:
        with pytest.raises(DeliveryFailed, match=f"{status:#x}") as failed:
            await client.send("+15550001", "hello", "Shop")
        assert (failed.value.is_permanent, failed.value.status) == (is_permanent, shown)
        assert await client.send("+15550001", "hello", "Shop") == 200


async def unit(reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
    """The next unit: command, sequence, body."""
    length, command, _, sequence = struct.unpack(">IIII", await reader.readexactly(16))
    return command, sequence, await reader.readexactly(length - 16)


async def bound(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, status: int = 0) -> None:
    command, sequence, body = await unit(reader)
    assert command == 9
    assert body.startswith(b"shop\0secret\0x\0\x34")
    writer.write(pdu(0x80000009, status, sequence, b"smsc\0"))


async def test_a_gateway_that_does_not_let_us_in_is_tried_again() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await bound(reader, writer, 0x0E)
        await reader.read()

    async with serving(serve) as port, client_for(port) as client:
        for _ in range(2):
            with pytest.raises(DeliveryFailed, match="refuses to bind: status 0xe") as failed:
                await client.send("+15550001", "hello", "Shop")
            assert not failed.value.is_permanent


async def test_a_gateway_that_hangs_is_not_waited_for_forever() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await bound(reader, writer)
        await reader.read()

    async with serving(serve) as port, client_for(port, timeout_s=0.3) as client:
        with pytest.raises(DeliveryFailed, match=r"no answer within 0\.3 s"):
            await client.send("+15550001", "hello", "Shop")


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", pdu(6, 0, 1)])
async def test_what_was_not_answered_when_the_connection_ends_has_failed(said: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await bound(reader, writer)
        await unit(reader)
        writer.write(said)
        await writer.drain()

    async with serving(serve) as port, client_for(port) as client:
        with pytest.raises(DeliveryFailed, match=r"the gateway has closed the connection|was lost") as failed:
            await client.send("+15550001", "hello", "Shop")
        assert not failed.value.is_permanent


async def test_a_gateway_without_a_sign_of_life_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smpp_client, "SMPP_ENQUIRE_S", 0.05)
    enquired: asyncio.Queue[int] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await bound(reader, writer)
        _, sequence, _ = await unit(reader)
        writer.write(pdu(0x80000004, 0, sequence, b"id\0"))
        command, sequence, _ = await unit(reader)
        writer.write(pdu(0x80000000 | command, 0, sequence))
        enquired.put_nowait(command)
        while await reader.read(100):
            pass
        enquired.put_nowait(0)

    async with serving(serve) as port, client_for(port) as client:
        await client.send("+15550001", "hello", "Shop")
        assert [await asyncio.wait_for(enquired.get(), WAIT_S) for _ in range(2)] == [0x15, 0]


async def test_nobody_there_is_a_failure_that_may_pass() -> None:
    async with client_for(free_port()) as client:
        with pytest.raises(DeliveryFailed, match="Error") as failed:
            await client.send("+15550001", "hello", "Shop")
        assert not failed.value.is_permanent
