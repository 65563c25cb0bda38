"""Streams of messages as arrays of records of one size: where the changing fields are, and how to write them.

A protocol that is driven with constant names, properties and sizes puts the same bytes on the wire for each message,
except for a few fields. So a stream is an array of fixed-size records, and numpy renews or checks thousands of them in
one call. Owns the layout and the writing side; `verify` is the reading side. Knows no protocol.

A stream may cycle through several *variants* (routing keys, priorities, headers): message s has variant s mod count,
and all variants have records of the same size.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.driver import stamp
from bench.errors import ProtocolError

BLOCK_SIZE_BYTES = 256 * 1024


@dataclass(frozen=True)
class RecordLayout:
    """Records of one size, one template per variant, and the offsets of the fields that change.

    number_at: where the protocol counts the messages itself (delivery tag, packet id), or None.
    number_format: numpy format of that field, such as ">u8".
    opaque: (start, stop) spans that may hold anything, such as headers which the broker adds.
    """

    templates: tuple[bytes, ...]
    stamp_at: int
    body_size_bytes: int
    number_at: int | None = None
    number_format: str = ">u8"
    opaque: tuple[tuple[int, int], ...] = ()

    @property
    def size(self) -> int:
        """Bytes of one record on the wire."""
        return len(self.templates[0])

    @property
    def dtype(self) -> np.dtype[np.void]:
        """The record as a numpy structure of its changing fields only."""
        names = ["sequence", "publisher", "check"]
        formats = [">u8", ">u4", ">u4"]
        offsets = [self.stamp_at, self.stamp_at + 8, self.stamp_at + 12]
        if self.number_at is not None:
            names.append("number")
            formats.append(self.number_format)
            offsets.append(self.number_at)
        return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": self.size})

    def template_rows(self) -> npt.NDArray[np.uint8]:
        """The templates as an array of shape (variants, size)."""
        if len({len(template) for template in self.templates}) != 1:
            raise ProtocolError("the variants of one stream must have records of one size")
        return np.frombuffer(b"".join(self.templates), np.uint8).reshape(len(self.templates), -1)


def packet_numbers(sequences: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """16-bit numbers 1..65535 in turn, zero never (an MQTT packet identifier may not be 0)."""
    return sequences % np.uint64(65535) + np.uint64(1)


class RecordSource:
    """An endless stream of pre-encoded messages of one publisher, handed out as views of one block that is reused."""

    def __init__(self, layout: RecordLayout, publisher: int) -> None:
        self.record_size = layout.size
        self.next_sequence = 0
        self._layout = layout
        self._publisher = np.uint64(publisher)
        variants = len(layout.templates)
        cycles = max(1, BLOCK_SIZE_BYTES // (layout.size * variants))
        self.block_records = cycles * variants
        self._bytes = bytearray(np.tile(layout.template_rows(), (cycles, 1)).tobytes())
        self._view = memoryview(self._bytes)
        self._records = np.frombuffer(self._bytes, layout.dtype)
        self._records["publisher"] = publisher
        self._steps = np.arange(self.block_records, dtype=np.uint64)

    def take(self, count_max: int) -> memoryview:
        """The next messages, at most `count_max`, as encoded bytes; valid until the call after next block border."""
        at = self.next_sequence % self.block_records
        if at == 0:
            self._renew()
        count = min(count_max, self.block_records - at)
        self.next_sequence += count
        return self._view[at * self.record_size : (at + count) * self.record_size]

    def _renew(self) -> None:
        sequences = self._steps + np.uint64(self.next_sequence)
        self._records["sequence"] = sequences
        self._records["check"] = stamp.checks(sequences, self._publisher, self._layout.body_size_bytes)
        if self._layout.number_at is not None:
            is_packet = np.dtype(self._layout.number_format).itemsize == 2
            self._records["number"] = packet_numbers(sequences) if is_packet else sequences
