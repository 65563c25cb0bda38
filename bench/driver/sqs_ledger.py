"""Checks what SQS answers: every message identifier is new, every text arrives unharmed, once, in its group's order.

Owns the verdict about one worker's messages. Reads no socket: it is given decoded answers.
"""

from collections.abc import Mapping, Sequence
from hashlib import md5
from typing import Any

from bench.driver import text_stamp
from bench.driver.verify import Faults

Answer = Mapping[str, Any]


def md5_text(text: str) -> str:
    """MD5OfMessageBody of a text."""
    return md5(text.encode(), usedforsecurity=False).hexdigest()


class SqsLedger:
    """Counts and checks. groups: 0 for a standard queue, whose messages may come in any order."""

    def __init__(self, size: int, groups: int = 0) -> None:
        self.sent = self.received = self.deleted = 0
        self.faults = Faults()
        self._fill = text_stamp.fill(size)
        self._groups = groups
        # Hashes instead of the identifiers: a million of them must fit into memory beside a broker.
        self._sent_ids: set[int] = set()
        self._received_ids: set[int] = set()
        self._seen: set[tuple[int, int]] = set()
        self._last: dict[tuple[int, int], int] = {}

    def take_sent(self, answer: Answer, digest: str) -> None:
        """One message was sent: the answer to SendMessage, or one of SendMessageBatch's."""
        self.sent += 1
        if answer.get("MD5OfMessageBody") != digest:
            self._spoilt(f"a sent message's MD5 is {answer.get('MD5OfMessageBody')!r}, not {digest!r}")
        self._unique(self._sent_ids, answer, "sent")

    def take_published(self, answer: Answer) -> None:
        """One message was published to a topic."""
        self.sent += 1
        self._unique(self._sent_ids, answer, "published")

    def take_sent_batch(self, answer: Answer, digests: Sequence[str]) -> None:
        """A batch was sent, with the identifiers 0, 1, 2, ..., and all of it must have been taken."""
        taken = {entry.get("Id"): entry for entry in answer.get("Successful", ())}
        if answer.get("Failed") or len(taken) != len(digests):
            self.faults.missing += len(digests) - len(taken)
            self.faults.note(f"{len(taken)} of {len(digests)} messages of a batch were taken: {answer.get('Failed')}")
        for number, digest in enumerate(digests):
            if (entry := taken.get(str(number))) is not None:
                self.take_sent(entry, digest)

    def take_received(self, message: Answer) -> tuple[int, int] | None:
        """One message was received; its publisher and sequence, or None when its text is not the driver's."""
        self.received += 1
        text = message.get("Body", "")
        stamp = text_stamp.read(text, self._fill)
        if stamp is None:
            self._spoilt(f"a received text is {text[:64]!r}")
            return None
        if message.get("MD5OfBody") != md5_text(text):
            self._spoilt(f"a received message's MD5 is {message.get('MD5OfBody')!r}, not {md5_text(text)!r}")
        self._unique(self._received_ids, message, "received")
        self._check_place(*stamp)
        return stamp

    def _check_place(self, publisher: int, sequence: int) -> None:
        if not self._groups:
            if (publisher, sequence) in self._seen:
                self.faults.surplus += 1
                self.faults.note(f"publisher {publisher}: message {sequence} was received twice")
            self._seen.add((publisher, sequence))
            return
        # A publisher uses the groups in turn, so in each of them its sequences go up by the number of groups.
        line = publisher, sequence % self._groups
        if sequence != self._last.get(line, line[1] - self._groups) + self._groups:
            self.faults.out_of_order += 1
            self.faults.note(
                f"publisher {publisher}, group {line[1]}: message {sequence} came after {self._last.get(line)}"
            )
        self._last[line] = sequence

    def take_deleted_batch(self, answer: Answer, count: int) -> None:
        """A batch of receipts was deleted."""
        gone = len(answer.get("Successful", ()))
        self.deleted += gone
        if gone != count or answer.get("Failed"):
            self.faults.missing += count - gone
            self.faults.note(f"{gone} of {count} messages of a batch were deleted: {answer.get('Failed')}")

    def refuse(self, what: str) -> None:
        """An answer that is none of those above."""
        self._spoilt(what)

    def _unique(self, known: set[int], answer: Answer, what: str) -> None:
        identifier = answer.get("MessageId")
        mark = hash(identifier)
        if not identifier or mark in known:
            self.faults.surplus += 1
            self.faults.note(f"the message identifier {identifier!r} was {what} twice, or is none")
        known.add(mark)

    def _spoilt(self, text: str) -> None:
        self.faults.corrupt += 1
        self.faults.note(text)
