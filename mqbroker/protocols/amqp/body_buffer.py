"""The memory of one body that arrives in pieces. It owns when memory is taken and knows nothing of frames."""

from mqbroker import octets
from mqbroker.protocols.amqp.body_budget import BodyBudget
from mqbroker.protocols.amqp.limits import AMQP_BODY_BUFFER_BYTES, AMQP_BODY_BUFFER_FACTOR

# C integers when compiled
_FACTOR = AMQP_BODY_BUFFER_FACTOR
_AT_ONCE = AMQP_BODY_BUFFER_BYTES


class BodyBuffer:
    """The memory of a body of `size` octets that arrives in pieces; `filled` of them have."""

    __slots__ = ("budget", "charged", "filled", "memory", "size")

    def __init__(self, size: int, budget: BodyBudget) -> None:
        self.size = size
        self.filled = 0
        self.memory = octets.blank(0)
        self.budget = budget
        self.charged = 0
        """How much of the budget it has."""

    def reserve(self, count: int) -> None:
        """Makes room for `count` more octets, and for a multiple of what has arrived, but not for what was merely
        announced: a peer must not take memory by promises. Raises ContentTooLarge."""
        needed = self.filled + count
        if needed > len(self.memory):
            wanted = min(self.size, max(min(needed * _FACTOR, _AT_ONCE), needed * 2))
            self.budget.take(wanted - self.charged)
            self.charged = wanted
            memory = octets.blank(wanted)
            octets.put(memory, 0, self.memory, 0, self.filled)
            self.memory = memory

    def put(self, data: bytes, start: int, end: int) -> None:
        """Appends a piece of `data`."""
        self.reserve(end - start)
        octets.put(self.memory, self.filled, data, start, end)
        self.filled += end - start

    def window(self, count: int) -> memoryview:
        """Where to write the next `count` octets. The buffer must outlive it."""
        self.reserve(count)
        return octets.window(self.memory, self.filled, self.filled + count)

    def take(self) -> bytes:
        """The body, once all of it is there. The buffer must not be used any more."""
        self.drop()
        return octets.sealed(self.memory)

    def drop(self) -> None:
        """The body is complete, or will never be: its budget is free again."""
        self.budget.give_back(self.charged)
        self.charged = 0
