"""Where one message goes, looked up once: its queues, and the exchanges that hold it back for a while.

A transaction keeps it from the publish to the commit, so what it names may have gone when it is used.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mqbroker.core.exchange import Exchange
    from mqbroker.core.queue import Queue


@dataclass(slots=True)
class Targets:
    """Each queue and each x-delayed-message exchange once."""

    queues: "list[Queue]"
    held_by: "list[Exchange]"
