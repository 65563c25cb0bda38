"""The way of a request: who asks, what for, may they, what is answered; and the headers that every answer has.

It owns HTTP. What is answered is the business of api/. A change is answered once the journal has it, as with every
protocol. Whatever goes wrong is told with a reason; what nobody foresaw is logged with its traceback and is a 500.
"""

import asyncio
import gzip
import inspect
import logging
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs, parse_qsl, unquote

from aiohttp import web

from mqbroker.errors import AccessPending, RequestRefused
from mqbroker.management.answers import Answer, Listing
from mqbroker.management.assets import POLICY, assets
from mqbroker.management.auditing import Auditor, Deed
from mqbroker.management.call import ANYBODY, Call, Handler, Place, Routes, handler_of
from mqbroker.management.caller import MANAGEMENT, MONITORING, Caller
from mqbroker.management.console_sessions import COOKIE, ConsoleSessions
from mqbroker.management.cors import Cors
from mqbroker.management.ground import Ground
from mqbroker.management.limits import BODY_TIMEOUT_S, PREAUTH_BODY_BYTES_MAX
from mqbroker.management.local import Visitor
from mqbroker.management.login import (
    LoginRequired,
    basic_credentials,
    caller_named,
    challenge,
    log_in,
    login_form,
    user_of_header,
)
from mqbroker.management.metrics.scrape import scraped
from mqbroker.management.pages import picker, shown
from mqbroker.management.refusals import MethodRefused, Refusal, bad_request, missing, refused_by_core, unauthorised
from mqbroker.management.session import Guest, SessionTransport
from mqbroker.management.waiting import committed, known
from mqbroker.protocols.plain_json import dump

log = logging.getLogger(__name__)
access_log = logging.getLogger("mqbroker.management.access")

