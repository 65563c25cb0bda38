"""Header and argument values, in Python's own types, that keep their wire type through a round trip.

This module owns the mapping between Python types and the value types of RabbitMQ's dialect of AMQP 0-9-1 §4.2.5.5. It
knows the names of the types, because error texts show them, but nothing of octets: the codec encodes them.

    Python              wire   name              Python           wire   name
    bool                t      bool              str              S      longstr
    Int8                b      byte              RawString        S      longstr (octets that are not UTF-8)
    UInt8               B      unsignedbyte      bytes            x      binary
    Int16               s      short             Timestamp        T      timestamp (seconds since the epoch)
    UInt16              u      unsignedshort     Decimal          D      decimal
    Int32               I      signedint         list             A      array
    UInt32              i      unsignedint       dict             F      table
    int                 l      long              None             V      void
    UInt64              L      unsignedlong
    Float32             f      float
    float               d      double

The subclasses compare and hash as the plain types do. Python says `True == 1 == 1.0`, which no peer means: whoever
decides about routing or equivalence compares with `same_value`.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass


class Int8(int):
    """`b`: a signed octet."""

    __slots__ = ()


class UInt8(int):
    """`B`: an unsigned octet."""

    __slots__ = ()


class Int16(int):
    """`s`: a signed 16-bit integer."""

    __slots__ = ()


class UInt16(int):
    """`u`: an unsigned 16-bit integer."""

    __slots__ = ()


class Int32(int):
    """`I`: a signed 32-bit integer."""

    __slots__ = ()


class UInt32(int):
    """`i`: an unsigned 32-bit integer."""

    __slots__ = ()


class UInt64(int):
    """`L`: an unsigned 64-bit integer."""

    __slots__ = ()


class Timestamp(int):
    """`T`: seconds since the Unix epoch, unsigned 64 bits."""

    __slots__ = ()


class Float32(float):
    """`f`: a single-precision number."""

    __slots__ = ()


class RawString(bytes):
    """`S`: a long string whose octets are not UTF-8, kept as they came."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Decimal:
    """`D`: `value` times ten to the power of minus `scale`; an octet and an unsigned 32-bit integer on the wire."""

    scale: int
    value: int


Value = None | bool | int | float | str | bytes | Decimal | Sequence["Value"] | Mapping[str, "Value"]
Table = Mapping[str, Value]

_TYPE_NAMES: dict[type, str] = {
    type(None): "void",
    bool: "bool",
    Int8: "byte",
    UInt8: "unsignedbyte",
    Int16: "short",
    UInt16: "unsignedshort",
    Int32: "signedint",
    UInt32: "unsignedint",
    int: "long",
    UInt64: "unsignedlong",
    Float32: "float",
    float: "double",
    str: "longstr",
    RawString: "longstr",
    bytes: "binary",
    Timestamp: "timestamp",
    Decimal: "decimal",
    list: "array",
    tuple: "array",
    dict: "table",
}


def type_name(value: object) -> str:
    """RabbitMQ's name for the wire type of `value`, as its error texts show it. Raises KeyError for a foreign type."""
    return _TYPE_NAMES[type(value)]


def octets(text: str | bytes) -> bytes:
    """The octets of a string as they are on the wire; names that are not UTF-8 were decoded with surrogateescape."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def text_of(value: str | bytes) -> str:
    """A string as names are decoded."""
    return octets(value).decode("utf-8", "surrogateescape")


def same_value(left: object, right: object) -> bool:
    """Whether two values are equal as RabbitMQ compares them (headers exchange, equivalence of arguments).

    Numbers of any type compare by value, and strings by octets; a bool equals only a bool. Measured with RabbitMQ
    3.10.8: what is nested in an array or table has to have the same type as well.
    """
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float):
        return isinstance(right, int | float) and left == right
    if isinstance(left, str | bytes):
        return isinstance(right, str | bytes) and octets(left) == octets(right)
    return identity(left) == identity(right)


def identity(value: object) -> Hashable:
    """A hashable stand-in that is equal for equal values of equal wire type; the order of a table is no part of it."""
    if isinstance(value, Mapping):
        return "table", tuple(sorted((octets(name), identity(part)) for name, part in value.items()))
    if isinstance(value, list | tuple):
        return "array", tuple(identity(part) for part in value)
    if isinstance(value, str | bytes):
        return type_name(value), octets(value)
    if isinstance(value, float):
        return type_name(value), repr(value)  # not-a-number is equal to itself here, or it could never be unbound
    assert isinstance(value, Hashable)
    return type_name(value), value
