"""The server's side of HTTP/1.1 on one connection: requests in, answers out in the order of the requests.

Sans-I/O; the grammar is llhttp's, in its strict mode, which refuses what request smuggling lives on: a body with two
lengths, folded headers, bare CR or LF, spaces in the wrong place. What is asked and answered is not known here.

    idle --first byte--> head --blank line--> body --last byte--> idle
     |                    |                    |
     idle timeout         408, close           408, close

A request is handled when it is complete. Its answer may come later, and out of order; it waits in its exchange until
those before it have left.
"""

import logging
import re
from collections import deque
from email.utils import formatdate
from http import HTTPStatus

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from mqbroker.clock import Clock
from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.http.headers import HeaderReader
from mqbroker.protocols.http.limits import (
    HTTP_BODIES_BYTES_MAX,
    HTTP_BODY_BYTES_MAX,
    HTTP_HEAD_BYTES_MAX,
    HTTP_HEAD_TIMEOUT_S,
    HTTP_IDLE_TIMEOUT_S,
    HTTP_PIPELINE_MAX,
    HTTP_REQUEST_TIMEOUT_S,
    HTTP_SLICE_BYTES,
)
from mqbroker.protocols.http.messages import Handle, HttpRequest, HttpResponse, Pending
from mqbroker.protocols.rate_log import RateLog
from mqbroker.protocols.session import Outbox, Peer, Session

