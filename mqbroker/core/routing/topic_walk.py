"""A tree of topics and the walk over those of them that match a pattern, which others may change while it is under way.

The tree is one of words; what stands at a topic is an entry. It owns order and nothing else: what an entry means, and
what becomes of it, is for `core/retained.py` to know.

A walk gives every entry that stood there when it began, unless it has been replaced or removed by the time the walk
comes by: whoever follows what happens to the tree has heard of that. It takes a step when it is asked to, so that
nobody has to look at a million topics in one go, and it can say of any topic whether it has been there.
"""

from collections.abc import Iterator

from mqbroker.core.message import Entry

ANY_WORDS = "#"
ONE_WORD = "*"
_HIDDEN = "$"


class Node:
    """One word of a topic."""

    __slots__ = ("born", "entry", "words")

    def __init__(self, born: int) -> None:
        self.born = born
        """Grows from one node to the next: the words below a node stand in this order."""
        self.words: dict[str, Node] = {}
        self.entry: Entry | None = None

    def let_go(self) -> "list[dict[str, Node]]":
        """What holds the topics below it, of a tree that nobody needs any more."""
        return [self.words]


class _Level:
    """What the walk has still to look at below one node. `at` is the word of the pattern that comes after these."""

    __slots__ = ("at", "born", "nodes")

    def __init__(self, nodes: Iterator[Node], at: int) -> None:
        self.nodes = nodes
        self.at = at
        self.born = 0
        """The node that it has looked at last."""


class Walk:
    """The way to the topics that match a pattern (`*`, and `#` at its end).

    A pattern that begins with a wildcard does not lead to topics that begin with `$`.
    """

    __slots__ = ("_is_begun", "_levels", "_root", "_taken", "_until", "_words")

    def __init__(self, root: Node, pattern: str, until: int) -> None:
        """`until` is the sequence of the next entry that will come into the tree."""
        self._root = root
        self._words = pattern.split(".")
        self._until = until
        self._levels: list[_Level] = []
        self._is_begun = False
        self._taken: set[int] = set()

    @property
    def is_over(self) -> bool:
        """Whether there is none left."""
        return self._is_begun and not self._levels

    def next(self, now: int, most: int) -> Entry | None:
        """The next entry; None when it is not among so many of the topics that come next, or there is none left."""
        if not self._is_begun:
            self._is_begun = True
            self._go_below(self._root, 0)
        levels = self._levels
        while levels and most > 0:
            most -= 1
            level = levels[-1]
            node = next(level.nodes, None)
            if node is None:
                levels.pop()
                continue
            level.born = node.born
            self._go_below(node, level.at)
            entry = node.entry
            if entry is not None and self._ends_at(level.at) and self._is_due(entry, now):
                return entry
        return None

    def take(self, entry: Entry, now: int) -> bool:
        """Whether the walk has still to come by an entry of the tree. If so, it will pass over it from now on."""
        words = entry.message.routing_key.split(".")
        if not self._is_due(entry, now) or not self._leads_to(words) or self._has_passed(words):
            return False
        self._taken.add(entry.sequence)
        return True

    def _ends_at(self, at: int) -> bool:
        return at == len(self._words) or self._words[at] == ANY_WORDS

    def _is_due(self, entry: Entry, now: int) -> bool:
        if entry.sequence >= self._until or entry.sequence in self._taken:
            return False
        if self._words[0] in (ANY_WORDS, ONE_WORD) and entry.message.routing_key.startswith(_HIDDEN):
            return False
        return not entry.expires_at or entry.expires_at > now

    def _go_below(self, node: Node, at: int) -> None:
        if at == len(self._words) or not node.words:
            return
        word = self._words[at]
        if word == ANY_WORDS:
            self._levels.append(_Level(iter(list(node.words.values())), at))
        elif word == ONE_WORD:
            self._levels.append(_Level(iter(list(node.words.values())), at + 1))
        elif word in node.words:
            self._levels.append(_Level(iter((node.words[word],)), at + 1))

    def _leads_to(self, words: list[str]) -> bool:
        pattern = self._words
        if pattern[-1] == ANY_WORDS:
            pattern = pattern[:-1]
            words = words[: len(pattern)]
        return len(words) == len(pattern) and all(
            wanted in (ONE_WORD, word) for wanted, word in zip(pattern, words, strict=True)
        )

    def _has_passed(self, words: list[str]) -> bool:
        """Whether the walk has been at a topic of the tree that it leads to."""
        node = self._root
        for depth, word in enumerate(words):
            if depth == len(self._levels):
                return self._is_begun
            node = node.words[word]
            if node.born != self._levels[depth].born:
                return node.born < self._levels[depth].born
        return True
