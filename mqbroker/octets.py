"""The few operations on octets that happen for every message.

Interpreted, each is a line of Python. Compiled, callers get the versions in octets.pxd instead, which do the same with
pointers after checking every bound; this module itself is never compiled. Nothing here knows what the octets mean.
"""


def cut(data: bytes, start: int, end: int) -> bytes:
    """`data[start:end]` for 0 <= start <= end <= len(data); IndexError otherwise when compiled."""
    return data[start:end]


def starts_at(data: bytes, prefix: bytes, position: int) -> bool:
    """Whether `prefix` stands in `data` at `position`."""
    return data.startswith(prefix, position)


def longlong_at(data: bytes, position: int) -> int:
    """Eight octets as an unsigned number, the highest first; IndexError when compiled and they are not all there."""
    return int.from_bytes(data[position : position + 8], "big")


def put_delivery(out: bytearray, head: bytes, octet: int, tail: bytes, body: bytes, end: int) -> None:
    """Appends five pieces to `out`; `octet` and `end` are single octets."""
    out += head
    out.append(octet)
    out += tail
    out += body
    out.append(end)
