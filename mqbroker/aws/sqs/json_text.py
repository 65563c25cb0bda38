"""Values of headers that have no type in SQS, as JSON text: lists, tables, nulls, and decimals with all their digits.

JSON itself has no octets, so they are in Base64, and no infinity, so that is null.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from decimal import Decimal as ExactDecimal
from json import dumps
from math import isfinite

from mqbroker.core.values import Decimal

_UNUSUAL = re.compile("[\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # JSON has them, SQS or a terminal does not


def json_text(value: object) -> str:
    """The JSON text of a neutral value (core/values.py), without white space."""
    if isinstance(value, str):
        return _UNUSUAL.sub(lambda found: f"\\u{ord(found[0]):04x}", dumps(value, ensure_ascii=False))
    if isinstance(value, bytes):
        return f'"{b64encode(value).decode()}"'
    if isinstance(value, Decimal):
        return f"{ExactDecimal(value.value).scaleb(-value.scale):f}"
    if isinstance(value, Mapping):
        pairs = ",".join(f"{json_text(name)}:{json_text(part)}" for name, part in value.items())
        return f"{{{pairs}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(json_text(part) for part in value)}]"
    return "null" if isinstance(value, float) and not isfinite(value) else dumps(value)
