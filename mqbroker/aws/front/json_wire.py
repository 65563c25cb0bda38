"""The wire of AWS JSON 1.0: parameters from a JSON object, results and errors to one.

A parser is compiled from a shape once and then called per value. What is null or unknown is left out, as AWS does. The
texts for values of a wrong type are those that AWS services give; SQS is known to give the ones for Integer and those
for lists and structures where text is expected.
"""

import binascii
import math
from collections.abc import Mapping
from typing import Any

import orjson

from mqbroker.aws.front.model import Shape
from mqbroker.aws.front.parameters import (
    LIST_FOUND,
    STRUCTURE_FOUND,
    Needs,
    Parser,
    decode_base64,
    missing_parameter,
)
from mqbroker.aws.front.times import milliseconds
from mqbroker.errors import AwsError, MissingMember
from mqbroker.protocols.http.messages import HttpResponse

_CORAL = "com.amazon.coral.service#"
_CORAL_SHAPES = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InternalFailure",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "SerializationException",
        "ServiceUnavailableException",
        "UnknownOperationException",
        "UnrecognizedClientException",
    }
)
"""Errors of the framework under every service, which have its prefix instead of the service's."""


def refuse_value(text: str) -> AwsError:
    """The error for a value of a wrong type."""
    return AwsError("SerializationException", text, code="SerializationException")


# --- parameters -----------------------------------------------------------------------------------------------------


