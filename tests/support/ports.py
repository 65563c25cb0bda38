"""Ports for programs that cannot be asked which one they took, or whose port others must know before."""

import random
import socket

_PORTS = range(15_000, 32_000)

_held: list[socket.socket] = []
"""One for each port that was given away, while this process runs: bound, but not listening. Nobody else is given the
port then, neither by a bind to port 0 nor for an outgoing connection; a server that sets SO_REUSEADDR may have it."""


def free_port() -> int:
    """A port of the loopback interface that nobody has and that is kept for who asked."""
    while True:
        port = random.choice(_PORTS)
        holder = socket.socket()
        try:
            holder.bind(("127.0.0.1", port))
        except OSError:
            holder.close()
            continue
        # Only now: a bind that shares would succeed on a port that another process holds.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _held.append(holder)
        return port
