"""Values in the notation of RabbitMQ's error texts, which is Erlang's: clients and their tests match on these texts.

Owns the notation only. `term_text` is what Erlang's `~p` prints; `plain_text` is the same with strings bare.

    Python                     term_text                       plain_text
    "abc", b"abc"              <<"abc">>                       abc
    b"\\xff\\x00"                <<255,0>>                       (the octets)
    True, None                 true, undefined                 the same
    [Int32(1)]                 [{signedint,1}]                 the same
    {"a": "b"}                 [{<<"a">>,longstr,<<"b">>}]     the same
"""

from collections.abc import Iterable, Mapping

from mqbroker.core.values import Decimal, octets, text_of, type_name

_ESCAPES = {
    0x08: "\\b",
    0x09: "\\t",
    0x0A: "\\n",
    0x0B: "\\v",
    0x0C: "\\f",
    0x0D: "\\r",
    0x1B: "\\e",
    0x22: '\\"',
    0x5C: "\\\\",
}


def term_text(value: object) -> str:
    """`value` as Erlang's `~p` prints it, on one line."""
    if value is None:
        return "undefined"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | bytes):
        return _binary_text(octets(value))
    if isinstance(value, Decimal):
        return f"{{{value.scale},{value.value}}}"
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, Mapping):
        return _list_text(f"{{{term_text(name)},{type_name(part)},{term_text(part)}}}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return _list_text(f"{{{type_name(part)},{term_text(part)}}}" for part in value)
    return str(value)


def plain_text(value: object) -> str:
    """`value` as RabbitMQ puts it between quotes of its own: a string as it is, the rest like `term_text`."""
    if isinstance(value, str | bytes):
        return text_of(value)
    return term_text(value)


def pairs_text(pairs: Mapping[str, object]) -> str:
    """The members of a JSON object as Erlang prints a property list: `[{<<"name">>,1}]`."""
    return _list_text(f"{{{term_text(name)},{json_text(part)}}}" for name, part in pairs.items())


def json_text(value: object) -> str:
    """A decoded JSON value as Erlang prints it: unlike AMQP's, its arrays and objects do not name types."""
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return f"#{{{','.join(f'{term_text(name)} => {json_text(part)}' for name, part in value.items())}}}"
    if isinstance(value, list):
        return _list_text(json_text(part) for part in value)
    return term_text(value)


def _list_text(parts: Iterable[str]) -> str:
    return f"[{','.join(parts)}]"


def _binary_text(data: bytes) -> str:
    """Erlang prints a binary as a string if every octet is a printable Latin-1 character, else as numbers."""
    if not data:
        return "<<>>"
    if all(_is_printable(octet) for octet in data):
        # The octets go out as they are, so UTF-8 whose every octet is printable is shown as the text it means.
        text = data.decode("utf-8", "surrogateescape").translate(_ESCAPES)
        return f'<<"{text}">>'
    return f"<<{','.join(map(str, data))}>>"


def _is_printable(octet: int) -> bool:
    return 0x20 <= octet <= 0x7E or octet >= 0xA0 or octet in _ESCAPES


def _float_text(value: float) -> str:
    """Erlang always writes a fraction, and no plus sign in the exponent."""
    text = repr(float(value)).replace("e+", "e")
    mantissa, mark, exponent = text.partition("e")
    return text if not mark or "." in mantissa else f"{mantissa}.0e{exponent}"
