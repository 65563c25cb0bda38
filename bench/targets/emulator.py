"""What the emulators of SQS have in common: they keep messages in memory, and they do not read signatures.

Owns which promises they are measured under, and what the report says about it.
"""

from bench.targets.base import Promise
from bench.targets.single import SingleProcess

REMARK = "in memory, signatures not read"


class Emulator(SingleProcess):
    """An emulator of SQS. It promises less than what it is measured with, which its version and durability say.

    SQS has no transient messages, and no peer that persists them can be installed here, so the rows of SQS compare a
    broker that writes and verifies with emulators that do neither.
    """

    protocols = ("sqs",)
    reference_for: tuple[str, ...] = ("sqs",)
    lacks = frozenset({"endpoints", "many-filters"})  # endpoints are not confirmed, or hold up others when they hang

    def keeps(self, promise: Promise) -> bool:
        """It takes part where a write is promised."""
        return promise is Promise.WRITE

    def durability(self, promise: Promise) -> str:
        """None, whatever is asked for."""
        return f"{REMARK}: less than is asked for" if promise is Promise.WRITE else ""
