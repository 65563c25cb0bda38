"""Which of several weighted destinations a key belongs to (a consistent-hash exchange).

Owns the hash. Weighted rendezvous hashing: every destination draws a number for the key, its weight tilts the draw,
and the lowest draw wins. Unlike a ring it holds no points, so a weight of a billion costs what a weight of one does;
shares are exactly proportional; and a destination that leaves gives away its own keys and no others (RabbitMQ's jump
hash renumbers the buckets after it, so more keys move). The price is one draw for each destination and message.

Beyond a thousand destinations that price is too high. There they are the leaves of a tree by the bits of their own
hashes, and a key goes down from its root: at each fork one draw, tilted by the weights on both sides. Shares stay
exactly proportional, a look-up costs the logarithm, and nothing depends on who came first. But the weights of a fork
change for all below it, so some times as many keys move as have to; and nearly all when the thousand is passed, once.

Nothing depends on Python's own `hash`, so that a key keeps its destination over restarts and on the standby.
"""

from bisect import bisect_left
from collections.abc import Hashable, Iterable
from hashlib import blake2b
from itertools import accumulate
from math import log
from typing import Generic, TypeVar

from mqbroker.core.values import octets
from mqbroker.limits import HASH_DRAWS_MAX

T = TypeVar("T", bound=Hashable)

_MASK = (1 << 64) - 1


class WeightedHash(Generic[T]):
    """Weighted destinations. A slot is whatever the caller tells bindings apart by; its label seeds the draw."""

    __slots__ = ("_slots", "_tree")

    def __init__(self) -> None:
        self._slots: dict[Hashable, tuple[int, int, T]] = {}
        self._tree: _Tree[T] | None = None
        """The same slots, when there are too many for a draw of each."""

    def __len__(self) -> int:
        return len(self._slots)

    def add(self, slot: Hashable, label: str, weight: int, destination: T) -> None:
        """Gives `destination` a share of the keys in proportion to `weight`. Equal labels draw equal numbers."""
        added = self._slots[slot] = (hash64(octets(label)), weight, destination)
        if self._tree is not None:
            self._tree.add(*added)
        elif len(self._slots) > HASH_DRAWS_MAX:
            self._tree = _Tree(self._slots.values())

    def remove(self, slot: Hashable) -> None:
        """Takes a share back. Raises KeyError for an unknown slot."""
        seed, _, destination = self._slots.pop(slot)
        if len(self._slots) <= HASH_DRAWS_MAX:
            self._tree = None
        elif self._tree is not None:
            self._tree.remove(seed, destination)

    def find(self, key: bytes) -> T | None:
        """The destination that `key` belongs to; None when there is none at all."""
        hashed = hash64(key)
        return self._draw(hashed) if self._tree is None else self._tree.find(hashed)

    def _draw(self, hashed: int) -> T | None:
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


class _Tree(Generic[T]):
    """Many slots in the order of their hashes, so that those whose hashes begin with the same bits stand together."""

    __slots__ = ("_destinations", "_seeds", "_sums", "_weights")

    def __init__(self, slots: Iterable[tuple[int, int, T]]) -> None:
        ordered = sorted(slots, key=lambda slot: slot[0])
        self._seeds = [seed for seed, _, _ in ordered]
        self._weights = [weight for _, weight, _ in ordered]
        self._destinations = [destination for _, _, destination in ordered]
        self._sums: list[int] = []
        """The sum of the weights before each place; empty when it has to be made anew."""

    def add(self, seed: int, weight: int, destination: T) -> None:
        """One slot more."""
        at = bisect_left(self._seeds, seed)
        self._seeds.insert(at, seed)
        self._weights.insert(at, weight)
        self._destinations.insert(at, destination)
        self._sums = []

    def remove(self, seed: int, destination: T) -> None:
        """One slot less. It must be there."""
        at = self._destinations.index(destination, bisect_left(self._seeds, seed))
        del self._seeds[at], self._weights[at], self._destinations[at]
        self._sums = []

    def find(self, hashed: int) -> T:
        """The destination that a key with this hash belongs to."""
        sums = self._sums = self._sums or list(accumulate(self._weights, initial=0))
        low, high = 0, len(self._seeds)
        path = 1  # the bits so far, after a one that tells how many there are
        for shift in range(63, -1, -1):
            if high - low == 1:
                break
            middle = bisect_left(self._seeds, ((path << 1 | 1) << shift) & _MASK, low, high)
            is_one = middle == low
            if low < middle < high:
                drawn = _mix(hashed ^ _mix(path)) * (sums[high] - sums[low])
                is_one = drawn >= (sums[middle] - sums[low]) << 64
            path = path << 1 | is_one
            low, high = (middle, high) if is_one else (low, middle)
        return self._destinations[low]


def hash64(data: bytes) -> int:
    """64 stable bits for `data`."""
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


def _mix(value: int) -> int:
    """The finaliser of splitmix64: every bit of the input moves about half of the bits of the output."""
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)
