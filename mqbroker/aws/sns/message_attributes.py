"""Message attributes of a Publish: checked by SNS's rules in its words, and kept in the form that SQS has for them."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from struct import Struct
from typing import Any

from mqbroker.aws.limits import SQS_ATTRIBUTE_NAME_BYTES_MAX
from mqbroker.aws.sns import refusals
from mqbroker.aws.sqs.message_attributes import BINARY, NUMBER, STRING, TYPE, Attribute, pack

Given = Mapping[str, Mapping[str, Any]]

_SHORT_CHARS = 100  # names and types of which it is remembered what they are
_REMEMBERED = 1024
_length = Struct(">I")
_FORBIDDEN = re.compile(r"[^A-Za-z0-9_.\-]")


def check_attributes(given: Given | None, path: str = "") -> list[Attribute]:
    """Attributes as the request has them, checked, in the order of their names. Raises AwsError.

    `path` is the way to their message in a batch, such as `publishBatchRequestEntries.1.member.`.
    """
    return [_checked(name, given[name], path) for name in sorted(given)] if given else []


def packed(attributes: Iterable[Attribute]) -> bytes:
    """Attributes that were checked, in the form in which they are kept."""
    return b"".join([
        b"%b%b%b" % (_judge(name, data_type)[1], _length.pack(len(value)), value)
        for name, data_type, _, value in attributes
    ])  # fmt: skip


def _checked(name: str, given: Mapping[str, Any], path: str) -> Attribute:
    data_type = given.get("DataType")
    if data_type is None:
        raise refusals.missing(f"{path}messageAttributes.{name}.member.dataType")
    kind = _judge(name, data_type)[0]
    field, other = ("Binary", "String") if kind == "Binary" else ("String", "Binary")
    value, wrong = given.get(f"{field}Value"), given.get(f"{other}Value")
    if not value:
        if wrong:
            raise refusals.attribute_value(
                f"The message attribute '{name}' with type '{data_type}' must use field '{field}'."
            )
        raise refusals.attribute_value(
            f"The message attribute '{name}' must contain non-empty message attribute value for message attribute "
            f"type '{data_type}'."
        )
    if kind == "Number" and not NUMBER.fullmatch(value):
        raise refusals.attribute_value(f"Could not cast message attribute '{name}' value to number.")
    return (name, data_type, BINARY, value) if kind == "Binary" else (name, data_type, STRING, value.encode())


def _judge(name: str, data_type: str) -> tuple[str, bytes]:
    """What kind of attribute it is, and its octets up to its value. Raises AwsError."""
    if len(name) + len(data_type) <= _SHORT_CHARS:
        return _remembered(name, data_type)
    return _judged(name, data_type)


def _judged(name: str, data_type: str) -> tuple[str, bytes]:
    _check_name(name)
    found = TYPE.fullmatch(data_type)
    if found is None:
        raise refusals.attribute_value(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type "
            "prefixes is Binary, Number, and String."
        )
    kind = found[1]
    octets = pack([(name, data_type, BINARY if kind == "Binary" else STRING, b"")])
    return kind, octets[: -_length.size]


_remembered = lru_cache(_REMEMBERED)(_judged)


def _check_name(name: str) -> None:
    if len(name.encode()) > SQS_ATTRIBUTE_NAME_BYTES_MAX:
        raise refusals.attribute_value(
            f"Length of message attribute name must be less than {SQS_ATTRIBUTE_NAME_BYTES_MAX} bytes."
        )
    wrong = _FORBIDDEN.search(name)
    if wrong:
        raise refusals.attribute_value(
            f"Invalid non-alphanumeric character '#x{ord(wrong[0]):X}' was found in the message attribute name. Can "
            "only include alphanumeric characters, hyphens, underscores, or dots."
        )
    if name.startswith("."):
        raise refusals.attribute_value("Invalid message attribute name starting with character '.' was found.")
    if name.endswith("."):
        raise refusals.attribute_value("Invalid message attribute name ending with character '.' was found.")
    if ".." in name:
        raise refusals.attribute_value("Message attribute name can not have successive '.' character.")
