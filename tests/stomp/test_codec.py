"""Frames: whole, in pieces, cut off, with more after them; escapes and bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.stomp.codec.escapes import escape, for_version, header_line, unescape
from mqbroker.protocols.stomp.codec.heads import Head, parse_head
from mqbroker.protocols.stomp.codec.scanner import Scanner
from mqbroker.protocols.stomp.limits import STOMP_HEAD_BYTES_MAX, STOMP_HEADERS_MAX

BODY_MAX = 1 << 20

FRAMES = {
    b"SEND\ndestination:/queue/a\n\nhello\0": ("SEND", {"destination": "/queue/a"}, b"hello"),
    b"SEND\ncontent-length:3\n\na\0b\0": ("SEND", {"content-length": "3"}, b"a\0b"),
    b"SEND\r\ndestination:a\r\n\r\nhello\r\n\0": ("SEND", {"destination": "a"}, b"hello\r\n"),
    b"SEND\ncontent-length:0\n\n\0": ("SEND", {"content-length": "0"}, b""),
    b"SEND\na:1\na:2\n\n\0": ("SEND", {"a": "1"}, b""),
    b"SEND\na:b:c\n:empty\nd:\n\n\0": ("SEND", {"a": "b:c", "": "empty", "d": ""}, b""),
    b"SEND\na\\c:\\n\\r\\\\\\c\n\n\0": ("SEND", {"a:": "\n\r\\:"}, b""),
    b"SEND\na: b \n\n\0": ("SEND", {"a": " b "}, b""),
    b"DISCONNECT\n\n\0": ("DISCONNECT", {}, b""),
    b"CONNECT\na:\\t\\c\n\n\0": ("CONNECT", {"a": "\\t\\c"}, b""),
    b"SEND\na:\xc3\xa4\xff\n\n\n\n\0": ("SEND", {"a": "ä\udcff"}, b"\n\n"),
}

WRONG = (
    b"SEND\nno colon\n\n\0",
    b"SEND\na:\\t\n\n\0",
    b"SEND\na:\\\n\n\0",
    b"SEND\na:b\rc\n\n\0",
    b"SEND\ncontent-length:x\n\n\0",
    b"SEND\ncontent-length:-1\n\n\0",
    b"SEND\ncontent-length:1\n\nab\0",
    b"SEND\n\0",
    b"SEND\na:\0b\n\n\0",
    b"SEND\n" + b"a:b\n" * (STOMP_HEADERS_MAX + 1) + b"\n\0",
    b"SEND\na:" + b"b" * STOMP_HEAD_BYTES_MAX + b"\n\n\0",
    b"SEND\na:" + b"b" * (STOMP_HEAD_BYTES_MAX + 10),
    b"SEND\n\n" + b"b" * (BODY_MAX + STOMP_HEAD_BYTES_MAX + 10),
    b"SEND\ncontent-length:2000000\n\n",
)


def scanner(version: str = "1.2") -> Scanner:
    found = Scanner()
    found.named(version)
    return found


def taken(found: Scanner) -> list[tuple[str, dict[str, str], bytes]]:
    frames = []
    while (head := found.next(BODY_MAX)) is not None:
        frames.append((head.command, head.headers, found.body))
    return frames


@pytest.mark.parametrize(("octets", "expected"), FRAMES.items())
def test_a_frame_is_read_in_one_piece(octets: bytes, expected: tuple[str, dict[str, str], bytes]) -> None:
    found = scanner()
    found.feed(octets)
    assert taken(found) == [expected]


@pytest.mark.parametrize(("octets", "expected"), FRAMES.items())
def test_a_frame_is_read_in_two_pieces_wherever_it_is_cut(
    octets: bytes, expected: tuple[str, dict[str, str], bytes]
) -> None:
    for cut in range(1, len(octets)):
        found = scanner()
        found.feed(octets[:cut])
        assert taken(found) == []
        found.feed(octets[cut:] + b"\n")
        assert taken(found) == [expected]


@pytest.mark.parametrize(("octets", "expected"), FRAMES.items())
def test_a_frame_is_read_octet_by_octet_between_others(
    octets: bytes, expected: tuple[str, dict[str, str], bytes]
) -> None:
    found = scanner()
    frames = []
    for octet in b"\n\0\r\n" + octets + b"\n" + octets + octets:
        found.feed(bytes((octet,)))
        frames += taken(found)
    assert frames == [expected] * 3
    assert found.kept_bytes == 0


def test_several_frames_are_read_from_one_piece() -> None:
    found = scanner()
    found.feed(b"\n".join(FRAMES) + b"SEND\n")
    assert taken(found) == list(FRAMES.values())
    assert found.kept_bytes == 5


@pytest.mark.parametrize("octets", WRONG, ids=lambda octets: repr(octets[:30]))
def test_what_is_no_frame_is_refused_in_one_piece_and_in_many(octets: bytes) -> None:
    """A parser that waits for more of what can never become a frame would keep all that a peer sends."""
    for size in (len(octets), 100_000, 7):
        found = scanner()

        def feed(step: int = size, into: Scanner = found) -> None:
            for at in range(0, len(octets), step):
                into.feed(octets[at : at + step])
                taken(into)

        if size > 7 or len(octets) < 1000:
            with pytest.raises(ProtocolViolation):
                feed()


def test_a_body_without_a_length_is_bounded_while_it_comes() -> None:
    found = scanner()
    found.feed(b"SEND\n\n")

    def feed() -> None:
        for _ in range(100):
            found.feed(b"x" * 100_000)
            taken(found)

    with pytest.raises(ProtocolViolation, match="maximum data length"):
        feed()
    assert found.kept_bytes <= BODY_MAX + STOMP_HEAD_BYTES_MAX + 100_000


def test_a_repeated_head_is_parsed_once() -> None:
    found = scanner()
    heads: list[Head | None] = []
    for body in (b"a", b"b"):
        found.feed(b"SEND\ndestination:a\n\n" + body + b"\0")
        heads.append(found.next(BODY_MAX))
    assert heads[0] is heads[1]


def test_version_1_0_knows_no_escapes_and_trims() -> None:
    assert parse_head(b"SEND\na: b\\n ", "1.0").headers == {"a": "b\\n"}


def test_headers_are_written_for_the_version_of_the_reader() -> None:
    lines = header_line("a:b", "c\\d\ne\rf")
    assert for_version(lines, "1.2") == b"a\\cb:c\\\\d\\ne\\rf\n"
    assert for_version(lines, "1.1") == b"a\\cb:c\\\\d\\ne\rf\n"
    assert for_version(lines, "1.0") == b"a:b:c\\d\\ne\\rf\n"


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=())))
def test_what_is_escaped_is_unescaped_again(text: str) -> None:
    escaped = escape(text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape"))
    assert not set(escaped) & set(b"\n\r:\0")
    assert unescape(escaped) == text.encode("utf-8", "surrogatepass")


@given(st.lists(st.sampled_from([*FRAMES, b"\n", b"SEND\n\n", b"\0", b"x", b"\\", b"\r"])), st.integers(1, 40))
def test_pieces_make_no_difference(parts: list[bytes], size: int) -> None:
    octets = b"".join(parts)

    def outcome(step: int) -> tuple[list[object], str]:
        found, frames = scanner(), list[object]()
        try:
            for at in range(0, len(octets), step):
                found.feed(octets[at : at + step])
                while (head := found.next(BODY_MAX)) is not None:
                    frames.append((head.command, head.headers, found.body))
        except ProtocolViolation as error:
            return frames, error.text
        return frames, ""

    whole, pieces = outcome(max(1, len(octets))), outcome(size)
    assert whole[0] == pieces[0]
    assert bool(whole[1]) == bool(pieces[1])
