"""HTTP octet for octet over a real socket: requests that no client library would send, and what is answered."""

import socket

TIMEOUT_S = 20


class RawHttp:
    """One connection to a port of this machine."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> "RawHttp":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.socket.close()

    def send(self, octets: bytes) -> None:
        """Sends octets as they are."""
        self.socket.sendall(octets)

    def answer(self, method: str = "POST") -> tuple[int, dict[str, str], bytes]:
        """The next answer to a request of that method: status, headers with lower-case names, body."""
        status = int(self.file.readline().split()[1])
        headers: dict[str, str] = {}
        while line := self.file.readline().strip():
            name, _, value = line.decode("latin-1").partition(": ")
            headers[name.lower()] = value
        length = 0 if method == "HEAD" else int(headers.get("content-length", "0"))
        return status, headers, self.file.read(length)

    def is_closed(self) -> bool:
        """Whether the broker closes the connection without another octet."""
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True


def request(
    port: int, method: str = "POST", target: str = "/", headers: dict[str, str] | None = None, body: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    """One request on a connection of its own."""
    given = {"host": f"127.0.0.1:{port}", "content-length": str(len(body)), **(headers or {})}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    with RawHttp(port) as connection:
        connection.send("\r\n".join(lines).encode("latin-1") + body)
        return connection.answer(method)
