"""What other services have to say to a topic: published like what a client says, but never with an error."""

import logging

from mqbroker.aws.auth.credentials import arn_of
from mqbroker.aws.sns.publishing import check_outgoing, make_notification
from mqbroker.aws.sns.topic import Topic
from mqbroker.errors import AwsError, NotFound

log = logging.getLogger(__name__)


def announce(topic: Topic, account: str, subject: str, text: str, message_id: bytes, now: int) -> bool:
    """Publishes for an account. False where the topic takes no such message.

    Only topics of the account itself: who may publish to another's was known when the caller asked, and may have been
    taken back since then.
    """
    if topic.arn.account != account:
        return False
    if topic.protection is not None:
        shown, found = topic.protection.inbound(text, arn_of(account, ""))
        if found:
            log.info("%s: %s found in a message of another service", topic.arn, ", ".join(found))
        if shown is None:
            return False
        text = shown
    try:
        outgoing = check_outgoing(topic, {"Message": text, "Subject": subject})
        topic.publish(make_notification(topic, outgoing, message_id, "", now, ""), now)
    except (AwsError, NotFound) as error:
        log.warning("%s: a message of another service could not be published: %s", topic.arn, error)
        return False
    return True
