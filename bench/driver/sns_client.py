"""A small blocking SNS client: makes topics and subscriptions, and deletes topics, one call at a time.

Owns the slow part, of which nothing is measured.
"""

from collections.abc import Mapping

from bench.driver import sns_calls
from bench.driver.aws_client import AwsClient
from bench.driver.jobs import Endpoint


class SnsClient(AwsClient):
    """One connection. Raises ProtocolError with the server's own words."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._encoder = sns_calls.encoder(endpoint)

    def call(self, action: str, parameters: Mapping[str, str]) -> dict[str, str]:
        """One call of an action; its answer."""
        return sns_calls.decoded(*self.exchange(self._encoder.encode(sns_calls.form(action, parameters))))

    def create_topic(self, name: str) -> str:
        """Make a topic; its ARN."""
        return self.call("CreateTopic", {"Name": name})["TopicArn"]

    def confirm(self, topic: str, token: str) -> None:
        """Confirm the subscription whose endpoint was sent the token."""
        self.call("ConfirmSubscription", {"TopicArn": topic, "Token": token})

    def publish(self, topic: str, text: str) -> None:
        """Publish a message."""
        self.call("Publish", {"TopicArn": topic, "Message": text})

    def delete_topic(self, topic: str) -> None:
        """Delete a topic with its subscriptions."""
        self.call("DeleteTopic", {"TopicArn": topic})

    def subscribe(self, topic: str, endpoint: str, attributes: Mapping[str, str], protocol: str = "sqs") -> None:
        """Subscribe a queue, told by its ARN, or an endpoint of another protocol."""
        parameters = {"TopicArn": topic, "Protocol": protocol, "Endpoint": endpoint}
        for number, (name, value) in enumerate(attributes.items(), 1):
            parameters |= {f"Attributes.entry.{number}.key": name, f"Attributes.entry.{number}.value": value}
        self.call("Subscribe", parameters)
