"""Says in the log that a queue for which somebody asked for encryption at rest is kept in clear text, once for each.

SqsManagedSseEnabled is an attribute that is only kept: whether anything is encrypted is decided for the whole journal.
"""

import logging
from collections.abc import Mapping

from mqbroker.aws.limits import SQS_CLEAR_TEXT_WARNINGS_MAX
from mqbroker.aws.sqs.redrive import QueueArn

log = logging.getLogger(__name__)


class ClearText:
    """What has been said. `is_encrypted`: the journal is encrypted, or there is none, so there is nothing to say."""

    def __init__(self, is_encrypted: bool) -> None:
        self._is_encrypted = is_encrypted
        self._warned: set[QueueArn] = set()

    def check(self, arn: QueueArn, given: Mapping[str, str]) -> None:
        """Warns if the attributes that were given, and taken, ask for what is not there."""
        if self._is_encrypted or given.get("SqsManagedSseEnabled", "").lower() != "true" or arn in self._warned:
            return
        if len(self._warned) < SQS_CLEAR_TEXT_WARNINGS_MAX:
            self._warned.add(arn)
            log.warning(
                "SqsManagedSseEnabled is asked for %s, but its messages are in the journal in clear text; "
                "journal.encryption_keys would encrypt them",
                arn,
            )
