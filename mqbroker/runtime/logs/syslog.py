"""The log as messages of syslog (RFC 5424), over UDP, TCP or a socket of this machine.

    <30>1 2026-11-29T18:12:34.734861Z host mqbroker 4242 amqp [mqbroker@32473 user="joe"] text
     |                                              process category  what the line is about

Lines come from the broker's loop, which a server of syslog must not hold up: a thread sends them. While the server is
not there they wait, up to a number, and what was left out is said when it is back.
"""

import errno
import logging
import os
import queue
import re
import socket
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from mqbroker.limits import SYSLOG_DATAGRAM_BYTES_MAX, SYSLOG_LINES_MAX, SYSLOG_RETRY_S, SYSLOG_STOP_S
from mqbroker.runtime.logs.fields import fields_of
from mqbroker.runtime.logs.lines import LineFormatter

_FACILITIES = {"user": 1, "daemon": 3, "auth": 4} | {f"local{number}": 16 + number for number in range(8)}  # §6.2.1
_SEVERITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG = 7
_NAME = "mqbroker"
_SD_ID = f"{_NAME}@32473"  # RFC 5612: the enterprise number of examples
_NIL = "-"
_NOT_PRINTABLE = re.compile(r"[^!-~]")
_MSGID_CHARS_MAX = 32
_HOSTNAME_CHARS_MAX = 255
_PORTS = {"udp": 514, "tcp": 601}  # RFC 5426 §3.3, RFC 3195
_TIMEOUT_S = 5


class Place(NamedTuple):
    """Where a server of syslog is."""

    scheme: str
    host: str
    port: int
    path: str


def _place(url: str) -> Place:
    """The server of a URL that was checked."""
    parts = urlsplit(url)
    return Place(parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0), parts.path)


class SyslogFormatter(LineFormatter):
    """A record as a message of RFC 5424."""

    def __init__(self, facility: str) -> None:
        super().__init__("%(message)s")
        self._facility = _FACILITIES[facility]
        self._host = _token(socket.gethostname(), _HOSTNAME_CHARS_MAX)

    def format(self, record: logging.LogRecord) -> str:
        """Overrides Formatter's."""
        severity = next((code for level, code in _SEVERITIES if record.levelno >= level), _DEBUG)
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        category = _token(record.name.removeprefix(f"{_NAME}."), _MSGID_CHARS_MAX)
        head = f"<{self._facility * 8 + severity}>1 {at} {self._host} {_NAME} {os.getpid()} {category}"
        return f"{head} {_data(record)} {super().format(record)}"


def _token(text: str, most: int) -> str:
    return _NOT_PRINTABLE.sub("?", text)[:most] or _NIL


def _data(record: logging.LogRecord) -> str:
    """What the line is about, as structured data (§6.3)."""
    pairs = "".join(f' {name}="{_escaped(str(value))}"' for name, value in fields_of(record).items())
    return f"[{_SD_ID}{pairs}]" if pairs else _NIL


def _escaped(text: str) -> str:
    return re.sub(r'(["\\\]])', r"\\\1", text.encode("utf-8", "backslashreplace").decode())


class SyslogHandler(logging.Handler):
    """Has a thread send the lines."""

    def __init__(self, url: str, facility: str) -> None:
        super().__init__()
        self.setFormatter(SyslogFormatter(facility))
        self._place = _place(url)
        self._lines: queue.Queue[bytes | None] = queue.Queue(SYSLOG_LINES_MAX)
        self._left_out = 0
        self._socket: socket.socket | None = None
        self._is_stream = False
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="syslog", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Overrides Handler's."""
        try:
            self._lines.put_nowait(self.format(record).encode("utf-8", "backslashreplace"))
        except queue.Full:
            self._left_out += 1
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Overrides Handler's: what waits is sent, if that is soon done."""
        if not self._is_over.is_set():
            try:
                self._lines.put(None, timeout=SYSLOG_STOP_S)
                self._thread.join(SYSLOG_STOP_S)
            except queue.Full:
                pass
            self._is_over.set()
            with suppress(queue.Full):  # then it does not wait for a line either
                self._lines.put_nowait(None)
        super().close()

    # --- the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._is_over.is_set() and (line := self._lines.get()) is not None:
            while not self._send(line):
                if self._is_over.wait(SYSLOG_RETRY_S):
                    return
            self._say_left_out()
        if self._socket is not None:
            self._socket.close()

    def _send(self, line: bytes) -> bool:
        """Sends a line; whether that was done."""
        try:
            if self._socket is None:
                self._socket = self._connected()
            if self._is_stream:
                self._socket.sendall(b"%d %b" % (len(line), line))  # RFC 6587 §3.4.1
            else:
                self._socket.send(line[:SYSLOG_DATAGRAM_BYTES_MAX].decode("utf-8", "ignore").encode())
        except ConnectionRefusedError:
            # A datagram before this one came to nobody: this one may go the same way, and none is waited for.
            is_lost = self._place.scheme == "udp"
            self._disconnect()
            return is_lost
        except (OSError, UnicodeError):  # UnicodeError: a name that is none of the network's
            self._disconnect()
            return False
        return True

    def _connected(self) -> socket.socket:
        """Raises OSError and UnicodeError."""
        place = self._place
        self._is_stream = place.scheme == "tcp"
        if place.scheme == "unix":
            return self._connected_here(place.path)
        kind = socket.SOCK_STREAM if self._is_stream else socket.SOCK_DGRAM
        failure = OSError(f"{place.host} has no address")
        for family, each, protocol, _, address in socket.getaddrinfo(place.host, place.port, type=kind):
            try:
                return _connect(socket.socket(family, each, protocol), address)
            except OSError as error:
                failure = error
        raise failure

    def _connected_here(self, path: str) -> socket.socket:
        try:
            return _connect(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), path)
        except OSError as error:
            if error.errno != errno.EPROTOTYPE:  # there is a socket of the other kind
                raise
        self._is_stream = True
        return _connect(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), path)

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _say_left_out(self) -> None:
        if self._left_out and self._lines.empty():
            count, self._left_out = self._left_out, 0
            text = f"{count} lines were left out: the server of syslog was not there"
            self.emit(logging.LogRecord(f"{_NAME}.log", logging.WARNING, "", 0, text, None, None))


def _connect(made: socket.socket, address: object) -> socket.socket:
    """Raises OSError."""
    made.settimeout(_TIMEOUT_S)
    try:
        made.connect(address)  # type: ignore[arg-type]  # as getaddrinfo has it, or a path
    except OSError:
        made.close()
        raise
    return made
