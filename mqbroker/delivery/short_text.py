"""Text messages as telephones take them: in their own alphabet if that has every character, else in UCS-2; in parts.

One part holds 160 characters of the alphabet or 70 of UCS-2. A text that needs more is sent in parts that begin with a
header by which the telephone puts them together:

    +----+----+----+-----------+-------+------+
    | 05 | 00 | 03 | reference | parts | part |      3GPP TS 23.040 §9.2.3.24.1
    +----+----+----+-----------+-------+------+
"""

from typing import NamedTuple

from mqbroker.delivery.limits import SMS_PARTS_MAX

ALPHABET = 0  # data codings of SMPP 3.4 §5.2.19
UCS2 = 8

_PART_OCTETS = 140
_HEADER_OCTETS = 6
_SEPTETS = _PART_OCTETS * 8 // 7
_SEPTETS_WITH_HEADER = (_PART_OCTETS - _HEADER_OCTETS) * 8 // 7
_ESCAPE = 0x1B

# 3GPP TS 23.038 §6.2.1: the character at each place; 0x1B leads to the extension.
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = {"\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40,
              "€": 0x65}  # fmt: skip
_OCTETS: dict[str, bytes] = {character: bytes((place,)) for place, character in enumerate(_BASIC) if place != _ESCAPE}
_OCTETS |= {character: bytes((_ESCAPE, place)) for character, place in _EXTENSION.items()}


class ShortText(NamedTuple):
    """A text in parts, each with its header if there are several."""

    coding: int
    parts: list[bytes]

    @property
    def has_headers(self) -> bool:
        """Whether the parts begin with headers."""
        return len(self.parts) > 1


def encoded(text: str, reference: int) -> ShortText:
    """A text as it is sent; `reference` tells its parts from those of others. More parts than may be are left out."""
    if all(character in _OCTETS for character in text):
        return ShortText(
            ALPHABET, _parts([_OCTETS[character] for character in text], _SEPTETS, _SEPTETS_WITH_HEADER, reference)
        )
    units = [character.encode("utf-16-be", "replace") for character in text]
    return ShortText(UCS2, _parts(units, _PART_OCTETS, _PART_OCTETS - _HEADER_OCTETS, reference))


def _parts(units: list[bytes], whole: int, most: int, reference: int) -> list[bytes]:
    """Units put together as far as they fit; none is divided, for half a character is none."""
    if sum(map(len, units)) <= whole:
        return [b"".join(units)]
    parts = [bytearray()]
    for unit in units:
        if len(parts[-1]) + len(unit) > most:
            parts.append(bytearray())
        parts[-1] += unit
    del parts[SMS_PARTS_MAX:]
    return [bytes((5, 0, 3, reference & 0xFF, len(parts), number)) + part for number, part in enumerate(parts, 1)]


def decoded(data: bytes, coding: int) -> str:
    """What somebody has written, as far as it can be read."""
    if coding == UCS2:
        return data.decode("utf-16-be", "replace")
    if coding == ALPHABET:
        return "".join(_BASIC[octet] if octet < len(_BASIC) else "?" for octet in data)
    return data.decode("latin-1")
