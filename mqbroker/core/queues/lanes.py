"""In which lane of its queue an entry stands, as far as the journal counts by lanes (extent.py).

A queue with priorities has a lane for each. A polled queue has two: in its line are the entries that nobody has
received, and that have neither group nor delay nor deadline of their own, and these may leave memory. All others are
known one by one, and only their bodies may leave.
"""

from mqbroker.core.message import Entry
from mqbroker.core.queues.extent import POLLED_TOP
from mqbroker.core.queues.polled.group_lines import group_of

LINE = 0
KNOWN = 1

# C integers when compiled
_LINE, _KNOWN, _POLLED_TOP = LINE, KNOWN, POLLED_TOP


def lane_of(entry: Entry, top: int) -> int:
    """The lane of an entry of a queue whose highest one is `top`."""
    if top < _POLLED_TOP:
        return min(entry.message.properties.priority, top)
    return _KNOWN if is_known(entry) else _LINE


def is_known(entry: Entry) -> bool:
    """Whether an entry of a polled queue does not stand in its line."""
    return bool(entry.held_until or entry.first_taken_at or entry.expires_at or group_of(entry.message.properties))


def deadline_of(entry: Entry, top: int) -> int:
    """What counts as the entry's deadline in an extent or a page."""
    return entry.message.received_at if top == _POLLED_TOP and not is_known(entry) else entry.expires_at
