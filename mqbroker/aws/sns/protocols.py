"""The protocols of subscriptions: what their endpoints look like, which have to be confirmed, which may be raw.

`mqtt` and `amqp` are beyond AWS: a topic of MQTT, and an exchange with a routing key (`exchange/key`), of the vhost of
the topic.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import urlsplit

from mqbroker.aws.sns import refusals
from mqbroker.aws.sqs.redrive import QueueArn
from mqbroker.limits import NAME_BYTES_MAX

_EMAIL = re.compile(r"[^@\s<>\"]{1,64}@[A-Za-z0-9.-]{1,255}")
_SEPARATORS = re.compile(r"[./-]")
E164 = re.compile(r"\+?[1-9][0-9]{1,14}")
_LAMBDA = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_$-]+)?")
# A stream becomes a folder below one of the operator's: neither that one nor the one above it.
_STREAM = r"(?!\.{1,2}\Z)[A-Za-z0-9_.-]{1,64}"
_FIREHOSE = re.compile(rf"arn:aws[a-z-]*:firehose:[a-z0-9-]+:[0-9]{{12}}:deliverystream/{_STREAM}")
_APPLICATION = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:endpoint/[A-Z_]+/[A-Za-z0-9_.-]+/[0-9a-f-]{36}")


def is_phone_number(text: str) -> bool:
    """Whether SNS sends to such a number: E.164, of which separators are left out."""
    separators = _SEPARATORS.finditer(text)
    places = [found.start() for found in separators]
    if any(after - before == 1 for before, after in pairwise(places)):
        return False
    if places and (places[0] == 0 or places[-1] == len(text) - 1):
        return False
    return E164.fullmatch(_SEPARATORS.sub("", text)) is not None


def e164(phone: str) -> str:
    """A telephone number as numbers are compared and dialled: a plus sign and digits."""
    return f"+{_SEPARATORS.sub('', phone).lstrip('+')}"


def _is_url(scheme: str) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parts = urlsplit(text)
            return parts.scheme == scheme and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            return False

    return check


def _is_name(text: str) -> bool:
    return 0 < len(text.encode()) <= NAME_BYTES_MAX and text.isprintable()


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class SubscriptionProtocol:
    """One protocol."""

    name: str
    is_endpoint: Callable[[str], bool]
    refusal: str
    """What is said of another endpoint."""
    must_confirm: bool = False
    may_be_raw: bool = False
    has_policy: bool = False
    """Whether delivery policies are about it."""
    is_local: bool = False
    """Whether a message is delivered in the commit of its publish."""


_URL_REFUSAL = "Endpoint must match the specified protocol"
_EMAIL_REFUSAL = "Email address"

PROTOCOLS: Mapping[str, SubscriptionProtocol] = {
    each.name: each
    for each in (
        SubscriptionProtocol(
            "sqs", lambda text: QueueArn.parse(text) is not None, "SQS endpoint ARN", may_be_raw=True, is_local=True
        ),
        SubscriptionProtocol("http", _is_url("http"), _URL_REFUSAL, True, True, True),
        SubscriptionProtocol("https", _is_url("https"), _URL_REFUSAL, True, True, True),
        SubscriptionProtocol("email", _matches(_EMAIL), _EMAIL_REFUSAL, must_confirm=True),
        SubscriptionProtocol("email-json", _matches(_EMAIL), _EMAIL_REFUSAL, must_confirm=True),
        SubscriptionProtocol("sms", is_phone_number, ""),
        SubscriptionProtocol("lambda", _matches(_LAMBDA), "Lambda endpoint ARN"),
        SubscriptionProtocol("firehose", _matches(_FIREHOSE), "Firehose endpoint ARN", may_be_raw=True),
        SubscriptionProtocol("application", _matches(_APPLICATION), "Application endpoint arn invalid"),
        SubscriptionProtocol("mqtt", _is_name, "Endpoint", may_be_raw=True, is_local=True),
        SubscriptionProtocol("amqp", _is_name, "Endpoint", may_be_raw=True, is_local=True),
    )
}


def protocol_named(name: str) -> SubscriptionProtocol:
    """Raises AwsError for a protocol that there is not."""
    found = PROTOCOLS.get(name)
    if found is None:
        raise refusals.invalid(f"Amazon SNS does not support this protocol string: {name}")
    return found


def check_endpoint(protocol: SubscriptionProtocol, endpoint: str) -> None:
    """Raises AwsError for an endpoint that is none of the protocol."""
    if protocol.is_endpoint(endpoint):
        return
    if protocol.name == "sms":
        raise refusals.invalid_plain(f"Invalid SMS endpoint: {endpoint}")
    raise refusals.invalid(protocol.refusal)
