"""The sections of a message (AMQP 1.0 part 3, 3.2), taken apart once when it is published.

    header  delivery-annotations  message-annotations  properties  application-properties   body ...  footer
    0x70    0x71                  0x72                 0x73        0x74                     0x75-0x77 0x78

Each may be missing but the body, and none comes twice or out of turn. What is kept is kept as it came: the sections
from the annotations to the body are one slice; the body of one data section is its octets, so that every protocol's
clients read them, and any other body is its sections. Delivery annotations are for this hop alone and end here.
"""

from mqbroker.core.values import UInt64
from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp1.codec.encode import compound, encode
from mqbroker.protocols.amqp1.codec.types import Described, Symbol, decode, malformed, size_at, skip, validate
from mqbroker.protocols.amqp1.limits import BODY_BYTES_LOOKED_INTO, MIDDLE_BYTES_MAX, SECTIONS_MAX

HEADER, DELIVERY_ANNOTATIONS, ANNOTATIONS, PROPERTIES, APPLICATION, DATA, SEQUENCE, VALUE, FOOTER = range(0x70, 0x79)

_NAMES = {
    "amqp:header:list": HEADER,
    "amqp:delivery-annotations:map": DELIVERY_ANNOTATIONS,
    "amqp:message-annotations:map": ANNOTATIONS,
    "amqp:properties:list": PROPERTIES,
    "amqp:application-properties:map": APPLICATION,
    "amqp:data:binary": DATA,
    "amqp:amqp-sequence:list": SEQUENCE,
    "amqp:amqp-value:*": VALUE,
    "amqp:footer:map": FOOTER,
}
_PROPERTIES_FIELDS_MAX = 13
_HEADER_BYTES_MAX = 255
_APPLICATION_START = bytes((0x00, 0x53, APPLICATION))
_LISTS = (0x45, 0xC0, 0xD0)


class Sections:
    """Where the sections of a message are in its octets."""

    __slots__ = (
        "body", "body_at", "body_end", "footer_at", "header_at", "header_end", "is_coded", "is_wide", "middle_at",
        "parts",
    )  # fmt: skip

    def __init__(self) -> None:
        self.header_at = self.header_end = 0
        self.middle_at = -1
        """Where what is kept before the body begins."""
        self.body_at = self.body_end = 0
        """The sections of the body."""
        self.body = (0, 0)
        """From where to where the octets of its one data section are."""
        self.is_coded = True
        """Whether it is anything else than one data section."""
        self.parts: list[tuple[int, int]] = []
        """Where the octets of each data section are, if there are several of the usual form and nothing else."""
        self.is_wide = False
        """Whether that one has a size of four octets, though one would do."""
        self.footer_at = 0
        """Where the footer begins, or else the end of all."""


