"""Bodies that SDKs compress: those of PutMetricData from ten kilobytes on."""

import zlib
from collections.abc import Callable, Mapping
from typing import Any

from mqbroker.aws.front.parameters import Parser
from mqbroker.aws.limits import AWS_UNPACKED_BYTES_MAX
from mqbroker.errors import AwsError

Parse = Callable[[bytes, Parser], dict[str, Any]]

HEADER = "content-encoding"

_GZIP = 16 + zlib.MAX_WBITS  # zlib's way to ask for gzip, RFC 1952


def is_packed(headers: Mapping[str, str]) -> bool:
    """Whether a body is encoded in any way that matters."""
    return HEADER in headers and bool(_codings(headers))


def unpacked(body: bytes, headers: Mapping[str, str]) -> bytes:
    """The body of a request whose headers may say how it is encoded. Raises AwsError."""
    codings = _codings(headers)
    if not codings:
        return body
    if codings not in (["gzip"], ["x-gzip"]):
        raise _refused(f"The encoding {headers[HEADER][:50]!r} is not known.")
    unpacker = zlib.decompressobj(_GZIP)
    try:
        found = unpacker.decompress(body, AWS_UNPACKED_BYTES_MAX)
    except zlib.error:
        raise _refused("The body is not in the form of gzip.") from None
    if not unpacker.eof or unpacker.unused_data:
        raise _refused("The body is too large, or not whole.")
    return found


def unpacking(parse: Parse, headers: Mapping[str, str]) -> Parse:
    """What parses bodies that are encoded."""
    return lambda body, parser: parse(unpacked(body, headers), parser)


def _codings(headers: Mapping[str, str]) -> list[str]:
    """What was done to the body. Case means nothing; `identity` is none (RFC 9110, 8.4.1 and 12.5.3)."""
    names = [each.strip().lower() for each in headers[HEADER].split(",")]
    return [name for name in names if name not in ("", "identity")]


def _refused(text: str) -> AwsError:
    return AwsError("SerializationException", text, "MalformedInput")
