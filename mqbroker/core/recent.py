"""What was found out lately, kept in a plain dictionary with a bound: the way of every cache in the broker.

A hit costs what a dictionary costs, compiled and interpreted, because nothing is noted about it. When there are too
many, the oldest eighth goes, so whoever needs more than the bound never pays for all of them at once, and whoever needs
fewer never pays at all. What goes in spite of being in use is found out once more. That is why it is not the least
recently used that goes: to know which that is would cost something at every hit.
"""

from itertools import islice
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

_SHARE = 8  # one in so many goes: dropping them one by one would walk over the gaps that the last ones left


def remember(known: dict[K, V], key: K, value: V, most: int) -> V:
    """Keeps what was found out for a key, and returns it. There are never more than `most`."""
    if len(known) >= most and key not in known:
        for oldest in list(islice(known, max(1, most // _SHARE))):
            del known[oldest]
    known[key] = value
    return value
