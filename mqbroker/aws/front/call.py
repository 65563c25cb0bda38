"""One call of one action, from its parameters to its answer, whichever wire it came by.

A handler answers at once or later, exactly once. While it waits, the call tells it when nobody waits for the answer any
more, and when the broker is about to stop.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mqbroker.aws.auth.credentials import Caller
from mqbroker.aws.front import cbor_wire, json_wire, query_answer
from mqbroker.aws.front.service import Action, Service
from mqbroker.core.ledger import Ledger
from mqbroker.errors import AwsError
from mqbroker.protocols.http.messages import Answer, HttpRequest, HttpResponse, Pending

Identify = Callable[[HttpRequest, str, int], Caller]
"""Says who is calling: the request, the service's name such as "sqs", now in milliseconds. Raises AwsError."""

OnAnswered = Callable[["Call", Mapping[str, object] | None, AwsError | None], None]


def refusal(error: AwsError, service: Service, wire: str, is_json_wanted: bool, request_id: str) -> HttpResponse:
    """The answer to a request that is refused, in the wire that the client used."""
    if wire == "json":
        return json_wire.error_response(error, service.name, service.has_query_errors, service.json_type, request_id)
    if wire == "cbor":
        return cbor_wire.error_response(error, service.name, service.has_query_errors, request_id)
    return query_answer.error_response(error, service.namespace, is_json_wanted, request_id)


def internal_failure() -> AwsError:
    """The error for an internal failure."""
    text = "The request processing has failed because of an unknown error, exception or failure."
    return AwsError("InternalFailure", text, status=500, is_sender=False)


class Call(Pending):
    """One request of one action.

    `parameters` has the names of the service model; a Binary is bytes, an Integer int, a Boolean bool, and what is
    missing is absent. `base_url` is the scheme and host that the client used, without a slash at the end; `path` is the
    path of the request; `wire` is "json", "cbor" or "query"; `now` milliseconds; `headers` those of the request, with
    names in lower case.
    """

    __slots__ = (
        "_answer",
        "_is_json_wanted",
        "_report",
        "_result",
        "action",
        "base_url",
        "caller",
        "headers",
        "is_answered",
        "now",
        "on_abandoned",
        "on_answered",
        "on_hurry",
        "parameters",
        "path",
        "request_id",
        "wire",
    )

    def __init__(
        self,
        action: Action,
        caller: Caller,
        parameters: dict[str, Any],
        base_url: str,
        path: str,
        wire: str,
        now: int,
        request_id: str,
        answer: Answer,
        report: Callable[["Call"], None],
        is_json_wanted: bool,
        headers: Mapping[str, str],
    ) -> None:
        """`report` is called in the handling of an exception that nobody foresaw; the call is then answered with 500.

        `is_json_wanted`: the Query wire's answer should be JSON.
        """
        Pending.__init__(self)
        self.action = action
        self.caller = caller
        self.parameters = parameters
        self.base_url = base_url
        self.path = path
        self.wire = wire
        self.now = now
        self.request_id = request_id
        self.headers = headers
        self.is_answered = False
        self.on_abandoned: Callable[[], None] | None = None
        """Called when the client's connection goes before the answer: nothing needs to be answered any more."""
        self.on_hurry: Callable[[], None] | None = None
        """Called when the broker stops before the answer: a call that waits for something is to answer at once."""
        self.on_answered: OnAnswered | None = None
        """Called once it is answered, with the result or the error."""
        self._result: Mapping[str, object] | None = None
        self._answer = answer
        self._report = report
        self._is_json_wanted = is_json_wanted

    def answer(self, result: Mapping[str, object] | None) -> None:
        """Answers with a result as the service model names it; bytes for a Binary, None for an empty one."""
        assert not self.is_answered, "a call is answered once"
        try:
            response = self._result_response(result or {})
        except Exception:
            self.fail()
            return
        self.is_answered = True
        self._answer(response)
        if self.on_answered is not None:
            self.on_answered(self, result, None)

    def answer_when_safe(self, ledger: Ledger, result: Mapping[str, object] | None = None) -> None:
        """Answers once everything that the call has changed is durable."""
        self._result = result
        ledger.promise(ledger.position, self._answer_safe)

    def _answer_safe(self) -> None:
        self.answer(self._result)

    def _result_response(self, result: Mapping[str, object]) -> HttpResponse:
        action = self.action
        if self.wire == "json":
            return action.answer_json(result, self.request_id)
        if self.wire == "cbor":
            return action.answer_cbor(result, self.request_id)
        if self._is_json_wanted:
            return action.answer_query_in_json(result, self.request_id)
        return action.answer_query(result, self.request_id)

    def refuse(self, error: AwsError) -> None:
        """Answers with an error."""
        assert not self.is_answered, "a call is answered once"
        self.is_answered = True
        self._answer(refusal(error, self.action.service, self.wire, self._is_json_wanted, self.request_id))
        if self.on_answered is not None:
            self.on_answered(self, None, error)

    def fail(self) -> None:
        """Answers with an internal failure while an exception is handled that nobody foresaw."""
        self._report(self)
        if not self.is_answered:
            self.refuse(internal_failure())

    def abandon(self) -> None:
        """The client has gone. Nothing that is answered from now on reaches anyone."""
        if not self.is_answered and self.on_abandoned is not None:
            self.on_abandoned()

    def hurry(self) -> None:
        """The broker stops, or the client may be gone: whoever waits is to answer now."""
        if not self.is_answered and self.on_hurry is not None:
            self.on_hurry()
