"""HTTP for load balancers: `/health/active`, `/health/ready` and `/health/live` answer 200 or 503."""

from collections.abc import Callable

from aiohttp import web

from mqbroker.config.addresses import Address
from mqbroker.errors import ConfigError


class Health:
    """Answers on one address, or on none."""

    def __init__(self, address: Address | None, is_active: Callable[[], bool], is_ready: Callable[[], bool]) -> None:
        self._address = address
        self._checks: dict[str, Callable[[], bool]] = {
            "/health/active": is_active, "/health/ready": is_ready, "/health/live": lambda: True,
        }  # fmt: skip
        self._runner: web.AppRunner | None = None

    async def open(self) -> None:
        """Raises ConfigError when the address cannot be had."""
        address = self._address
        if address is None:
            return
        app = web.Application()
        app.router.add_route("GET", "/health/{what}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, address.host, address.port).start()
        except OSError as error:
            raise ConfigError(f"cannot listen on {address} (pair.health): {error.strerror}") from None

    async def _answer(self, request: web.Request) -> web.Response:
        check = self._checks.get(request.path)
        if check is None:
            return web.Response(status=404, text="not found\n")
        is_so = check()
        return web.Response(status=200 if is_so else 503, text="yes\n" if is_so else "no\n")

    async def close(self) -> None:
        """Answers no more."""
        if self._runner is not None:
            await self._runner.cleanup()
