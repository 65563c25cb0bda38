"""The envelope around a notification: the JSON text that receivers of SQS, HTTP and e-mail get, and its signature.

Members stand in AWS's order. What is signed is some of them, each name and each value on a line of its own (SNS
Developer Guide, "Verifying the signatures of Amazon SNS messages"). Notifications of FIFO topics are not signed.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import orjson

from mqbroker.aws.sns.properties import SnsProperties
from mqbroker.aws.sns.signer import Signer
from mqbroker.aws.sqs.message_attributes import BINARY, unpack
from mqbroker.core.recent import remember

_NOTIFICATION_SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION_SIGNED = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNATURES_REMEMBERED = 4096  # of messages that several receivers get; to sign one takes half a millisecond


def timestamp_text(at: int) -> str:
    """Milliseconds since the epoch as AWS writes them."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def json_text(members: Mapping[str, object]) -> str:
    """A JSON object in AWS's layout."""
    lines = ",\n".join(f'  "{name}" : {_value(value)}' for name, value in members.items())
    return f"{{\n{lines}\n}}"


def _value(value: object) -> str:
    if isinstance(value, dict):
        inner = [f'    "{name}" : {_flat(part)}' for name, part in value.items()]
        return "{\n" + ",\n".join(inner) + "\n  }"
    return orjson.dumps(value).decode()


def _flat(part: Mapping[str, str]) -> str:
    return "{" + ",".join(f'"{name}":{orjson.dumps(text).decode()}' for name, text in part.items()) + "}"


def shown_attributes(kept: bytes) -> dict[str, dict[str, str]]:
    """Message attributes as the envelope has them."""
    return {
        name: {"Type": data_type, "Value": b64encode(value).decode() if tag == BINARY else value.decode()}
        for name, data_type, tag, value in unpack(kept)
    }


class EnvelopeWriter:
    """Writes the envelopes of one broker."""

    def __init__(self, signer: Signer) -> None:
        self.signer = signer
        self._signatures: dict[tuple[bytes, int], str] = {}

    def members(self, properties: SnsProperties, text: str, base_url: str, arn: str) -> dict[str, object]:
        """The members of whatever a message is, for the subscription with that ARN."""
        notice = properties.notice
        if "kind" not in notice:
            return self.notification(properties, text, base_url, arn)
        return self.confirmation(
            notice["kind"], properties.message_id, notice["topic"], text, notice["at"], notice["token"],
            notice["version"], base_url,
        )  # fmt: skip

    def notification(self, properties: SnsProperties, message: str, base_url: str, arn: str) -> dict[str, object]:
        """The members of a notification for the subscription with that ARN."""
        notice = properties.notice
        members: dict[str, object] = {"Type": "Notification", "MessageId": properties.message_id}
        sequence, subject = notice.get("sequence"), notice.get("subject")
        if sequence:
            members["SequenceNumber"] = sequence
        members["TopicArn"] = notice["topic"]
        if subject:
            members["Subject"] = subject
        members["Message"] = message
        members["Timestamp"] = timestamp_text(notice["at"])
        if not sequence:
            members |= self._signature(members, _NOTIFICATION_SIGNED, notice["version"], properties.raw[:16], base_url)
        members["UnsubscribeURL"] = f"{base_url}/?Action=Unsubscribe&SubscriptionArn={arn}"
        attributes = properties.attributes
        if attributes:
            members["MessageAttributes"] = shown_attributes(attributes)
        if notice.get("replayed"):
            members["Replayed"] = True
        return members

    def confirmation(
        self, kind: str, message_id: str, topic: str, text: str, at: int, token: str, version: str, base_url: str
    ) -> dict[str, object]:
        """The members of a SubscriptionConfirmation or UnsubscribeConfirmation."""
        members: dict[str, object] = {
            "Type": kind,
            "MessageId": message_id,
            "Token": token,
            "TopicArn": topic,
            "Message": text,
            "SubscribeURL": confirm_url(base_url, topic, token),
            "Timestamp": timestamp_text(at),
        }
        members |= self._signature(members, _CONFIRMATION_SIGNED, version, message_id.encode(), base_url)
        return members

    def _signature(
        self, members: Mapping[str, object], names: Iterable[str], version: str, message_id: bytes, base_url: str
    ) -> dict[str, object]:
        text = "".join(f"{name}\n{members[name]}\n" for name in names if name in members)
        place = (message_id, hash(version + text))  # one message may have another body for each protocol
        signature = self._signatures.get(place)
        if signature is None:
            signature = self.signer.sign(text, version)
            remember(self._signatures, place, signature, _SIGNATURES_REMEMBERED)
        return {
            "SignatureVersion": version,
            "Signature": signature,
            "SigningCertURL": f"{base_url}/_mqbroker/sns/{self.signer.certificate_name}",
        }


def confirm_url(base_url: str, topic: str, token: str) -> str:
    """The link that confirms a subscription."""
    return f"{base_url}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}"
