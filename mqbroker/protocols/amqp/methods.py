"""The methods of AMQP 0-9-1, decoded and encoded from tables that are built once, at import, from pamqp's classes.

    0          2           4
    +----------+-----------+-----------------------+
    | class id | method id | arguments, in order   |      payload of a method frame, AMQP 0-9-1 §4.2.4
    +----------+-----------+-----------------------+

    octet, short, long, longlong    unsigned, 1, 2, 4 and 8 octets
    bit                             adjacent bits share an octet, the first is the lowest
    shortstr, longstr, table        as in tables.py; a longstr is bytes here, for it carries credentials

It owns names, numbers and arguments of methods; which of them a peer may send, and when, is the session's business.
Names are those of the specification, "queue.declare-ok"; argument names are pamqp's, "exchange_type" and "global_"
included. For each method the arguments become a tuple of small functions that read or write one argument (or one octet
of bits) each. Publish, deliver and the acknowledgements have faster ways in the session.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, cast

from pamqp import commands
from pamqp.base import Frame

from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp.constants import BASIC_DELIVER, BASIC_GET_OK, BASIC_PUBLISH, BASIC_RETURN
from mqbroker.protocols.amqp.frames import method_frame
from mqbroker.protocols.amqp.tables import read_table, write_short_string, write_table

Arguments = dict[str, Any]
_Reader = Callable[[bytes, int, Arguments], int]
_Writer = Callable[[Arguments], bytes]
_Argument = tuple[str, str]

_INDEX = struct.Struct(">I")
_unpack_index = _INDEX.unpack_from
_unpack_long = struct.Struct(">I").unpack_from
_pack_long = struct.Struct(">I").pack

_INTEGERS = {"octet": ">B", "short": ">H", "long": ">I", "longlong": ">Q"}
_DEFAULTS: dict[str, Any] = {"bit": False, "shortstr": "", "longstr": b"", "table": {}} | dict.fromkeys(_INTEGERS, 0)

# The names in these travel with every message. RabbitMQ takes any octets there and insists on UTF-8 everywhere else.
_ANY_OCTETS = frozenset((BASIC_PUBLISH, BASIC_DELIVER, BASIC_RETURN, BASIC_GET_OK))

# What RabbitMQ still answers and pamqp no longer lists (AMQP 0-8 clients ask for a ticket before everything else).
_ACCESS: dict[int, tuple[str, tuple[_Argument, ...]]] = {
    0x001E000A: (
        "access.request",
        (("realm", "shortstr"), *((name, "bit") for name in ("exclusive", "passive", "active", "write", "read"))),
    ),
    0x001E000B: ("access.request-ok", (("ticket", "short"),)),
}


class Method:
    """A decoded method: its `name`, its `index` (class id << 16 | method id) and its arguments by name."""

    __slots__ = ("args", "index", "name")

    def __init__(self, name: str, index: int, args: Arguments) -> None:
        self.name = name
        self.index = index
        self.args = args

    def __repr__(self) -> str:
        return f"<{self.name}>"  # without the arguments: they may hold credentials


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """What the specification says of one method, and how its arguments are read and written."""

    name: str
    index: int
    arguments: tuple[_Argument, ...]
    readers: tuple[_Reader, ...]
    writers: tuple[_Writer, ...]

    @property
    def class_id(self) -> int:
        """The class, as connection.close and channel.close name the method at fault."""
        return self.index >> 16

    @property
    def method_id(self) -> int:
        """The method within its class."""
        return self.index & 0xFFFF


class _Truncated(Exception):
    """An argument ends beyond the payload; becomes a ProtocolViolation that shows the octets."""


# --- reading one argument -------------------------------------------------------------------------------------------


def _integer_reader(name: str, code: str) -> _Reader:
    layout = struct.Struct(code)
    unpack, size = layout.unpack_from, layout.size

    def read(data: bytes, at: int, args: Arguments) -> int:
        args[name] = unpack(data, at)[0]
        return at + size

    return read


def _bits_reader(names: tuple[str, ...]) -> _Reader:
    masks = tuple((name, 1 << place) for place, name in enumerate(names))

    def read(data: bytes, at: int, args: Arguments) -> int:
        bits = data[at]
        for name, mask in masks:
            args[name] = bits & mask != 0
        return at + 1

    return read


def _short_string_reader(name: str, errors: str) -> _Reader:
    def read(data: bytes, at: int, args: Arguments) -> int:
        start = at + 1
        stop = start + data[at]
        if stop > len(data):
            raise _Truncated
        args[name] = data[start:stop].decode(errors=errors)
        return stop

    return read


def _long_string_reader(name: str) -> _Reader:
    def read(data: bytes, at: int, args: Arguments) -> int:
        start = at + 4
        stop: int = start + _unpack_long(data, at)[0]
        if stop > len(data):
            raise _Truncated
        args[name] = data[start:stop]
        return stop

    return read


def _table_reader(name: str) -> _Reader:
    def read(data: bytes, at: int, args: Arguments) -> int:
        if at + 4 + _unpack_long(data, at)[0] > len(data):
            raise _Truncated
        args[name], stop = read_table(data, at)
        return stop

    return read


# --- writing one argument -------------------------------------------------------------------------------------------


def _integer_writer(name: str, code: str) -> _Writer:
    pack = struct.Struct(code).pack
    return lambda args: pack(args[name])


def _bits_writer(names: tuple[str, ...]) -> _Writer:
    def write(args: Arguments) -> bytes:
        return bytes((sum(1 << place for place, name in enumerate(names) if args[name]),))

    return write


def _long_string_writer(name: str) -> _Writer:
    def write(args: Arguments) -> bytes:
        value: str | bytes = args[name]
        octets = value.encode() if isinstance(value, str) else value
        return _pack_long(len(octets)) + octets

    return write


# --- the tables -----------------------------------------------------------------------------------------------------


def _octets_of(arguments: tuple[_Argument, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The arguments as (type, names): one name each, but up to eight for the bits of one octet."""
    for kind, run in groupby(arguments, key=lambda argument: argument[1]):
        names = tuple(name for name, _ in run)
        step = 8 if kind == "bit" else 1
        for start in range(0, len(names), step):
            yield kind, names[start : start + step]


