"""The AWS services of one broker, put together: from the configuration and the journal to sessions for listeners."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry

from mqbroker.aws.auth.credentials import make_identify
from mqbroker.aws.config import AwsConfig
from mqbroker.aws.family import AwsService, Ground
from mqbroker.aws.front.accounts import Accounts
from mqbroker.aws.front.call import Identify
from mqbroker.aws.front.forwarded import through_proxies
from mqbroker.aws.front.front import AnyPage, Front
from mqbroker.aws.front.page_guard import PageGuard
from mqbroker.aws.front.pages import common_pages
from mqbroker.aws.front.request_ids import RequestIds
from mqbroker.aws.front.web_pages import WebPages
from mqbroker.aws.services import SERVICES
from mqbroker.clock import Clock
from mqbroker.net.origins import Origins
from mqbroker.protocols.http.session import Endpoint, HttpSession
from mqbroker.protocols.node import Node
from mqbroker.protocols.protocol import Speaker
from mqbroker.protocols.services import Services
from mqbroker.protocols.session import Peer
from mqbroker.protocols.views import View


class AwsGateway(Speaker):
    """Everything behind the listeners of the schemes `aws` and `awss`."""

    def __init__(self, shared: Services, config: AwsConfig, is_encrypted: bool) -> None:
        """`is_encrypted`: nothing of a message comes to a disk in clear text."""
        broker, clock = shared.broker, shared.clock
        vhosts = {config.account: shared.default_vhost, **{account.id: account.vhost for account in config.accounts}}
        accounts = Accounts(broker, vhosts, makes_vhosts=config.auth == "any")
        identify: Identify = make_identify(broker.access, config)
        if config.auth != "any":
            identify = _by_wall_clock(identify, clock)
        web = WebPages(Origins(config.origins), is_open=config.auth == "any")
        guard = PageGuard(broker.access, identify, clock, web)
        ids, metrics = RequestIds(), CollectorRegistry()
        self._services: list[AwsService] = []
        ground = Ground(
            broker, config, accounts, shared.alarms, ids, clock, guard, metrics, is_encrypted, self._services,
            shared, shared.outbox.wake,
        )  # fmt: skip
        for make in SERVICES:
            self._services.append(make(ground))
        pages: dict[tuple[str, str], AnyPage] = {**common_pages(metrics, guard, self._services[0].name)}
        for each in self._services:
            pages |= each.pages()
        handlers = {each.name: each.handlers() for each in self._services}
        front = Front(handlers, identify, ids.take, pages, web, shared.audit)
        self._endpoint = Endpoint(through_proxies(front.handle, config.trusted_proxies), shared.outbox, clock)

    def restore(self, found: Mapping[str, bytes], now: int) -> None:
        """Overrides Speaker's."""
        for each in self._services:
            each.restore(found, now)

    def views(self) -> tuple[View, ...]:
        """Overrides Speaker's."""
        return tuple(view for each in self._services for view in each.views())

    def begin(self, node: Node) -> None:
        """Overrides Speaker's."""
        for each in self._services:
            each.begin(node)

    def stop(self) -> None:
        """Overrides Speaker's."""
        for each in self._services:
            each.stop()

    async def close(self) -> None:
        """Overrides Speaker's."""
        for each in self._services:
            await each.close()

    def new_session(self, peer: Peer) -> HttpSession:
        """Overrides Speaker's."""
        return self._endpoint.new_session(peer)


def _by_wall_clock(identify: Identify, clock: Clock) -> Identify:
    """A client signs the time that its system has, so that is compared with ours: also after either was set anew."""
    return lambda request, service, _: identify(request, service, clock.wall())
