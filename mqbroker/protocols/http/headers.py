"""The headers of one HTTP head after the other on a connection, from octets to texts.

A client sends mostly the same headers with each request, in the same order, so the last ones are kept, and only what
differs is read anew. Grammar is the parser's business; what headers mean is not known here.
"""

from mqbroker.core.recent import remember
from mqbroker.protocols.http.limits import HTTP_HEAD_KEPT_BYTES, HTTP_HEADER_NAME_BYTES_MAX, HTTP_HEADER_NAMES_MAX

_SEPARATOR_BYTES = 4  # the colon, a space, CR and LF

_keys: dict[bytes, str] = {}
"""Names of headers in lower case by how they were sent. Most clients send the same few all the time."""


def _key(name: bytes) -> str:
    key = name.decode("latin-1").lower()
    if len(name) <= HTTP_HEADER_NAME_BYTES_MAX:
        remember(_keys, name, key, HTTP_HEADER_NAMES_MAX)
    return key


class HeaderReader:
    """Reads heads: `begin`, `take` for each header, `headers`."""

    __slots__ = ("_count", "_headers", "_keys", "_names", "_texts", "_values", "size_bytes")

    def __init__(self) -> None:
        self._names: list[bytes] = []
        self._values: list[bytes] = []
        self._keys: list[str] = []
        self._texts: list[str] = []
        self._headers: dict[str, str] | None = None
        """What the lists come to; None when that is to be found out, or a name comes twice."""
        self.begin()

    def begin(self) -> None:
        """The next head begins."""
        self._count = 0
        self.size_bytes = 0
        """How long its headers are so far, with what separates them."""

    def take(self, name: bytes, value: bytes) -> None:
        """One header, as it came but for white space before the value."""
        at = self._count
        self._count = at + 1
        self.size_bytes += len(name) + len(value) + _SEPARATOR_BYTES
        is_known_place = at < len(self._names)
        if is_known_place and value == self._values[at] and name == self._names[at]:
            return
        key, text = _keys.get(name) or _key(name), value.decode("latin-1").rstrip(" \t")
        if not is_known_place:
            self._names.append(name)
            self._values.append(value)
            self._keys.append(key)
            self._texts.append(text)
            self._headers = None
            return
        if key != self._keys[at]:
            self._headers = None
        elif self._headers is not None:
            self._headers[key] = text
        self._names[at], self._values[at], self._keys[at], self._texts[at] = name, value, key, text

    def _drop_from(self, at: int) -> None:
        del self._names[at:], self._values[at:], self._keys[at:], self._texts[at:]
        self._headers = None

    def headers(self) -> dict[str, str]:
        """Names in lower case and values of the head, in its order; values of equal names are joined by a comma."""
        if self._count < len(self._names):
            self._drop_from(self._count)
        headers = self._joined() if self._headers is None else self._headers.copy()
        if self.size_bytes > HTTP_HEAD_KEPT_BYTES:
            self._drop_from(0)
        return headers

    def _joined(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for key, text in zip(self._keys, self._texts, strict=True):
            headers[key] = f"{headers[key]},{text}" if key in headers else text
        if len(headers) == self._count:
            self._headers = headers.copy()
        return headers
