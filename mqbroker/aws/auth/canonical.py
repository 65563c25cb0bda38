"""The canonical form of a request, which both sides of AWS Signature Version 4 sign and check.

    method \n path \n query \n name:value \n ... \n\n signed names \n hash of the payload

Pure functions on text that holds octets (latin-1). What is equal here must mean the same to whoever handles the
request, otherwise it could be changed under its signature. So `+` in a query is a space here as it is in a form.
"""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote_from_bytes, unquote_to_bytes

from mqbroker.aws.front.refusals import malformed_query

_UNRESERVED = "-._~"  # RFC 3986 §2.3, beside letters and digits
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


def canonical_lines(names: Sequence[str], values: Sequence[str]) -> str:
    """A line for each header; white space in values is one space, and none at their ends."""
    text = "".join([f"{name}:{value}\n" for name, value in zip(names, values, strict=True)])
    if "  " not in text and "\t" not in text and ": " not in text and " \n" not in text:
        return text
    # bytes.split knows only the white space of ASCII.
    folded = [b" ".join(value.encode("latin-1").split()).decode("latin-1") for value in values]
    return "".join([f"{name}:{value}\n" for name, value in zip(names, folded, strict=True)])
