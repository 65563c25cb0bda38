"""Which bindings of a headers exchange the headers of a message match, found without trying every binding.

Owns RabbitMQ's rules, measured with 3.10.8:

- a binding value of void asks only that the header is there;
- values are equal as `same_value` says: 1 equals 1.0 but neither "1" nor true;
- a binding that asks for nothing is met by every message under `all` and by none under `any`.

Under `any` a binding is found by each of the headers that it asks for. Under `all` those that ask for the same headers
are one shape, in which a message has one place: the values of these headers. So what a message costs depends on its
headers and on the shapes that have them, and not on how many bindings there are.
"""

from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, TypeVar

from mqbroker.core.counts import count_down, count_down_in, count_up, count_up_in
from mqbroker.core.values import identity, octets

T = TypeVar("T", bound=Hashable)


class Asked:
    """What one binding asks for: pairs of header and value, and headers that only have to be there; all, or any."""

    __slots__ = ("is_any", "pairs", "present")

    def __init__(self, headers: Mapping[str, object], is_any: bool) -> None:
        self.is_any = is_any
        asked = dict(sorted(headers.items()))
        self.present = tuple(name for name, value in asked.items() if value is None)
        self.pairs = [(name, _comparable(value)) for name, value in asked.items() if value is not None]


class _Shape(Generic[T]):
    """Bindings under `all` that ask for the same headers, by the values that they ask for."""

    __slots__ = ("by_values", "names", "present", "registered")

    def __init__(self, names: tuple[str, ...], present: tuple[str, ...]) -> None:
        self.names = names
        self.present = present
        self.by_values: dict[tuple[Hashable, ...], dict[T, int]] = {}
        self.registered = ""
        """The header by which it is found."""

    def find(self, headers: Mapping[str, object]) -> Iterable[T]:
        """The destinations whose values a message has."""
        for name in self.present:
            if name not in headers:
                return ()
        values = []
        for name in self.names:
            value = headers.get(name)
            if value is None:
                return ()
            values.append(_comparable(value))
        return self.by_values.get(tuple(values), ())


class HeadersTable(Generic[T]):
    """What bindings ask for and their destinations. The same pair may be added more than once and is then removed as
    often."""

    __slots__ = ("_by_name", "_by_pair", "_everything", "_shapes", "_shapes_by_name")

    def __init__(self) -> None:
        self._by_pair: dict[tuple[str, Hashable], dict[T, int]] = {}
        self._by_name: dict[str, dict[T, int]] = {}
        self._everything: dict[T, int] = {}
        self._shapes: dict[tuple[tuple[str, ...], tuple[str, ...]], _Shape[T]] = {}
        self._shapes_by_name: dict[str, dict[_Shape[T], None]] = {}

    def add(self, asked: Asked, destination: T) -> None:
        """Has messages that have what is asked for reach `destination`."""
        if asked.is_any:
            for pair in asked.pairs:
                count_up_in(self._by_pair, pair, destination)
            for name in asked.present:
                count_up_in(self._by_name, name, destination)
        elif asked.pairs or asked.present:
            names, values = _names_and_values(asked)
            shape = self._shapes.get((names, asked.present)) or self._new_shape(names, asked.present)
            count_up_in(shape.by_values, values, destination)
        else:
            count_up(self._everything, destination)

    def remove(self, asked: Asked, destination: T) -> None:
        """Takes one such pair back. It must be there."""
        if asked.is_any:
            for pair in asked.pairs:
                count_down_in(self._by_pair, pair, destination)
            for name in asked.present:
                count_down_in(self._by_name, name, destination)
        elif asked.pairs or asked.present:
            names, values = _names_and_values(asked)
            shape = self._shapes[names, asked.present]
            count_down_in(shape.by_values, values, destination)
            if not shape.by_values:
                self._drop_shape(shape)
        else:
            count_down(self._everything, destination)

    def match(self, headers: Mapping[str, object]) -> dict[T, None]:
        """The destinations that a message with these headers reaches."""
        found: dict[T, None] = dict.fromkeys(self._everything)
        for name, value in headers.items():
            if self._by_pair:
                found.update(dict.fromkeys(self._by_pair.get((name, _comparable(value)), ())))
            found.update(dict.fromkeys(self._by_name.get(name, ())))
            for shape in self._shapes_by_name.get(name, ()):
                found.update(dict.fromkeys(shape.find(headers)))
        return found

    # --- shapes -----------------------------------------------------------------------------------------------------

    def _new_shape(self, names: tuple[str, ...], present: tuple[str, ...]) -> _Shape[T]:
        """A shape, to be found by the header that leads to the fewest others."""
        shape = self._shapes[names, present] = _Shape(names, present)
        shape.registered = min(names + present, key=lambda name: len(self._shapes_by_name.get(name, ())))
        self._shapes_by_name.setdefault(shape.registered, {})[shape] = None
        return shape

    def _drop_shape(self, shape: _Shape[T]) -> None:
        del self._shapes[shape.names, shape.present]
        registered = self._shapes_by_name[shape.registered]
        del registered[shape]
        if not registered:
            del self._shapes_by_name[shape.registered]


def _names_and_values(asked: Asked) -> tuple[tuple[str, ...], tuple[Hashable, ...]]:
    return tuple(name for name, _ in asked.pairs), tuple(value for _, value in asked.pairs)


def _comparable(value: object) -> Hashable:
    """A stand-in that is equal for what `same_value` holds to be equal, and for nothing else."""
    if isinstance(value, bool):
        return "bool", value
    if isinstance(value, int | float):
        return "number", value
    if isinstance(value, str | bytes):
        return "string", octets(value)
    return identity(value)
