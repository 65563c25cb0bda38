"""The few operations on octets that happen for every message.

Interpreted, each is a line of Python. Compiled, callers get the versions in octets.pxd instead, which do the same with
pointers after checking every bound; this module itself is never compiled. Nothing here knows what the octets mean.
"""

_PLAIN = b"\t\n\r" + bytes(range(0x20, 0x80))


def cut(data: bytes, start: int, end: int) -> bytes:
    """`data[start:end]` for 0 <= start <= end <= len(data); IndexError otherwise when compiled."""
    return data[start:end]


def starts_at(data: bytes, prefix: bytes, position: int) -> bool:
    """Whether `prefix` stands in `data` at `position`."""
    return data.startswith(prefix, position)


def longlong_at(data: bytes, position: int) -> int:
    """Eight octets as an unsigned number, the highest first; IndexError when compiled and they are not all there."""
    return int.from_bytes(data[position : position + 8], "big")


def long_at(data: bytes, position: int) -> int:
    """Four octets as an unsigned number; as `longlong_at`."""
    return int.from_bytes(data[position : position + 4], "big")


def unmasked(data: bytes, start: int, end: int) -> bytes:
    """`data[start:end]` without the mask, which is the four octets before it (RFC 6455 §5.3); IndexError as `cut`."""
    size = end - start
    mask = (data[start - 4 : start] * (size // 4 + 1))[:size]
    return (int.from_bytes(data[start:end], "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big")


def put_delivery(out: bytearray, head: bytes, octet: int, tail: bytes, body: bytes, end: int) -> None:
    """Appends five pieces to `out`; `octet` and `end` are single octets."""
    out += head
    out.append(octet)
    out += tail
    out += body
    out.append(end)


def put_transfer(
    out: bytearray, head: bytes, number: int, middle: bytes, tail: bytes, body: bytes, footer: bytes
) -> None:
    """Appends pieces to `out`: the number in four octets stands after the head, and after the middle unless that is
    empty."""
    octets = number.to_bytes(4, "big")
    out += head
    out += octets
    if middle:
        out += middle
        out += octets
    out += tail
    out += body
    out += footer


def blank(size: int) -> bytearray:
    """Memory for `size` octets that are still to come. Compiled it is a bytes object that nobody else has yet, and
    its octets are anything; so whoever made it must write them all before anybody sees it."""
    return bytearray(size)


def put(memory: bytearray, at: int, data: bytes | bytearray, start: int, end: int) -> None:
    """Writes `data[start:end]` into the memory at `at`; IndexError when compiled and it does not fit."""
    memory[at : at + end - start] = data[start:end]


def window(memory: bytearray, start: int, end: int) -> memoryview:
    """The memory from `start` to `end`, to be written to. Compiled, it does not keep the memory alive."""
    return memoryview(memory)[start:end]


def is_plain(data: bytes) -> bool:
    """Whether it is text of ASCII with no control characters but tabs, line feeds and carriage returns, and DEL."""
    return not data.translate(None, _PLAIN)


def uuid_text(octets: bytes) -> str:
    """The 16 octets of a UUID as it is written (RFC 9562 §4); IndexError when compiled and there are not so many."""
    digits = octets.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def sealed(memory: bytearray) -> bytes:
    """What was written, never to be written again."""
    return bytes(memory)
