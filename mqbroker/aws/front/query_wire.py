"""Requests on the Query wire: parameters from a query string or a form.

    Action=SendMessage & MessageAttribute.1.Name=a & MessageAttribute.1.Value.DataType=String
    {"Action": "SendMessage", "MessageAttribute": {"1": {"Name": "a", "Value": {"DataType": "String"}}}}

The parameters' names are a tree, which a parser compiled from the input's shape walks once. An unknown
parameter is left out; so is an empty one where no text is expected.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from mqbroker.aws.front.model import Member, Shape
from mqbroker.aws.front.parameters import (
    LIST_FOUND,
    STRUCTURE_FOUND,
    Needs,
    Parser,
    decode_base64,
    missing_parameter,
)
from mqbroker.aws.front.times import parse_time
from mqbroker.aws.limits import QUERY_DEPTH_MAX, QUERY_PARAMETERS_MAX
from mqbroker.errors import AwsError, MissingMember

Node = dict[str, Any]
"""Parameters by the parts of their names: each value is text or a further Node."""

# --- the form -------------------------------------------------------------------------------------------------------

_ARN = "arn%3A"
_ARN_CHARS_MAX = 400
_ARNS_REMEMBERED = 4096
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def parse_form(form: bytes) -> dict[str, str]:
    """The parameters of a query string or form, by their whole names.

    Raises AwsError for bad percent-encoding, bad UTF-8, too many parameters, and two of the same name: a signature does
    not say which of them counts.
    """
    if form.count(b"&") >= QUERY_PARAMETERS_MAX:
        raise _malformed(f"The request has more than {QUERY_PARAMETERS_MAX} parameters.")
    if b"%" in form and _BAD_ESCAPE.search(form):
        raise _syntax_error()
    parameters: dict[str, str] = {}
    count = 0
    try:
        for pair in form.decode().split("&"):
            name, _, value = pair.partition("=")
            if name:
                count += 1
                if "%" in pair or "+" in pair:
                    name, value = _decoded(name), _decoded(value)
                parameters[name] = value
    except UnicodeDecodeError:
        raise _syntax_error() from None
    if len(parameters) < count:
        raise _malformed("A parameter is there more than once.")
    return parameters


def _decoded(text: str) -> str:
    """The text without escapes. ARNs have many, and come over and over."""
    if "%" not in text and "+" not in text:
        return text
    is_known = text.startswith(_ARN) and len(text) <= _ARN_CHARS_MAX
    return _remembered(text) if is_known else _unescaped(text)


def _unescaped(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    return unquote_to_bytes(text).decode() if "%" in text else text


_remembered = lru_cache(_ARNS_REMEMBERED)(_unescaped)


def parse_parameters(form: Mapping[str, str], parser: Parser) -> dict[str, Any]:
    """The parameters of an action from those of a form. Raises AwsError."""
    try:
        parameters: dict[str, Any] = parser(_tree(form))
    except MissingMember as missing:
        raise missing_parameter(missing.name) from None
    return parameters


def _tree(form: Mapping[str, str]) -> Node:
    tree: Node = {}
    for name, value in form.items():
        if "." not in name:
            if type(tree.setdefault(name, value)) is dict and value:
                raise _malformed(STRUCTURE_FOUND)
            continue
        parts = name.split(".")
        if len(parts) > QUERY_DEPTH_MAX:
            raise _malformed("The name of a parameter has too many parts.")
        node = tree
        for part in parts[:-1]:
            inner = node.get(part)
            if type(inner) is not dict:
                if inner:
                    raise _malformed(STRUCTURE_FOUND)
                inner = node[part] = {}
            node = inner
        node[parts[-1]] = value
    return tree


def _malformed(text: str) -> AwsError:
    return AwsError("SerializationException", text, code="MalformedInput")


def _syntax_error() -> AwsError:
    return AwsError("MalformedQueryString", "The query string contains a syntax error.")


# --- parameters -----------------------------------------------------------------------------------------------------


def compile_parser(shape: Shape, checks_required: bool = True) -> Parser:
    """The parser for nodes of a shape; the rules for what is required are those of the JSON wire."""
    if shape.kind == "structure":
        return _structure_parser(shape, checks_required)
    if shape.kind == "list":
        assert shape.element is not None
        return _list_parser(shape, compile_parser(shape.element, checks_required))
    if shape.kind == "map":
        assert shape.element is not None
        return _map_parser(shape, compile_parser(shape.element, checks_required=False))
    return _SCALARS[shape.kind]


def input_name(member: Member) -> str:
    """What a member is called in a request: a flattened list by its elements' name."""
    shape = member.shape
    return shape.element_name or member.query_name if shape.kind == "list" and shape.is_flattened else member.query_name