log = logging.getLogger("mqbroker.http")

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus if status >= 200
}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_CLOSE = b"Connection: close\r\n"
_KEEP_ALIVE = b"Connection: keep-alive\r\n"
_RETRY_AFTER = b"Retry-After: 1\r\n"

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
HOST = re.compile(r"[A-Za-z0-9._~-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_ABSOLUTE = re.compile(r"^https?://[^/?#]*", re.IGNORECASE)

_STATUSES = {
    "syntax": 400,
    "method": 405,
    "timeout": 408,
    "body": 413,
    "expectation": 417,
    "head": 431,
    "coding": 501,
    "busy": 503,
    "version": 505,
}
"""The status by the reason of a ProtocolViolation."""

_IDLE, _HEAD, _BODY = range(3)

# C integers when compiled
_HEAD_MS = HTTP_HEAD_TIMEOUT_S * 1000
_REQUEST_MS = HTTP_REQUEST_TIMEOUT_S * 1000
_IDLE_MS = HTTP_IDLE_TIMEOUT_S * 1000
_HEAD_BYTES = HTTP_HEAD_BYTES_MAX
_BODY_BYTES = HTTP_BODY_BYTES_MAX
_BODIES_BYTES = HTTP_BODIES_BYTES_MAX
_PIPELINE = HTTP_PIPELINE_MAX
_SLICE_BYTES = HTTP_SLICE_BYTES


class Endpoint:
    """What the sessions of one broker share. `new_session` is the factory for listeners."""

    def __init__(self, handle: Handle, outbox: Outbox, clock: Clock) -> None:
        self.handle = handle
        self.bodies_bytes = 0
        """How much is held of bodies that are not complete yet."""
        self.refusals = RateLog(log)
        self._outbox = outbox
        self._clock = clock
        self._date_second = 0
        self._date_line = b""

    def new_session(self, peer: Peer) -> "HttpSession":
        """The session of a new connection."""
        return HttpSession(self._outbox, peer, self, self._clock.now())

    def date_line(self) -> bytes:
        """The header line with the present time, by which SDKs correct their clock."""
        second = self._clock.now() // 1000
        if second != self._date_second:
            self._date_second = second
            self._date_line = f"Date: {formatdate(second, usegmt=True)}\r\n".encode()
        return self._date_line


class Exchange:
    """One request and its answer."""

    __slots__ = ("call", "is_head", "is_last", "is_old", "response", "session")

    def __init__(self, session: "HttpSession", is_head: bool, is_last: bool, is_old: bool) -> None:
        self.session: HttpSession | None = session
        self.is_head = is_head
        """Whether the answer leaves without its body."""
        self.is_last = is_last
        """Whether the connection closes after the answer."""
        self.is_old = is_old
        """Whether the client speaks HTTP/1.0, and is told that the connection stays open."""
        self.response: HttpResponse | None = None
        self.call: Pending | None = None

    def answer(self, response: HttpResponse) -> None:
        """Takes the answer. It leaves at once where it is the next one."""
        call, self.call = self.call, None  # which refers to this: together they would be left to the garbage collector
        session = self.session
        if session is None:
            return  # the connection is gone
        self.response = response
        if session.exchanges[0] is self:
            session.write_answers()
            if call is None or not call.is_delivery:
                session.outbox.put_first(session)

    def cut(self) -> None:
        """The connection is gone, or closes before this answer."""
        self.session = None
        call, self.call = self.call, None
        if call is not None:
            call.abandon()


class HttpSession(Session):
    """One connection."""

    __slots__ = (
        "_base_url",
        "_body",
        "_body_bytes",
        "_complete",
        "_endpoint",
        "_fed",
        "_head",
        "_headers",
        "_held",
        "_host",
        "_is_continue_wanted",
        "_is_ending",
        "_is_finished",
        "_is_full",
        "_is_last",
        "_is_old",
        "_is_stopping",
        "_method",
        "_now",
        "_parser",
        "_peer",
        "_request_deadline",
        "_state",
        "_url",
        "_violation",
        "exchanges",
        "on_header",
    )

    def __init__(self, outbox: Outbox, peer: Peer, endpoint: Endpoint, now: int) -> None:
        super().__init__(outbox)
        self.exchanges: deque[Exchange] = deque()
        """Requests whose answers have not left, in their order."""
        self._peer = peer
        self._endpoint = endpoint
        self._now = now
        self._head = HeaderReader()
        self.on_header = self._head.take
        """Called by the parser: one header of the head, or of a chunked body's trailer, which is not used."""
        self._parser: HttpRequestParser | None = HttpRequestParser(self)
        self._state = _IDLE
        self._complete: deque[tuple[Exchange, HttpRequest]] = deque()
        self._held = b""
        self._host = ""
        self._base_url = ""
        self._headers: dict[str, str] = {}
        self._is_continue_wanted = False
        self._is_ending = False
        self._is_finished = False
        self._is_full = False
        self._is_stopping = False
        self._violation: ProtocolViolation | None = None
        self.on_message_begin()
        self._state = _IDLE
        self.deadline = now + _HEAD_MS

    # --- called by the connection -----------------------------------------------------------------------------------

    def receive_data(self, data: bytes, now: int) -> None:
        """Takes what arrived."""
        self._now = now
        if self._is_ending:
            return
        if not self.is_reading:
            self._held += data  # it was on its way when reading stopped
            return
        self.is_halfway = True  # what it sends or ends marks it
        self._feed(data)
        self._set_deadline()

    def tick(self, now: int) -> None:
        """A request takes too long, or the connection is idle for too long, or its answers are not read."""
        self._now = now
        self.deadline = 0
        if self._state == _IDLE or self.is_paused:
            self._end()
        else:
            self._refuse(ProtocolViolation("timeout", "The request took too long."))

    def input_ended(self, now: int) -> bool:
        """The client sends no more, and may still read, or may be gone: it is answered, but nothing is waited for."""
        self._now = now
        self._is_finished = True
        self._hurry()
        self._end_if_done()
        return not self.is_closing

    def _hurry(self) -> None:
        for exchange in list(self.exchanges):
            if exchange.call is not None:
                exchange.call.hurry()

    def _end_if_done(self) -> None:
        if self._is_finished and not (self.exchanges or self._complete or self._held):
            self._end()

    def shut_down(self, now: int) -> None:
        """The broker stops: calls that wait are hurried, requests that have not begun are turned away, and the
        connection closes after the last open answer."""
        self._now = now
        is_under_way = not self._is_ending and bool(self._state != _IDLE or self._complete or self._held)
        self._is_stopping = self._is_ending = True
        self._hurry()
        if is_under_way:
            self.lingers = True  # an idle client has read everything, and sends nothing; this one may be sending
            self._turn_away()
        elif not self.exchanges:
            self._end()

    def _turn_away(self) -> None:
        """RFC 9110 §15.6.4, §10.2.3: clients try again soon, at the next address or where a balancer leads them."""
        self._drop_body()
        self._complete.clear()
        self._held = b""
        exchange = Exchange(self, is_head=False, is_last=True, is_old=False)
        self.exchanges.append(exchange)
        exchange.answer(HttpResponse(503, b"text/plain", b"The broker stops.\n", _RETRY_AFTER))

    def describe(self) -> dict[str, object]:
        """What an operator sees of it. Each request says anew who sends it."""
        return {**self._peer.describe(), "protocol": "HTTP/1.1", "requests": len(self.exchanges)}

    def connection_lost(self, _now: int) -> None:
        """Nobody waits for the open calls any more."""
        self._is_ending = True
        self._parser = None  # it holds methods of this session
        self._drop_body()
        self._cut_exchanges()

    def pause_output(self) -> None:
        """The client does not read its answers, so it gets no more of them to be made."""
        super().pause_output()
        self.set_reading(False)
        self.deadline = self._now + _REQUEST_MS

    def output_written(self, now: int) -> None:
        """Answers have left: what was held back is taken up."""
        super().output_written(now)
        self._now = now
        if self.is_paused:
            return
        if self._is_ending:
            self.deadline = 0
            return
        if not self.is_reading and (not self._is_full or len(self.exchanges) <= _PIPELINE // 2):
            self._resume()
        self._end_if_done()
        self._set_deadline()

    def _resume(self) -> None:
        self.set_reading(True)
        self._is_full = False
        self._request_deadline = self._now + _REQUEST_MS
        data, self._held = self._held, b""
        self._feed(data)

    def _set_deadline(self) -> None:
        if not self.is_reading:
            self.deadline = 0
        elif self._state != _IDLE:
            self.deadline = self._request_deadline
        elif self.exchanges:
            self.deadline = 0
        else:
            self.deadline = self._now + (_IDLE_MS if self.is_authenticated else _HEAD_MS)

    # --- input ------------------------------------------------------------------------------------------------------

    def _feed(self, data: bytes) -> None:
        """Parses and handles input slice by slice, until too much is open."""
        start = 0
        while self._handle_complete():
            if start >= len(data):
                if self._is_continue_wanted and not self.exchanges:
                    self._send_continue()
                return
            self._parse(data[start : start + _SLICE_BYTES])
            start += _SLICE_BYTES
        if not self._is_ending:
            self.set_reading(False)
            self._held = data[start:]

    def _handle_complete(self) -> bool:
        """Handles the requests that are complete; False where further input has to wait, or none is taken any more."""
        complete = self._complete
        while complete:
            self._is_full = len(self.exchanges) >= _PIPELINE
            if self._is_full or not self.gate.is_open:
                return False
            exchange, request = complete.popleft()
            self.is_halfway = False
            self.exchanges.append(exchange)
            call = self._endpoint.handle(request, exchange.answer, self._now)
            if call is not None:
                self.is_authenticated = True
                if exchange.response is None:
                    exchange.call = call
                    if self._is_finished:
                        call.hurry()
            if exchange.is_last:
                self._is_ending = True
                return False
        if self._violation is not None:
            self._refuse(self._violation)
            return False
        return True

    def _parse(self, data: bytes) -> None:
        """Collects the requests that become complete, and what is wrong after them."""
        assert self._parser is not None
        while True:
            try:
                self._parser.feed_data(data)
            except HttpParserUpgrade as upgrade:
                # RFC 9110 §7.8: an upgrade may be ignored, and the next request is one of HTTP/1.1 again.
                data = data[upgrade.args[0] :]
                self._parser = HttpRequestParser(self)
                continue
            except HttpParserError as error:
                if self._violation is None and error.__context__ is not None:
                    raise error.__context__ from None  # an internal error in one of the methods below
                if self._violation is None:
                    self._violation = ProtocolViolation("syntax", f"{error}.")
                return
            break
        if self._state != _IDLE:
            # The parser collects a header before it tells of it.
            self._fed += len(data)
            if self._fed > _HEAD_BYTES + _SLICE_BYTES:
                self._violation = ProtocolViolation("head", "The request has too many bytes of headers.")

    def _refuse(self, violation: ProtocolViolation) -> None:
        """Answers what is no request of HTTP, after the answers to the requests before it."""
        self._is_ending = True
        self._drop_body()
        self.deadline = 0
        peer = self._peer
        self._endpoint.refusals.warning(self._now, f"HTTP request of {peer.host}:{peer.port} refused: {violation.text}")
        exchange = Exchange(self, is_head=False, is_last=True, is_old=False)
        self.exchanges.append(exchange)
        body = f"{violation.text}\n".encode()
        exchange.answer(HttpResponse(_STATUSES[violation.reason], b"text/plain", body))

    # --- called by the parser ---------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._state = _HEAD
        self._url = b""
        self._head.begin()
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._fed = 0
        self._request_deadline = self._now + _HEAD_MS

    def on_url(self, piece: bytes) -> None:
        """A piece of the request's target."""
        self._url += piece

    def on_headers_complete(self) -> None:
        """The blank line: what can be refused before the body is."""
        assert self._parser is not None
        if self._fed > _HEAD_BYTES - _SLICE_BYTES:
            self._check_head_size()
        self._state = _BODY
        self._fed = 0
        self._request_deadline += _REQUEST_MS - _HEAD_MS
        headers = self._headers = self._head.headers()
        self._is_last = not self._parser.should_keep_alive()
        # RFC 9112 §9.3: only in HTTP/1.1 does a connection stay open by itself.
        self._is_old = (self._is_last or "connection" in headers) and self._is_older()
        self._method = self._parser.get_method().decode()
        host = headers.get("host")
        if host is None or host != self._host:
            self._check_host(host)
        self._check_body()

    def _is_older(self) -> bool:
        assert self._parser is not None
        version = self._parser.get_http_version()
        if version not in ("1.1", "1.0"):
            self._stop("version", "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
        return version == "1.0"

    def _check_head_size(self) -> None:
        if len(self._url) + self._head.size_bytes > _HEAD_BYTES:
            self._stop("head", f"The request has more than {_HEAD_BYTES} bytes of headers.")

    def _check_host(self, host: str | None) -> None:
        """RFC 9112 §3.2: exactly one Host in HTTP/1.1."""
        if host is None and self._is_old:
            host = f"{self._peer.server_host}:{self._peer.server_port}"
        if host is None or HOST.fullmatch(host) is None:
            self._stop("syntax", "The request has no proper Host header.")
        assert host is not None
        self._host = host
        self._base_url = f"{'https' if self._peer.is_tls else 'http'}://{host}"

    def _check_body(self) -> None:
        headers = self._headers
        if int(headers.get("content-length", 0)) > _BODY_BYTES:
            self._stop("body", f"The request has a body of more than {_BODY_BYTES} bytes.")
        coding = headers.get("transfer-encoding", "").lower()
        if coding and self._is_old:
            self._stop("syntax", "HTTP/1.0 has no Transfer-Encoding.")  # RFC 9112 §6.1
        if coding not in ("", "chunked"):
            self._stop("coding", "The only Transfer-Encoding is chunked.")
        if self._method not in _METHODS:
            self._stop("method", f"The method {self._method} is not known here.")
        if "upgrade" in headers and (coding or "content-length" in headers):
            self._stop("syntax", "A request with a body cannot upgrade the connection.")
        expectation = headers.get("expect", "").lower()
        if expectation not in ("", "100-continue"):
            self._stop("expectation", "The only expectation is 100-continue.")
        self._is_continue_wanted = bool(expectation) and not self._is_old

    def on_chunk_header(self) -> None:
        """The line before a chunk of the body."""
        self._fed = 0

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        self._fed = 0
        self._body.append(data)
        self._body_bytes += len(data)
        self._endpoint.bodies_bytes += len(data)
        if self._body_bytes > _BODY_BYTES:
            self._stop("body", f"The request has a body of more than {_BODY_BYTES} bytes.")
        if self._endpoint.bodies_bytes > _BODIES_BYTES:
            self._stop("busy", "Too much is on its way here at present.")

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._drop_body()
        target = self._url.decode("latin-1")
        if not target.startswith("/"):
            target = _ABSOLUTE.sub("", target, count=1) or "/"  # RFC 9112 §3.2.2: what proxies are sent is understood
        request = HttpRequest(self._method, target, self._headers, body, self._peer, self._base_url)
        exchange = Exchange(self, self._method == "HEAD", self._is_last, self._is_old)
        self._complete.append((exchange, request))

    def _drop_body(self) -> None:
        """The body is complete, or will never be."""
        if self._state == _BODY:
            self._endpoint.bodies_bytes -= self._body_bytes
        self._state = _IDLE
        self._is_continue_wanted = False
        self._body = []

    def _stop(self, reason: str, text: str) -> None:
        self._violation = ProtocolViolation(reason, text)
        raise self._violation

    # --- output -----------------------------------------------------------------------------------------------------

    def _send_continue(self) -> None:
        self._is_continue_wanted = False
        self.send(_CONTINUE)

    def write_answers(self) -> None:
        """Writes the answers whose turn it is."""
        exchanges = self.exchanges
        while exchanges:
            exchange = exchanges[0]
            response = exchange.response
            if response is None:
                return
            exchanges.popleft()
            is_last = exchange.is_last or (self._is_stopping and not exchanges)
            self._write(exchange, response, is_last)
            if is_last:
                self._end()
                return
        if self._is_continue_wanted:
            self._send_continue()

    def _write(self, exchange: Exchange, response: HttpResponse, is_last: bool) -> None:
        connection = _CLOSE if is_last else _KEEP_ALIVE if exchange.is_old else b""
        body = response.body
        self.send(
            b"%bContent-Type: %b\r\nContent-Length: %d\r\n%b%b%b\r\n%b"
            % (
                _STATUS_LINES[response.status],
                response.content_type,
                len(body),
                response.headers,
                self._endpoint.date_line(),
                connection,
                b"" if exchange.is_head else body,
            )
        )

    def _end(self) -> None:
        """The connection closes once what was written has left."""
        self._is_ending = True
        self.is_closing = True
        self._cut_exchanges()
        self.mark()

    def _cut_exchanges(self) -> None:
        exchanges = list(self.exchanges)
        self.exchanges.clear()
        for exchange in exchanges:
            exchange.cut()
