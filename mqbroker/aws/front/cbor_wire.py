"""The wire of Smithy RPC v2 with CBOR, which newer SDKs speak with CloudWatch.

    POST /service/<target prefix>/operation/<action>        smithy-protocol: rpc-v2-cbor

Parameters have the types of JSON's, but for octets, which are plain, and times, which are tagged numbers; so the
parsers are those of JSON. `__type` is the shape of an error, and the header `x-amzn-query-error` has its code.
"""

from collections.abc import Mapping
from typing import Any

from mqbroker.aws.front import cbor
from mqbroker.aws.front.json_wire import error_headers, error_type, refuse_value
from mqbroker.aws.front.parameters import Parser, missing_parameter
from mqbroker.errors import AwsError, MissingMember
from mqbroker.protocols.http.messages import HttpResponse

TYPE = b"application/cbor"
PATH = "/service/"
_MARK = "smithy-protocol: rpc-v2-cbor\r\n"


def is_meant(headers: Mapping[str, str]) -> bool:
    """Whether a request is on this wire."""
    return headers.get("smithy-protocol") == "rpc-v2-cbor"


def target_of(path: str) -> str:
    """The service and action of a path, as the JSON wire names them; empty where it names none."""
    parts = path.split("/")
    if len(parts) != 5 or parts[3] != "operation":
        return ""
    return f"{parts[2]}.{parts[4]}"


def parse_body(body: bytes, parser: Parser) -> dict[str, Any]:
    """The parameters of a request; none without a body. Raises AwsError."""
    try:
        value = cbor.decode(body) if body else {}
    except ValueError as error:
        raise refuse_value(f"The body is not CBOR: {error}.") from None
    try:
        parameters: dict[str, Any] = parser(value)
    except MissingMember as missing:
        raise missing_parameter(missing.name) from None
    return parameters


def result_response(result: Mapping[str, Any] | None, request_id: str) -> HttpResponse:
    """The answer; None is that of an action that answers nothing, which has no body."""
    headers = f"{_MARK}x-amzn-RequestId: {request_id}\r\n".encode()
    return HttpResponse(200, TYPE, b"" if result is None else cbor.encode(dict(result)), headers)


def error_response(error: AwsError, service: str, has_query_errors: bool, request_id: str) -> HttpResponse:
    """An error of a service."""
    document = {"__type": error_type(error, service), "message": error.message or None}
    headers = _MARK + error_headers(error, has_query_errors, request_id)
    return HttpResponse(error.status, TYPE, cbor.encode(document), headers.encode())
