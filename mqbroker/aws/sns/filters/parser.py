"""A filter policy from its text: what it asks of each key, or AWS's words for what is wrong with it, with the place."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field

from mqbroker.aws.sns.filters import operators as values
from mqbroker.aws.sns.filters.json_tokens import Token, source_text, tokens_of
from mqbroker.aws.sns.filters.operators import Atom, Range, Test

_RANGES = ("<", "<=")
_OPERATORS = ("=", "<", "<=", ">", ">=")


class PolicyFault(ValueError):
    """A policy that cannot be. `str` is what AWS says of it."""


@dataclass(slots=True)
class Conditions:
    """What one key is asked for: any of these is enough."""

    count: int = 0
    exact: set[Atom] = field(default_factory=set)
    prefixes: set[str] = field(default_factory=set)
    ranges: list[Range] = field(default_factory=list)
    tests: list[Test] = field(default_factory=list)
    wants_present: bool = False
    wants_absent: bool = False


@dataclass(slots=True)
class Leaf:
    """The conditions of one key; `path` has a dot between the names of members."""

    path: str
    depth: int
    conditions: Conditions


@dataclass(slots=True)
class Branches:
    """`$or`: any of these groups is enough."""

    groups: "list[Group]"


@dataclass(slots=True)
class Group:
    """All of these must hold."""

    parts: list[Leaf | Branches] = field(default_factory=list)


def parse_policy(text: str) -> Group:
    """Raises JsonFault, PolicyFault."""
    return _Parser(text).run()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens_of(text)
        self.place = 0
        self._readers: dict[str, Callable[[Conditions], None]] = {
            "prefix": lambda found: found.prefixes.add(self._text_for("prefix")),
            "suffix": lambda found: found.tests.append(values.suffix(self._text_for("suffix"))),
            "equals-ignore-case": lambda found: found.tests.append(
                values.equals_ignore_case(self._text_for("equals-ignore-case"))
            ),
            "anything-but": self._anything_but,
            "numeric": lambda found: found.ranges.append(Range(self._numeric())),
            "exists": self._exists,
            "cidr": lambda found: found.tests.append(values.cidr(self._network())),
        }

    def run(self) -> Group:
        first = self._next()
        if first.kind != "{":
            raise self._fault("Filter is not an object", first.at)
        group = Group()
        self._object(group, "", 1)
        return group

    def _next(self) -> Token:
        token = self.tokens[self.place]
        self.place += 1
        return token

    def _fault(self, reason: str, offset: int) -> PolicyFault:
        return PolicyFault(reason + source_text(self.text, offset))

    # --- structure ----------------------------------------------------------------------------------------------------

    def _object(self, group: Group, path: str, depth: int) -> None:
        while (token := self._next()).kind != "}":
            name = str(token.value)
            inner = f"{path}.{name}" if path else name
            value = self._next()
            if value.kind == "{":
                self._object(group, inner, depth + 1)
            elif value.kind != "[":
                raise self._fault(f'"{name}" must be an object or an array', value.at)
            elif name == "$or" and self._are_branches():
                group.parts.append(Branches(self._branches(path, depth)))
            else:
                group.parts.append(Leaf(inner, depth, self._list()))

    def _are_branches(self) -> bool:
        """Whether the array that begins here has at least two elements, all objects."""
        depth, count = 0, 0
        for place in range(self.place, len(self.tokens)):
            kind = self.tokens[place].kind
            if depth == 0:
                if kind == "]":
                    break
                if kind != "{":
                    return False
                count += 1
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(kind, 0)
        return count > 1

    def _branches(self, path: str, depth: int) -> list[Group]:
        groups = []
        while self._next().kind != "]":
            group = Group()
            self._object(group, path, depth)
            groups.append(group)
        return groups

    def _list(self) -> Conditions:
        found = Conditions()
        while (token := self._next()).kind != "]":
            found.count += 1
            if token.kind == "{":
                self._operator(found)
            elif token.kind == "[":
                raise self._fault("Match value must be String, number, true, false, or null", token.at)
            else:
                found.exact.add(values.atom(token.value))
        if not found.count:
            raise self._fault("Empty arrays are not allowed", token.at)
        return found

    # --- operators ----------------------------------------------------------------------------------------------------

    def _operator(self, found: Conditions) -> None:
        token = self._next()
        if token.kind != "name":
            raise self._fault("Match expression name not found", token.at)
        read = self._readers.get(str(token.value))
        if read is None:
            raise self._fault(f"Unrecognized match type {token.value}", token.at)
        read(found)
        end = self._next()
        if end.kind != "}":
            raise self._fault("Only one key allowed in match expression", end.at)

    def _text_for(self, name: str) -> str:
        token = self._next()
        if token.kind != "string":
            raise self._fault(f"{name} match pattern must be a string", token.at)
        return str(token.value)

    def _exists(self, found: Conditions) -> None:
        token = self._next()
        if token.value is True:
            found.wants_present = True
        elif token.value is False:
            found.wants_absent = True
        else:
            raise self._fault("exists match pattern must be either true or false.", token.at)

    def _anything_but(self, found: Conditions) -> None:
        token = self._next()
        if token.kind == "{":
            name = self._next()
            if name.value != "prefix":
                raise self._fault(f"Unsupported anything-but pattern: {name.value}", name.at)
            found.tests.append(values.anything_but_prefix(self._text_for("prefix")))
            end = self._next()
            if end.kind != "}":
                raise self._fault("Only one key allowed in match expression", end.at)
        elif token.kind == "[":
            found.tests.append(values.anything_but(self._anything_but_list()))
        elif token.kind in ("string", "number"):
            found.tests.append(values.anything_but(frozenset((values.atom(token.value),))))
        else:
            reason = "Value of anything-but must be an array or single string/number value."
            raise self._fault(reason, token.at)

    def _anything_but_list(self) -> frozenset[Atom]:
        kinds, found = set(), set()
        while (token := self._next()).kind != "]":
            if token.kind not in ("string", "number"):
                raise self._fault("Inside anything but list, start|null|boolean is not supported.", token.at)
            kinds.add(token.kind)
            found.add(values.atom(token.value))
        if len(kinds) != 1:
            reason = "Inside anything but list, either all values are number or string, mixed type is not supported"
            raise self._fault(reason, token.at)
        return frozenset(found)

    def _numeric(self) -> list[tuple[str, float]]:
        token = self._next()
        if token.kind != "[":
            raise self._fault("Value of numeric must be an array.", token.at)
        first = self._next()
        if first.kind != "string":
            raise self._fault(f"Invalid member in numeric match: {first.text}", first.at)
        name, bound = str(first.value), self._next()
        if name not in _OPERATORS:
            raise self._fault(f"Unrecognized numeric range operator: {name}", bound.at)
        low = self._number(bound, "equals" if name == "=" else name)
        following = self._next()
        if following.kind == "]":
            return [(name, low)]
        if name not in (">", ">="):
            raise self._fault("Too many elements in numeric expression", following.at)
        return [(name, low), self._range_end(following, low)]

    def _range_end(self, token: Token, low: float) -> tuple[str, float]:
        if token.kind != "string":
            raise self._fault(f"Bad value in numeric range: {token.text}", token.at)
        name = str(token.value)
        if name not in _RANGES:
            raise self._fault(f"Bad numeric range operator: {name}", token.end)
        high = self._number(self._next(), name)
        end = self._next()
        if end.kind != "]":
            raise self._fault("Too many terms in numeric range expression", end.at)
        if not low < high:
            raise self._fault("Bottom must be less than top", end.at)
        return name, high

    def _number(self, token: Token, name: str) -> float:
        if token.kind != "number":
            raise self._fault(f"Value of {name} must be numeric", token.at)
        assert isinstance(token.value, float)
        return token.value

    def _network(self) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        # AWS says "prefix" here too.
        text, end = self._text_for("prefix"), self.tokens[self.place - 1].end
        address, _, mask = text.partition("/")
        if not mask or "/" in mask:
            raise self._fault("Malformed CIDR, one '/' required", end)
        if not (mask.isascii() and mask.removeprefix("-").isdigit()):
            raise self._fault("Malformed CIDR, mask bits must be an integer", end)
        if mask.startswith("-"):
            raise self._fault("Malformed CIDR, mask bits must not be negative", end)
        try:
            return ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise self._fault(f"Nonstandard IP address: {address}", end) from None
