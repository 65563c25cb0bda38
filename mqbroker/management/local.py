"""The local socket in the data directory: whoever may open it is its owner, and may do everything without a log-in.

It is there whether or not the management API has a listener, so that an operator on the machine can always look and
mend. The file is the owner's alone, and the system says who has connected; aiohttp is loaded when somebody does.
"""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from mqbroker.management.limits import LOCAL_BACKLOG
from mqbroker.protocols.session import Peer

log = logging.getLogger(__name__)

SOCKET_NAME = "control.sock"
_PATH_BYTES_MAX = 107  # unix(7): sun_path has 108 octets, the last one of which is 0
_CREDENTIALS = struct.Struct("3i")  # unix(7): pid, uid, gid


class Visitor:
    """Who came by the local socket."""

    is_local = True

    def __init__(self) -> None:
        self.peer = Peer("localhost", 0, True)
        self.is_closing = False
        self.requests_open = 0

    def logged_in(self) -> None:
        """It needs no log-in."""


class LocalDoor:
    """The socket, once it is open."""

    def __init__(self, folder: Path, make: Callable[[], Callable[[], asyncio.Protocol]]) -> None:
        """`make` gives what makes aiohttp's side of connections, and is called for the first."""
        self._path = folder / SOCKET_NAME
        self._make = make
        self._socket: socket.socket | None = None
        self._greetings: set[asyncio.Task[object]] = set()

    def open(self) -> None:
        """Listens from now on; where that is not possible, the log says why."""
        if len(os.fsencode(self._path)) > _PATH_BYTES_MAX:
            log.warning("no local socket: the path %s is longer than %d octets", self._path, _PATH_BYTES_MAX)
            return
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        mask = os.umask(0o177)
        try:
            self._path.unlink(missing_ok=True)  # of a run that was killed: the journal's lock is ours
            listening.bind(os.fspath(self._path))
            listening.listen(LOCAL_BACKLOG)
        except OSError as error:
            listening.close()
            log.warning("no local socket: %s cannot be opened: %s", self._path, error.strerror)
            return
        finally:
            os.umask(mask)
        self._socket = listening
        asyncio.get_running_loop().add_reader(listening, self._accept)

    def _accept(self) -> None:
        assert self._socket is not None
        try:
            connected, _ = self._socket.accept()
        except OSError:
            return  # who has gone already, or too many open files: there is another one
        if not _is_ours(connected):
            log.warning("a connection to %s by another user is refused", self._path)
            connected.close()
            return
        connected.setblocking(False)
        make = self._make()
        loop = asyncio.get_running_loop()
        greeting: asyncio.Task[object] = loop.create_task(loop.connect_accepted_socket(make, connected))
        self._greetings.add(greeting)
        greeting.add_done_callback(self._greetings.discard)

    def close(self) -> None:
        """Listens no more."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._path.unlink(missing_ok=True)


def _is_ours(connected: socket.socket) -> bool:
    octets = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return _CREDENTIALS.unpack(octets)[1] in (os.geteuid(), 0)
