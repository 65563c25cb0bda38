"""Checks every received byte of a stream of records: bodies, frames, numbering, order per publisher and variant.

Owns the verdict about one connection's stream. Knows no protocol and no socket: it is given buffers of whole records.
The expected bytes are rebuilt from the templates plus the received stamps, then compared in one memcmp; the stamps are
checked for order by themselves. Only a difference makes it look at single records.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bench.driver import stamp
from bench.driver.records import BLOCK_SIZE_BYTES, RecordLayout

EXAMPLES_MAX = 5

Integers = npt.NDArray[np.int64]


@dataclass
class Faults:
    """What was wrong with a stream: counts of messages, and a few sentences to start looking from."""

    corrupt: int = 0
    out_of_order: int = 0
    missing: int = 0
    surplus: int = 0
    examples: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.corrupt or self.out_of_order or self.missing or self.surplus)

    def note(self, text: str) -> None:
        """Keep the sentence if there is still room for it."""
        if len(self.examples) < EXAMPLES_MAX:
            self.examples.append(text)

    def add(self, other: "Faults") -> None:
        """Add another stream's faults to these."""
        self.corrupt += other.corrupt
        self.out_of_order += other.out_of_order
        self.missing += other.missing
        self.surplus += other.surplus
        for text in other.examples:
            self.note(text)

    def __str__(self) -> str:
        counts = {
            "corrupt": self.corrupt,
            "out of order": self.out_of_order,
            "missing": self.missing,
            "surplus": self.surplus,
        }
        told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        return "; ".join([told or "no faults", *self.examples])


class OrderCheck:
    """Each (publisher, variant) must count up without a gap: message s of a publisher is followed by s + variants."""

    def __init__(self, publishers: int, variants: int) -> None:
        self._variants = variants
        self._single = publishers * variants == 1
        self._last = np.tile(np.arange(variants, dtype=np.int64) - variants, publishers)

    def check(self, sequences: Integers, publishers: Integers) -> Integers:
        """Indexes, into these arrays, of the messages that do not follow the one before them; usually none."""
        if self._single:
            return self._check_single(sequences)
        streams = publishers * self._variants + sequences % self._variants
        order = np.argsort(streams, kind="stable")
        sorted_streams, sorted_sequences = streams[order], sequences[order]
        starts = np.flatnonzero(np.diff(sorted_streams, prepend=-1))
        previous = np.roll(sorted_sequences, 1)
        previous[starts] = self._last[sorted_streams[starts]]
        ends = np.append(starts[1:], len(order)) - 1
        self._last[sorted_streams[ends]] = sorted_sequences[ends]
        return order[np.flatnonzero(sorted_sequences - previous != self._variants)].astype(np.int64)

    def _check_single(self, sequences: Integers) -> Integers:
        steps = np.diff(sequences, prepend=self._last[0])
        self._last[0] = sequences[-1]
        return np.flatnonzero(steps != 1).astype(np.int64)


class RisingCheck:
    """Where several share one publisher's messages, each sees some of them: in order, but with gaps.

    seen: the sequences, to find out whether all have seen every one of them.
    """

    def __init__(self) -> None:
        self.seen: list[Integers] = []
        self._last = -1

    def check(self, sequences: Integers, publishers: Integers) -> Integers:
        """Indexes of the messages that come after a later one; usually none."""
        steps = np.diff(sequences, prepend=self._last)
        self._last = int(sequences[-1])
        self.seen.append(sequences)
        return np.flatnonzero(steps <= 0).astype(np.int64)


def shared_faults(seen: list[Integers], sent: int) -> Faults:
    """What is wrong when all sharers together must have seen each of a publisher's messages once."""
    faults = Faults()
    counts = np.bincount(np.concatenate(seen) if seen else np.empty(0, np.int64), minlength=sent)
    faults.missing = int((counts[:sent] == 0).sum())
    faults.surplus = int(counts.sum() - np.minimum(counts[:sent], 1).sum())
    if faults:
        faults.note(f"of {sent} messages, {faults.missing} went to nobody; {faults.surplus} deliveries were too many")
    return faults


