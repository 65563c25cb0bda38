"""The options of the AWS services: the section [aws], its accounts and queues."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from mqbroker.aws.limits import (
    AWS_CLOCK_SKEW_S,
    AWS_CLOCK_SKEW_S_CEILING,
    AWS_REGION_CHARS_MAX,
    SNS_FILTER_POLICIES_CEILING,
    SNS_FILTER_POLICIES_MAX,
    SNS_STREAM_MB_CEILING,
    SNS_STREAM_WAIT_S_CEILING,
)
from mqbroker.config.access_keys import parse_account
from mqbroker.config.addresses import Network, parse_network, parse_origin
from mqbroker.config.option import option, place, section, tables

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
class TopicDefinition:
    """[[aws.topics]]: created at the start unless there is a topic of that name."""

    name: str = option("", "The topic's name.")
    account: str = option("", "Its account; empty is the default account.", parse=parse_account)
    region: str = option("", "Its region; empty is the default region.", parse=_region)
    attributes: tuple[tuple[str, str], ...] = option((), "Its attributes, as of CreateTopic.")
    tags: tuple[tuple[str, str], ...] = option((), "Its tags.")
    place: str = place()


@dataclass(frozen=True, slots=True)
class SubscriptionDefinition:
    """[[aws.subscriptions]]: created at the start, confirmed, unless the topic has it."""

    topic: str = option("", "The name of a topic of [[aws.topics]], of the same account and region.")
    account: str = option("", "The topic's account; empty is the default account.", parse=parse_account)
    region: str = option("", "The topic's region; empty is the default region.", parse=_region)
    protocol: str = option("sqs", "The protocol.")
    endpoint: str = option("", "The endpoint; of sqs the name of a queue will do.")
    attributes: tuple[tuple[str, str], ...] = option((), "Its attributes, as of Subscribe.")
    place: str = place()


def _url_of(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        try:
            parts = urlsplit(text)
            is_url = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_url = False
        if text and not is_url:
            raise ValueError(f"must be a URL such as {schemes[0]}://host, not {text!r}")
        return text.rstrip("/")

    return parse


_http_url = _url_of("https", "http")


@dataclass(frozen=True, slots=True)
class SnsConfig:
    """[aws.sns]"""

    public_url: str = option(
        "", "What links in notifications begin with; empty is what each subscriber has reached.", parse=_http_url
    )
    private_networks: tuple[Network, ...] = option(
        (), "Networks that notifications may be sent to although they are not public.", parse=parse_network
    )
    ca_file: str = option("", "A file with certificates of authorities that endpoints may have theirs from.")
    timeout_s: int = option(15, "Seconds that an endpoint may take to answer.", minimum=1, maximum=300)
    filter_policies_max: int = option(
        SNS_FILTER_POLICIES_MAX,
        "Filter policies of one topic.",
        minimum=0,
        maximum=SNS_FILTER_POLICIES_CEILING,
    )
    connections_max: int = option(256, "Deliveries that are under way at once.", minimum=1, maximum=10_000)
    smtp_url: str = option(
        "", "The server that takes mail, such as smtp://user:password@host:587 or smtps://host.",
        parse=_url_of("smtp", "smtps"), is_secret=True,
    )  # fmt: skip
    mail_from: str = option("no-reply@sns.amazonaws.com", "The address that mail comes from.")
    sms_url: str = option(
        "", "The gateway that takes text messages: smpp://name:password@host, or a URL of HTTP into which {phone}, "
        "{message} and {sender} are put.", parse=_url_of("https", "http", "smpp", "smpps"), is_secret=True,
    )  # fmt: skip
    sms_body: str = option(
        '{"to": "{phone}", "text": "{message}", "from": "{sender}"}', "What the gateway for text messages is sent."
    )
    sms_replies_key: str = option(
        "", "The key with which a gateway of HTTP tells what users write back; empty is not at all.", is_secret=True
    )
    sms_reply_from: str = option("from", "What it calls the user's number.")
    sms_reply_text: str = option("text", "What it calls the text.")
    push_url: str = option(
        "", "The gateway that takes push messages instead; {platform}, {token} and {message} are put in.",
        parse=_http_url,
        is_secret=True,
    )  # fmt: skip
    push_body: str = option(
        '{"platform": "{platform}", "token": "{token}", "message": "{message}"}', "What that gateway is sent."
    )
    apns_url: str = option("https://api.push.apple.com", "Where Apple takes push messages.", parse=_http_url)
    apns_sandbox_url: str = option(
        "https://api.sandbox.push.apple.com", "The same for apps in development.", parse=_http_url
    )
    fcm_url: str = option("https://fcm.googleapis.com", "Where Google takes push messages.", parse=_http_url)
    fcm_token_url: str = option(
        "https://oauth2.googleapis.com/token", "Where Google gives out access tokens.", parse=_http_url
    )
    adm_url: str = option("https://api.amazon.com", "Where Amazon takes push messages for tablets.", parse=_http_url)
    baidu_url: str = option("https://api.tuisong.baidu.com", "Where Baidu takes push messages.", parse=_http_url)
    wns_token_url: str = option(
        "https://login.live.com/accesstoken.srf", "Where Microsoft gives out access tokens for WNS.", parse=_http_url
    )
    windows_push_domains: tuple[str, ...] = option(
        ("notify.windows.com", "notify.live.net"), "Domains of the channels that WNS and MPNS have for devices."
    )
    gateway_type: str = option("application/json", "The content type of what gateways are sent.")
    lambda_url: str = option("", "Where functions are invoked, as by the API of Lambda.", parse=_http_url)
    firehose_dir: str = option("", "A folder for what goes to delivery streams, a folder for each.")
    firehose_url: str = option(
        "", "A bucket of S3 for it instead, such as https://key:secret@host/bucket.", parse=_http_url, is_secret=True
    )
    firehose_interval_s: int = option(
        1, "Seconds after which an object is written to it.", minimum=0, maximum=SNS_STREAM_WAIT_S_CEILING
    )
    firehose_size_mb: int = option(
        5, "Mebibytes with which an object is written before that.", minimum=1, maximum=SNS_STREAM_MB_CEILING
    )


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
    broker_name: str = option("mqbroker", "What CloudWatch calls the broker in the metrics of Amazon MQ.")
    sns: SnsConfig = section(SnsConfig)
    accounts: tuple[AccountDefinition, ...] = tables(AccountDefinition, "The vhosts of other accounts.")
    queues: tuple[QueueDefinition, ...] = tables(QueueDefinition, "Queues created at the start if missing.")
    topics: tuple[TopicDefinition, ...] = tables(TopicDefinition, "Topics created at the start if missing.")
    subscriptions: tuple[SubscriptionDefinition, ...] = tables(
        SubscriptionDefinition, "Subscriptions created at the start if missing."
    )