def parse_body(body: bytes, parser: Parser) -> dict[str, Any]:
    """The parameters of a request. Raises AwsError."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise refuse_value("") from None  # AWS says no more than that
    try:
        parameters: dict[str, Any] = parser(value)
    except MissingMember as missing:
        raise missing_parameter(missing.name) from None
    return parameters


def compile_parser(shape: Shape, checks_required: bool = True) -> Parser:
    """The parser for values of a shape.

    Required members of a map's values are left to the service, since each words that in its own way.
    """
    if shape.kind == "structure":
        return StructureParser(shape, checks_required)
    if shape.kind == "list":
        assert shape.element is not None
        return _list_parser(compile_parser(shape.element, checks_required), shape.element_name)
    if shape.kind == "map":
        assert shape.element is not None
        return _map_parser(compile_parser(shape.element, checks_required=False))
    return _SCALARS[shape.kind]


class StructureParser:
    """The parser of one structure. A member of the expected type is taken as it is; only the others cost a call."""

    __slots__ = ("_batches", "_plans", "_required")

    def __init__(self, shape: Shape, checks_required: bool) -> None:
        self._plans: dict[str, tuple[type | None, Parser]] = {
            name: (_PLAIN_TYPES.get(member.shape.kind), compile_parser(member.shape, checks_required))
            for name, member in shape.members.items()
        }
        needs = Needs(shape)
        self._required = needs.required if checks_required else []
        self._batches = needs.batches if checks_required else []

    def __call__(self, value: Any) -> dict[str, Any]:
        """Raises AwsError and MissingMember."""
        if type(value) is not dict:
            raise refuse_value(LIST_FOUND if type(value) is list else "Expected null")
        return self._members(value)

    def _members(self, value: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        plans = self._plans
        for name, inner in value.items():
            plan = plans.get(name)
            if plan is not None and inner is not None:
                result[name] = inner if type(inner) is plan[0] else plan[1](inner)
        for name in self._required:
            if name not in result:
                raise MissingMember(name)
        for name in self._batches:
            result.setdefault(name, [])
        return result


def _list_parser(parse_element: Parser, element_name: str) -> Parser:
    def parse(value: Any) -> list[Any]:
        if type(value) is not list:
            raise refuse_value(STRUCTURE_FOUND if type(value) is dict else "Expected list or null")
        try:
            return [parse_element(element) for element in value if element is not None]
        except MissingMember as missing:
            raise MissingMember(f"{element_name}.{_failing(value, parse_element)}.{missing.name}") from None

    return parse


def _failing(values: list[Any], parse_element: Parser) -> int:
    """The number, from 1, of the first value without a required member."""
    for number, value in enumerate([value for value in values if value is not None], 1):
        try:
            parse_element(value)
        except MissingMember:
            return number
    raise AssertionError("none of the values lacks anything")


def _map_parser(parse_value: Parser) -> Parser:
    def parse(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise refuse_value(LIST_FOUND if type(value) is list else "Expected map or null")
        return {name: parse_value(inner) for name, inner in value.items() if inner is not None}

    return parse


def _parse_string(value: Any) -> str:
    if type(value) is str:
        return value
    raise _wrong_type(value, "a String", "java.lang.String")


def _parse_integer(value: Any) -> int:
    if type(value) is int:
        return value
    if type(value) is float:
        if not math.isfinite(value):  # of CBOR: JSON has no such numbers
            raise refuse_value("NUMBER_VALUE can not be converted to an Integer")
        return int(value)  # AWS cuts the fraction off
    raise _wrong_type(value, "an Integer", "java.lang.Integer")


def _parse_boolean(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise _wrong_type(value, "a Boolean", "java.lang.Boolean")


def _parse_double(value: Any) -> float:
    if type(value) is float or type(value) is int:
        return float(value)
    raise _wrong_type(value, "a Double", "java.lang.Double")


def _parse_timestamp(value: Any) -> int:
    if type(value) is not float and type(value) is not int:
        raise _wrong_type(value, "a Timestamp", "java.util.Date")
    try:
        return milliseconds(value)
    except ValueError as error:
        raise refuse_value(str(error)) from None


def _parse_blob(value: Any) -> bytes:
    if type(value) is bytes:  # CBOR has them as they are
        return value
    if type(value) is not str:
        raise _wrong_type(value, "a Blob", "java.nio.ByteBuffer")
    try:
        return decode_base64(value)
    except ValueError as error:
        raise refuse_value(str(error)) from None


def _wrong_type(value: Any, wanted: str, java_class: str) -> AwsError:
    if type(value) is dict:
        return refuse_value(STRUCTURE_FOUND)
    if type(value) is list:
        return refuse_value(f"Unrecognized collection type class {java_class}")
    if type(value) is bool:
        found = "TRUE_VALUE" if value else "FALSE_VALUE"
    else:
        found = "STRING_VALUE" if type(value) is str else "NUMBER_VALUE"
    return refuse_value(f"{found} can not be converted to {wanted}")


_SCALARS: dict[str, Parser] = {
    "string": _parse_string,
    "integer": _parse_integer,
    "long": _parse_integer,
    "boolean": _parse_boolean,
    "blob": _parse_blob,
    "double": _parse_double,
    "timestamp": _parse_timestamp,
}
_PLAIN_TYPES = {"string": str, "integer": int, "long": int, "boolean": bool}


# --- results and errors ---------------------------------------------------------------------------------------------


def result_body(result: Mapping[str, object]) -> bytes:
    """The body of an answer. Bytes in it become base64."""
    return orjson.dumps(result, default=_base64)


def _base64(value: Any) -> str:
    return binascii.b2a_base64(value, newline=False).decode()


def error_response(
    error: AwsError, service: str, has_query_errors: bool, content_type: bytes, request_id: str
) -> HttpResponse:
    """An error of a service such as "sqs", with the header for clients that know the Query wire's codes."""
    document = {"__type": error_type(error, service)}
    if error.message:
        document["message"] = error.message
    headers = error_headers(error, has_query_errors, request_id)
    return HttpResponse(error.status, content_type, orjson.dumps(document), headers.encode())


def error_type(error: AwsError, service: str) -> str:
    """What an error is called."""
    prefix = _CORAL if error.shape in _CORAL_SHAPES or not service else f"com.amazonaws.{service}#"
    return prefix + error.shape


def error_headers(error: AwsError, has_query_errors: bool, request_id: str) -> str:
    """The header lines of an error, with the one for clients that know the Query wire's codes."""
    headers = f"x-amzn-RequestId: {request_id}\r\n"
    if has_query_errors:
        headers += f"x-amzn-query-error: {error.code};{'Sender' if error.is_sender else 'Receiver'}\r\n"
    return headers
