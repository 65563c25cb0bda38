"""Messages that clients of other protocols published to the exchange of a topic: what SNS makes of them.

Headers become message attributes, the properties that name a subject or a group are what they are. A body that is no
text comes in Base64, with the attribute `mqbroker.encoding`, as it does in a queue of SQS.
"""

from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING

from mqbroker.aws.limits import SNS_HOPS_MAX
from mqbroker.aws.sns.notification import SENDER, Notification
from mqbroker.aws.sns.properties import SUBJECT_HEADER, TOPIC_HEADER, SnsProperties, make_sns_properties
from mqbroker.aws.sqs.message_attributes import STRING, from_headers, pack, text_of
from mqbroker.aws.sqs.properties import BASE64, ENCODING_ATTRIBUTE
from mqbroker.core.message import Message, new_message
from mqbroker.protocols.grouping import DEDUPLICATION_HEADER, GROUP_HEADER

if TYPE_CHECKING:
    from mqbroker.aws.sns.topic import Topic

Translate = Callable[["Topic", Message, int], Notification | None]
"""The notification that a message of another protocol is; None for one that was published before."""

_SPECIAL = (GROUP_HEADER, DEDUPLICATION_HEADER, SUBJECT_HEADER, TOPIC_HEADER)


def translate(topic: "Topic", message: Message, new_id: Callable[[], bytes], now: int) -> Notification | None:
    """A notification with the content of a message; None for one that goes round."""
    properties = message.properties
    hops = properties.notice.get("hops", 0) if isinstance(properties, SnsProperties) else 0
    if hops > SNS_HOPS_MAX:
        return None
    headers = dict(properties.headers()) if properties.has_headers else {}
    special = {name: headers.pop(name, "") for name in _SPECIAL}
    attributes = {each[0]: each for each in from_headers(headers)}
    body = properties.readable(message.content())
    if text_of(body) is None:
        body = b64encode(body)
        attributes[ENCODING_ATTRIBUTE] = (ENCODING_ATTRIBUTE, "String", STRING, BASE64.encode())
    notice: dict[str, object] = {"topic": str(topic.arn), "at": now, "version": topic.signature_version}
    if hops:
        notice["hops"] = hops
    if special[SUBJECT_HEADER]:
        notice["subject"] = str(special[SUBJECT_HEADER])
    made = make_sns_properties(
        properties.raw[:16] if isinstance(properties, SnsProperties) else new_id(),
        SENDER,
        notice,
        str(special[GROUP_HEADER])[:128],
        str(special[DEDUPLICATION_HEADER])[:128],
        attributes=pack(attributes[name] for name in sorted(attributes)),
    )
    return Notification(new_message(message.exchange, message.routing_key, made, body, now), made, None)
