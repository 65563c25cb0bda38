"""Taking certain messages out of a queue, wherever they stand: for an operator who deletes or moves some of many.

What is before them in line is passed over (lane.py) and keeps its place. Messages that have left memory are not found.
"""

from collections.abc import Collection
from typing import NamedTuple

from mqbroker.core.consumer import Consumer
from mqbroker.core.message import Entry
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.classic import ClassicQueue
from mqbroker.core.queues.lane import Lane
from mqbroker.errors import NotImplementedByPeer
from mqbroker.limits import PASSED_OVER_MAX


class Chosen(NamedTuple):
    """What was taken. `holder` has it until it is settled or comes back."""

    entries: list[Entry]
    is_complete: bool
    """False when there was too much before what is missing."""


def take_chosen(queue: Queue, sequences: Collection[int], holder: Consumer) -> Chosen:
    """Takes the entries with these sequences, as far as they wait. Raises NotImplementedByPeer for a kind of queue
    that cannot."""
    if not isinstance(queue, ClassicQueue):
        raise NotImplementedByPeer(f"choosing messages of queue '{queue.name}'")
    if queue.holds:
        return Chosen([], False)  # older ones are on their way back
    wanted = set(sequences)
    found: list[Entry] = []
    is_complete = True
    for lane in queue.lanes_in_order():
        is_complete &= _pass_over(lane, max(wanted, default=0))
        found += _take_from(queue, lane, wanted)
    for entry in found:
        queue.assign(entry, holder)
    return Chosen(found, is_complete)


def _pass_over(lane: Lane, last: int) -> bool:
    """Has everything up to a sequence wait where it can be taken; whether that could be done."""
    while True:
        head = lane.fresh[lane.head] if lane.head < len(lane.fresh) else None
        if head is None:
            return not lane.middle
        if head.sequence > last:
            return True
        if len(lane.returned) >= PASSED_OVER_MAX:
            return False
        lane.pass_over()


def _take_from(queue: ClassicQueue, lane: Lane, wanted: set[int]) -> list[Entry]:
    lane.returned.sort(key=lambda place: place[0])  # a sorted list is a heap too
    places = [index for index, (sequence, _) in enumerate(lane.returned) if sequence in wanted]
    return [queue.take_at(lane, index) for index in reversed(places)][::-1]
