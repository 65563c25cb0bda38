"""The bodies of frames: performatives (AMQP 1.0 part 2, 2.7) and those of SASL (part 5, 5.3.3)."""

from dataclasses import dataclass
from typing import Any

from mqbroker.protocols.amqp1.codec.composites import composite, wire

OPEN, BEGIN, ATTACH, FLOW, TRANSFER = 0x10, 0x11, 0x12, 0x13, 0x14
DISPOSITION, DETACH, END, CLOSE = 0x15, 0x16, 0x17, 0x18

SENDER, RECEIVER = False, True
"""A role: of whoever sends the performative."""

SETTLE_UNSETTLED, SETTLE_SETTLED, SETTLE_MIXED = 0, 1, 2
SETTLE_FIRST, SETTLE_SECOND = 0, 1


@composite("amqp:open:list", OPEN)
@dataclass(slots=True)
class Open:
    """2.7.1"""

    container_id: str = wire("string", "", required=True)
    hostname: str | None = wire("string")
    max_frame_size: int = wire("uint", 0xFFFF_FFFF)
    channel_max: int = wire("ushort", 0xFFFF)
    idle_time_out: int | None = wire("uint")
    outgoing_locales: list[str] = wire("symbols", [])
    incoming_locales: list[str] = wire("symbols", [])
    offered_capabilities: list[str] = wire("symbols", [])
    desired_capabilities: list[str] = wire("symbols", [])
    properties: dict[Any, Any] = wire("map", {})


@composite("amqp:begin:list", BEGIN)
@dataclass(slots=True)
class Begin:
    """2.7.2"""

    remote_channel: int | None = wire("ushort")
    next_outgoing_id: int = wire("uint", 0, required=True)
    incoming_window: int = wire("uint", 0, required=True)
    outgoing_window: int = wire("uint", 0, required=True)
    handle_max: int = wire("uint", 0xFFFF_FFFF)
    offered_capabilities: list[str] = wire("symbols", [])
    desired_capabilities: list[str] = wire("symbols", [])
    properties: dict[Any, Any] = wire("map", {})


@composite("amqp:attach:list", ATTACH)
@dataclass(slots=True)
class Attach:
    """2.7.3"""

    name: str = wire("string", "", required=True)
    handle: int = wire("uint", 0, required=True)
    role: bool = wire("boolean", SENDER, required=True)
    snd_settle_mode: int = wire("ubyte", SETTLE_MIXED)
    rcv_settle_mode: int = wire("ubyte", SETTLE_FIRST)
    source: Any = wire("composite")
    target: Any = wire("composite")
    unsettled: dict[Any, Any] = wire("map", {})
    incomplete_unsettled: bool = wire("boolean", False)
    initial_delivery_count: int | None = wire("uint")
    max_message_size: int | None = wire("ulong")
    offered_capabilities: list[str] = wire("symbols", [])
    desired_capabilities: list[str] = wire("symbols", [])
    properties: dict[Any, Any] = wire("map", {})


@composite("amqp:flow:list", FLOW)
@dataclass(slots=True)
class Flow:
    """2.7.4"""

    next_incoming_id: int | None = wire("uint")
    incoming_window: int = wire("uint", 0, required=True)
    next_outgoing_id: int = wire("uint", 0, required=True)
    outgoing_window: int = wire("uint", 0, required=True)
    handle: int | None = wire("uint")
    delivery_count: int | None = wire("uint")
    link_credit: int | None = wire("uint")
    available: int | None = wire("uint")
    drain: bool = wire("boolean", False)
    echo: bool = wire("boolean", False)
    properties: dict[Any, Any] = wire("map", {})


@composite("amqp:transfer:list", TRANSFER)
@dataclass(slots=True)
class Transfer:
    """2.7.5"""

    handle: int = wire("uint", 0, required=True)
    delivery_id: int | None = wire("uint")
    delivery_tag: bytes | None = wire("binary")
    message_format: int | None = wire("uint")
    settled: bool | None = wire("boolean")
    more: bool = wire("boolean", False)
    rcv_settle_mode: int | None = wire("ubyte")
    state: Any = wire("composite")
    resume: bool = wire("boolean", False)
    aborted: bool = wire("boolean", False)
    batchable: bool = wire("boolean", False)


@composite("amqp:disposition:list", DISPOSITION)
@dataclass(slots=True)
class Disposition:
    """2.7.6"""

    role: bool = wire("boolean", SENDER, required=True)
    first: int = wire("uint", 0, required=True)
    last: int | None = wire("uint")
    settled: bool = wire("boolean", False)
    state: Any = wire("composite")
    batchable: bool = wire("boolean", False)


@composite("amqp:detach:list", DETACH)
@dataclass(slots=True)
class Detach:
    """2.7.7"""

    handle: int = wire("uint", 0, required=True)
    closed: bool = wire("boolean", False)
    error: Any = wire("composite")


@composite("amqp:end:list", END)
@dataclass(slots=True)
class End:
    """2.7.8"""

    error: Any = wire("composite")


@composite("amqp:close:list", CLOSE)
@dataclass(slots=True)
class Close:
    """2.7.9"""

    error: Any = wire("composite")


@composite("amqp:error:list", 0x1D)
@dataclass(slots=True)
class Error:
    """2.8.14"""

    condition: str = wire("symbol", "", required=True)
    description: str | None = wire("string")
    info: dict[Any, Any] = wire("map", {})


@composite("amqp:sasl-mechanisms:list", 0x40)
@dataclass(slots=True)
class SaslMechanisms:
    """5.3.3.1"""

    mechanisms: list[str] = wire("symbols", [], required=True)


@composite("amqp:sasl-init:list", 0x41)
@dataclass(slots=True)
class SaslInit:
    """5.3.3.2"""

    mechanism: str = wire("symbol", "", required=True)
    initial_response: bytes | None = wire("binary")
    hostname: str | None = wire("string")


@composite("amqp:sasl-challenge:list", 0x42)
@dataclass(slots=True)
class SaslChallenge:
    """5.3.3.3"""

    challenge: bytes = wire("binary", b"", required=True)


@composite("amqp:sasl-response:list", 0x43)
@dataclass(slots=True)
class SaslResponse:
    """5.3.3.4"""

    response: bytes = wire("binary", b"", required=True)


@composite("amqp:sasl-outcome:list", 0x44)
@dataclass(slots=True)
class SaslOutcome:
    """5.3.3.5"""

    code: int = wire("ubyte", 0, required=True)
    additional_data: bytes | None = wire("binary")