def _reader(kind: str, names: tuple[str, ...], errors: str) -> _Reader:
    if kind == "bit":
        return _bits_reader(names)
    if kind == "shortstr":
        return _short_string_reader(names[0], errors)
    if kind == "longstr":
        return _long_string_reader(names[0])
    if kind == "table":
        return _table_reader(names[0])
    return _integer_reader(names[0], _INTEGERS[kind])


def _writer(kind: str, names: tuple[str, ...]) -> _Writer:
    name = names[0]
    if kind == "bit":
        return _bits_writer(names)
    if kind == "shortstr":
        return lambda args: write_short_string(args[name])
    if kind == "longstr":
        return _long_string_writer(name)
    if kind == "table":
        return lambda args: write_table(args[name])
    return _integer_writer(name, _INTEGERS[kind])


def _spec(index: int, name: str, arguments: tuple[_Argument, ...]) -> MethodSpec:
    errors = "surrogateescape" if index in _ANY_OCTETS else "strict"
    groups = tuple(_octets_of(arguments))
    return MethodSpec(
        name=name,
        index=index,
        arguments=arguments,
        readers=tuple(_reader(kind, names, errors) for kind, names in groups),
        writers=tuple(_writer(kind, names) for kind, names in groups),
    )


def _spelled(name: str) -> str:
    """`queue.declare-ok` for pamqp's `Queue.DeclareOk`."""
    class_name, method_name = name.split(".")
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in method_name)
    return f"{class_name.lower()}.{words.removeprefix('-')}"


def _build_specs() -> dict[int, MethodSpec]:
    specs = {index: _spec(index, *described) for index, described in _ACCESS.items()}
    kinds = cast(dict[int, type[Frame]], commands.INDEX_MAPPING)
    for index, kind in kinds.items():
        arguments = tuple((name, kind.amqp_type(name)) for name in kind.__slots__)
        specs[index] = _spec(index, _spelled(kind.name), arguments)
    return specs


SPECS = _build_specs()
SPECS_BY_NAME = {spec.name: spec for spec in SPECS.values()}
_BLANK = {spec.name: {name: _DEFAULTS[kind] for name, kind in spec.arguments} for spec in SPECS.values()}
_SHOWN_OCTETS = 128  # twice as many characters at least: the reply text is cut at 255


def _cannot_decode(payload: bytes) -> ProtocolViolation:
    octets = ",".join(map(str, payload[4 : 4 + _SHOWN_OCTETS]))
    return ProtocolViolation("frame", f"cannot decode <<{octets}>>")


def _read_arguments(spec: MethodSpec, payload: bytes) -> Arguments:
    args: Arguments = {}
    at = 4
    for read in spec.readers:
        at = read(payload, at, args)
    if at != len(payload):
        raise _Truncated
    return args


def find_method(payload: bytes) -> MethodSpec:
    """The method that a payload of at least four octets begins with. Raises ProtocolViolation("not_implemented"),
    where RabbitMQ 3.10 drops the connection without a word."""
    index: int = _unpack_index(payload)[0]
    spec = SPECS.get(index)
    if spec is None:
        raise ProtocolViolation("not_implemented", f"unknown method {index & 0xFFFF} of class {index >> 16}")
    return spec


def name_of(index: int) -> str:
    """What a method is called; `none` for what is none."""
    spec = SPECS.get(index)
    return "none" if spec is None else spec.name


def decode_method(payload: bytes) -> Method:
    """The method in the payload of a method frame, which is at least four octets long (a shorter one is an unknown
    frame to RabbitMQ).

    Raises ProtocolViolation: "not_implemented" for an unknown method; "frame" when the octets end before or after the
    last argument, or a name is not UTF-8; "syntax" for a malformed table.
    """
    spec = find_method(payload)
    try:
        return Method(spec.name, spec.index, _read_arguments(spec, payload))
    except UnicodeDecodeError:
        raise ProtocolViolation("frame", "Malformed UTF-8 in shortstr") from None
    except (_Truncated, IndexError, struct.error):
        raise _cannot_decode(payload) from None


def encode_payload(name: str, **args: Any) -> bytes:
    """Class id, method id and arguments; an argument that is not given is zero, empty or false.

    Raises KeyError for an unknown method or argument, and ValueError or struct.error for a value that does not fit its
    type: faults of the caller.
    """
    spec = SPECS_BY_NAME[name]
    values = _BLANK[name] | args
    if len(values) != len(spec.arguments):
        raise KeyError(f"{name} has no argument {sorted(values.keys() - _BLANK[name].keys())}")
    return _INDEX.pack(spec.index) + b"".join([write(values) for write in spec.writers])


def encode_method(name: str, channel: int, /, **args: Any) -> bytes:
    """A complete method frame; see encode_payload."""
    return method_frame(channel, encode_payload(name, **args))
