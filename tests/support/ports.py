"""Ports for programs that cannot be asked which one they took, or whose port others must know before."""

import random
import socket

# Below those that the system gives to outgoing connections (Linux: from 32768 on), which could take it meanwhile.
_PORTS = range(15_000, 32_000)


def free_port() -> int:
    """A port of the loopback interface that nobody has at this moment."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as taken:
            try:
                taken.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
