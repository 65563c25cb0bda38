"""Blocking clients of the two protocols that the tests plug in, and the process that speaks them."""

import json
import socket
import ssl
from types import TracebackType
from typing import Any, Self

from tests.support.broker_process import BrokerProcess

TIMEOUT_S = 15.0


class PluggedBroker(BrokerProcess):
    """A broker whose list of protocols has two more."""

    module = "tests.plug"


class LineClient:
    """A socket whose lines are taken one by one. Use as a context manager."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        plain = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self.socket = plain if tls is None else tls.wrap_socket(plain, server_hostname="localhost")
        self.input = self.socket.makefile("rb")

    def ask(self, line: str) -> str:
        """The line that answers this one."""
        self.socket.sendall(line.encode() + b"\n")
        return self.line()

    def line(self) -> str:
        """The next line; empty at the end of the stream. Raises TimeoutError after 15 seconds of silence."""
        return self.input.readline().decode().rstrip("\n")

    def log_in(self, user: str = "guest") -> Self:
        assert self.ask(f"LOGIN {user} {user}") == "OK"
        return self

    def operate(self, command: str) -> Any:
        """What an operator's command is answered."""
        return json.loads(self.ask(command))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.input.close()
        self.socket.close()
