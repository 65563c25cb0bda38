"""What the journal kept of queues: entries that a restart has read, and pages that it has not.

Who knows no pages asks it like a mapping of queue numbers to entries, and what is on the disk is read then.
"""

from collections.abc import Callable, Iterator, Mapping

from mqbroker.core.message import Entry
from mqbroker.core.queues.extent import Place
from mqbroker.core.queues.page import Page, sequence_of

Read = Callable[[Page], list[Entry]]


def _nothing(_: Page) -> list[Entry]:
    return []


def pieces(kept: Mapping[int, list[Entry]], number: int) -> Iterator[tuple[Place | None, list[Entry]]]:
    """What was kept of a queue, in pieces that need not be in memory together."""
    if isinstance(kept, Kept):
        yield from kept.in_pieces(number)
    else:
        yield None, kept.get(number, [])


class Kept(Mapping[int, list[Entry]]):
    """Per queue number its entries, sorted by sequence. A message in several queues may be one object."""

    def __init__(
        self,
        entries: dict[int, list[Entry]] | None = None,
        pages: dict[int, list[Page]] | None = None,
        read: Read = _nothing,
    ) -> None:
        self._entries = entries or {}
        self._pages = pages or {}
        self._read = read

    def __getitem__(self, number: int) -> list[Entry]:
        if number not in self._pages:
            return self._entries[number]
        found = list(self._entries.get(number, ()))
        for page in self._pages[number]:
            found += self._read(page)
        found.sort(key=sequence_of)
        return found

    def __iter__(self) -> Iterator[int]:
        return iter(dict.fromkeys([*self._entries, *self._pages]))

    def __len__(self) -> int:
        return len(self._entries.keys() | self._pages.keys())

    @property
    def total(self) -> int:
        """How many entries there are."""
        return self.paged + sum(map(len, self._entries.values()))

    @property
    def paged(self) -> int:
        """How many of them were not read."""
        return sum(page.count for found in self._pages.values() for page in found)

    def in_pieces(self, number: int) -> Iterator[tuple[Place | None, list[Entry]]]:
        """The entries of a queue, a page at a time, with where it stands; then those that are in none."""
        for page in sorted(self._pages.get(number, ()), key=lambda page: page.first):
            yield page.place, self._read(page)
        yield None, self._entries.get(number, [])

    def parts(self, number: int) -> tuple[list[Page], list[Entry]]:
        """The pages of a queue, which do not overlap in their lanes, and all entries that are in none; in order."""
        pages: list[Page] = []
        entries = list(self._entries.get(number, ()))
        for page in sorted(self._pages.get(number, ()), key=lambda page: (page.lane, page.first)):
            before = pages[-1] if pages else None
            if before is not None and before.lane == page.lane and page.first <= before.last:
                entries += self._read(pages.pop()) + self._read(page)
            else:
                pages.append(page)
        entries.sort(key=sequence_of)
        return pages, entries
