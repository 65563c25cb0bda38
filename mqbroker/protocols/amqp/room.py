"""The memory of one body that arrives in pieces. It owns when memory is taken and knows nothing of frames."""

from mqbroker import octets
from mqbroker.limits import AMQP_BODY_ROOM_FACTOR

_FACTOR = AMQP_BODY_ROOM_FACTOR  # a C integer when compiled


class Room:
    """The memory of a body of `size` octets that arrives in pieces; `filled` of them have."""

    __slots__ = ("filled", "memory", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.filled = 0
        self.memory = octets.blank(0)

    def reserve(self, count: int) -> None:
        """Makes room for `count` more octets, and for a multiple of what has arrived, but not for what was merely
        announced: a peer must not take memory by promises."""
        needed = self.filled + count
        if needed > len(self.memory):
            memory = octets.blank(min(self.size, needed * _FACTOR))
            octets.put(memory, 0, self.memory, 0, self.filled)
            self.memory = memory

    def put(self, data: bytes, start: int, end: int) -> None:
        """Appends a piece of `data`."""
        self.reserve(end - start)
        octets.put(self.memory, self.filled, data, start, end)
        self.filled += end - start

    def window(self, count: int) -> memoryview:
        """Where the next `count` octets are to be written. The room must outlive it."""
        self.reserve(count)
        return octets.window(self.memory, self.filled, self.filled + count)

    def take(self) -> bytes:
        """The body, once all of it is there. The room must not be used any more."""
        return octets.sealed(self.memory)
