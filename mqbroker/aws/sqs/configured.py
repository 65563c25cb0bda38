"""The queues of the configuration, made at the start where they are missing."""

import logging

from mqbroker.aws.config import AwsConfig, QueueDefinition
from mqbroker.aws.sqs.queue_attributes import check_attributes, effective, first_difference, merged
from mqbroker.aws.sqs.queues import SqsQueues
from mqbroker.aws.sqs.redrive import QueueArn, RedrivePolicy
from mqbroker.errors import AwsError, ConfigError

log = logging.getLogger("mqbroker.aws.gateway")


def create_configured(queues: SqsQueues, config: AwsConfig, now: int) -> None:
    """Makes those that are missing. Raises ConfigError for one that cannot be made."""
    for queue in _dead_letter_queues_first(config):
        try:
            _create(queues, queue, config, now)
        except AwsError as error:
            place = f"{queue.place}: " if queue.place else ""
            raise ConfigError(f"{place}the queue {queue.name!r} of aws cannot be made: {error.message}") from None


def _create(queues: SqsQueues, queue: QueueDefinition, config: AwsConfig, now: int) -> None:
    arn = _arn(queue, config)
    found = queues.get(arn)
    if found is None:
        queues.create(arn, dict(queue.attributes), dict(queue.tags), now)
        return
    wanted = merged({}, check_attributes(dict(queue.attributes), found.is_fifo))
    different = first_difference(wanted, effective(found.attributes, found.is_fifo))
    if different is not None:
        text = "the queue %r of aws differs from the configuration in %s, and is left as it is"
        log.warning(text, queue.name, different)


def _arn(queue: QueueDefinition, config: AwsConfig) -> QueueArn:
    return QueueArn(queue.region or config.region, queue.account or config.account, queue.name)


def _dead_letter_queues_first(config: AwsConfig) -> list[QueueDefinition]:
    """The queues of the configuration in an order in which each one's dead-letter queue is there before it."""
    waiting = {str(_arn(queue, config)): queue for queue in config.queues}
    ordered = []
    while waiting:
        ready = {arn: queue for arn, queue in waiting.items() if _dead_letter_arn(queue) not in waiting.keys() - {arn}}
        for arn in ready or list(waiting):  # those that are left in a circle are refused when they are made
            ordered.append(waiting.pop(arn))
    return ordered


def _dead_letter_arn(queue: QueueDefinition) -> str:
    text = dict(queue.attributes).get("RedrivePolicy")
    if not text:
        return ""
    try:
        return str(RedrivePolicy.parse(text).target)
    except AwsError:
        return ""  # CreateQueue will say what is wrong with it
