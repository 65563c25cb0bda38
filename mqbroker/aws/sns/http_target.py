"""Subscriptions of HTTP and HTTPS: POST requests with AWS's headers, tried again as delivery policies say.

An answer of 2xx has taken the message. 5xx and 429 may be different next time, as may silence; whatever else is
answered, a redirection too, is the last word (SNS Developer Guide, "Message delivery retries").
"""

from mqbroker.aws.sns.delivery_policy import DEFAULT_CONTENT_TYPE, effective_subscription_policy, plan_of
from mqbroker.aws.sns.lane_target import LaneTarget, Means
from mqbroker.aws.sns.properties import SnsProperties
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.core.vhost import VHost
from mqbroker.delivery.errors import refusal
from mqbroker.delivery.http import HttpClient, Response
from mqbroker.delivery.limits import REASON_CHARS_MAX

AGENT = "Amazon Simple Notification Service Agent"


def require_success(response: Response) -> int:
    """The status of an answer that has taken the message. Raises DeliveryFailed for another one."""
    status = response.status
    if 200 <= status < 300:
        return status
    said = response.body[:REASON_CHARS_MAX].decode("latin-1")
    raise refusal(f"the endpoint answers {status}: {said!r}", status)


class HttpTarget(LaneTarget):
    """An endpoint of HTTP."""

    __slots__ = ("_client", "_content_type")

    def __init__(
        self, subscription: Subscription, vhost: VHost, means: Means, client: HttpClient, topic_policy: str
    ) -> None:
        """`topic_policy` is the delivery policy of the topic."""
        LaneTarget.__init__(self, subscription, vhost, means)
        self._client = client
        self.configure(topic_policy)

    def configure(self, topic_policy: str) -> None:
        """Overrides Target's."""
        own = self.subscription.attributes.get("DeliveryPolicy", "")
        policy = effective_subscription_policy(own, topic_policy)
        throttle = policy["throttlePolicy"] or {}
        self._content_type = policy["requestPolicy"].get("headerContentType") or DEFAULT_CONTENT_TYPE
        self._lane.configure(plan_of(policy["healthyRetryPolicy"]), throttle.get("maxReceivesPerSecond", 0))

    async def transmit(self, properties: SnsProperties, content: bytes, _attempt: int) -> int:
        """Overrides LaneTarget's."""
        kind = properties.notice.get("kind", "Notification")
        is_raw = self.subscription.is_raw and "kind" not in properties.notice
        body = content if is_raw else self.envelope(properties, content)
        return require_success(
            await self._client.post(self.subscription.endpoint, body, self.headers(properties, kind))
        )

    def headers(self, properties: SnsProperties, kind: str) -> dict[str, str]:
        """The headers of a request, in AWS's order."""
        is_notification = kind == "Notification"
        found = {
            "x-amz-sns-message-type": kind,
            "x-amz-sns-message-id": properties.message_id,
            "x-amz-sns-topic-arn": str(self.subscription.topic),
        }
        if kind != "SubscriptionConfirmation":
            found["x-amz-sns-subscription-arn"] = str(self.subscription.arn)
        if is_notification and self.subscription.is_raw:
            found["x-amz-sns-rawdelivery"] = "true"
        found["Content-Type"] = self._content_type if is_notification else DEFAULT_CONTENT_TYPE
        found["User-Agent"] = AGENT
        found["Accept-Encoding"] = "gzip,deflate"
        return found
