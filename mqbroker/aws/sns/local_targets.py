"""Subscriptions beyond AWS: an exchange of AMQP with a routing key, and a topic of MQTT, in the vhost of the topic.

The endpoint `exchange/key` is published to as by any client; `/key` is the queue of that name. A topic of MQTT is the
routing key of the exchange amq.topic with a dot for each slash, as RabbitMQ has it.
"""

from mqbroker.aws.sns.envelope import EnvelopeWriter, json_text
from mqbroker.aws.sns.notification import Notification
from mqbroker.aws.sns.reports import Reports
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.aws.sns.target import Target
from mqbroker.core.message import new_message
from mqbroker.core.routing.route import Route
from mqbroker.core.vhost import VHost
from mqbroker.errors import NotFound

_TOPIC_EXCHANGE = "amq.topic"


class LocalTarget(Target):
    """An exchange and a routing key."""

    __slots__ = ("_reports", "_route", "_subscription", "_vhost", "_writer")

    def __init__(self, subscription: Subscription, vhost: VHost, writer: EnvelopeWriter, reports: Reports) -> None:
        if subscription.protocol.name == "mqtt":
            exchange, key = _TOPIC_EXCHANGE, subscription.endpoint.replace("/", ".")
        else:
            exchange, _, key = subscription.endpoint.partition("/")
        self._subscription = subscription
        self._vhost = vhost
        self._writer = writer
        self._reports = reports
        self._route = Route(exchange, key)

    def deliver(self, notification: Notification, now: int) -> None:
        """Overrides Target's."""
        subscription, route = self._subscription, self._route
        shown = notification.shown(subscription.variant)
        body = shown.content()
        if not subscription.is_raw:
            text = body.decode(errors="replace")
            members = self._writer.notification(
                notification.properties, text, subscription.base_url, str(subscription.arn)
            )
            body = json_text(members).encode()
        message = new_message(route.exchange_name, route.routing_key, notification.passed_on(), body, now)
        try:
            self._vhost.publish(route, message, now)
        except NotFound as error:
            self._reports.failed(subscription, notification, 404, str(error), now)
            return
        self._reports.delivered(subscription, notification, 200, now, now)
