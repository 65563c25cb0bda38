"""The opening handshake of a WebSocket: one HTTP request in, one answer out, and which protocol will be spoken.

Sans-I/O. HTTP and the rules of RFC 6455 are the library's business; which paths, subprotocols and origins there are is
decided here. Of a request nothing but the user and password of HTTP's Basic is kept, for the log-in of the protocol
inside.

    any path          subprotocol of a protocol     that protocol
    its own path      no subprotocol                the protocol of the path
    any other path    no subprotocol                the default protocol, or another if its first octets are one's
    path of another   that default, or none         refused          a client of the other forgot its subprotocol
    any path          only subprotocols unknown     refused
    /health           no WebSocket at all           200              load balancers and container managers ask for it
"""

import http
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from websockets.exceptions import InvalidHeader, NegotiationError
from websockets.headers import parse_authorization_basic
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from mqbroker.config.sections import WebSocketConfig
from mqbroker.limits import PREAUTH_BYTES_MAX
from mqbroker.net.choice import UNNAMED, SessionFactory
from mqbroker.net.origins import Origins
from mqbroker.protocols.protocol import Protocol

HEALTH_PATH = "/health"

_METHOD = b"GET "
_END_OF_HEAD = b"\r\n\r\n"
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

_library_log = logging.getLogger(f"{__name__}.library")
_library_log.setLevel(logging.WARNING)  # at "info" it has a line for every connection


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client is told. With `new_session` the connection is a WebSocket from here on, else it closes.

    `rest` is what came after the request. `reason` says in words for the log why the request was refused; it is empty
    for one that was answered. `basic` has the user and the password that the request brought.
    """

    data: bytes
    new_session: SessionFactory | None = None
    rest: bytes = b""
    reason: str = ""
    basic: tuple[str, str] = ("", "")


class Carried:
    """The protocols that WebSockets carry."""

    def __init__(self, protocols: Sequence[Protocol]) -> None:
        carried = sorted((each for each in protocols if each.subprotocols), key=lambda each: each.is_websocket_default)
        self._newest_first = {
            name: each.subprotocols for each in carried if each.newest_wins for name in each.subprotocols
        }
        self.by_subprotocol = {name: each.name for each in carried for name in each.subprotocols}
        self.default = next((each.name for each in carried if each.is_websocket_default), "")
        """The one that is meant where no subprotocol is named, on most paths."""
        self._own_paths = {each.websocket_own_path: each.name for each in carried if each.websocket_own_path}
        self._by_path = {each.websocket_path: each for each in carried if each.websocket_path}

    def chosen(self, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        """The first one offered that is known, or a newer one of its protocol that is offered too; None for none."""
        first = next((each for each in offered if each in self.by_subprotocol), None)
        newer = self._newest_first.get(first or "", ())
        return next((Subprotocol(each) for each in newer if each in offered), first)

    def meant_on(self, path: str) -> str:
        """The protocol that is meant on a path where no subprotocol is named."""
        return self._own_paths.get(path, self.default)

    def forgotten_on(self, path: str, name: str) -> tuple[str, ...]:
        """The subprotocols one of which a client on this path has to name, when it gets the default without them."""
        expected = self._by_path.get(path)
        return expected.subprotocols if expected is not None and name == self.default != expected.name else ()


class Frames(ServerProtocol):
    """The library's protocol, which negotiates our subprotocols."""

    def __init__(self, carried: Carried, **options: Any) -> None:
        super().__init__(**options)
        self._carried = carried

    def select_subprotocol(self, subprotocols: Sequence[Subprotocol]) -> Subprotocol | None:
        """The one that is answered; none is needed where none is offered. Raises NegotiationError."""
        chosen = self._carried.chosen(subprotocols)
        if subprotocols and chosen is None:
            raise NegotiationError(f"none of the subprotocols is one of {', '.join(self._carried.by_subprotocol)}")
        return chosen

    def free(self) -> None:
        """Lets go of everything, so that no cycle of references waits for the collector. It cannot be used after this.

        What the library keeps, and under which names, is its own business and changes with its versions. An error of
        the handshake, which it does name, is held by its traceback as well.
        """
        errors: list[BaseException | None] = [self.handshake_exc]
        while errors:
            error = errors.pop()
            if error is not None:
                error.__traceback__ = None
                errors += [error.__cause__, error.__context__]
        vars(self).clear()


