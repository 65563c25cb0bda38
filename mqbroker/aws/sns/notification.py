"""One message on its way through a topic: the same for all subscriptions, but for what their protocols are to be told.

Each form is made once, when the first subscription needs it. So a body is kept once for every queue and endpoint that
gets it in the same form.
"""

from collections.abc import Mapping

from mqbroker.aws.limits import SQS_MESSAGE_ATTRIBUTES_MAX
from mqbroker.aws.sns.properties import SnsProperties
from mqbroker.aws.sqs.message_attributes import Attribute, unpack
from mqbroker.aws.sqs.properties import make_properties
from mqbroker.core.message import Message, new_message

SENDER = "AIDASNSAMAZONAWSCOM00"
"""The SenderId of what SNS puts into queues."""


class Notification:
    """A message and its forms."""

    __slots__ = ("_attributes", "_raw", "_shown", "message", "message_id", "properties", "variants")

    def __init__(
        self, message: Message, properties: SnsProperties, variants: Mapping[str, str] | None,
        attributes: list[Attribute] | None = None,
    ) -> None:  # fmt: skip
        """`variants` are the bodies of protocols and platforms that have their own, by name; `attributes` are those of
        the properties, where somebody has them at hand."""
        self.message = message
        self.properties = properties
        self.message_id = properties.message_id
        self.variants = variants
        self._shown: dict[str, Message] = {}
        self._raw: dict[str, Message] = {}
        self._attributes = attributes

    def with_body(self, text: str) -> "Notification":
        """The message with another body, for every protocol."""
        return Notification(self._with_body(text.encode()), self.properties, None)

    def with_properties(self, properties: SnsProperties) -> "Notification":
        """The same message with other properties."""
        base = self.message
        body = base.content()
        message = new_message(base.exchange, base.routing_key, properties, body, base.received_at)
        return Notification(message, properties, self.variants)

    @property
    def attributes(self) -> list[Attribute]:
        """The message attributes."""
        if self._attributes is None:
            self._attributes = unpack(self.properties.attributes)
        return self._attributes

    def shown(self, variant: str) -> Message:
        """The message with the body for a protocol or platform, whose receivers are shown an envelope around it."""
        if self.variants is None or variant not in self.variants:
            return self.message
        found = self._shown.get(variant)
        if found is None:
            found = self._shown[variant] = self._with_body(self.variants[variant].encode())
        return found

    def _with_body(self, body: bytes) -> Message:
        base = self.message
        return new_message(base.exchange, base.routing_key, self.properties, body, base.received_at)

    def raw(self, variant: str, has_group: bool) -> Message | None:
        """The message as one of SQS, without an envelope; None with more attributes than such a one may have."""
        place = f"{variant} {has_group}"
        found = self._raw.get(place)
        if found is None and len(self.attributes) <= SQS_MESSAGE_ATTRIBUTES_MAX:
            found = self._raw[place] = self._make_raw(variant, has_group)
        return found

    def passed_on(self) -> SnsProperties:
        """The properties with which the message is published elsewhere in the broker."""
        return self.properties.with_notice(hops=self.properties.notice.get("hops", 0) + 1)

    def dead_letter(self, variant: str, protocol: str, endpoint: str) -> Message:
        """The message for a dead-letter queue, as a notification of the subscription of that endpoint."""
        shown = self.shown(variant)
        properties = self.properties.with_notice(protocol=protocol, endpoint=endpoint)
        return new_message(shown.exchange, shown.routing_key, properties, shown.content(), shown.received_at)

    def _make_raw(self, variant: str, has_group: bool) -> Message:
        properties, shown = self.properties, self.shown(variant)
        group, deduplication = (properties.group_id, properties.deduplication_id) if has_group else ("", "")
        made = make_properties(
            properties.raw[:16], SENDER, group, deduplication, "", properties.trace, properties.attributes
        )
        return new_message(shown.exchange, shown.routing_key, made, shown.content(), shown.received_at)