def descriptor_at(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Which section begins at `at`, 0 for none that is known, and where its value is. Raises ProtocolViolation."""
    if data[at] != 0:
        raise malformed("a message has something that is no section")
    if at + 3 <= end and data[at + 1] == 0x53:
        return data[at + 2], at + 3
    descriptor, at = decode(data, at + 1, end)
    if isinstance(descriptor, Symbol):
        return _NAMES.get(descriptor, 0), at
    return (int(descriptor) if isinstance(descriptor, UInt64) else 0), at


def take_apart(data: bytes) -> Sections:
    """The sections of a message. Raises ProtocolViolation."""
    found = Sections()
    at, end, last, count = 0, len(data), 0, 0
    while at < end:
        start = at
        count += 1
        if count > SECTIONS_MAX:
            raise malformed(f"a message has more than {SECTIONS_MAX} sections")
        code, value_at = descriptor_at(data, at, end)
        if not HEADER <= code <= FOOTER:
            raise malformed("a message has a section that is not known")
        if code < last or (code == last and code not in (DATA, SEQUENCE)) or (last >= DATA and DATA < code < FOOTER
                                                                             and code != last):  # fmt: skip
            raise malformed("the sections of a message are out of order, or one is there twice")
        at = skip(data, value_at, end)
        _note(found, data, code, start, value_at, at, is_first=last < DATA)
        last = code
    if last < DATA or not found.body_end:
        raise malformed("a message has no body")
    if len(found.parts) < 2 or found.body_end - found.body_at != sum(_whole_size(*each) for each in found.parts):
        found.parts = []
    if not found.footer_at:
        found.footer_at = end
    return found


def _note(found: Sections, data: bytes, code: int, start: int, value_at: int, end: int, is_first: bool) -> None:
    if code == HEADER:
        found.header_at, found.header_end = value_at, end
        if end - value_at > _HEADER_BYTES_MAX:
            raise malformed("a message's header is too long")
    elif code == FOOTER:
        found.footer_at = start
    elif code >= DATA:
        if is_first:
            found.body_at = start
            if found.middle_at < 0:
                found.middle_at = start
        _note_body(found, data, code, value_at, end, is_first)
    elif code > DELIVERY_ANNOTATIONS and found.middle_at < 0:
        found.middle_at = start


def _note_body(found: Sections, data: bytes, code: int, value_at: int, end: int, is_first: bool) -> None:
    found.body_end = end
    found.is_coded = not is_first or code != DATA
    if code != DATA:
        return
    constructor = data[value_at]
    if constructor not in (0xA0, 0xB0):
        raise malformed("a data section is no binary")
    width = 1 if constructor == 0xA0 else 4
    size = size_at(data, value_at + 1, end, width)
    found.body = (value_at + 1 + width, end)
    found.is_wide = constructor == 0xB0 and size < 256
    if data[found.body_at + 1] != 0x53:
        found.is_coded = True  # an unusual descriptor is kept as it is
    else:
        found.parts.append(found.body)


def _whole_size(start: int, end: int) -> int:
    """How much a data section takes whose octets these are, in the usual form."""
    return end - start + (5 if end - start < 256 else 8)


def check_middle(data: bytes) -> None:
    """Whether the sections between header and body are what they should be. Raises ProtocolViolation."""
    at, end = 0, len(data)
    if end > MIDDLE_BYTES_MAX:
        raise malformed(f"the sections before the body have more than {MIDDLE_BYTES_MAX} octets")
    while at < end:
        code, value_at = descriptor_at(data, at, end)
        value, at = decode(data, value_at, end)
        if code == PROPERTIES:
            if not isinstance(value, list) or len(value) > _PROPERTIES_FIELDS_MAX:
                raise malformed("a message's properties are no list of 13 fields at most")
        elif not isinstance(value, dict):
            raise malformed("a section that is to be a map is none")
        elif code == APPLICATION:
            _check_application(value)
        else:
            check_annotations(value)


def _check_application(pairs: dict[object, object]) -> None:
    for key, value in pairs.items():
        if type(key) is not str:
            raise malformed("an application property has a name that is no string")
        if isinstance(value, list | dict | Described):
            raise malformed(f"the application property {key} is no simple value")


def check_annotations(pairs: dict[object, object]) -> None:
    """Whether the keys are symbols that begin with x-, which RabbitMQ 4 demands. Raises ProtocolViolation."""
    for key in pairs:
        if not isinstance(key, Symbol) or not key.startswith("x-"):
            raise malformed(f"the annotation {key!r} is no symbol that begins with x-")


def check_footer(data: bytes, at: int) -> None:
    """The same for the footer at `at`. Raises ProtocolViolation."""
    if len(data) - at > MIDDLE_BYTES_MAX:
        raise malformed(f"the footer has more than {MIDDLE_BYTES_MAX} octets")
    _, at = descriptor_at(data, at, len(data))
    value, _ = decode(data, at, len(data))
    if not isinstance(value, dict):
        raise malformed("a section that is to be a map is none")
    check_annotations(value)


def check_body(data: bytes, at: int, end: int) -> None:
    """Whether a body that is not one data section can be decoded, if that is not too much work. Raises
    ProtocolViolation."""
    if end - at > BODY_BYTES_LOOKED_INTO:
        return
    while at < end:
        code, at = descriptor_at(data, at, end)
        if code == SEQUENCE and data[at] not in _LISTS:
            raise malformed("an amqp-sequence section is no list")
        at = validate(data, at, end)


def violation_of_message(error: ProtocolViolation) -> ProtocolViolation:
    """The same as a fault of the message: it ends the link and no more."""
    return ProtocolViolation("message", error.text)


def with_application_property(middle: bytes, name: str, value: object) -> bytes:
    """The sections between header and body with one more application property; all else stays octet for octet."""
    at, end = 0, len(middle)
    added = encode(name) + encode(value)
    while at < end:
        start = at
        code, at = descriptor_at(middle, at, end)
        value_at, at = at, skip(middle, at, end)
        if code == APPLICATION:
            is_short = middle[value_at] == 0xC1
            count = middle[value_at + 2] if is_short else int.from_bytes(middle[value_at + 5 : value_at + 9], "big")
            items = middle[value_at + (3 if is_short else 9) : at]
            return middle[:start] + _APPLICATION_START + compound(0xC1, count + 2, items + added) + middle[at:]
    return middle + _APPLICATION_START + compound(0xC1, 2, added)
