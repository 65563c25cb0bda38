"""A small blocking SQS client: makes queues, looks at them and deletes them, one call at a time.

Owns the slow part, of which nothing is measured.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from bench.driver.aws_client import AwsClient
from bench.driver.sqs_calls import decoded, sqs_encoder

_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class SqsClient(AwsClient):
    """One connection. Raises ProtocolError with the server's own words."""

    def call(self, action: str, parameters: Mapping[str, object]) -> dict[str, Any]:
        """One call of an action; its answer."""
        return decoded(*self.exchange(sqs_encoder(self.endpoint, action).encode(orjson.dumps(parameters))))

    def create_queue(self, name: str, attributes: Mapping[str, str]) -> str:
        """Make a queue; its URL."""
        return str(self.call("CreateQueue", {"QueueName": name, "Attributes": attributes})["QueueUrl"])

    def delete_queue(self, url: str) -> None:
        """Delete a queue with everything in it."""
        self.call("DeleteQueue", {"QueueUrl": url})

    def message_count(self, url: str) -> int:
        """How many messages a queue has: visible, in flight and delayed."""
        found = self.call("GetQueueAttributes", {"QueueUrl": url, "AttributeNames": list(_COUNTS)})
        return sum(int(found["Attributes"][name]) for name in _COUNTS)
