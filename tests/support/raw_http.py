"""HTTP octet for octet over a real socket: requests that no client library would send, and what is answered."""

import socket
from http.client import HTTPResponse

TIMEOUT_S = 20


class RawHttp:
    """One connection to a port of this machine."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)

    def __enter__(self) -> "RawHttp":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, octets: bytes) -> None:
        """Sends octets as they are."""
        self.socket.sendall(octets)

    def answer(self, method: str = "POST") -> tuple[int, dict[str, str], bytes]:
        """The next answer: status, headers with lower-case names, body."""
        response = HTTPResponse(self.socket, method=method)
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers, response.read()

    def is_closed(self) -> bool:
        """Whether the broker closes the connection without another octet."""
        try:
            return self.socket.recv(1) == b""
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
