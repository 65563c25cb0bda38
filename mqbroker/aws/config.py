"""The options of the AWS services: the section [aws], its accounts and queues."""

import re
from dataclasses import dataclass

from mqbroker.aws.limits import AWS_CLOCK_SKEW_S, AWS_CLOCK_SKEW_S_CEILING, AWS_REGION_CHARS_MAX
from mqbroker.config.access_keys import parse_account
from mqbroker.config.addresses import Network, parse_network, parse_origin
from mqbroker.config.option import option, place, tables

DEFAULT_ACCOUNT = "000000000000"
DEFAULT_REGION = "us-east-1"

_REGION = re.compile(rf"[a-z][a-z0-9-]{{0,{AWS_REGION_CHARS_MAX - 1}}}")
_QUEUE_NAME = re.compile(r"(?=.{1,80}$)[A-Za-z0-9_-]+(\.fifo)?")


def _region(text: str) -> str:
    if not _REGION.fullmatch(text):
        raise ValueError(f"must be a region such as us-east-1, not {text!r}")
    return text


def _queue_name(text: str) -> str:
    if not _QUEUE_NAME.fullmatch(text):
        raise ValueError(f"must be 1 to 80 letters, digits, - or _, of which .fifo may be the end, not {text!r}")
    return text


@dataclass(frozen=True, slots=True)
class AccountDefinition:
    """[[aws.accounts]]"""

    id: str = option("", "The account.", parse=parse_account)
    vhost: str = option("", "The vhost that its queues are in.")


@dataclass(frozen=True, slots=True)
class QueueDefinition:
    """[[aws.queues]]: created at the start unless there is a queue of that name."""

    name: str = option("", "The queue's name.", parse=_queue_name)
    account: str = option("", "Its account; empty is the default account.", parse=parse_account)
    region: str = option("", "Its region; empty is the default region.", parse=_region)
    attributes: tuple[tuple[str, str], ...] = option((), "Its attributes, as of CreateQueue.")
    tags: tuple[tuple[str, str], ...] = option((), "Its tags.")
    place: str = place()


@dataclass(frozen=True, slots=True)
class AwsConfig:
    """[aws]"""

    auth: str = option(
        "sigv4",
        "How requests show who sent them: by a signature that is verified, or by naming any access key.",
        choices=("sigv4", "any"),
    )
    account: str = option(DEFAULT_ACCOUNT, "The default account, whose vhost is default_vhost.", parse=parse_account)
    region: str = option(DEFAULT_REGION, "The default region.", parse=_region)
    clock_skew_s: int = option(
        AWS_CLOCK_SKEW_S,
        "Seconds that the clock of a client may be wrong.",
        minimum=1,
        maximum=AWS_CLOCK_SKEW_S_CEILING,
    )
    sqs_strict: bool = option(
        True,
        "Refuse unknown attributes of queues, and for 60 seconds a second purge and the name of a deleted queue.",
    )
    origins: tuple[str, ...] = option(
        (),
        "Origins whose pages may call, such as https://shop.example, or loopback for this machine's; empty is none.",
        parse=parse_origin,
    )
    trusted_proxies: tuple[Network, ...] = option(
        (), "Networks of HTTP proxies, whose X-Forwarded-For, -Proto and -Host count.", parse=parse_network
    )
    accounts: tuple[AccountDefinition, ...] = tables(AccountDefinition, "The vhosts of other accounts.")
    queues: tuple[QueueDefinition, ...] = tables(QueueDefinition, "Queues created at the start if missing.")
