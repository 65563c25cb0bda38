"""The connection to a gateway that speaks SMPP: made when there is something to send, and kept.

Whoever sends waits for the answer of the gateway. A connection that is lost fails what was not answered, which is tried
again; one on which nothing comes is asked for a sign of life.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from urllib.parse import parse_qs, unquote, urlsplit

from mqbroker.delivery.errors import DeliveryFailed
from mqbroker.delivery.limits import CONNECT_TIMEOUT_S, READ_BYTES, SMPP_ENQUIRE_S
from mqbroker.delivery.short_text import encoded
from mqbroker.delivery.smpp import OK, PASSING, THROTTLED, Answer, Heard, SmppFault, SmppSession
from mqbroker.delivery.tls import client_context

log = logging.getLogger(__name__)

_PORTS = {"smpp": 2775, "smpps": 3550}
_ACCEPTED = 200
_REFUSED = 400
_BUSY = 503


class _Link:
    """One connection, and who waits for which answer."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Callable[[str, str], None]
    ) -> None:
        self.session = SmppSession()
        self.is_lost = False
        self._reader = reader
        self._writer = writer
        self._heard = heard
        self._waiting: dict[int, asyncio.Future[int]] = {}
        self._task = asyncio.ensure_future(self._run())

    async def answered(self, sequences: Iterable[int]) -> list[int]:
        """Sends what the session has said, and waits for the status of each of these. Raises DeliveryFailed."""
        if self.is_lost:
            raise DeliveryFailed("the connection to the gateway was lost")
        loop = asyncio.get_running_loop()
        mine: dict[int, asyncio.Future[int]] = {sequence: loop.create_future() for sequence in sequences}
        self._waiting |= mine
        self.flush()
        try:
            return await asyncio.gather(*mine.values())
        finally:
            for sequence in mine:
                self._waiting.pop(sequence, None)

    def flush(self) -> None:
        """Sends what the session has said."""
        self._writer.write(bytes(self.session.output))
        self.session.output.clear()

    async def _run(self) -> None:
        reason = "the gateway has closed the connection"
        try:
            while not self.session.is_ended and (data := await self._read()):
                self._take(data)
        except (OSError, SmppFault, TimeoutError) as error:
            reason = f"the connection to the gateway was lost: {error or 'nothing comes'}"
        finally:
            self.close(reason)

    async def _read(self) -> bytes:
        """What comes next, or nothing at the end. Raises TimeoutError when the gateway gives no sign of life."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SMPP_ENQUIRE_S):
                return await self._reader.read(READ_BYTES)
        self.session.enquire()
        self.flush()
        async with asyncio.timeout(SMPP_ENQUIRE_S):
            return await self._reader.read(READ_BYTES)

    def _take(self, data: bytes) -> None:
        for event in self.session.receive(data):
            if isinstance(event, Heard):
                self._heard(*event)
            elif isinstance(event, Answer):
                future = self._waiting.get(event.sequence)
                if future is not None and not future.done():
                    future.set_result(event.status)
        self.flush()

    def close(self, reason: str) -> None:
        """Ends the connection."""
        self.is_lost = True
        self._task.cancel()
        self._writer.transport.abort()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(DeliveryFailed(reason))
        self._waiting.clear()


class SmppClient:
    """Sends text messages."""

    def __init__(self, url: str, timeout_s: float, ca_file: str, heard: Callable[[str, str], None]) -> None:
        """`url` is smpp://system_id:password@host:port?system_type=..., or smpps:// with TLS. `heard` is called with
        the number and the text of what users of telephones write back."""
        parts = urlsplit(url)
        self._host = parts.hostname or "localhost"
        self._port = parts.port or _PORTS[parts.scheme]
        self._is_tls = parts.scheme == "smpps"
        self._names = (unquote(parts.username or ""), unquote(parts.password or ""))
        self._system_type = parse_qs(parts.query).get("system_type", [""])[0]
        self._timeout_s = timeout_s
        self._ca_file = ca_file
        self._tls: ssl.SSLContext | None = None
        """Made once: to read all authorities takes long, and each bind that fails is followed by another one."""
        self._heard = heard
        self._link: _Link | None = None
        self._binding = asyncio.Lock()
        self._reference = 0

    async def send(self, phone: str, text: str, sender: str) -> int:
        """Sends a text. Raises DeliveryFailed."""
        try:
            async with asyncio.timeout(self._timeout_s):
                link = await self._bound()
                self._reference += 1
                sequences = link.session.submit(sender, phone, encoded(text, self._reference))
                for status in await link.answered(sequences):
                    _require_accepted(status)
        except TimeoutError:
            raise DeliveryFailed(f"the gateway gives no answer within {self._timeout_s:g} s") from None
        except OSError as error:
            raise DeliveryFailed(f"{type(error).__name__}: {error}") from None
        return _ACCEPTED

    async def _bound(self) -> _Link:
        """The link, bound. There is one, so whoever comes meanwhile waits."""
        async with self._binding:
            if self._link is None or self._link.is_lost:
                self._link = await self._bind()
            return self._link

    async def _bind(self) -> _Link:
        if self._is_tls and self._tls is None:
            self._tls = client_context(self._ca_file)
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            opened = await asyncio.open_connection(self._host, self._port, ssl=self._tls, limit=READ_BYTES)
        link = _Link(*opened, self._heard)
        status = None
        try:
            (status,) = await link.answered([link.session.bind(*self._names, self._system_type)])
        finally:
            if status != OK:
                link.close("the gateway does not let us bind")
        if status != OK:
            log.warning("the gateway for text messages at %s refuses to bind: status %#x", self._host, status)
            raise DeliveryFailed(f"the gateway refuses to bind: status {status:#x}")
        return link

    def close(self) -> None:
        """Ends the connection."""
        if self._link is not None:
            self._link.close("the broker stops")


def _require_accepted(status: int) -> None:
    if status == OK:
        return
    reason = f"the gateway answers with status {status:#x}"
    if status in THROTTLED:
        raise DeliveryFailed(reason)
    is_passing = status in PASSING
    raise DeliveryFailed(reason, is_permanent=not is_passing, status=_BUSY if is_passing else _REFUSED)
