"""A service as the front serves it: its actions with the parsers and writers compiled from the model.

Everything here is made once at the start; a request only looks up and calls.
"""

from collections.abc import Mapping
from typing import Any

from mqbroker.aws.front import cbor, cbor_wire, json_wire, query_answer, query_wire
from mqbroker.aws.front.json_wire import result_body
from mqbroker.aws.front.model import ActionModel, ServiceModel
from mqbroker.aws.front.request_ids import request_id_header
from mqbroker.aws.front.times import compile_stamper
from mqbroker.protocols.http.messages import HttpResponse


class Action:
    """One action of a service."""

    __slots__ = (
        "_cbor_times",
        "_json_times",
        "answer_query",
        "answer_query_in_json",
        "has_output",
        "is_audited",
        "is_data",
        "is_open",
        "name",
        "parse_json",
        "parse_query",
        "path_member",
        "service",
        "takes_path",
    )

    def __init__(self, service: "Service", model: ActionModel, source: ServiceModel) -> None:
        self.service = service
        self.name = model.name
        self.has_output = model.output is not None
        self.parse_json = json_wire.compile_parser(model.input)
        self.parse_query = query_wire.compile_parser(model.input, source.checks_required)
        self.answer_query = query_answer.compile_xml_answerer(model, source.namespace)
        self.answer_query_in_json = query_answer.compile_json_answerer(model, source.json_names)
        self._json_times = compile_stamper(model.output, lambda ms: ms / 1000)
        self._cbor_times = compile_stamper(model.output, lambda ms: cbor.Time(ms / 1000))
        self.path_member = source.path_member if source.path_member in model.input.members else ""
        """The parameter that the request's path stands for when it is missing; "" for none."""
        self.takes_path = not source.path_member or bool(self.path_member) or model.name in source.path_free_actions
        """Whether the action may be sent to a path of a resource instead of "/"."""
        self.is_open = model.name in source.open_actions
        """Whether it needs no signature: who sends it shows by a secret among its parameters that he may."""
        self.is_data = model.name in source.data_actions
        """Whether it moves messages."""
        self.is_audited = False
        """Whether the audit trail is to have its calls: set by the front."""

    def answer_json(self, result: Mapping[str, Any], request_id: str) -> HttpResponse:
        """The answer on the JSON wire. An action that answers nothing has an empty body."""
        if self._json_times is not None:
            result = self._json_times(result)
        body = result_body(result) if self.has_output else b""
        return HttpResponse(200, self.service.json_type, body, request_id_header(request_id))

    def answer_cbor(self, result: Mapping[str, Any], request_id: str) -> HttpResponse:
        """The answer on the wire of CBOR."""
        if not self.has_output:
            return cbor_wire.result_response(None, request_id)
        return cbor_wire.result_response(result if self._cbor_times is None else self._cbor_times(result), request_id)


class Service:
    """A service: its name such as "sqs", and its actions by name."""

    __slots__ = (
        "actions", "api_version", "has_query_errors", "json_type", "name", "namespace", "path_member",
        "resource_type", "target_prefix",
    )  # fmt: skip

    def __init__(self, model: ServiceModel) -> None:
        self.name = model.name
        self.api_version = model.api_version
        self.namespace = model.namespace
        self.target_prefix = model.target_prefix
        self.path_member = model.path_member
        self.resource_type = model.resource_type
        self.has_query_errors = model.has_query_errors
        self.json_type = f"application/x-amz-json-{model.json_version}".encode()
        self.actions = {name: Action(self, action, model) for name, action in model.actions.items()}