class Verifier:
    """Verdict on one connection's stream of deliveries.

    numbered: the protocol's own number must count 1, 2, 3, ... (AMQP delivery tags); else it may be anything.
    order: how the sequences must follow each other, if not without gaps. block_size_bytes: how much to check at once.
    """

    def __init__(
        self,
        layout: RecordLayout,
        publishers: int,
        numbered: bool,
        order: RisingCheck | None = None,
        block_size_bytes: int = BLOCK_SIZE_BYTES,
    ) -> None:
        self.count = 0
        self.faults = Faults()
        self._layout = layout
        self._dtype = layout.dtype
        self._publishers = publishers
        self._numbered = numbered
        self._templates = layout.template_rows()
        self._order = order or OrderCheck(publishers, len(layout.templates))
        self._capacity = max(1, block_size_bytes // layout.size)
        self._expected_bytes = bytearray(layout.templates[0] * self._capacity)
        self._expected_rows = np.frombuffer(self._expected_bytes, np.uint8).reshape(self._capacity, layout.size)
        self._expected = np.frombuffer(self._expected_bytes, self._dtype)

    def check(self, records: memoryview) -> npt.NDArray[np.int64]:
        """Check a buffer of whole records, in the order received; their sequences, shape (n,), for latencies."""
        step = self._capacity * self._layout.size
        parts = [self._check_part(records[at : at + step]) for at in range(0, len(records), step)]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def _check_part(self, part: memoryview) -> Integers:
        received = np.frombuffer(part, self._dtype)
        sequences = received["sequence"].astype(np.uint64)
        publishers = received["publisher"].astype(np.uint64)
        self._expect(received, sequences, publishers)
        if self._layout.opaque:
            self._excuse(part)
        if not self._expected_bytes.startswith(part):
            self._tell_difference(part)
        self._check_order(sequences.astype(np.int64), publishers.astype(np.int64))
        self.count += len(received)
        return sequences.astype(np.int64)

    def _expect(
        self, received: npt.NDArray[np.void], sequences: npt.NDArray[np.uint64], publishers: npt.NDArray[np.uint64]
    ) -> None:
        count = len(received)
        expected = self._expected[:count]
        if len(self._templates) > 1:
            variants = sequences % np.uint64(len(self._templates))
            np.take(self._templates, variants.astype(np.int64), axis=0, out=self._expected_rows[:count])
        expected["sequence"] = sequences
        expected["publisher"] = publishers
        expected["check"] = stamp.checks(sequences, publishers, self._layout.body_size_bytes)
        if self._numbered:
            expected["number"] = np.arange(self.count + 1, self.count + count + 1, dtype=np.uint64)
        elif self._layout.number_at is not None:
            expected["number"] = received["number"]

    def _excuse(self, part: memoryview) -> None:
        rows = np.frombuffer(part, np.uint8).reshape(-1, self._layout.size)
        for start, stop in self._layout.opaque:
            self._expected_rows[: len(rows), start:stop] = rows[:, start:stop]

    def _tell_difference(self, part: memoryview) -> None:
        rows = np.frombuffer(part, np.uint8).reshape(-1, self._layout.size)
        differs = rows != self._expected_rows[: len(rows)]
        bad = np.flatnonzero(differs.any(axis=1))
        self.faults.corrupt += len(bad)
        for index in bad[:EXAMPLES_MAX]:
            at = int(differs[index].argmax())
            got, want = bytes(rows[index, at : at + 8]), bytes(self._expected_rows[index, at : at + 8])
            self.faults.note(
                f"message {self.count + int(index)} differs at byte {at} of its record: {got.hex()}, not {want.hex()}"
            )

    def _check_order(self, sequences: Integers, publishers: Integers) -> None:
        known = (publishers >= 0) & (publishers < self._publishers) & (sequences >= 0)
        if not known.all():
            self.faults.corrupt += int((~known).sum())
            self.faults.note(f"a message of a publisher that does not exist: {publishers[~known][0]}")
            sequences, publishers = sequences[known], publishers[known]
        if not len(sequences):
            return
        bad = self._order.check(sequences, publishers)
        self.faults.out_of_order += len(bad)
        for index in bad[:EXAMPLES_MAX]:
            self.faults.note(
                f"publisher {publishers[index]}: message {sequences[index]} does not follow its predecessor"
            )
