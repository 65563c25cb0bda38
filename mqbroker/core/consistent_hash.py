"""Which of several weighted destinations a key belongs to (the x-consistent-hash exchange).

Owns the hash. Weighted rendezvous hashing: every destination draws a number for the key, its weight tilts the draw,
and the lowest draw wins. Unlike a ring it holds no points, so a weight of a billion costs what a weight of one does;
shares are exactly proportional; and a destination that leaves gives away its own keys and no others (RabbitMQ's jump
hash renumbers the buckets behind it, so more keys move). The price is one draw for each destination and message.

Nothing depends on Python's own `hash`, so that a key keeps its destination over restarts and on the standby.
"""

from collections.abc import Hashable, Mapping
from hashlib import blake2b
from math import log
from typing import Generic, TypeVar

from mqbroker.core.erlang_text import term_text
from mqbroker.core.values import octets
from mqbroker.errors import PreconditionFailed

T = TypeVar("T", bound=Hashable)

_MASK = (1 << 64) - 1
HASHED_PROPERTIES = ("correlation_id", "message_id", "timestamp")


class WeightedHash(Generic[T]):
    """Weighted destinations. A slot is whatever the caller tells bindings apart by; its label seeds the draw."""

    __slots__ = ("_slots",)

    def __init__(self) -> None:
        self._slots: dict[Hashable, tuple[int, float, T]] = {}

    def __len__(self) -> int:
        return len(self._slots)

    def add(self, slot: Hashable, label: str, weight: int, destination: T) -> None:
        """Gives `destination` a share of the keys in proportion to `weight`. Equal labels draw equal numbers."""
        self._slots[slot] = (hash64(octets(label)), float(weight), destination)

    def remove(self, slot: Hashable) -> None:
        """Takes a share back. Raises KeyError for an unknown slot."""
        del self._slots[slot]

    def find(self, key: bytes) -> T | None:
        """The destination that `key` belongs to; None when there is none at all."""
        hashed = hash64(key)
        best = float("inf")
        winner: T | None = None
        for seed, weight, destination in self._slots.values():
            # The draw is exponentially distributed with the weight as its rate: the least of several such draws falls
            # to each in proportion to its rate.
            draw = -log((_mix(hashed ^ seed) + 1) / (_MASK + 2)) / weight
            if draw < best:
                best = draw
                winner = destination
        return winner


def hash64(data: bytes) -> int:
    """64 stable bits for `data`."""
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


def _mix(value: int) -> int:
    """The finaliser of splitmix64: every bit of the input moves about half of the bits of the output."""
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def parse_weight(key: str) -> int:
    """The weight that a binding key states. Raises PreconditionFailed unless it is a positive decimal integer."""
    digits = key[1:] if key[:1] in ("+", "-") else key
    if not (digits.isascii() and digits.isdigit()):
        raise PreconditionFailed(f"The binding key must be an integer: {term_text(key)}")
    weight = int(key)
    if weight < 1:
        raise PreconditionFailed("The binding key must be greater than 0")
    return weight


def check_hash_arguments(arguments: Mapping[str, object]) -> None:
    """Raises PreconditionFailed for a declaration that does not say clearly what to hash."""
    for name in ("hash-header", "hash-property"):
        if name in arguments and not isinstance(arguments[name], str):
            raise PreconditionFailed(f"{name} must be a string")
    if "hash-header" in arguments and "hash-property" in arguments:
        raise PreconditionFailed("hash-header and hash-property are mutually exclusive")
    wanted = arguments.get("hash-property")
    if wanted is not None and wanted not in HASHED_PROPERTIES:
        raise PreconditionFailed(f"Unsupported property: {wanted}")
