"""Calls of SNS actions as bytes, and what their answers say: forms and XML over HTTP/1.1, each call signed.

Owns what differs from the calls of SQS. Reads and writes no socket.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from bench.driver.jobs import Endpoint
from bench.driver.sqs_calls import CallEncoder
from bench.errors import ProtocolError

SERVICE = "sns"
VERSION = "2010-03-31"
CONTENT_TYPE = "application/x-www-form-urlencoded"

_FIELDS = re.compile(rb"<(MessageId|TopicArn|SubscriptionArn|RequestId)>([^<]+)</")


def encoder(endpoint: Endpoint) -> CallEncoder:
    """Encodes calls of all actions: the action is in the form."""
    return CallEncoder(endpoint, SERVICE, {"Content-Type": CONTENT_TYPE})


def form(action: str, parameters: Mapping[str, str]) -> bytes:
    """The body of a call."""
    return urlencode({"Action": action, "Version": VERSION, **parameters}).encode()


def decoded(status: int, body: bytes) -> dict[str, str]:
    """The fields of an answer that the driver reads. ProtocolError with the server's own words when it was refused."""
    if status != 200:
        raise ProtocolError(f"a call was answered {status}: {body[:300].decode(errors='replace')}")
    found = {name.decode(): value.decode() for name, value in _FIELDS.findall(body)}
    if not found:
        raise ProtocolError(f"a call was answered {body[:300]!r}")
    return found
