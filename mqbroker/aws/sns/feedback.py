"""Who asks for delivery status records of text messages and push messages: accounts and platform applications.

Topics ask for those of the other protocols (reports.py).
"""

from collections.abc import Callable
from typing import NamedTuple

from mqbroker.aws.sns.platforms import Platforms
from mqbroker.aws.sns.sms import SmsAccounts


class Feedback(NamedTuple):
    """Which records are asked for."""

    on_success: bool
    on_failure: bool
    sample_rate: str
    """Of how many successes in a hundred."""

    def wants(self, is_success: bool, message_id: str) -> bool:
        """Whether the outcome of a message is recorded."""
        if is_success:
            return self.on_success and is_sampled(message_id, self.sample_rate)
        return self.on_failure


FeedbackOf = Callable[[str, str], Feedback]
"""What an account asks for of what goes to a telephone number, or to the endpoint with that ARN."""


def is_sampled(message_id: str, rate: str) -> bool:
    """Whether a message is one of those per cent: the same ones for every subscription."""
    return rate.isascii() and rate.isdigit() and int(message_id[:8], 16) % 100 < int(rate[:4])


def feedback_of(sms: SmsAccounts, platforms: Platforms) -> FeedbackOf:
    """What the attributes of accounts and applications say."""

    def find(account: str, address: str) -> Feedback:
        if not address.startswith("arn:"):
            given = sms.of(account).attributes
            role = bool(given.get("DeliveryStatusIAMRole"))
            return Feedback(role, role, given.get("DeliveryStatusSuccessSamplingRate", "0"))
        found = platforms.of(account, address)
        given = {} if found is None else found[0].attributes
        on_success, on_failure = (bool(given.get(f"{outcome}FeedbackRoleArn")) for outcome in ("Success", "Failure"))
        return Feedback(on_success, on_failure, given.get("SuccessFeedbackSampleRate", "0"))

    return find
