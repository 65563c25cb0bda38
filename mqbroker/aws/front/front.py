"""The front of all services: finds the action that a request asks for, who asks, and calls its handler.

Knows all wires and no service in particular. A request asks for a page of the broker when its path is /health or
begins with /_mqbroker/. It is a call of the JSON wire when it has the header X-Amz-Target and no form for a body (Paws,
of Perl, has both), one of CBOR when it says so and its path begins with /service/, and otherwise a call of the Query
wire.

    X-Amz-Target: AmazonSQS.SendMessage                      JSON; the service is that of the prefix
    Action=SendMessage&Version=2012-11-05                    Query; the service is that of the version,
    Action=SendMessage with a signature for ".../sqs/..."           or of the signature's scope,
    Action=SendMessage                                              or the first one that knows the action
"""

import logging
import re
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from mqbroker.aws.auth.credentials import stranger
from mqbroker.aws.front import cbor_wire, json_wire, packing, query_answer, query_wire
from mqbroker.aws.front.call import Call, Identify, internal_failure, refusal
from mqbroker.aws.front.parameters import Parser
from mqbroker.aws.front.service import Action, Service
from mqbroker.aws.front.trail import CallTrail
from mqbroker.aws.front.web_pages import WebPages
from mqbroker.core.ledger import Ledger
from mqbroker.errors import AwsError
from mqbroker.protocols.auditing import Audit, NoAudit
from mqbroker.protocols.http.messages import Answer, HttpRequest, HttpResponse
from mqbroker.protocols.rate_log import RateLog

log = logging.getLogger("mqbroker.aws.front")

Handler = Callable[[Call], None]
"""Answers or refuses a call, now or later. May raise AwsError: the front refuses."""

Page = Callable[[HttpRequest, dict[str, str]], HttpResponse]
"""Answers a request for a page of the broker; the parameters are those of the query string."""


class KeptPage(NamedTuple):
    """A page that changes something: it is answered once that is durable."""

    page: Page
    ledger: Ledger


AnyPage = Page | KeptPage


PAGES_PATH = "/_mqbroker/"
HEALTH_PATH = "/health"
_READING = ("Get", "List", "Describe")  # how the names of actions begin that change nothing

_JSON_TYPES = ("application/x-amz-json-1.0", "application/x-amz-json-1.1")
_FORM = "application/x-www-form-urlencoded"
_SIGNATURE = {
    f"X-Amz-{name}"
    for name in ("Algorithm", "Credential", "Date", "Expires", "Security-Token", "Signature", "SignedHeaders")
}  # what a URL has that was signed in advance, and asks for nothing
_SCOPE = re.compile(r"Credential=[^/,]*/[0-9]*/[^/,]*/([^/,]*)/")


class ServiceHandlers(NamedTuple):
    """A service and what handles its actions, by their names. An action without a handler is an unknown one."""

    service: Service
    handlers: Mapping[str, Handler]


class Route(NamedTuple):
    """An action and what handles it."""

    action: Action
    handler: Handler


