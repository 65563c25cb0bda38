"""What the parsers of both wires agree on: which parameters have to be there, and the words for wrong ones."""

import binascii
from collections.abc import Callable
from typing import Any

from mqbroker.aws.front.model import Shape
from mqbroker.errors import AwsError, MissingMember

Parser = Callable[[Any], Any]
"""Makes a parameter's value of what a wire has for it. Raises AwsError and MissingMember."""

STRUCTURE_FOUND = "Start of structure or map found where not expected."
LIST_FOUND = "Start of list found where not expected"


class Needs:
    """What a structure has to have.

    A required list of structures is a batch: one that is missing is an empty one, for which services have an error of
    their own.
    """

    __slots__ = ("batches", "required")

    def __init__(self, shape: Shape) -> None:
        elements = ((name, shape.members[name].shape.element) for name in shape.required)
        self.batches = [name for name, element in elements if element is not None and element.kind == "structure"]
        self.required = [name for name in shape.required if name not in self.batches]

    def complete(self, value: dict[str, Any]) -> None:
        """Raises MissingMember for the first that is missing; puts in batches that are."""
        for name in self.required:
            if name not in value:
                raise MissingMember(name)
        for name in self.batches:
            value.setdefault(name, [])


def missing_parameter(name: str) -> AwsError:
    """The error for a required parameter that is not there."""
    text = f"The request must contain the parameter {name}."
    return AwsError("MissingRequiredParameterException", text, code="MissingParameter")


def decode_base64(text: str) -> bytes:
    """The bytes of a blob. Raises ValueError with AWS's words."""
    if len(text) % 4:
        raise ValueError(f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(text)}")
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:  # binascii.Error is one, and so is a character beyond ASCII
        raise ValueError("Invalid Base64 character") from None
