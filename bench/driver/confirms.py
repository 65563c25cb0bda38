"""Keeps count of publisher confirms: each message is confirmed once, by itself or by a later one with `multiple`.

Owns the set of unconfirmed messages of one channel. Reads no socket: it is given bytes.
"""

import numpy as np
import numpy.typing as npt

from bench.driver.amqp_records import ACK_FRAME_SIZE, ack_frame
from bench.driver.verify import Faults
from bench.errors import ProtocolError

_FRAME = np.dtype(
    {
        "names": ["tag", "multiple"],
        "formats": [">u8", "u1"],
        "offsets": [11, 19],
        "itemsize": ACK_FRAME_SIZE,
    }
)
_ACK_PREFIX = np.frombuffer(ack_frame(0)[:11], np.uint8)
_INITIAL_CAPACITY = 1 << 20


class ConfirmLedger:
    """Which messages, numbered from 1, are confirmed. `confirmed` counts them; `faults` collects what cannot be."""

    def __init__(self) -> None:
        self.confirmed = 0
        self.faults = Faults()
        self._pending = bytearray()
        self._floor = 0
        self._seen = np.zeros(_INITIAL_CAPACITY, np.bool_)

    def receive(self, data: bytes, published: int) -> None:
        """Take bytes from the broker. Raises ProtocolError for anything but basic.ack."""
        self._pending += data
        whole = len(self._pending) // ACK_FRAME_SIZE
        if not whole:
            return
        chunk = bytes(self._pending[: whole * ACK_FRAME_SIZE])
        del self._pending[: whole * ACK_FRAME_SIZE]
        frames = np.frombuffer(chunk, _FRAME)
        heads = np.frombuffer(chunk, np.uint8).reshape(-1, ACK_FRAME_SIZE)[:, : len(_ACK_PREFIX)]
        if (heads != _ACK_PREFIX).any():
            raise ProtocolError(f"expected confirms, the broker sent {chunk[:64]!r}")
        self._grow(published)
        self._settle(frames["tag"].astype(np.int64), (frames["multiple"] & 1).astype(np.bool_), published)

    def _settle(self, tags: npt.NDArray[np.int64], multiple: npt.NDArray[np.bool_], published: int) -> None:
        unknown = (tags < 1) | (tags > published)
        if unknown.any():
            self.faults.surplus += int(unknown.sum())
            self.faults.note(f"a confirm for message {tags[unknown][0]}, of {published} published")
            tags, multiple = tags[~unknown], multiple[~unknown]
        singles = tags[~multiple]
        repeated = int(self._seen[singles].sum()) + len(singles) - len(np.unique(singles))
        if repeated:
            self.faults.surplus += repeated
            self.faults.note(f"{repeated} messages were confirmed twice")
        self._seen[singles] = True
        self.confirmed += len(singles) - repeated
        upto = int(tags[multiple].max(initial=0))
        if upto > self._floor:
            block = self._seen[self._floor + 1 : upto + 1]
            self.confirmed += len(block) - int(block.sum())
            block[:] = True
            self._floor = upto

    def _grow(self, published: int) -> None:
        while published >= len(self._seen):
            self._seen = np.concatenate([self._seen, np.zeros_like(self._seen)])
