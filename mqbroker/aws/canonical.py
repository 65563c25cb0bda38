"""The canonical form of a request, which both sides of AWS Signature Version 4 sign and check.

    method \n path \n query \n name:value \n ... \n\n signed names \n hash of the payload

Pure functions on text that holds octets (latin-1). What is equal here must mean the same to whoever handles the
request, otherwise it could be changed under its signature. So `+` in a query is a space here as it is in a form.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote_from_bytes, unquote_to_bytes

from mqbroker.aws.refusals import malformed_query

_UNRESERVED = "-._~"  # RFC 3986 §2.3, beside letters and digits
_BLANKS = " \t"  # RFC 9110 §5.6.3: what may stand around a value
_PLAIN_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9._~-]*")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)


def canonical_path(path: str) -> str:
    """The path without dot segments and repeated slashes, each octet but the unreserved ones and slashes escaped.

    An escape that the path holds is escaped once more: services other than S3 do not decode it before.
    """
    if path == "/" or not path:
        return "/"
    if _PLAIN_PATH.fullmatch(path):
        return path
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment and segment != ".":
            segments.append(segment)
    end = "/" if segments and path.endswith("/") else ""
    return quote_from_bytes(f"/{'/'.join(segments)}{end}".encode("latin-1"), "/" + _UNRESERVED)


def query_pairs(query: str) -> list[tuple[str, str]]:
    """Names and values of a query string, both escaped in the one canonical way. Raises AwsError for a bad escape."""
    bad = _BAD_ESCAPE.search(query)
    if bad is not None:
        raise malformed_query(f"Illegal hex character in escape % pattern: {bad[0]}")
    halves = (pair.partition("=") for pair in query.split("&") if pair)
    return [(_escaped(name), _escaped(value)) for name, _, value in halves]


def _escaped(text: str) -> str:
    if _PLAIN_WORD.fullmatch(text):
        return text
    return quote_from_bytes(unquote_to_bytes(text.replace("+", " ").encode("latin-1")), _UNRESERVED)


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Pairs of `query_pairs` in order of name and value."""
    return "&".join([f"{name}={value}" for name, value in sorted(pairs)])


def canonical_headers(names: Iterable[str], headers: Mapping[str, str]) -> str:
    """A line for each of the names; white space in values is one space. Raises KeyError for a missing header."""
    text = "".join([f"{name}:{headers[name].strip(_BLANKS)}\n" for name in names])
    if "  " not in text and "\t" not in text:
        return text
    # bytes.split knows only the white space of ASCII.
    lines = (f"{name}:".encode() + b" ".join(headers[name].encode("latin-1").split()) + b"\n" for name in names)
    return b"".join(lines).decode("latin-1")
