"""Numbers in headers: decimal digits, so few that a 64-bit integer holds them."""

_DIGITS_MAX = 18


def is_number(text: str) -> bool:
    """Whether a text is a whole number without a sign."""
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX


def is_integer(text: str) -> bool:
    """Whether a text is a whole number, maybe a negative one."""
    return is_number(text.removeprefix("-"))
