"""One request as its handler sees it, and the routes by which it comes there.

Segments of a path are decoded once, so that a vhost may have any name; `+` stays a plus. A route says which tag of the
caller it is for.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from mqbroker.core.vhost import VHost
from mqbroker.management.answers import Answer, Listing
from mqbroker.management.bodies import parsed_body
from mqbroker.management.caller import Caller
from mqbroker.management.refusals import METHODS, MethodRefused, bad_request, missing, not_found
from mqbroker.protocols.session import Peer

if TYPE_CHECKING:
    from mqbroker.management.ground import Ground

ANYBODY = ""
"""In place of a tag: for those who have not logged in, too."""

Result: TypeAlias = Answer | Listing
Handler = Callable[["Call"], Result | Awaitable[Result]]


@dataclass(slots=True)
class Call:
    """A request of somebody who may make it."""

    ground: "Ground"
    caller: Caller
    method: str
    names: Mapping[str, str]
    """The variables of the path."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    peer: Peer
    now: int
    raw: bytes = b""
    """The body as it came."""
    _members: dict[str, Any] | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The members of the body; an empty one has none. Raises Refusal."""
        if self._members is None:
            self._members = parsed_body(self.raw, self.headers.get("content-type", "")) if self.raw else {}
        return self._members

    def name(self, variable: str) -> str:
        """A variable of the path; the exchange without a name is called amq.default there."""
        found = self.names[variable]
        return "" if variable == "exchange" and found == "amq.default" else found

    def vhost(self) -> VHost:
        """The vhost of the path, to look at. Raises Refusal."""
        name = self.names["vhost"]
        found = self.ground.broker.vhosts.get(name)
        if found is None:
            raise missing()
        self.caller.require_vhost(name)
        return found

    def vhost_to_use(self) -> VHost:
        """The same, to do something in it. Raises Refusal."""
        name = self.names["vhost"]
        found = self.ground.broker.vhosts.get(name)
        if found is None:
            raise not_found("vhost_not_found")
        self.caller.require_use(name)
        return found

    def vhosts(self) -> list[VHost]:
        """That of the path, or those whose objects the caller sees in lists."""
        return [self.vhost()] if "vhost" in self.names else self.caller.usable()

    def flag(self, name: str) -> bool:
        """A parameter of the query that is on or off."""
        return self.query.get(name, "") == "true"

    # --- the body ---------------------------------------------------------------------------------------------------

    def require(self, *names: str) -> list[Any]:
        """The values of members that must be there. Raises Refusal with RabbitMQ's text."""
        absent = [name for name in names if name not in self.body]
        if absent:
            shown = [f"{{key_missing,{name}}}" for name in absent]
            lines = [shown[0], *(f",{each}" if at < 2 else f",\n {each}" for at, each in enumerate(shown[1:], 1))]
            raise bad_request(f"[{''.join(lines)}]")
        return [self.body[name] for name in names]

    def string(self, name: str, default: str = "") -> str:
        """A member that is a text. Raises Refusal."""
        value = self.body.get(name, default)
        if not isinstance(value, str):
            raise bad_request(f"{name} should be a string")
        return value

    def truth(self, name: str, default: bool = False) -> bool:
        """A member that is true or false, also as a text. Raises Refusal."""
        value = self.body.get(name, default)
        if value in ("true", "false"):
            return bool(value == "true")
        if not isinstance(value, bool):
            raise bad_request(f"{name} should be a boolean")
        return value

    def table(self, name: str) -> dict[str, Any]:
        """A member that is an object; an empty list is none, as some clients write it. Raises Refusal."""
        value = self.body.get(name) or {}
        if not isinstance(value, dict):
            raise bad_request(f"{name} should be an object")
        return value


@dataclass(slots=True)
class Place:
    """What may be done at one path."""

    handlers: dict[str, tuple[str, Handler]] = field(default_factory=dict)
    """By method, with the tag that it is for."""
    below: dict[str, "Place"] = field(default_factory=dict)
    any: "Place | None" = None
    variable: str = ""
    path: str = ""
    """With its variables, such as `queues/:vhost/:queue`."""

    @property
    def allowed(self) -> tuple[str, ...]:
        """The methods, in the order of an answer."""
        found = {*self.handlers, "OPTIONS", *(("HEAD",) if "GET" in self.handlers else ())}
        return tuple(method for method in METHODS if method in found)


class Routes:
    """The paths of the API. `queues/:vhost/:queue` has two variables."""

    def __init__(self) -> None:
        self._root = Place()

    def add(self, path: str, tag: str, **handlers: Handler) -> None:
        """Handlers of a path by method."""
        place = self._root
        for segment in path.split("/"):
            if not segment.startswith(":"):
                place = place.below.setdefault(segment, Place())
                continue
            place.any = place.any or Place()
            place = place.any
            place.variable = segment[1:]
        place.path = path
        for method, handler in handlers.items():
            assert method not in place.handlers
            place.handlers[method] = tag, handler

    def find(self, segments: list[str]) -> tuple[Place, dict[str, str]] | None:
        """What is at a path, and its variables."""
        place, names = self._root, {}
        for segment in segments:
            found = place.below.get(segment)
            if found is None:
                found = place.any
                if found is None:
                    return None
                names[found.variable] = segment
            place = found
        return (place, names) if place.handlers else None


def handler_of(place: Place, method: str) -> tuple[str, Handler]:
    """The handler for a method and the tag that it is for. Raises MethodRefused."""
    found = place.handlers.get("GET" if method == "HEAD" else method)
    if found is None:
        raise MethodRefused(place.allowed)
    return found
