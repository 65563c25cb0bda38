"""Waiting for what has no event, such as the end of a queue that nobody may touch: asking again, for a time."""

import time
from collections.abc import Callable

TIMEOUT_S = 10.0
_PAUSE_S = 0.02


def eventually(is_so: Callable[[], bool], timeout_s: float = TIMEOUT_S) -> None:
    """Asks until it is so; AssertionError when it is not so in time. The pause keeps the asking from being a load."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(_PAUSE_S)
