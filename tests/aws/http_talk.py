"""HTTP as a client writes and reads it, byte by byte."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """One answer; the names of its headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def get(parameters: str, headers: str = "", method: str = "GET") -> bytes:
    """A call of SendMessage on the Query wire, to a queue's path."""
    return f"{method} /1/q?Action=SendMessage&{parameters} HTTP/1.1\r\nHost: h\r\n{headers}\r\n".encode()


def post(form: bytes) -> bytes:
    """A form for a queue's path."""
    return b"POST /1/q HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%b" % (len(form), form)


def answers(data: bytes, methods: Iterable[str] = ()) -> list[Answer]:
    """The answers in the output of a session, which has to be nothing but them; `methods` are those of the requests."""
    found = []
    of_requests: Iterator[str] = iter(methods)
    while data:
        head, separator, data = data.partition(b"\r\n\r\n")
        assert separator
        lines = head.decode("latin-1").split("\r\n")
        version, status, _ = lines[0].split(" ", 2)
        assert version == "HTTP/1.1"
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        assert len(headers) == len(lines) - 1
        size = 0 if next(of_requests, "") == "HEAD" else int(headers["content-length"])
        assert len(data) >= size
        found.append(Answer(int(status), headers, data[:size]))
        data = data[size:]
    return found