class Front:
    """Handles every request of HTTP. There is one per broker."""

    def __init__(
        self,
        services: Mapping[str, ServiceHandlers],
        identify: Identify,
        request_id: Callable[[], str],
        pages: Mapping[tuple[str, str], AnyPage],
        web: WebPages,
        audit: Audit | None = None,
    ) -> None:
        """`services` by name, the first of them answers for what names none; `pages` by method and path. `audit` is
        told of calls."""
        self._services = [each.service for each in services.values()]
        self._identify = identify
        self._request_id = request_id
        self._pages = pages
        self._web = web
        self._is_open = web.is_open
        self._trail = CallTrail(audit or NoAudit())
        self._failures = RateLog(log)
        self._refusals = RateLog(log)
        self._targets: dict[str, Route] = {}
        self._actions: dict[tuple[str, str], Route] = {}
        for name, (service, handlers) in services.items():
            for action_name, handler in handlers.items():
                route = Route(service.actions[action_name], handler)
                route.action.is_audited = self._trail.wants(route.action)
                self._actions[name, action_name] = route
                if service.target_prefix:
                    self._targets[f"{service.target_prefix}.{action_name}"] = route

    def handle(self, request: HttpRequest, answer: Answer, now: int) -> Call | None:
        """Calls `answer` exactly once, now or later. Never raises for what the client did.

        Returns the call when the client is known by name, whether it is answered yet or not.
        """
        if "origin" in request.headers:
            if request.method == "OPTIONS":
                response = self._web.preflight(request)
                if response is not None:
                    answer(response)
                    return None
            answer = self._web.opened(request, answer)
        path, _, query = request.target.partition("?")
        if path.startswith(PAGES_PATH) or path == HEALTH_PATH:
            self._show(request, path, query, answer, now)
            return None
        if "x-amz-target" in request.headers and not _has_form(request.headers):
            return self._handle_json(request, path, answer, now)
        if path.startswith(cbor_wire.PATH) and cbor_wire.is_meant(request.headers):
            return self._handle_cbor(request, path, answer, now)
        return self._handle_query(request, path, query, answer, now)

    # --- the wires of JSON and CBOR -----------------------------------------------------------------------------------

    def _handle_json(self, request: HttpRequest, path: str, answer: Answer, now: int) -> Call | None:
        request_id = self._request_id()
        headers = request.headers
        content_type = headers.get("content-type")
        if request.method != "POST" or (content_type not in _JSON_TYPES and _media_type(headers) not in _JSON_TYPES):
            answer(query_answer.unknown_operation(request_id))
            return None
        target = headers["x-amz-target"]
        route = self._targets.get(target)
        if route is None:
            answer(self._unknown_target(target, request_id, "json"))
            return None
        return self._take_body(route, request, path, "json", json_wire.parse_body, request_id, answer, now)

    def _handle_cbor(self, request: HttpRequest, path: str, answer: Answer, now: int) -> Call | None:
        request_id = self._request_id()
        target = cbor_wire.target_of(path)
        route = self._targets.get(target)
        if route is None or request.method != "POST":
            answer(self._unknown_target(target, request_id, "cbor"))
            return None
        return self._take_body(route, request, path, "cbor", cbor_wire.parse_body, request_id, answer, now)

    def _take_body(
        self,
        route: Route,
        request: HttpRequest,
        path: str,
        wire: str,
        parse: packing.Parse,
        request_id: str,
        answer: Answer,
        now: int,
    ) -> Call | None:
        """Calls the handler with the parameters that the body has, which may be packed."""
        call = self._new_call(route, request, path, wire, False, request_id, answer, now)
        if call is not None:
            if packing.HEADER in request.headers:
                parse = packing.unpacking(parse, request.headers)
            self._run(call, route.handler, parse, request.body, route.action.parse_json)
        return call

    def _unknown_target(self, target: str, request_id: str, wire: str) -> HttpResponse:
        prefix = target.rpartition(".")[0]
        services = [each for each in self._services if each.target_prefix == prefix] or self._services
        error = AwsError("UnknownOperationException", "")
        return refusal(error, services[0], wire, False, request_id)

    # --- the Query wire ---------------------------------------------------------------------------------------------

    def _handle_query(self, request: HttpRequest, path: str, query: str, answer: Answer, now: int) -> Call | None:
        request_id = self._request_id()
        is_json_wanted = "application/json" in request.headers.get("accept", "")
        service = self._services[0]
        try:
            form = self._form(request, query, now)
            name = form.get("Action")
            if name is None and form.keys() <= _SIGNATURE:
                answer(query_answer.unknown_operation(request_id))
                return None
            service = self._service_of(request, form)
            route = self._route(service, name, path)
        except AwsError as error:
            answer(refusal(error, service, "query", is_json_wanted, request_id))
            return None
        except Exception:
            self._log_failure("a form", request_id, now)
            answer(refusal(internal_failure(), service, "query", is_json_wanted, request_id))
            return None
        call = self._new_call(route, request, path, "query", is_json_wanted, request_id, answer, now)
        if call is not None:
            if route.action.path_member and path.strip("/"):
                form.setdefault(route.action.path_member, call.base_url + path)
            self._run(call, route.handler, query_wire.parse_parameters, form, route.action.parse_query)
        return call

    def _form(self, request: HttpRequest, query: str, now: int) -> dict[str, str]:
        """The parameters in the query string and in the body, where that is a form. Raises AwsError."""
        form = query_wire.parse_form(query.encode("latin-1")) if query else {}
        body = request.body
        if body and _media_type(request.headers) in (_FORM, ""):
            if packing.is_packed(request.headers):
                # A few kilobytes may be megabytes: a stranger has nothing unpacked, whatever the action is.
                self._identify(request, self._service_of(request, form).name, now)
                body = packing.unpacked(body, request.headers)
            form |= query_wire.parse_form(body)
        return form

    def _service_of(self, request: HttpRequest, form: Mapping[str, str]) -> Service:
        version = form.get("Version")
        for service in self._services:
            if service.api_version == version:
                return service
        scope = _SCOPE.search(request.headers.get("authorization", ""))
        name = scope[1] if scope is not None else "/".join(form.get("X-Amz-Credential", "").split("/")[3:4])
        for service in self._services:
            if service.name == name:
                return service
        action = form.get("Action", "")
        services = [each for each in self._services if (each.name, action) in self._actions] or self._services
        return services[0]

    def _route(self, service: Service, name: str | None, path: str) -> Route:
        if not name:
            text = "The request is missing an action or a required parameter."
            raise AwsError("MissingAction", text)
        route = self._actions.get((service.name, name))
        if route is None or (path.strip("/") and not route.action.takes_path):
            raise AwsError("InvalidAction", f"The action {name} is not valid for this endpoint.")
        return route

    # --- both wires -------------------------------------------------------------------------------------------------

    def _new_call(
        self,
        route: Route,
        request: HttpRequest,
        path: str,
        wire: str,
        is_json_wanted: bool,
        request_id: str,
        answer: Answer,
        now: int,
    ) -> Call | None:
        """The call of whoever sent the request, still without parameters; None where that was refused."""
        action = route.action
        try:
            if action.is_open and not _is_signed(request):
                caller = stranger(request.peer)
            else:
                if self._is_open and not _is_of_program(request):
                    self._web.check(request, action.name.startswith(_READING))
                caller = self._identify(request, action.service.name, now)
        except AwsError as error:
            self._note_refusal(action.name, request.peer.host, error, now)
            if action.is_audited:
                self._trail.refused(action, request, request_id, error)
            answer(refusal(error, action.service, wire, is_json_wanted, request_id))
            return None
        except Exception:
            self._log_failure(action.name, request_id, now)
            answer(refusal(internal_failure(), action.service, wire, is_json_wanted, request_id))
            return None
        call = Call(
            action, caller, {}, request.base_url, path, wire, now, request_id, answer, self._report, is_json_wanted,
            request.headers,
        )  # fmt: skip
        if action.is_audited:
            call.on_answered = self._trail.answered
        return call

    def _run(
        self, call: Call, handler: Handler, parse: Callable[[Any, Parser], dict[str, Any]], source: Any, parser: Parser
    ) -> None:
        try:
            call.parameters = parse(source, parser)
            handler(call)
        except AwsError as error:
            if call.is_answered:
                call.fail()
            else:
                self._note_refusal(call.action.name, call.caller.arn or call.caller.source_ip, error, call.now)
                call.refuse(error)
        except Exception:
            call.fail()

    def _note_refusal(self, name: str, who: str, error: AwsError, now: int) -> None:
        self._refusals.info(now, f"{name} of {who} refused: {error.code}: {error.message}")

    def _report(self, call: Call) -> None:
        self._log_failure(call.action.name, call.request_id, call.now)

    def _log_failure(self, name: str, request_id: str, now: int) -> None:
        """One line and its traceback, not oftener than the interval: a client can repeat its request at will."""
        self._failures.warning(now, f"{name} {request_id} failed: internal error\n{traceback.format_exc()}")

    # --- pages of the broker ----------------------------------------------------------------------------------------

    def _show(self, request: HttpRequest, path: str, query: str, answer: Answer, now: int) -> None:
        method = "GET" if request.method == "HEAD" else request.method
        # A page may be a folder of files whose names are not known beforehand.
        page = self._pages.get((method, path)) or self._pages.get((method, path.rpartition("/")[0] + "/"))
        if page is None:
            answer(HttpResponse(404, b"text/plain", b"There is no such page.\n"))
        elif isinstance(page, KeptPage):
            response = self._page(page.page, request, path, query, now)
            page.ledger.promise(page.ledger.position, partial(answer, response))
        else:
            answer(self._page(page, request, path, query, now))

    def _page(self, page: Page, request: HttpRequest, path: str, query: str, now: int) -> HttpResponse:
        try:
            return page(request, query_wire.parse_form(query.encode("latin-1")))
        except AwsError as error:
            return HttpResponse(error.status, b"text/plain", f"{error.message}\n".encode())
        except Exception:
            self._log_failure(path, "", now)
            return HttpResponse(500, b"text/plain", b"The page failed: internal error.\n")


def _is_signed(request: HttpRequest) -> bool:
    return "authorization" in request.headers or "X-Amz-Signature=" in request.target


def _is_of_program(request: HttpRequest) -> bool:
    """Whether no page can have sent it: then there is nothing that `WebPages.check` could refuse."""
    headers = request.headers
    is_marked = "origin" in headers or "sec-fetch-site" in headers
    return request.method == "POST" and "authorization" in headers and not is_marked


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _has_form(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type") not in _JSON_TYPES and _media_type(headers) == _FORM
