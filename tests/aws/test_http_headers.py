"""The headers of a head, and what is kept of it for the next one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.protocols.http.headers import HeaderReader
from mqbroker.protocols.http.limits import HTTP_HEAD_KEPT_BYTES

Head = list[tuple[bytes, bytes]]

PLAIN: Head = [(b"Host", b"a"), (b"X-Amz-Date", b"1"), (b"Content-Length", b"3")]


def read(reader: HeaderReader, head: Head) -> dict[str, str]:
    """One head."""
    reader.begin()
    for name, value in head:
        reader.take(name, value)
    return reader.headers()


@pytest.mark.parametrize(
    ("head", "headers"),
    [
        ([], {}),
        (PLAIN, {"host": "a", "x-amz-date": "1", "content-length": "3"}),
        ([(b"A", b"1"), (b"a", b"2"), (b"B", b""), (b"A", b"3")], {"a": "1,2,3", "b": ""}),
        ([(b"A", b"b \t"), (b"C", b"\xe4")], {"a": "b", "c": "\xe4"}),
    ],
)
def test_a_head_is_read_as_it_came(head: Head, headers: dict[str, str]) -> None:
    assert read(HeaderReader(), head) == headers


@pytest.mark.parametrize(
    "second",
    [
        PLAIN,
        [*PLAIN[:1], (b"X-Amz-Date", b"2"), *PLAIN[2:]],
        [*PLAIN[:1], (b"X-Amz-Target", b"1"), *PLAIN[2:]],
        PLAIN[:2],
        [*PLAIN, (b"Expect", b"100-continue")],
        PLAIN[::-1],
        [],
    ],
)
def test_the_next_head_of_a_connection_is_read_as_if_it_were_the_first(second: Head) -> None:
    reader = HeaderReader()
    read(reader, PLAIN)
    assert list(read(reader, second).items()) == list(read(HeaderReader(), second).items())
    assert list(read(reader, PLAIN).items()) == list(read(HeaderReader(), PLAIN).items())


@given(st.lists(st.lists(st.tuples(st.sampled_from([b"A", b"a", b"B", b"C"]), st.sampled_from([b"1", b"2"])))))
def test_whatever_heads_come_each_is_read_as_if_it_were_the_first(heads: list[Head]) -> None:
    reader = HeaderReader()
    for head in heads:
        headers = read(reader, head)
        assert list(headers.items()) == list(read(HeaderReader(), head).items())
        headers.clear()  # whoever has it may do what he likes with it


def test_a_trailer_changes_nothing_for_the_next_head() -> None:
    reader = HeaderReader()
    headers = read(reader, PLAIN)
    reader.take(b"Trailer", b"t")
    assert read(reader, PLAIN) == headers == read(HeaderReader(), PLAIN)


def test_the_size_is_that_of_all_headers_with_their_separators() -> None:
    reader = HeaderReader()
    read(reader, PLAIN)
    assert reader.size_bytes == len(b"Host: a\r\nX-Amz-Date: 1\r\nContent-Length: 3\r\n")


def test_a_large_head_is_not_kept() -> None:
    reader = HeaderReader()
    value = b"v" * HTTP_HEAD_KEPT_BYTES
    first = read(reader, [(b"Cookie", value)])["cookie"]
    assert read(reader, [(b"Cookie", value)])["cookie"] is not first
    kept = read(reader, [(b"Cookie", b"some value")])["cookie"]
    assert read(reader, [(b"Cookie", b"some value")])["cookie"] is kept
