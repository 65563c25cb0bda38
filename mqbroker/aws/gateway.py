"""The AWS services of one broker, put together: from the configuration and the journal to sessions for listeners."""

import logging
from collections.abc import Mapping

from mqbroker.aws.auth.credentials import make_identify
from mqbroker.aws.config import AwsConfig, QueueDefinition
from mqbroker.aws.front.accounts import Accounts
from mqbroker.aws.front.call import Identify
from mqbroker.aws.front.forwarded import through_proxies
from mqbroker.aws.front.front import Front, ServiceHandlers
from mqbroker.aws.front.model import load_model
from mqbroker.aws.front.request_ids import RequestIds
from mqbroker.aws.front.service import Service
from mqbroker.aws.front.web_pages import WebPages
from mqbroker.aws.sqs.actions import SqsActions
from mqbroker.aws.sqs.pages import Pages
from mqbroker.aws.sqs.query_names import SQS_QUERY_NAMES
from mqbroker.aws.sqs.queue_attributes import check_attributes, effective, first_difference, merged
from mqbroker.aws.sqs.queues import SqsQueues
from mqbroker.aws.sqs.redrive import QueueArn, RedrivePolicy
from mqbroker.aws.sqs.service import SqsService
from mqbroker.aws.sts import actions as sts
from mqbroker.clock import Clock
from mqbroker.errors import AwsError, ConfigError
from mqbroker.net.origins import Origins
from mqbroker.protocols.http.session import Endpoint, HttpSession
from mqbroker.protocols.protocol import Speaker
from mqbroker.protocols.services import Services
from mqbroker.protocols.session import Peer

log = logging.getLogger(__name__)


class AwsGateway(Speaker):
    """Everything behind the listeners of the schemes `aws` and `awss`."""

    def __init__(self, shared: Services, config: AwsConfig, is_encrypted: bool) -> None:
        """`is_encrypted`: nothing of a queue comes to a disk in clear text."""
        broker, clock = shared.broker, shared.clock
        self._config = config
        vhosts = {config.account: shared.default_vhost, **{account.id: account.vhost for account in config.accounts}}
        accounts = Accounts(broker, vhosts, makes_vhosts=config.auth == "any")
        self._queues = SqsQueues(broker, accounts, config.region, config.sqs_strict, is_encrypted)
        ids = RequestIds()
        service = SqsService(broker, self._queues, shared.alarms)
        self._actions = SqsActions(service, ids.take_octets)
        identify = _by_wall_clock(make_identify(broker.access, config), clock)
        web = WebPages(Origins(config.origins), is_open=config.auth == "any")
        pages = Pages(self._queues, broker.access, identify, config.account, clock, web)
        model = Service(load_model("sqs", SQS_QUERY_NAMES))
        services = {
            "sqs": ServiceHandlers(model, self._actions.handlers()),
            "sts": ServiceHandlers(Service(load_model("sts")), sts.HANDLERS),
        }
        front = Front(services, identify, ids.take, pages.table(), web)
        self._endpoint = Endpoint(through_proxies(front.handle, config.trusted_proxies), shared.outbox, clock)

    def restore(self, definitions: Mapping[str, bytes], now: int) -> None:
        """Overrides Speaker's: then makes the queues of the configuration that are missing.

        Raises ConfigError for one that cannot be.
        """
        self._actions.restore(definitions, now)
        for queue in _dead_letter_queues_first(self._config):
            try:
                self._create(queue, now)
            except AwsError as error:
                place = f"{queue.place}: " if queue.place else ""
                raise ConfigError(f"{place}the queue {queue.name!r} of aws cannot be made: {error.message}") from None

    def _create(self, queue: QueueDefinition, now: int) -> None:
        arn = _arn(queue, self._config)
        found = self._queues.get(arn)
        if found is None:
            self._queues.create(arn, dict(queue.attributes), dict(queue.tags), now)
            return
        wanted = merged({}, check_attributes(dict(queue.attributes), found.is_fifo))
        different = first_difference(wanted, effective(found.attributes, found.is_fifo))
        if different is not None:
            text = "the queue %r of aws differs from the configuration in %s, and is left as it is"
            log.warning(text, queue.name, different)

    def new_session(self, peer: Peer) -> HttpSession:
        """Overrides Speaker's."""
        return self._endpoint.new_session(peer)


def _arn(queue: QueueDefinition, config: AwsConfig) -> QueueArn:
    return QueueArn(queue.region or config.region, queue.account or config.account, queue.name)


def _dead_letter_queues_first(config: AwsConfig) -> list[QueueDefinition]:
    """The queues of the configuration in an order in which each one's dead-letter queue is there before it."""
    waiting = {str(_arn(queue, config)): queue for queue in config.queues}
    ordered = []
    while waiting:
        ready = {arn: queue for arn, queue in waiting.items() if _dead_letter_arn(queue) not in waiting.keys() - {arn}}
        for arn in ready or list(waiting):  # those that are left in a circle are refused when they are made
            ordered.append(waiting.pop(arn))
    return ordered


def _dead_letter_arn(queue: QueueDefinition) -> str:
    text = dict(queue.attributes).get("RedrivePolicy")
    if not text:
        return ""
    try:
        return str(RedrivePolicy.parse(text).target)
    except AwsError:
        return ""  # CreateQueue will say what is wrong with it


def _by_wall_clock(identify: Identify, clock: Clock) -> Identify:
    """A client signs the time that its system has, so that is compared with ours: also after either was set anew."""
    return lambda request, service, _: identify(request, service, clock.wall())
