"""Requests over HTTP/2, which the push services of Apple and Google ask for: many at once share one connection.

It is done by httpx, which is installed with the extra `push` and imported when the first request is made.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mqbroker.core.recent import remember
from mqbroker.delivery.errors import DeliveryFailed
from mqbroker.delivery.http import Response
from mqbroker.delivery.limits import (
    CONNECT_TIMEOUT_S,
    HTTP2_CONNECTIONS_MAX,
    HTTP2_IDENTITIES_MAX,
    IDLE_S,
    REFUSED_S,
    RESPONSE_BYTES_MAX,
)
from mqbroker.delivery.tls import Identity, client_context

if TYPE_CHECKING:
    import httpx


@dataclass(slots=True)
class _Line:
    """The connections of one identity."""

    client: "httpx.AsyncClient"
    busy: int = 0
    """Requests under way."""


class Http2Client:
    """Sends requests to services that the operator has named. There is one per broker."""

    def __init__(self, timeout_s: float, ca_file: str = "") -> None:
        """`ca_file` has certificates of authorities that are trusted beside those of the system."""
        self._timeout_s = timeout_s
        self._ca_file = ca_file
        self._lines: OrderedDict[Identity | None, _Line] = OrderedDict()
        """By whom they show themselves as, those that were used last at the end."""
        self._refused: dict[Identity | None, tuple[str, float]] = {}
        """Identities that are none: why, and until when nobody looks at them again."""
        self._making = asyncio.Lock()

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], identity: Identity | None = None
    ) -> Response:  # fmt: skip
        """Sends a body to a URL. Raises DeliveryFailed when there is no answer."""
        line = await self._taken(identity)
        try:
            await self._close_idle()
            return await self._answer(line.client, url, body, headers)
        finally:
            line.busy -= 1

    async def _answer(self, client: "httpx.AsyncClient", url: str, body: bytes, headers: Mapping[str, str]) -> Response:
        import httpx

        try:
            async with asyncio.timeout(self._timeout_s):
                return await _post(client, url, body, headers)
        except TimeoutError:
            raise DeliveryFailed(f"no answer within {self._timeout_s:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            raise DeliveryFailed(f"{type(error).__name__}: {error}") from None
        except UnicodeEncodeError:
            raise DeliveryFailed("a header can have characters of ASCII only", is_permanent=True) from None

    async def _taken(self, identity: Identity | None) -> _Line:
        """The connections, for one more request, of which the caller says when it is over."""
        async with self._making:
            line = self._lines.get(identity)
            if line is None:
                line = self._lines[identity] = _Line(await self._made(identity))
            self._lines.move_to_end(identity)
            line.busy += 1
            return line

    async def _made(self, identity: Identity | None) -> "httpx.AsyncClient":
        """A client. To import it and to read all authorities takes long, so a thread does that."""
        loop = asyncio.get_running_loop()
        reason, until = self._refused.get(identity, ("", 0.0))
        if reason and loop.time() < until:
            raise DeliveryFailed(reason, is_permanent=True)
        try:
            return await loop.run_in_executor(None, self._new, identity)
        except ImportError:
            text = "push services are reached by HTTP/2, for which httpx is missing: pip install mqbroker[push]"
            raise DeliveryFailed(text, is_permanent=True) from None
        except OSError as failed:  # the file of authorities
            raise DeliveryFailed(f"{type(failed).__name__}: {failed}") from None
        except DeliveryFailed as failed:
            remember(self._refused, identity, (str(failed), loop.time() + REFUSED_S), HTTP2_IDENTITIES_MAX)
            raise

    async def _close_idle(self) -> None:
        """Closes the connections of identities that are too many. Those of none are for all applications."""
        surplus = len(self._lines) - HTTP2_IDENTITIES_MAX
        idle = [identity for identity, line in self._lines.items() if identity is not None and not line.busy]
        gone = [self._lines.pop(identity) for identity in idle[: max(0, surplus)]]
        for line in gone:
            await line.client.aclose()

    def _new(self, identity: Identity | None) -> "httpx.AsyncClient":
        import httpx

        # It logs the URL of each request, and those of Apple have the tokens of devices.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        limits = httpx.Limits(max_connections=HTTP2_CONNECTIONS_MAX, keepalive_expiry=IDLE_S)
        timeout = httpx.Timeout(self._timeout_s, connect=CONNECT_TIMEOUT_S)
        return httpx.AsyncClient(
            http2=True,
            verify=client_context(self._ca_file, identity),
            limits=limits,
            timeout=timeout,
            trust_env=False,
        )

    async def close(self) -> None:
        """Closes the connections."""
        while self._lines:
            await self._lines.popitem()[1].client.aclose()


async def _post(client: "httpx.AsyncClient", url: str, body: bytes, headers: Mapping[str, str]) -> Response:
    async with client.stream("POST", url, content=body, headers=dict(headers)) as answer:
        found = bytearray()
        async for data in answer.aiter_raw():
            found += data[: RESPONSE_BYTES_MAX - len(found)]
            if len(found) >= RESPONSE_BYTES_MAX:
                break  # the status is known, and nobody wants the rest
        return Response(answer.status_code, bytes(found))
