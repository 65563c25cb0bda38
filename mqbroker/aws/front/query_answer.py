"""Answers on the Query wire: results and errors in XML, or in JSON where the client asks for it.

Writers are compiled from an output's shape once and then called per value.

    <ReceiveMessageResponse xmlns="..."><ReceiveMessageResult><Message>...</Message></ReceiveMessageResult>
    <ResponseMetadata><RequestId>...</RequestId></ResponseMetadata></ReceiveMessageResponse>
"""

import binascii
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from mqbroker.aws.front.model import ActionModel, Member, Shape
from mqbroker.aws.front.request_ids import request_id_header
from mqbroker.errors import AwsError
from mqbroker.protocols.http.messages import HttpResponse

Writer = Callable[[list[str], Any], None]
"""Appends the XML of a value to a list of pieces."""

Answerer = Callable[[Mapping[str, Any], str], HttpResponse]
"""Makes the answer of a result and a request id."""

XML = b"text/xml"
JSON = b"application/json"

_DECLARATION = '<?xml version="1.0"?>'

# --- text -----------------------------------------------------------------------------------------------------------

_SPECIAL = re.compile('[&<>"\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#xD;"}


def escape(text: str) -> str:
    """Text as XML 1.0 may hold it: a bare carriage return would become a line feed; what XML forbids becomes U+FFFD."""
    return _SPECIAL.sub(_entity, text)


def _entity(match: re.Match[str]) -> str:
    return _ENTITIES.get(match[0], "\ufffd")


def _boolean(value: Any) -> str:
    return "true" if value else "false"


def _base64(value: Any) -> str:
    return binascii.b2a_base64(value, newline=False).decode()


def _timestamp(value: Any) -> str:
    """Milliseconds since the epoch as ISO 8601."""
    text = datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


_SCALARS: dict[str, Callable[[Any], str]] = {
    "string": escape,
    "integer": str,
    "long": str,
    "boolean": _boolean,
    "blob": _base64,
    "double": repr,
    "timestamp": _timestamp,
}

# --- XML ------------------------------------------------------------------------------------------------------------


def compile_xml_answerer(action: ActionModel, namespace: str) -> Answerer:
    """What answers an action in XML."""
    head = f'{_DECLARATION}<{action.name}Response xmlns="{namespace}">'
    tail = f"<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></{action.name}Response>"
    writers = () if action.output is None else _member_writers(action.output)
    empty = "" if action.output is None else f"<{action.result_name}/>"
    opening, closing = f"<{action.result_name}>", f"</{action.result_name}>"

    def answer(result: Mapping[str, Any], request_id: str) -> HttpResponse:
        pieces: list[str] = []
        for name, write in writers:
            value = result.get(name)
            if value is not None:
                write(pieces, value)
        body = f"{opening}{''.join(pieces)}{closing}" if pieces else empty
        return HttpResponse(200, XML, f"{head}{body}{tail % request_id}".encode(), request_id_header(request_id))

    return answer


def _member_writers(structure: Shape) -> tuple[tuple[str, Writer], ...]:
    return tuple((name, _member_writer(member)) for name, member in structure.members.items())


def _member_writer(member: Member) -> Writer:
    return _writer(member.shape, member.query_name)


def _writer(shape: Shape, name: str) -> Writer:
    if shape.kind == "structure":
        return _structure_writer(shape, name)
    if shape.kind == "list":
        return _list_writer(shape, name)
    if shape.kind == "map":
        return _map_writer(shape, name)
    return _scalar_writer(_SCALARS[shape.kind], name)


def _scalar_writer(text_of: Callable[[Any], str], name: str) -> Writer:
    opening, closing = f"<{name}>", f"</{name}>"

    def write(pieces: list[str], value: Any) -> None:
        pieces += (opening, text_of(value), closing)

    return write


def _structure_writer(shape: Shape, name: str) -> Writer:
    writers = _member_writers(shape)
    opening, closing = f"<{name}>", f"</{name}>"

    def write(pieces: list[str], value: Mapping[str, Any]) -> None:
        pieces.append(opening)
        for member, write_member in writers:
            inner = value.get(member)
            if inner is not None:
                write_member(pieces, inner)
        pieces.append(closing)

    return write


def _list_writer(shape: Shape, name: str) -> Writer:
    assert shape.element is not None
    write_element = _writer(shape.element, shape.element_name or name)

    def write_elements(pieces: list[str], values: Any) -> None:
        for value in values:
            write_element(pieces, value)

    return write_elements if shape.is_flattened else _wrapped(write_elements, name)


def _map_writer(shape: Shape, name: str) -> Writer:
    assert shape.element is not None
    write_key = _scalar_writer(escape, shape.key_name)
    write_value = _writer(shape.element, shape.value_name)
    entry = name if shape.is_flattened else "entry"
    opening, closing = f"<{entry}>", f"</{entry}>"

    def write_entries(pieces: list[str], values: Mapping[str, Any]) -> None:
        for key, value in values.items():
            pieces.append(opening)
            write_key(pieces, key)
            write_value(pieces, value)
            pieces.append(closing)

    return write_entries if shape.is_flattened else _wrapped(write_entries, name)


def _wrapped(write: Writer, name: str) -> Writer:
    opening, closing = f"<{name}>", f"</{name}>"

    def write_wrapped(pieces: list[str], value: Any) -> None:
        pieces.append(opening)
        write(pieces, value)
        pieces.append(closing)

    return write_wrapped


# --- JSON for who accepts it ----------------------------------------------------------------------------------------


def compile_json_answerer(action: ActionModel, names: Mapping[str, str]) -> Answerer:
    """What answers an action in JSON to a request on the Query wire with `Accept: application/json`.

    `names` are members that have another name here. What a result does not have is null.
    """
    plain = None if action.output is None else _plainer(action.output, names)
    response_name, result_name = f"{action.name}Response", action.result_name

    def answer(result: Mapping[str, Any], request_id: str) -> HttpResponse:
        response: dict[str, Any] = {"ResponseMetadata": {"RequestId": request_id}}
        if plain is not None:
            response = {result_name: plain(result)} | response
        return HttpResponse(200, JSON, orjson.dumps({response_name: response}), request_id_header(request_id))

    return answer


def _plainer(shape: Shape, names: Mapping[str, str]) -> Callable[[Any], Any]:
    """What turns a value into one of JSON; a map becomes a list of its entries, as in the XML."""
    if shape.kind == "structure":
        members = [
            (name, names.get(name, name), _plainer(member.shape, names)) for name, member in shape.members.items()
        ]
        return lambda value: {
            shown: None if value.get(name) is None else plain(value[name]) for name, shown, plain in members
        }
    if shape.kind == "blob":
        return _base64
    if shape.kind == "timestamp":
        return _timestamp
    if shape.element is None:
        return lambda value: value
    plain = _plainer(shape.element, names)
    if shape.kind == "list":
        return lambda value: [plain(inner) for inner in value]
    key, inner_name = shape.key_name, shape.value_name
    return lambda value: [{key: name, inner_name: plain(inner)} for name, inner in value.items()]


# --- errors ---------------------------------------------------------------------------------------------------------


def error_response(error: AwsError, namespace: str, is_json: bool, request_id: str) -> HttpResponse:
    """An error in XML or JSON. `Detail` is always there and always empty, as AWS has it."""
    kind = "Sender" if error.is_sender else "Receiver"
    if is_json:
        inner = {"Code": error.code, "Message": error.query_message, "Type": kind, "Detail": None}
        body = orjson.dumps({"Error": inner, "RequestId": request_id})
    else:
        code, message = escape(error.code), escape(error.query_message)
        body = (
            f'{_DECLARATION}<ErrorResponse xmlns="{namespace}"><Error><Type>{kind}</Type><Code>{code}</Code>'
            f"<Message>{message}</Message><Detail/></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        ).encode()
    return HttpResponse(error.status, JSON if is_json else XML, body, request_id_header(request_id))


def unknown_operation(request_id: str) -> HttpResponse:
    """What AWS answers to a request that asks for nothing that it knows of."""
    body = f"{_DECLARATION}<UnknownOperationException/>".encode()
    return HttpResponse(404, XML, body, request_id_header(request_id))
