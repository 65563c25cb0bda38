"""MQTT connections by the thousand: many are on their way at once, so the broker is never waited for one by one.

Owns CONNECT and CONNACK of plain TCP connections that do nothing else. A few system calls each are all that one costs
here, a small part of what it costs any broker.
"""

import os
import socket
from collections import deque
from collections.abc import Generator

from bench.driver import mqtt_records
from bench.driver.amqp import CALL_TIMEOUT_SECONDS
from bench.driver.jobs import Endpoint
from bench.errors import ProtocolError

UNDER_WAY = 100
_ACCEPTED = bytes((mqtt_records.CONNACK, 2, 0, 0))


def connected(endpoint: Endpoint) -> Generator[socket.socket]:
    """An endless supply of connected clients, each with a name of its own. Raises ProtocolError for a refusal.

    Up to UNDER_WAY have sent CONNECT when one is handed out; they are closed with the iterator.
    """
    pending: deque[socket.socket] = deque()
    number = 0
    try:
        while True:
            while len(pending) < UNDER_WAY:
                pending.append(_begin(endpoint, f"bench-{os.getpid()}-{number}"))
                number += 1
            sock = pending.popleft()
            _await_connack(sock)
            yield sock
    finally:
        for sock in pending:
            leave(sock)


def _begin(endpoint: Endpoint, client: str) -> socket.socket:
    sock = socket.socket()
    sock.settimeout(CALL_TIMEOUT_SECONDS)
    try:
        sock.connect((endpoint.host, endpoint.port))
        sock.sendall(mqtt_records.connect_packet(endpoint, client))
    except OSError:
        sock.close()
        raise
    return sock


def _await_connack(sock: socket.socket) -> None:
    answer = sock.recv(len(_ACCEPTED), socket.MSG_WAITALL)
    if answer != _ACCEPTED:
        sock.close()
        raise ProtocolError(f"expected an accepting CONNACK, the broker sent {answer.hex() or 'nothing'}")


def leave(sock: socket.socket) -> None:
    """Says good-bye and closes."""
    sock.sendall(mqtt_records.DISCONNECT)
    sock.close()