_GZIP_BYTES_MIN = 1024
_FIXED_HEADERS = {
    "server": "mqbroker",
    "cache-control": "no-cache",
    "vary": "accept, accept-encoding, origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}


class Front:
    """Answers the requests of one broker."""

    def __init__(self, ground: Ground, routes: Routes, cors: Cors, is_for_metrics: bool) -> None:
        self._ground = ground
        self._routes = routes
        self._cors = cors
        self._is_for_metrics = is_for_metrics
        self._prefix = ground.config.path_prefix
        self._auditor = Auditor(ground)
        self._sessions = ConsoleSessions(ground.broker.access, ground.config.session_timeout_min)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """aiohttp's handler."""
        transport = request.transport
        if transport is None:
            return web.Response(status=503)  # it is gone
        session: Guest = transport.session if isinstance(transport, SessionTransport) else Visitor()
        session.requests_open += 1
        try:
            answer = await self._respond(request, session)
            response: web.StreamResponse = self._response(request, answer)
            if answer.stream is not None:
                response = await self._send(request, answer, answer.stream)
        finally:
            session.requests_open -= 1
        if self._ground.config.access_log:
            self._note(request, session, response)
        return response

    def _note(self, request: web.BaseRequest, session: Guest, response: web.StreamResponse) -> None:
        """A line of the access log, in Apache's combined format. What a client wrote is escaped, so that nobody forges
        lines with it."""
        seconds = self._ground.clock.wall() / 1000
        at = datetime.fromtimestamp(seconds, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        user = user_of_header(request.headers.get("authorization", ""))
        body = response.body if isinstance(response, web.Response) else b""
        size = len(body) if isinstance(body, bytes) else 0
        words = (
            request.method,
            request.raw_path,
            request.headers.get("referer", ""),
            request.headers.get("user-agent", ""),
        )
        method, path, referer, agent = (word.encode("unicode_escape").decode().replace('"', '\\"') for word in words)
        text = '%s - %s [%s] "%s %s HTTP/1.1" %d %d "%s" "%s"'
        access_log.info(text, session.peer.host, user or "-", at, method, path, response.status, size, referer, agent)

    async def _send(
        self, request: web.BaseRequest, answer: Answer, stream: AsyncGenerator[bytes, None]
    ) -> web.StreamResponse:  # fmt: skip
        """Sends what comes until its reader is gone."""
        response = web.StreamResponse(headers={**self._headers(request, answer), "content-type": answer.content_type})
        try:
            await response.prepare(request)
            if request.method == "HEAD":
                return response
            async for piece in stream:
                await response.write(piece)
        except ConnectionError:
            pass  # its reader is gone
        finally:
            await stream.aclose()
        return response

    async def _respond(self, request: web.BaseRequest, session: Guest) -> Answer:
        try:
            return await self._answer(request, session)
        except LoginRequired as error:
            body = {"error": "not_authorized", "reason": error.reason} if error.reason else None
            return Answer(401, body, challenge(request.headers))
        except MethodRefused as error:
            return Answer(405, None, {"allow": ", ".join(error.allowed)})
        except Refusal as error:
            return refusal_answer(error)
        except RequestRefused as error:
            return refusal_answer(refused_by_core(error))
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("%s %s failed: internal error", request.method, request.raw_path)
            return Answer(500, {"error": "internal_error", "reason": "see the broker's log"})

    # --- what is asked ------------------------------------------------------------------------------------------------

    async def _answer(self, request: web.BaseRequest, session: Guest) -> Answer:
        path, _, query_text = request.raw_path.partition("?")
        segments = self._segments(path)
        if segments is None:
            raise missing()
        aside = await self._aside(request, session, segments)
        if aside is not None:
            return aside
        if segments[0] == "metrics":
            return await self._scrape(request, session, segments[1:], query_text)
        found = self._routes.find(segments[1:]) if segments[0] == "api" else None
        if found is None:
            raise missing()
        place, names = found
        if request.method == "OPTIONS":
            allowed = ", ".join(place.allowed)
            return Answer(200, None, {"allow": allowed, **self._cors.preflight(request.headers, allowed)})
        query = dict(parse_qsl(query_text, True))
        deed = Deed(request.method, place.path, names, query, request.headers, session.peer)
        try:
            answer = await self._answer_call(request, session, place, deed)
        except (LoginRequired, MethodRefused, Refusal, RequestRefused) as error:
            self._auditor.refused(deed, error)
            raise
        self._auditor.done(deed, answer)
        return answer

    async def _aside(self, request: web.BaseRequest, session: Guest, segments: list[str]) -> Answer | None:
        """The answer to what is no path of the API: pages, log-ins, probes of load balancers."""
        if segments == ["readyz"] and self._ground.node.doors.is_suspended:
            return Answer(503, b"listeners are suspended\n", content_type="text/plain")
        if segments in (["healthz"], ["readyz"]):
            return Answer(200, b"ok\n", content_type="text/plain")
        if self._is_for_metrics:
            return None
        if segments == ["api"]:
            return Answer(301, None, {"location": f"{self._prefix}/api/index.html"})
        if segments == ["api", "login"]:
            return await self._login(request, session)
        is_page = segments == ["api", "index.html"]
        if is_page or (len(segments) == 1 and segments[0] in assets()):
            return page_answer("api.html" if is_page else segments[0], request)
        return None

    async def _login(self, request: web.BaseRequest, session: Guest) -> Answer:
        """POST begins a session of the console, DELETE ends it."""
        self._cors.check(request.method, request.headers)
        if request.method == "DELETE":
            self._sessions.end(request.cookies.get(COOKIE, ""))
            return Answer(204, None, {"set-cookie": self._cookie(session, "", 0)})
        if request.method != "POST":
            raise MethodRefused(("POST", "DELETE", "OPTIONS"))
        user, password = login_form(await self._read(request), request.headers.get("content-type", ""))
        try:
            caller = await log_in(self._ground, session, user, password)
            caller.require(MANAGEMENT)
        except (LoginRequired, Refusal) as error:
            self._auditor.signed_in(session.peer, request.headers, user, error.reason)
            raise
        self._auditor.signed_in(session.peer, request.headers, user, "")
        token = self._sessions.begin(user, self._ground.clock.now())
        return Answer(200, "ok", {"set-cookie": self._cookie(session, token, self._sessions.timeout_s)})

    def _cookie(self, session: Guest, token: str, age_s: int) -> str:
        secure = "; Secure" if session.peer.is_tls else ""
        return f"{COOKIE}={token}; Path={self._prefix}/; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}"

    async def _scrape(self, request: web.BaseRequest, session: Guest, segments: list[str], query_text: str) -> Answer:
        """Anybody may scrape on the ports that are for that; on others, who may monitor."""
        if request.method not in ("GET", "HEAD"):
            raise MethodRefused(("HEAD", "GET", "OPTIONS"))
        if self._is_for_metrics:
            session.logged_in()
        else:
            (await self._identify(request, session)).require(MONITORING)
        query = parse_qs(query_text, keep_blank_values=True)
        return await scraped(self._ground, segments, query, request.headers.get("accept", ""))

    def _segments(self, path: str) -> list[str] | None:
        """The decoded segments below the prefix; None for a path outside of it."""
        if not f"{path}/".startswith(f"{self._prefix}/"):
            return None
        raw = path[len(self._prefix) + 1 :].removesuffix("/").split("/")
        return [unquote(segment, errors="surrogateescape") for segment in raw]

    async def _answer_call(self, request: web.BaseRequest, session: Guest, place: Place, deed: Deed) -> Answer:
        tag, handler = handler_of(place, request.method)
        self._cors.check(request.method, request.headers)
        if tag == ANYBODY:
            caller = Caller("", (), self._ground.broker)
        else:
            deed.claimed_user = user_of_header(request.headers.get("authorization", ""))
            caller = await self._identify(request, session)
            deed.caller = caller
            caller.require(tag)
        if not accepts_json(request.headers.get("accept", "")):
            return Answer(406)
        ground, method = self._ground, request.method
        raw = deed.raw = await self._read(request, ground.config.body_size_max)
        names, query = deed.names, deed.query
        call = Call(ground, caller, method, names, query, request.headers, session.peer, ground.clock.now(), raw)
        result = await self._handled(call, handler)
        if request.method in ("GET", "HEAD"):
            return await _shown(result, query)
        assert isinstance(result, Answer)
        await committed(ground)
        return result

    async def _handled(self, call: Call, handler: Handler) -> Answer | Listing:
        """What a handler answers, once it is known whether the caller may. Raises Refusal, RequestRefused."""
        while True:
            try:
                result = handler(call)
                return await result if inspect.isawaitable(result) else result
            except AccessPending as pending:  # handlers ask for everything before they do anything
                await known(pending)
                call.now = self._ground.clock.now()

    async def _identify(self, request: web.BaseRequest, session: Guest) -> Caller:
        if session.is_local:
            session.logged_in()
            return Caller("", ("administrator",), self._ground.broker, is_owner=True)
        header = request.headers.get("authorization")
        if header is not None:
            return await log_in(self._ground, session, *basic_credentials(header))
        user = self._sessions.user_of(request.cookies.get(COOKIE, ""), self._ground.clock.now())
        if not user:
            raise LoginRequired("")
        if request.method not in ("GET", "HEAD") and "X-Requested-With" not in request.headers:
            raise unauthorised("A change with a cookie needs the header X-Requested-With")  # no other page can send it
        session.logged_in()
        return caller_named(self._ground, user)

    async def _read(self, request: web.BaseRequest, most: int = PREAUTH_BODY_BYTES_MAX) -> bytes:
        """The body. Raises Refusal for one that is too large or does not come."""
        if request.headers.get("expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        announced = request.content_length or 0
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                while max(announced, len(body)) <= most:
                    piece = await request.content.readany()
                    if not piece:
                        return bytes(body)
                    body += piece
        except TimeoutError:
            raise Refusal(408, "bad_request", "The request body did not arrive in time") from None
        except web.RequestPayloadError as error:
            raise bad_request(f"The request body cannot be read: {error}") from None
        raise bad_request("Exceeded HTTP request body size limit")

    # --- what is answered ---------------------------------------------------------------------------------------------

    def _headers(self, request: web.BaseRequest, answer: Answer) -> dict[str, str]:
        return {**_FIXED_HEADERS, **self._cors.headers(request.headers), **answer.headers}

    def _response(self, request: web.BaseRequest, answer: Answer) -> web.Response:
        headers = self._headers(request, answer)
        if answer.body is None:
            return web.Response(status=answer.status, headers=headers)
        body = answer.body if isinstance(answer.body, bytes) else dump(answer.body)
        if len(body) >= _GZIP_BYTES_MIN and "gzip" in request.headers.get("accept-encoding", ""):
            body = gzip.compress(body, 1)
            headers["content-encoding"] = "gzip"
        headers["content-type"] = answer.content_type
        return web.Response(status=answer.status, headers=headers, body=body)


def page_answer(name: str, request: web.BaseRequest) -> Answer:
    """A file of the console. Raises MethodRefused."""
    asset = assets()[name]
    if request.method not in ("GET", "HEAD"):
        raise MethodRefused(("HEAD", "GET", "OPTIONS"))
    headers = {"etag": asset.etag, "content-security-policy": POLICY}
    if request.headers.get("if-none-match") == asset.etag:
        return Answer(304, None, headers)
    return Answer(200, asset.octets, headers, asset.content_type)


def refusal_answer(error: Refusal) -> Answer:
    """What a refusal looks like."""
    return Answer(error.status, {"error": error.error, "reason": error.reason})


async def _shown(result: Answer | Listing, query: Mapping[str, str]) -> Answer:
    if isinstance(result, Listing):
        return Answer(200, await shown(result, query))
    if query.get("columns") and isinstance(result.body, Mapping):
        return Answer(result.status, picker(lambda item: item, query)(result.body), result.headers)
    return result


def accepts_json(header: str) -> bool:
    """Whether an Accept header takes JSON, or what else there may be in some paths."""
    if not header:
        return True
    kinds = {part.partition(";")[0].strip().lower() for part in header.split(",")}
    return not kinds.isdisjoint(
        {"*/*", "application/*", "application/json", "text/plain", "text/event-stream", "text/*"}
    )
