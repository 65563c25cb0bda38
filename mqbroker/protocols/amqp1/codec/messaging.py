"""Termini, outcomes and transactions (AMQP 1.0 part 3, 3.4 and 3.5; part 4, 4.5)."""

from dataclasses import dataclass
from typing import Any

from mqbroker.protocols.amqp1.codec.composites import composite, wire

NOT_DURABLE, CONFIGURATION, UNSETTLED_STATE = 0, 1, 2

LINK_DETACH, SESSION_END, CONNECTION_CLOSE, NEVER = "link-detach", "session-end", "connection-close", "never"

LIFETIME_POLICY = "lifetime-policy"
DELETE_ON_CLOSE = 0x2B  # 3.5.10: the descriptor of an empty list


@composite("amqp:received:list", 0x23)
@dataclass(slots=True)
class Received:
    """3.4.1"""

    section_number: int = wire("uint", 0, required=True)
    section_offset: int = wire("ulong", 0, required=True)


@composite("amqp:accepted:list", 0x24)
@dataclass(slots=True)
class Accepted:
    """3.4.2"""


@composite("amqp:rejected:list", 0x25)
@dataclass(slots=True)
class Rejected:
    """3.4.3"""

    error: Any = wire("composite")


@composite("amqp:released:list", 0x26)
@dataclass(slots=True)
class Released:
    """3.4.4"""


@composite("amqp:modified:list", 0x27)
@dataclass(slots=True)
class Modified:
    """3.4.5"""

    delivery_failed: bool = wire("boolean", False)
    undeliverable_here: bool = wire("boolean", False)
    message_annotations: dict[Any, Any] = wire("map", {})


@composite("amqp:source:list", 0x28)
@dataclass(slots=True)
class Source:
    """3.5.3"""

    address: str | None = wire("string")
    durable: int = wire("uint", NOT_DURABLE)
    expiry_policy: str = wire("symbol", SESSION_END)
    timeout: int = wire("uint", 0)
    dynamic: bool = wire("boolean", False)
    dynamic_node_properties: dict[Any, Any] = wire("map", {})
    distribution_mode: str | None = wire("symbol")
    filter: dict[Any, Any] = wire("map", {})
    default_outcome: Any = wire("composite")
    outcomes: list[str] = wire("symbols", [])
    capabilities: list[str] = wire("symbols", [])


@composite("amqp:target:list", 0x29)
@dataclass(slots=True)
class Target:
    """3.5.4"""

    address: str | None = wire("string")
    durable: int = wire("uint", NOT_DURABLE)
    expiry_policy: str = wire("symbol", SESSION_END)
    timeout: int = wire("uint", 0)
    dynamic: bool = wire("boolean", False)
    dynamic_node_properties: dict[Any, Any] = wire("map", {})
    capabilities: list[str] = wire("symbols", [])


@composite("amqp:coordinator:list", 0x30)
@dataclass(slots=True)
class Coordinator:
    """4.5.1"""

    capabilities: list[str] = wire("symbols", [])


@composite("amqp:declare:list", 0x31)
@dataclass(slots=True)
class Declare:
    """4.5.2"""

    global_id: Any = wire("any")


@composite("amqp:discharge:list", 0x32)
@dataclass(slots=True)
class Discharge:
    """4.5.3"""

    txn_id: bytes = wire("binary", b"", required=True)
    fail: bool = wire("boolean", False)


@composite("amqp:declared:list", 0x33)
@dataclass(slots=True)
class Declared:
    """4.5.6"""

    txn_id: bytes = wire("binary", b"", required=True)


@composite("amqp:transactional-state:list", 0x34)
@dataclass(slots=True)
class TransactionalState:
    """4.5.8"""

    txn_id: bytes = wire("binary", b"", required=True)
    outcome: Any = wire("composite")
