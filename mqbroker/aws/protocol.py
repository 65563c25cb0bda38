"""The AWS services, which are called over HTTP, as the server knows them: all together are one protocol."""

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from mqbroker.aws.cloudwatch import kinds as cloudwatch
from mqbroker.aws.config import AwsConfig
from mqbroker.aws.sleeping import SleepingSpeaker
from mqbroker.aws.sns import kinds as sns
from mqbroker.aws.sqs import kinds as sqs
from mqbroker.config.addresses import LOOPBACK
from mqbroker.config.listener import Scheme
from mqbroker.config.sections import Config, UserDefinition
from mqbroker.core.properties import Formats, Make
from mqbroker.delivery.guard import EVERYWHERE
from mqbroker.protocols.protocol import Protocol, Speaker

if TYPE_CHECKING:
    from mqbroker.config.sources import KeyPath
    from mqbroker.protocols.services import Services


class AwsProtocol(Protocol):
    """Its own ports. Celery's URLs call them sqs."""

    name = "aws"
    section = AwsConfig
    schemes = (Scheme("aws", 9324, aliases=("sqs",)), Scheme("awss", 9325, is_tls=True, aliases=("sqss",)))
    kinds = (*sqs.KINDS, *sns.KINDS, *cloudwatch.KINDS)

    def adjust(self, config: Config, given: Set[tuple[str, ...]]) -> Config:
        """Overrides Extension's: what development has, and the account of access keys that name none."""
        aws = config.of(AwsConfig)
        if config.dev:
            config = config.having(_for_development(aws, given))
        return replace(config, users=tuple(_with_accounts(user, aws.account) for user in config.users))

    def contradictions(self, config: Config) -> Iterator[tuple["KeyPath", str]]:
        """Overrides Extension's."""
        yield from self._openings(config)
        aws = config.of(AwsConfig)
        for number, account in enumerate(aws.accounts):
            if not (account.id and account.vhost):
                yield ("aws", "accounts", number), "an account of aws needs an id and a vhost"
        yield from _twice("accounts with the id", ("aws", "accounts"), [account.id for account in aws.accounts])
        for number, queue in enumerate(aws.queues):
            if not queue.name:
                yield ("aws", "queues", number), "a queue of aws needs a name"
        for number, topic in enumerate(aws.topics):
            if not topic.name:
                yield ("aws", "topics", number), "a topic of aws needs a name"
        for number, subscription in enumerate(aws.subscriptions):
            if not (subscription.topic and subscription.endpoint):
                yield ("aws", "subscriptions", number), "a subscription of aws needs a topic and an endpoint"
        places = [(queue.account or aws.account, queue.region or aws.region, queue.name) for queue in aws.queues]
        yield from _twice("queues", ("aws", "queues"), [":".join(place) for place in places])

    def _openings(self, config: Config) -> Iterator[tuple["KeyPath", str]]:
        if config.of(AwsConfig).auth != "any" or config.security.allow_insecure:
            return
        own = [scheme.name for scheme in self.schemes]
        for listener in config.listeners:
            if listener.scheme in own and not listener.is_loopback:
                reason = f"aws.auth = 'any' lets anyone in who reaches {listener.url}"
                yield ("aws", "auth"), f"{reason}; use 'sigv4' or set security.allow_insecure = true"

    def formats(self) -> Formats:
        """Overrides Protocol's."""
        return {code: _maker(find, code) for find, codes in FORMAT_CODES.items() for code in codes}

    def start(self, services: "Services", config: Config) -> Speaker:
        """Overrides Protocol's."""
        aws = config.of(AwsConfig)

        def awake() -> Speaker:
            from mqbroker.aws.gateway import AwsGateway

            return AwsGateway(services, aws, bool(config.journal.encryption_keys) or config.durability == "memory")

        own = [scheme.name for scheme in self.schemes]
        is_needed = any(listener.scheme in own for listener in config.listeners)
        if is_needed or aws.queues or aws.topics or aws.subscriptions:
            return awake()
        return SleepingSpeaker(frozenset(self.kinds), awake)


def _maker(find: Callable[[], Formats], code: int) -> Make:
    return lambda raw: find()[code](raw)


@cache
def _sqs_formats() -> Formats:
    from mqbroker.aws.sqs.properties import FORMATS

    return FORMATS


@cache
def _sns_formats() -> Formats:
    from mqbroker.aws.sns.properties import FORMATS

    return FORMATS


FORMAT_CODES: Mapping[Callable[[], Formats], tuple[int, ...]] = {_sqs_formats: (3, 4), _sns_formats: (20,)}
"""The numbers of the encodings of properties, by what loads them when the first such message is read."""


def _for_development(aws: AwsConfig, given: Set[tuple[str, ...]]) -> AwsConfig:
    # Whoever writes a default out means exactly that.
    if ("aws", "auth") not in given:
        aws = replace(aws, auth="any")
    if ("aws", "sqs_strict") not in given:
        aws = replace(aws, sqs_strict=False)
    if ("aws", "sns", "private_networks") not in given:
        aws = replace(aws, sns=replace(aws.sns, private_networks=EVERYWHERE))
    # A browser lets any page send requests to this machine, where nobody has to log in.
    return aws if ("aws", "origins") in given else replace(aws, origins=(LOOPBACK,))


def _with_accounts(user: UserDefinition, default: str) -> UserDefinition:
    keys = tuple(replace(key, account=key.account or default) for key in user.access_keys)
    return replace(user, access_keys=keys)


def _twice(what: str, path: tuple[str, ...], names: list[str]) -> Iterator[tuple["KeyPath", str]]:
    for number, name in enumerate(names):
        if name in names[:number]:
            yield (*path, number), f"there are two {what} {name!r}"
