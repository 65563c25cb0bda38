"""Somebody guesses passwords by the hundred; others come in meanwhile."""

import socket
import time
from contextlib import ExitStack
from pathlib import Path

from mqbroker.protocols.amqp.methods import encode_method
from tests.support.amqp_talk import HEADER
from tests.support.broker_process import BrokerProcess
from tests.support.raw_amqp import RawAmqp

GUESSES = 300
RIGHT_LOGINS = 5
PATIENCE_S = 30  # checking every guess one after the other takes longer than that on two cores

CONFIG = """
[[users]]
name = "shop"
password = "opening hours"
[[users.permissions]]
vhost = "/"
configure = ".*"
write = ".*"
read = ".*"
"""


def guess(port: int, number: int) -> socket.socket:
    """A connection that has tried a wrong password for guest and waits for the answer."""
    connection = socket.create_connection(("127.0.0.1", port), 30)
    response = b"\0guest\0wrong %d" % number
    start_ok = encode_method(
        "connection.start-ok", 0, client_properties={}, mechanism="PLAIN", response=response, locale="en_US"
    )
    connection.sendall(HEADER + start_ok)
    return connection


def test_right_logins_come_in_while_somebody_guesses(tmp_path: Path) -> None:
    """1,024 wrong log-ins in 0.7 s: right ones were cut or refused with 403 for 110 s and more."""
    with BrokerProcess(tmp_path / "data", "--dev", config=CONFIG) as broker, ExitStack() as stack:
        port = broker.ports["amqp"]
        for number in range(GUESSES):
            stack.callback(guess(port, number).close)
        began = time.monotonic()
        for number in range(RIGHT_LOGINS):
            user, password = ("shop", "opening hours") if number % 2 else ("guest", "guest")
            client = RawAmqp(port)
            stack.callback(client.close)
            client.open(user, password)
        assert time.monotonic() - began < PATIENCE_S
