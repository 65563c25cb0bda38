"""The two performatives that come for every message, read in their usual forms without making objects.

A transfer whose fields are simple, and a disposition that accepts: nearly all are. `Quick` notes what they say; for any
other form it says so, and whoever asked has it decoded like all performatives (composites.py).
"""

from mqbroker import octets

_NONE = -1
_UNUSUAL = -2


class Quick:
    """What the last performative said."""

    __slots__ = ("_at", "_stop", "delivery_id", "first", "handle", "has_more", "last", "settled")

    def __init__(self) -> None:
        self._at = self._stop = 0
        """Where the next item is, and where the list ends."""
        self.handle = 0
        self.delivery_id = _NONE
        """-1 when it is not there."""
        self.settled = _NONE
        """1 or 0; -1 when it is not there."""
        self.has_more = False
        self.first = self.last = 0

    def read_transfer(self, data: bytes, at: int, end: int) -> int:
        """Reads the transfer whose descriptor, 00 53 14, is at `at`. Where the payload begins; 0 for an unusual one."""
        count = self.begin_list(data, at + 3, end)
        if count < 2 or count > 11:
            return 0
        self.handle = self.read_uint(data, end)
        self.delivery_id = self.read_uint(data, end)
        self.settled = _NONE
        self.has_more = False
        if self.handle < 0 or self.delivery_id < 0:
            return 0
        if count > 2 and not self.skip_tag(data, end):
            return 0
        if count > 3 and self.read_uint(data, end) > 0:
            return 0
        if count > 4:
            self.settled = self.read_bool(data, end)
        if count > 5:
            more = self.read_bool(data, end)
            if more == _UNUSUAL:
                return 0
            self.has_more = more == 1
        if self.settled == _UNUSUAL or not self.has_only_nulls(data, end, count - 6):
            return 0
        return self._at if self._at == self._stop else 0

    def read_acceptance(self, data: bytes, at: int, end: int) -> bool:
        """Reads the disposition whose descriptor, 00 53 15, is at `at`: whether a receiver settles as accepted from
        `first` to `last`, and says no more."""
        count = self.begin_list(data, at + 3, end)
        if count < 5 or count > 6 or self.read_bool(data, end) != 1:
            return False
        self.first = self.read_uint(data, end)
        self.last = self.read_uint(data, end)
        if self.first < 0 or self.last == _UNUSUAL or self.read_bool(data, end) != 1:
            return False
        if self.last == _NONE:
            self.last = self.first
        at = self._at
        if end - at < 4 or data[at] != 0 or data[at + 1] != 0x53 or data[at + 2] != 0x24:
            return False
        if data[at + 3] == 0x45:
            self._at = at + 4
        elif data[at + 3] == 0xC0 and end - at >= 6 and data[at + 4] == 1 and data[at + 5] == 0:
            self._at = at + 6
        else:
            return False
        if count > 5 and self.read_bool(data, end) < _NONE:
            return False
        return self._at == end and self._at == self._stop

    def begin_list(self, data: bytes, at: int, end: int) -> int:
        """How many items the list at `at` has, which come next; -2 for none."""
        if end - at >= 3 and data[at] == 0xC0:
            self._at = at + 3
            self._stop = at + 2 + data[at + 1]
            return data[at + 2] if self._stop <= end else _UNUSUAL
        if end - at >= 9 and data[at] == 0xD0:
            self._at = at + 9
            self._stop = at + 5 + octets.long_at(data, at + 1)
            return octets.long_at(data, at + 5) if self._stop <= end else _UNUSUAL
        return _UNUSUAL

    def read_uint(self, data: bytes, end: int) -> int:
        """The next item, a uint; -1 for null, -2 for anything else."""
        at = self._at
        if at >= end:
            return _UNUSUAL
        code = data[at]
        if code == 0x43 or code == 0x40:
            self._at = at + 1
            return 0 if code == 0x43 else _NONE
        if code == 0x52 and end - at >= 2:
            self._at = at + 2
            return data[at + 1]
        if code == 0x70 and end - at >= 5:
            self._at = at + 5
            return octets.long_at(data, at + 1)
        return _UNUSUAL

    def read_bool(self, data: bytes, end: int) -> int:
        """The next item, a boolean; -1 for null, -2 for anything else."""
        at = self._at
        if at >= end:
            return _UNUSUAL
        code = data[at]
        self._at = at + 1
        if code == 0x41:
            return 1
        if code == 0x42:
            return 0
        return _NONE if code == 0x40 else _UNUSUAL

    def skip_tag(self, data: bytes, end: int) -> bool:
        """Passes over the next item, a short binary or null; False for anything else."""
        at = self._at
        if end - at >= 1 and data[at] == 0x40:
            self._at = at + 1
            return True
        if end - at < 2 or data[at] != 0xA0:
            return False
        self._at = at + 2 + data[at + 1]
        return self._at <= end

    def has_only_nulls(self, data: bytes, end: int, count: int) -> bool:
        """Passes over so many items that say nothing; False when one does."""
        while count > 0:
            if self.read_bool(data, end) not in (0, _NONE):
                return False
            count -= 1
        return True
