"""Message attributes of a Publish: checked by SNS's rules in its words, and kept in the form that SQS has for them."""

import re
from collections.abc import Mapping
from typing import Any

from mqbroker.aws.limits import SQS_ATTRIBUTE_NAME_BYTES_MAX
from mqbroker.aws.sns import refusals
from mqbroker.aws.sqs.message_attributes import BINARY, NUMBER, STRING, TYPE, Attribute, pack

Given = Mapping[str, Mapping[str, Any]]

_FORBIDDEN = re.compile(r"[^A-Za-z0-9_.\-]")


def encode_attributes(given: Given | None, path: str = "") -> bytes:
    """Attributes as the request has them, checked, in the form in which they are kept. Raises AwsError.

    `path` is the way to their message in a batch, such as `publishBatchRequestEntries.1.member.`.
    """
    if not given:
        return b""
    return pack(_checked(name, given[name], path) for name in sorted(given))


def _checked(name: str, given: Mapping[str, Any], path: str) -> Attribute:
    data_type = given.get("DataType")
    if data_type is None:
        raise refusals.missing(f"{path}messageAttributes.{name}.member.dataType")
    _check_name(name)
    found = TYPE.fullmatch(data_type)
    if found is None:
        raise refusals.attribute_value(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type "
            "prefixes is Binary, Number, and String."
        )
    kind = found[1]
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
    return name, data_type, BINARY if kind == "Binary" else STRING, value if kind == "Binary" else value.encode()


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
