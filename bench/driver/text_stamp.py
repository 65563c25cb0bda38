"""What the text of an SQS message of the load driver looks like: SQS takes characters, not octets.

Owns the layout, and nothing of the calls around it.

     0                  16          24                     size
     +------------------+-----------+----------------------+
     | sequence, hex    | publisher | fill                 |
     +------------------+-----------+----------------------+
"""

STAMP_SIZE_BYTES = 24
# A prime period: no block that is shifted or repeated can look right. Characters that JSON does not escape.
_FILL_PERIOD = "".join(chr(ord("0") + (index * 29 + 7) % 43) for index in range(83))


def fill(size: int) -> str:
    """What follows the stamp of a text of this size; ValueError when there is no room for a stamp."""
    room = size - STAMP_SIZE_BYTES
    if room < 0:
        raise ValueError(f"a text needs at least {STAMP_SIZE_BYTES} characters, not {size}")
    return (_FILL_PERIOD * (room // len(_FILL_PERIOD) + 1))[:room]


def text(sequence: int, publisher: int, size: int) -> str:
    """The text of one message."""
    return f"{sequence:016x}{publisher:08x}{fill(size)}"


def read(text: str, filled: str) -> tuple[int, int] | None:
    """(publisher, sequence) of a text that ends in this fill; None when it is no text of the driver."""
    if text[STAMP_SIZE_BYTES:] != filled:
        return None
    try:
        return int(text[16:STAMP_SIZE_BYTES], 16), int(text[:16], 16)
    except ValueError:
        return None
