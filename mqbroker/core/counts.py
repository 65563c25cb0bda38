"""How often each item is there, in a dictionary that has no entry for what is not there at all."""

from collections.abc import Hashable
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T", bound=Hashable)


def count_up(counts: dict[T, int], item: T) -> None:
    """The item is there once more."""
    counts[item] = counts.get(item, 0) + 1


def count_down(counts: dict[T, int], item: T) -> None:
    """The item, which must be there, is there once less."""
    if counts[item] == 1:
        del counts[item]
    else:
        counts[item] -= 1


def count_up_in(table: dict[K, dict[T, int]], key: K, item: T) -> None:
    """The same for the items of a key."""
    count_up(table.setdefault(key, {}), item)


def count_down_in(table: dict[K, dict[T, int]], key: K, item: T) -> None:
    """The same; a key without items is dropped."""
    counts = table[key]
    count_down(counts, item)
    if not counts:
        del table[key]
