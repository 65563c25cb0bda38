"""SMPP 3.4, the protocol of gateways for text messages, from the sender's side: octets in, octets out.

    +---------+---------+---------+----------+- - - -+
    | length  | command | status  | sequence | body  |      each u32, big-endian (§3.2); the length counts itself
    +---------+---------+---------+----------+- - - -+

A session binds as a transceiver, submits messages, each of which is answered, and is told what telephones write back.
"""

import struct
from typing import NamedTuple

from mqbroker.delivery.limits import SMPP_PDU_BYTES_MAX
from mqbroker.delivery.short_text import ShortText, decoded

BIND, SUBMIT, DELIVER, UNBIND, ENQUIRE = 0x09, 0x04, 0x05, 0x06, 0x15  # command ids (§5.1.2.1)
GENERIC_NACK = 0x80000000
_RESPONSE = 0x80000000
_HEAD = struct.Struct(">IIII")
_VERSION = 0x34
_SEQUENCE_MAX = 0x7FFFFFFF
_UDHI = 0x40  # esm_class: the message begins with a header (§5.2.12)
_RECEIPT_BITS = 0x3C  # esm_class: what is no message of a telephone's user
_INVALID_COMMAND = 0x03

OK = 0
THROTTLED = frozenset((0x14, 0x58))  # the queue of the gateway is full; more than it allows
PASSING = frozenset((0x04, 0x08, 0x0D, 0x0E, 0x0F, 0x45, 0x64, 0xFE))
"""What may be different later: not bound, a system error, a bind that failed, a submission that failed, and so on."""


class SmppFault(Exception):
    """The other side does not speak SMPP."""


class Pdu(NamedTuple):
    """One unit of the protocol."""

    command: int
    status: int
    sequence: int
    body: bytes

    def encode(self) -> bytes:
        """Its octets."""
        return _HEAD.pack(_HEAD.size + len(self.body), self.command, self.status, self.sequence) + self.body


class Answer(NamedTuple):
    """What the gateway says of what was sent under that sequence: a status, OK or another one."""

    sequence: int
    status: int


class Heard(NamedTuple):
    """What the user of a telephone has written."""

    phone: str
    text: str


Event = Answer | Heard


def take_pdu(data: bytearray) -> Pdu | None:
    """Takes the first unit out of what has arrived; None while it is not whole. Raises SmppFault."""
    if len(data) < _HEAD.size:
        return None
    length, command, status, sequence = _HEAD.unpack_from(data)
    if not _HEAD.size <= length <= SMPP_PDU_BYTES_MAX:
        raise SmppFault(f"a unit of {length} octets")
    if len(data) < length:
        return None
    body = bytes(data[_HEAD.size : length])
    del data[:length]
    return Pdu(command, status, sequence, body)


class SmppSession:
    """One session. What it says is in `output`, whoever has the connection sends that."""

    def __init__(self) -> None:
        self.output = bytearray()
        self.is_ended = False
        """The gateway has said that it ends the session."""
        self._arrived = bytearray()
        self._sequence = 0

    def bind(self, system_id: str, password: str, system_type: str) -> int:
        """Says who sends (§4.1.5); the sequence of the answer."""
        return self._say(
            BIND, _text(system_id) + _text(password) + _text(system_type) + bytes((_VERSION, 0, 0)) + _text("")
        )

    def submit(self, sender: str, phone: str, text: ShortText) -> list[int]:
        """Submits the parts of a text (§4.4.1); the sequences of their answers."""
        addresses = _address(sender) + _address(phone)
        esm_class = _UDHI if text.has_headers else 0
        middle = bytes((esm_class, 0, 0)) + _text("") + _text("") + bytes((0, 0, text.coding, 0))
        return [self._say(SUBMIT, _text("") + addresses + middle + bytes((len(part),)) + part) for part in text.parts]

    def enquire(self) -> None:
        """Asks whether the gateway is still there (§4.11)."""
        self._say(ENQUIRE, b"")

    def receive(self, data: bytes) -> list[Event]:
        """Takes what has arrived. Raises SmppFault."""
        self._arrived += data
        events = []
        while (pdu := take_pdu(self._arrived)) is not None:
            event = self._take(pdu)
            if event is not None:
                events.append(event)
        return events

    def _say(self, command: int, body: bytes) -> int:
        self._sequence = self._sequence % _SEQUENCE_MAX + 1
        self.output += Pdu(command, OK, self._sequence, body).encode()
        return self._sequence

    def _take(self, pdu: Pdu) -> Event | None:
        if pdu.command & _RESPONSE:
            return Answer(pdu.sequence, pdu.status)
        if pdu.command == DELIVER:
            self._answer(pdu, OK, _text(""))
            return _heard(pdu.body)
        if pdu.command == UNBIND:
            self.is_ended = True
        known = pdu.command in (UNBIND, ENQUIRE)
        self._answer(pdu if known else pdu._replace(command=GENERIC_NACK), OK if known else _INVALID_COMMAND, b"")
        return None

    def _answer(self, pdu: Pdu, status: int, body: bytes) -> None:
        self.output += Pdu(pdu.command | _RESPONSE, status, pdu.sequence, body).encode()


def _text(text: str) -> bytes:
    """A C-Octet String (§3.1)."""
    return text.encode("latin-1", "replace").replace(b"\0", b"") + b"\0"


def _address(address: str) -> bytes:
    """Type of number, numbering plan, and the number or name (§5.2.5, §5.2.6)."""
    if address.startswith("+"):
        return b"\1\1" + _text(address[1:])  # international, E.164
    return (b"\0\1" if address.isdigit() else b"\5\0") + _text(address)  # unknown; alphanumeric


def _heard(body: bytes) -> Heard | None:
    """What a deliver_sm says (§4.6.1), if it is no receipt. Raises SmppFault."""
    try:
        _, rest = _split(body)
        phone, rest = _split(rest[2:])
        _, rest = _split(rest[2:])
        esm_class = rest[0]
        _, rest = _split(rest[3:])
        _, rest = _split(rest)
        coding, length = rest[2], rest[4]
    except IndexError:
        raise SmppFault("a message that is cut short") from None
    if esm_class & _RECEIPT_BITS or not phone:
        return None
    return Heard(f"+{phone.decode('latin-1').lstrip('+')}", decoded(rest[5 : 5 + length], coding))


def _split(data: bytes) -> tuple[bytes, bytes]:
    text, end, rest = data.partition(b"\0")
    if not end:
        raise IndexError(data)
    return text, rest
