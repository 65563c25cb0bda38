"""A trie of topic patterns: which destinations does a topic reach?

Owns the matching of words, nothing else. A pattern is words between separators; `*` stands for exactly one word and
`#` for zero or more, and an empty word is a word too. RabbitMQ takes the empty topic for no words at all, so that it
matches `#` and the empty pattern but not `*` (measured with 3.10.8).

Matching walks the topic once and keeps the set of trie nodes that the words so far can have led to, as one runs a
non-deterministic automaton. A node is in the set once however many ways lead to it, so `#.#.#.a` costs what `#.a` does,
and patterns that share no prefix with the topic cost nothing.
"""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from mqbroker.core.counts import count_down, count_up
from mqbroker.core.recent import remember
from mqbroker.limits import NAME_BYTES_MAX, ROUTE_CACHE_ENTRIES_MAX

T = TypeVar("T", bound=Hashable)


class _Node(Generic[T]):
    """One word of a pattern. `is_open` marks the `#` word: it may swallow any number of words."""

    __slots__ = ("any_words", "destinations", "is_open", "one_word", "words")

    def __init__(self, is_open: bool = False) -> None:
        self.is_open = is_open
        self.words: dict[str, _Node[T]] = {}
        self.one_word: _Node[T] | None = None
        self.any_words: _Node[T] | None = None
        self.destinations: dict[T, int] = {}

    def is_empty(self) -> bool:
        return not (self.destinations or self.words or self.one_word or self.any_words)


class TopicTrie(Generic[T]):
    """Patterns and their destinations. The same pair may be added more than once and is then removed as often."""

    __slots__ = ("_any_words", "_cache", "_count", "_one_word", "_root", "_separator")

    def __init__(self, separator: str = ".", one_word: str = "*", any_words: str = "#") -> None:
        self._separator = separator
        self._one_word = one_word
        self._any_words = any_words
        self._root: _Node[T] = _Node()
        self._cache: dict[str, tuple[T, ...]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, pattern: str, destination: T) -> None:
        """Has topics that match `pattern` reach `destination`."""
        node = self._root
        for word in self._split(pattern):
            node = self._descend(node, word)
        count_up(node.destinations, destination)
        self._count += 1
        self._cache.clear()

    def remove(self, pattern: str, destination: T) -> bool:
        """Takes one such pair back; False when there is none. Nodes that lead nowhere any more go with it."""
        path = self._path(pattern)
        if path is None or destination not in path[-1][1].destinations:
            return False
        count_down(path[-1][1].destinations, destination)
        self._prune(path)
        self._count -= 1
        self._cache.clear()
        return True

    def match(self, topic: str) -> tuple[T, ...]:
        """The destinations that `topic` reaches, each once."""
        found = self._cache.get(topic)
        if found is None:
            found = self._search(self._split(topic))
            if len(topic) <= NAME_BYTES_MAX:
                remember(self._cache, topic, found, ROUTE_CACHE_ENTRIES_MAX)
        return found

    # --- the walk ---------------------------------------------------------------------------------------------------

    def _search(self, words: list[str]) -> tuple[T, ...]:
        active = _with_zero_words([self._root])
        for word in words:
            active = _with_zero_words(_step(active, word))
            if not active:
                return ()
        return tuple(dict.fromkeys(destination for node in active for destination in node.destinations))

    def _split(self, text: str) -> list[str]:
        return text.split(self._separator) if text else []

    # --- the trie ---------------------------------------------------------------------------------------------------

    def _child(self, node: _Node[T], word: str) -> _Node[T] | None:
        if word == self._one_word:
            return node.one_word
        if word == self._any_words:
            return node.any_words
        return node.words.get(word)

    def _descend(self, node: _Node[T], word: str) -> _Node[T]:
        child = self._child(node, word)
        if child is None:
            child = _Node(is_open=word == self._any_words)
            self._attach(node, word, child)
        return child

    def _attach(self, node: _Node[T], word: str, child: _Node[T]) -> None:
        if word == self._one_word:
            node.one_word = child
        elif word == self._any_words:
            node.any_words = child
        else:
            node.words[word] = child

    def _detach(self, node: _Node[T], word: str) -> None:
        if word == self._one_word:
            node.one_word = None
        elif word == self._any_words:
            node.any_words = None
        else:
            del node.words[word]

    def _path(self, pattern: str) -> list[tuple[str, _Node[T]]] | None:
        """The nodes of a pattern from the root on, each with the word that leads to it; None when it is not there."""
        path = [("", self._root)]
        for word in self._split(pattern):
            child = self._child(path[-1][1], word)
            if child is None:
                return None
            path.append((word, child))
        return path

    def _prune(self, path: list[tuple[str, _Node[T]]]) -> None:
        while len(path) > 1 and path[-1][1].is_empty():
            word, _ = path.pop()
            self._detach(path[-1][1], word)


def _with_zero_words(nodes: Iterable[_Node[T]]) -> dict[_Node[T], None]:
    """`nodes`, and the `#` nodes below them: a `#` may stand for nothing. A dict, to be a set that keeps its order."""
    closed: dict[_Node[T], None] = {}
    for start in nodes:
        node: _Node[T] | None = start
        while node is not None and node not in closed:
            closed[node] = None
            node = node.any_words
    return closed


def _step(active: Iterable[_Node[T]], word: str) -> dict[_Node[T], None]:
    """The nodes that one more word leads to."""
    following: dict[_Node[T], None] = {}
    for node in active:
        if node.is_open:
            following[node] = None
        child = node.words.get(word)
        if child is not None:
            following[child] = None
        if node.one_word is not None:
            following[node.one_word] = None
    return following