class Handshake:
    """Collects one request and answers it. `protocol` goes on from there."""

    def __init__(self, config: WebSocketConfig, carried: Carried, factories: Mapping[str, SessionFactory]) -> None:
        """`factories` makes sessions by the name of their protocol."""
        self._carried = carried
        self._factories = factories
        self._head = bytearray()
        self._origins = Origins(config.origins) if config.origins else None
        self.protocol = Frames(carried, max_size=config.message_size_max, logger=_library_log)

    def receive(self, data: bytes) -> Answer | None:
        """The answer once the request is complete, or cannot become one."""
        head = self._head
        searched = max(0, len(head) - len(_END_OF_HEAD))
        head += data
        if not head.startswith(_METHOD[: len(head)]):
            return Answer(_BAD_REQUEST, reason="the connection does not open with a GET request")
        end = head.find(_END_OF_HEAD, searched) + len(_END_OF_HEAD)
        if end >= len(_END_OF_HEAD):
            return self._answer(bytes(head[:end]), bytes(head[end:]))
        if len(head) > PREAUTH_BYTES_MAX:
            return Answer(_TOO_LARGE, reason=f"the request has more than {PREAUTH_BYTES_MAX} bytes")
        return None

    def _answer(self, head: bytes, rest: bytes) -> Answer:
        protocol = self.protocol
        protocol.receive_data(head)
        for request in protocol.events_received():
            if isinstance(request, Request):
                response, new_session = self._respond(request)
                protocol.send_response(response)
                is_refused = new_session is None and response.status_code != http.HTTPStatus.OK
                reason = "" if not is_refused else f"HTTP {response.status_code} {response.reason_phrase}"
                return Answer(b"".join(protocol.data_to_send()), new_session, rest, reason, _basic_in(request))
        # Some versions of the library answer a request that they cannot read, others leave it at closing.
        data = b"".join(protocol.data_to_send()) or _BAD_REQUEST
        return Answer(data, reason="the HTTP request is malformed")

    def _respond(self, request: Request) -> tuple[Response, SessionFactory | None]:
        if request.path.partition("?")[0] == HEALTH_PATH and "Upgrade" not in request.headers:
            return self.protocol.reject(http.HTTPStatus.OK, "ok\n"), None
        if self._origins is not None:
            # A client that is no browser sends no origin, and could send any.
            for origin in request.headers.get_all("Origin"):
                if not self._origins.allow(origin):
                    return self._reject(http.HTTPStatus.FORBIDDEN, f"websocket.origins does not list {origin}")
        response = self.protocol.accept(request)
        if response.status_code != http.HTTPStatus.SWITCHING_PROTOCOLS:
            # RFC 6455 §4.4: whoever asks in another version, or not at all, is told which one is spoken.
            response.headers["Sec-WebSocket-Version"] = "13"
            return response, None
        chosen = self.protocol.subprotocol
        path = request.path.partition("?")[0]
        name = self._carried.by_subprotocol[chosen] if chosen else self._carried.meant_on(path)
        forgotten = self._carried.forgotten_on(path, name)
        if forgotten:
            return self._reject(http.HTTPStatus.BAD_REQUEST, f"{path} needs the subprotocol {' or '.join(forgotten)}")
        is_unnamed = not chosen and name == self._carried.default
        new_session = (self._factories.get(UNNAMED) if is_unnamed else None) or self._factories.get(name)
        if new_session is None:
            return self._reject(http.HTTPStatus.SERVICE_UNAVAILABLE, f"{name} is not spoken here")
        return response, new_session

    def _reject(self, status: http.HTTPStatus, text: str) -> tuple[Response, None]:
        return self.protocol.reject(status, f"{text}\n"), None


def _basic_in(request: Request) -> tuple[str, str]:
    """The user and the password of a request; empty where it has none, or another scheme than Basic."""
    found = request.headers.get_all("Authorization")
    try:
        return parse_authorization_basic(found[0]) if found else ("", "")
    except (InvalidHeader, ValueError):  # older versions of the library refuse what is not UTF-8
        return "", ""