def _structure_parser(shape: Shape, checks_required: bool) -> Parser:
    plans = [
        (input_name(member), name, member.shape.kind == "string", compile_parser(member.shape, checks_required))
        for name, member in shape.members.items()
    ]
    needs = Needs(shape) if checks_required and shape.required else None

    def parse(node: Any) -> dict[str, Any]:
        if type(node) is not dict:
            if node:
                raise _malformed("Expected null")
            node = {}
        result = {}
        for query_name, name, is_string, parse_member in plans:
            inner = node.get(query_name)
            if inner or (is_string and inner is not None):
                result[name] = parse_member(inner)
        if needs is not None:
            needs.complete(result)
        return result

    return parse


def _list_parser(shape: Shape, parse_element: Parser) -> Parser:
    element_name = shape.element_name

    def parse(node: Any) -> list[Any]:
        if type(node) is dict and not shape.is_flattened:
            node = node.get(element_name, {})
        if type(node) is not dict:
            return [parse_element(node)] if node else []  # one element may come without a number
        values = []
        for number in _numbers(node):
            try:
                values.append(parse_element(node[number]))
            except MissingMember as missing:
                raise MissingMember(f"{element_name}.{number}.{missing.name}") from None
        return values

    return parse


def _map_parser(shape: Shape, parse_value: Parser) -> Parser:
    key_name, value_name = shape.key_name, shape.value_name

    def parse(node: Any) -> dict[str, Any]:
        if type(node) is dict and not shape.is_flattened:
            node = node.get("entry", {})
        if type(node) is not dict:
            raise _malformed("Expected map or null")
        if key_name in node:
            node = {"1": node}  # one entry may come without a number
        result = {}
        for number in _numbers(node):
            entry = node[number]
            if type(entry) is not dict or type(entry.get(key_name)) is not str:
                raise _malformed("Expected map or null")
            result[entry[key_name]] = parse_value(entry.get(value_name, ""))
        return result

    return parse


def _numbers(node: Node) -> list[str]:
    """The names in a list's node in the order of their numbers."""
    try:
        return sorted(node, key=_number)
    except ValueError:
        raise _malformed(LIST_FOUND) from None


def _number(text: str) -> int:
    if len(text) > len(str(QUERY_PARAMETERS_MAX)) or not text.isascii() or not text.isdigit():
        raise ValueError(text)
    return int(text)


def _parse_string(node: Any) -> str:
    if type(node) is str:
        return node
    raise _malformed(STRUCTURE_FOUND)


_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")


def _parse_integer(node: Any) -> int:
    if type(node) is not str:
        raise _malformed(STRUCTURE_FOUND)
    if _INTEGER.fullmatch(node) is None:
        raise _malformed("STRING_VALUE can not be converted to an Integer")
    return int(node)


def _parse_boolean(node: Any) -> bool:
    if type(node) is not str:
        raise _malformed(STRUCTURE_FOUND)
    if node not in ("true", "false"):
        raise _malformed("STRING_VALUE can not be converted to a Boolean")
    return node == "true"


_DOUBLE = re.compile(r"[+-]?([0-9]{1,310}(\.[0-9]{0,310})?|\.[0-9]{1,310})([eE][+-]?[0-9]{1,3})?")


def _parse_double(node: Any) -> float:
    if _DOUBLE.fullmatch(_parse_string(node)) is None:
        raise _malformed("STRING_VALUE can not be converted to a Double")
    return float(node)


def _parse_timestamp(node: Any) -> int:
    text = _parse_string(node)
    try:
        return parse_time(text)
    except ValueError:
        raise _malformed("STRING_VALUE can not be converted to a Timestamp") from None


def _parse_blob(node: Any) -> bytes:
    text = _parse_string(node)
    try:
        return decode_base64(text)
    except ValueError as error:
        raise _malformed(str(error)) from None


_SCALARS: dict[str, Parser] = {
    "string": _parse_string,
    "integer": _parse_integer,
    "long": _parse_integer,
    "boolean": _parse_boolean,
    "blob": _parse_blob,
    "double": _parse_double,
    "timestamp": _parse_timestamp,
}
