"""The steps of QoS 2 between a socket and the load loops, which see publishes and their last confirms only.

Owns PUBREL and PUBCOMP (MQTT 3.1.1 §4.3.3), each a packet of four bytes that one side answers as soon as it can:

    publisher   PUBLISH -->   <-- PUBREC   [PUBREL -->]   <-- PUBCOMP
    consumer    <-- PUBLISH   PUBREC -->   [<-- PUBREL    PUBCOMP -->]
"""

import socket

from bench.driver import mqtt_records

ANSWER_SECONDS = 20.0
"""How long a broker may leave answers unread."""
_STEP_SIZE = mqtt_records.ACK_SIZE


class Steps:
    """A socket with a memory for a packet that has not arrived entirely. The base of both sides."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._input = bytearray()
        self.fileno = sock.fileno
        self.setblocking = sock.setblocking
        self.settimeout = sock.settimeout
        self.sendall = sock.sendall
        self.close = sock.close

    def _take(self, size_max: int) -> bool:
        """Reads what is there; False at the end."""
        data = self._socket.recv(size_max)
        self._input += data
        return bool(data)

    def _answer(self, data: bytes) -> None:
        """Sends answers whatever it takes: they are small, so a full socket means a broker that reads nothing."""
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self._socket.settimeout(ANSWER_SECONDS)
            self._socket.sendall(data[sent:])
            self._socket.setblocking(False)


class PublisherSteps(Steps):
    """Answers PUBREC, between records of one size and not within them; `recv` returns the PUBCOMPs."""

    def __init__(self, sock: socket.socket, record_size: int) -> None:
        super().__init__(sock)
        self._record_size = record_size
        self._left = 0  # bytes of the record that is half sent
        self._owed = b""

    def recv(self, size: int) -> bytes:
        """PUBCOMPs, as many as there are. Raises BlockingIOError when there are none."""
        if not self._take(size):
            return b""
        whole = len(self._input) // _STEP_SIZE * _STEP_SIZE
        received, releases = mqtt_records.split_steps(bytes(self._input[:whole]))
        del self._input[:whole]
        self._owed += releases
        if self._owed and not self._left:
            self._pay()
        if not received:
            raise BlockingIOError
        return received

    def recv_into(self, buffer: memoryview) -> int:
        """Nobody reads a publisher's connection that way."""
        raise NotImplementedError

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """Sends records, answers first; with answers owed no further than to the end of the record that is begun."""
        if self._owed and self._left:
            data = data[: self._left]
        elif self._owed:
            self._pay()
        sent = self._socket.send(data)
        self._left = (self._left - sent) % self._record_size
        return sent

    def _pay(self) -> None:
        owed, self._owed = self._owed, b""
        self._answer(owed)


class ConsumerSteps(Steps):
    """Answers PUBREL; `recv_into` returns the publishes, which are records of one size."""

    def __init__(self, sock: socket.socket, record_size: int) -> None:
        super().__init__(sock)
        self._record_size = record_size
        self.send = sock.send

    def recv(self, size: int) -> bytes:
        """Everything that comes, as it comes: for the end of the connection."""
        if self._input:
            data = bytes(self._input)
            self._input.clear()
            return data
        return self._socket.recv(size)

    def recv_into(self, buffer: memoryview) -> int:
        """Publishes. Raises BlockingIOError when only other packets have come."""
        # No more than fits, whatever it turns out to be: what is left in the socket wakes the selector again.
        if not self._take(len(buffer) - len(self._input)):
            return 0
        publishes, releases, used = mqtt_records.split_deliveries(self._input, self._record_size)
        del self._input[:used]
        if releases:
            self._answer(mqtt_records.completions(releases))
        if not publishes:
            raise BlockingIOError
        buffer[: len(publishes)] = publishes
        return len(publishes)
